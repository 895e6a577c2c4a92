//! The sessions that proxies list, which `top` queries as `run` does.

use qlik_sense_events::{
    config::Config,
    event::EventName,
    host::{diagnostics::Level, qps, runtime::start::StartError},
    pipeline::PipelineError,
    transform::{Blacklist, sessions::SessionList},
};

/// The proxies of a configuration.
#[derive(Debug)]
pub struct Proxies {
    asked: qps::Proxies,
    blacklist: Blacklist,
    warning: Option<String>,
}

impl Proxies {
    /// Starts the requests. `None` if there is no proxy to query, or if events have pseudonyms: proxies know users by
    /// their names.
    ///
    /// # Errors
    ///
    /// When a certificate or the key cannot be used, the blacklist cannot be read, or the system cannot start a thread.
    pub fn start(config: &Config) -> Result<Option<Self>, StartError> {
        if config.transform.pseudonymize.is_enabled() {
            return Ok(None);
        }
        let blacklist = config.transform.blacklist.build();
        let blacklist = blacklist.map_err(PipelineError::from)?;
        let Some(mut asked) = qps::Proxies::new(config)? else {
            return Ok(None);
        };
        asked.start().map_err(StartError::Thread)?;
        Ok(Some(Self {
            asked,
            blacklist,
            warning: None,
        }))
    }

    /// The lists that have arrived since the last call, without users on the blacklist.
    pub fn lists(&mut self) -> Vec<SessionList> {
        let mut messages = Vec::new();
        let mut lists = self.asked.poll(&mut messages);
        for (level, message) in messages {
            self.warning = (level != Level::Info).then_some(message);
        }
        if self.blacklist.names(EventName::Session) {
            for list in &mut lists {
                list.users.retain(|user| {
                    let directory = user.user_directory.as_deref();
                    !self.blacklist.contains(directory, Some(&user.user_id))
                });
            }
        }
        lists
    }

    /// What is wrong with one of them, if anything.
    pub fn warning(&self) -> Option<String> {
        self.warning.clone()
    }
}
