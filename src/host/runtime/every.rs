//! Things that are done at intervals.

use std::time::{Duration, Instant};

/// Something that is done at intervals. A missed time is not made up for.
#[derive(Debug)]
pub struct Every {
    interval: Duration,
    next: Instant,
}

impl Every {
    /// First due after one interval.
    #[must_use]
    pub fn new(interval: Duration) -> Self {
        Self {
            interval,
            next: Instant::now() + interval,
        }
    }

    /// Whether it is due; the next time is then one interval later.
    pub fn is_due(&mut self) -> bool {
        let now = Instant::now();
        let is_due = now >= self.next;
        if is_due {
            self.next = now + self.interval;
        }
        is_due
    }
}
