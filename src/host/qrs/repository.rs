//! The last good list of app names from the repository, and the messages about requests for a new one.

use std::{
    io,
    time::{Duration, Instant},
};

use super::{Client, QrsError};
use crate::{
    config::QrsConfig,
    host::{
        diagnostics::{Level, counted, health::Health},
        https::{Ask, HttpsError, MayAsk, Poll},
    },
    transform::AppTable,
};

/// Requests the names of apps.
#[derive(Debug)]
struct AskForApps(QrsConfig);

impl Ask for AskForApps {
    type Answer = AppTable;
    type Error = QrsError;

    fn ask(&self, may_ask: MayAsk<'_>) -> Option<Result<AppTable, QrsError>> {
        match Client::new(&self.0) {
            Ok(client) => may_ask(client.https()).then(|| client.apps()),
            Err(error) => Some(Err(error.into())),
        }
    }
}

/// A repository, and the names that were read from it.
#[derive(Debug)]
pub struct Repository {
    config: QrsConfig,
    poll: Option<Poll<AskForApps>>,
    names: AppTable,
    health: Health,
}

impl Repository {
    /// Checks the certificates and the key, but makes no request yet. `None` if no service is configured.
    ///
    /// # Errors
    ///
    /// [`HttpsError`] when a file cannot be used.
    pub fn new(config: &QrsConfig) -> Result<Option<Self>, HttpsError> {
        if !config.is_enabled() {
            return Ok(None);
        }
        Client::new(config)?;
        Ok(Some(Self {
            config: config.clone(),
            poll: None,
            names: AppTable::default(),
            health: Health::default(),
        }))
    }

    /// Starts the requests.
    ///
    /// # Errors
    ///
    /// When the system cannot start a thread.
    pub fn start(&mut self) -> io::Result<()> {
        let interval = Duration::from_secs(self.config.interval_secs);
        let ask = AskForApps(self.config.clone());
        self.poll = Some(Poll::start("app names", ask, interval)?);
        Ok(())
    }

    /// Makes the next request now.
    pub fn ask_now(&self) {
        self.poll.iter().for_each(Poll::ask_now);
    }

    /// Takes a new list, if one has arrived, and adds messages to `messages`. Returns whether there are new names.
    pub fn poll(&mut self, messages: &mut Vec<(Level, String)>) -> bool {
        let mut is_new = false;
        while let Some(outcome) = self.poll.as_mut().and_then(Poll::news) {
            match outcome {
                Ok(names) => {
                    messages.extend(self.succeeded(&names));
                    is_new |= names != self.names;
                    self.names = names;
                }
                Err(error) => messages.extend(self.failed(&error.to_string())),
            }
        }
        is_new
    }

    fn succeeded(&mut self, names: &AppTable) -> Option<(Level, String)> {
        let succeeded = self.health.succeeded()?;
        let apps = counted(names.len() as u64, "app", "apps");
        let address = self.config.address();
        let message = format!("read app names from {address}{succeeded}: {apps}");
        Some((Level::Info, message))
    }

    fn failed(&mut self, reason: &str) -> Option<(Level, String)> {
        let failed = self.health.failed(reason, Instant::now())?;
        let message = if self.health.has_succeeded() {
            format!("cannot refresh app names{failed}; the previous ones stay in use: {reason}")
        } else {
            format!("cannot read app names{failed}: {reason}")
        };
        Some((Level::Warn, message))
    }

    /// The last good list.
    #[must_use]
    pub const fn names(&self) -> &AppTable {
        &self.names
    }

    /// The number of failed requests.
    #[must_use]
    pub const fn failures(&self) -> u64 {
        self.health.failures()
    }
}
