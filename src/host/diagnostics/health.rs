//! Decides what to report about something that is retried: when it starts to fail, when the reason changes, from time
//! to time while it lasts, and when it is over.

use std::time::{Duration, Instant};

/// How long an unchanged failure is not repeated.
const REMINDER: Duration = Duration::from_hours(1);

/// Whether something succeeds.
#[derive(Debug, Default)]
pub struct Health {
    failing: Option<Failing>,
    failures: u64,
}

#[derive(Debug)]
struct Failing {
    reason: String,
    since: Instant,
    said: Instant,
    attempts: u64,
}

/// A report about a failure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failed {
    /// It is new, or has another reason than before.
    New,
    /// It has lasted unchanged for long.
    Still {
        /// How long it has failed.
        secs: u64,
        /// How often it was tried.
        attempts: u64,
    },
}

impl Health {
    /// A try failed at `now`. Returns what to report, if anything.
    pub fn failed(&mut self, reason: &str, now: Instant) -> Option<Failed> {
        self.failures += 1;
        let Some(failing) = &mut self.failing else {
            self.failing = Some(Failing {
                reason: reason.to_owned(),
                since: now,
                said: now,
                attempts: 1,
            });
            return Some(Failed::New);
        };
        failing.attempts += 1;
        if failing.reason != reason {
            reason.clone_into(&mut failing.reason);
            failing.said = now;
            return Some(Failed::New);
        }
        if now.saturating_duration_since(failing.said) < REMINDER {
            return None;
        }
        failing.said = now;
        Some(Failed::Still {
            secs: now.saturating_duration_since(failing.since).as_secs(),
            attempts: failing.attempts,
        })
    }

    /// A try succeeded. Returns how many had failed before it.
    pub fn succeeded(&mut self) -> u64 {
        self.failing.take().map_or(0, |failing| failing.attempts)
    }

    /// How many tries have failed in all.
    #[must_use]
    pub const fn failures(&self) -> u64 {
        self.failures
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_message_is_not_repeated() {
        let (mut health, start) = (Health::default(), Instant::now());
        let minutes = |minutes| start + Duration::from_mins(minutes);
        assert_eq!(health.succeeded(), 0);
        assert_eq!(health.failed("refused", minutes(0)), Some(Failed::New));
        for minute in 1..60 {
            assert_eq!(health.failed("refused", minutes(minute)), None);
        }
        let still = Failed::Still {
            secs: 3_600,
            attempts: 61,
        };
        assert_eq!(health.failed("refused", minutes(60)), Some(still));
        assert_eq!(health.failed("refused", minutes(61)), None);
        assert_eq!(health.failed("no answer", minutes(62)), Some(Failed::New));
        assert_eq!(health.failed("refused", minutes(63)), Some(Failed::New));
        assert_eq!(health.succeeded(), 64);
        assert_eq!(health.succeeded(), 0);
        assert_eq!(health.failed("refused", minutes(64)), Some(Failed::New));
        assert_eq!(health.failures(), 65);
    }
}
