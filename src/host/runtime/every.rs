//! Things that are done from time to time.

use std::time::{Duration, Instant};

/// Something that is done at intervals. A time that was missed is not made up for.
#[derive(Debug)]
pub struct Every {
    interval: Duration,
    next: Instant,
}

impl Every {
    /// Due for the first time after one interval.
    #[must_use]
    pub fn new(interval: Duration) -> Self {
        Self {
            interval,
            next: Instant::now() + interval,
        }
    }

    /// Whether it is time; then it is so again after the interval.
    pub fn is_due(&mut self) -> bool {
        let now = Instant::now();
        let is_due = now >= self.next;
        if is_due {
            self.next = now + self.interval;
        }
        is_due
    }
}
