//! The memory of nodes, by the engines that are queried.

use qlik_sense_events::{
    config::Config,
    host::{diagnostics::Level, engine_health, metrics::EngineCounts, runtime::start::StartError},
};

use super::screen::Node;

/// The engines of a configuration.
#[derive(Debug)]
pub struct Engines {
    asked: engine_health::Engines,
    warning: Option<String>,
}

impl Engines {
    /// Starts the requests; `None` if the configuration names no engines.
    ///
    /// # Errors
    ///
    /// When a certificate or the key cannot be used, or the system cannot start a thread.
    pub fn start(config: &Config) -> Result<Option<Self>, StartError> {
        let Some(mut asked) = engine_health::Engines::new(config)? else {
            return Ok(None);
        };
        asked.start().map_err(StartError::Thread)?;
        Ok(Some(Self {
            asked,
            warning: None,
        }))
    }

    /// What each node last reported.
    pub fn nodes(&mut self) -> Vec<Node> {
        let mut messages = Vec::new();
        self.asked.poll(&mut messages);
        for (level, message) in messages {
            self.warning = (level != Level::Info).then_some(message);
        }
        self.asked.counts().into_iter().map(node).collect()
    }

    /// What is wrong with one of them, if anything.
    pub fn warning(&self) -> Option<String> {
        self.warning.clone()
    }
}

fn node(engine: EngineCounts) -> Node {
    let health = engine.health;
    Node {
        name: engine.node,
        committed: health.and_then(|health| health.ram_committed_bytes),
        used_percent: health.and_then(|health| health.ram_used_percent()),
        total: health.and_then(|health| health.ram_total_bytes),
    }
}
