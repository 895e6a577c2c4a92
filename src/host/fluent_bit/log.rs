//! Diagnostics on their way to the host's log, which only the instance's own thread may write.

use std::{
    collections::VecDeque,
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::api::Host;
use crate::host::diagnostics::{Diagnostic, Level, Report};

/// Lines that wait at most: while the host does not call, an error may repeat itself.
const MAX_LINES: usize = 200;

/// Lines that wait, shared by the threads of an instance.
#[derive(Debug, Clone, Default)]
pub(super) struct Log(Arc<Mutex<Lines>>);

#[derive(Debug, Default)]
struct Lines {
    waiting: VecDeque<(Level, String)>,
    dropped: u64,
}

impl Log {
    /// Writes what waits to the host's log.
    pub(super) fn write_to(&self, host: &Host) {
        let Lines { waiting, dropped } = mem::take(&mut *self.lines());
        if dropped > 0 {
            let message = format!("{dropped} earlier messages were left out");
            host.log(Level::Warn, &message);
        }
        for (level, line) in waiting {
            host.log(level, &line);
        }
    }

    fn lines(&self) -> MutexGuard<'_, Lines> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Report for Log {
    fn write(&mut self, diagnostic: &Diagnostic<'_>) {
        let mut line = String::new();
        if diagnostic.line(&mut line).is_err() {
            return;
        }
        let mut lines = self.lines();
        if lines.waiting.len() == MAX_LINES {
            lines.waiting.pop_front();
            lines.dropped += 1;
        }
        lines.waiting.push_back((diagnostic.level(), line));
    }
}
