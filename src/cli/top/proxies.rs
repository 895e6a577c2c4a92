//! Proxies that say who is in, beside the events: as `run` asks them.

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
    /// Starts the requests. None where nobody is to be asked: a proxy knows users by their names, so where events
    /// have pseudonyms it cannot be.
    ///
    /// # Errors
    ///
    /// When a certificate or the key cannot be used, the blacklist cannot be read, or the system gives no thread.
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

    /// What has been listed since this was last asked, without those on the blacklist.
    pub fn lists(&mut self) -> Vec<SessionList> {
        let mut said = Vec::new();
        let mut lists = self.asked.poll(&mut said);
        for (level, message) in said {
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

    /// What is wrong with one of them, if anything is.
    pub fn warning(&self) -> Option<String> {
        self.warning.clone()
    }
}
