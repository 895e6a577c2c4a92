//! All engines that are queried: their last answers, and the messages about them.

use std::{
    io,
    time::{Duration, Instant},
};

use super::{Client, EngineHealthError};
use crate::{
    config::{Config, EngineConfig, EngineHealthConfig, QrsConfig},
    host::{
        diagnostics::{Level, health::Health},
        https::{Ask, HttpsError, MayAsk, Poll},
        metrics::{EngineCounts, EngineHealth},
    },
};

/// Requests the health of an engine.
#[derive(Debug)]
struct AskForHealth {
    config: EngineHealthConfig,
    qrs: QrsConfig,
    engine: EngineConfig,
}

impl Ask for AskForHealth {
    type Answer = EngineHealth;
    type Error = EngineHealthError;

    fn ask(&self, may_ask: MayAsk<'_>) -> Option<Result<EngineHealth, EngineHealthError>> {
        match Client::new(&self.config, &self.qrs, &self.engine) {
            Ok(client) => may_ask(client.https()).then(|| client.health()),
            Err(error) => Some(Err(error.into())),
        }
    }
}

/// The engines that are queried for their health.
#[derive(Debug)]
pub struct Engines {
    config: EngineHealthConfig,
    qrs: QrsConfig,
    asked: Vec<Asked>,
}

/// An engine, and its last answer.
#[derive(Debug)]
struct Asked {
    node: String,
    poll: Poll<AskForHealth>,
    health: Health,
    last: Option<EngineHealth>,
}

impl Engines {
    /// Checks the certificates and the key, but makes no request yet. `None` if the configuration names no engines.
    ///
    /// # Errors
    ///
    /// [`HttpsError`] when a file cannot be used.
    pub fn new(config: &Config) -> Result<Option<Self>, HttpsError> {
        let (engine_health, qrs) = (&config.engine_health, &config.transform.app_names.qrs);
        let Some(first) = engine_health.nodes.first() else {
            return Ok(None);
        };
        Client::new(engine_health, qrs, first)?;
        Ok(Some(Self {
            config: engine_health.clone(),
            qrs: qrs.clone(),
            asked: Vec::new(),
        }))
    }

    /// Starts the requests.
    ///
    /// # Errors
    ///
    /// When the system cannot start a thread.
    pub fn start(&mut self) -> io::Result<()> {
        let interval = Duration::from_secs(self.config.interval_secs);
        for engine in &self.config.nodes {
            let node = engine.node().to_owned();
            let ask = AskForHealth {
                config: self.config.clone(),
                qrs: self.qrs.clone(),
                engine: engine.clone(),
            };
            self.asked.push(Asked {
                node,
                poll: Poll::start("health", ask, interval)?,
                health: Health::default(),
                last: None,
            });
        }
        Ok(())
    }

    /// Makes the next request to each engine now.
    pub fn ask_now(&self) {
        self.asked.iter().for_each(|it| it.poll.ask_now());
    }

    /// Takes the answers that have arrived, and adds messages worth reporting to `messages`.
    pub fn poll(&mut self, messages: &mut Vec<(Level, String)>) {
        for asked in &mut self.asked {
            while let Some(outcome) = asked.poll.news() {
                messages.extend(match outcome {
                    Ok(health) => asked.succeeded(health),
                    Err(error) => asked.failed(&error.to_string()),
                });
            }
        }
    }

    /// The state of each engine.
    #[must_use]
    pub fn counts(&self) -> Vec<EngineCounts> {
        self.asked.iter().map(Asked::counts).collect()
    }
}

impl Asked {
    fn succeeded(&mut self, health: EngineHealth) -> Option<(Level, String)> {
        self.last = Some(health);
        let succeeded = self.health.succeeded()?;
        let message = format!("read the health of the engine of {}{succeeded}", self.node);
        Some((Level::Info, message))
    }

    fn failed(&mut self, reason: &str) -> Option<(Level, String)> {
        self.last = None;
        let failed = self.health.failed(reason, Instant::now())?;
        let message = format!(
            "cannot read the health of the engine of {}{failed}: {reason}",
            self.node
        );
        Some((Level::Warn, message))
    }

    fn counts(&self) -> EngineCounts {
        EngineCounts {
            node: self.node.clone(),
            health: self.last,
            failures: self.health.failures(),
        }
    }
}
