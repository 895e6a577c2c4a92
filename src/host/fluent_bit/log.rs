//! Diagnostics that wait for the host's log, to which only the instance's own thread may write.

use std::sync::{Arc, Mutex};

use super::api::Host;
use crate::host::{
    diagnostics::{Diagnostic, Level, Report, backlog::Backlog},
    runtime::threads::lock,
};

/// Waiting lines, shared by the threads of an instance.
#[derive(Debug, Clone, Default)]
pub(super) struct Log(Arc<Mutex<Backlog<(Level, String)>>>);

impl Log {
    /// Writes the waiting lines to the host's log.
    pub(super) fn write_to(&self, host: &Host) {
        let (left_out, waiting) = lock(&self.0).take();
        if let Some(message) = left_out {
            host.log(Level::Warn, &message);
        }
        for (level, line) in waiting {
            host.log(level, &line);
        }
    }
}

impl Report for Log {
    fn write(&mut self, diagnostic: &Diagnostic<'_>) {
        let mut line = String::new();
        if diagnostic.line(&mut line).is_err() {
            return;
        }
        lock(&self.0).push((diagnostic.level(), line));
    }
}
