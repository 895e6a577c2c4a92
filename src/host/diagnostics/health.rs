//! Decides what to report about something that is retried: when it starts to fail, when the reason changes, from time
//! to time while it keeps failing, and when it succeeds again.

use std::time::{Duration, Instant};

/// How long to wait before an unchanged failure is reported again.
const REMINDER: Duration = Duration::from_hours(1);

/// Whether something succeeds, and how often it has failed.
#[derive(Debug, Default)]
pub struct Health {
    failing: Option<Failing>,
    failures: u64,
}

#[derive(Debug)]
struct Failing {
    reason: String,
    since: Instant,
    reported: Instant,
    attempts: u64,
}

/// A report about a failure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failed {
    /// It is new, or has a new reason.
    New,
    /// It is unchanged and has lasted for a long time.
    Still {
        /// How long it has lasted, in seconds.
        secs: u64,
        /// The number of attempts.
        attempts: u64,
    },
}

impl Health {
    /// Notes that an attempt failed at `now`. Returns what to report, if anything.
    pub fn failed(&mut self, reason: &str, now: Instant) -> Option<Failed> {
        self.failures += 1;
        let Some(failing) = &mut self.failing else {
            self.failing = Some(Failing {
                reason: reason.to_owned(),
                since: now,
                reported: now,
                attempts: 1,
            });
            return Some(Failed::New);
        };
        failing.attempts += 1;
        if failing.reason != reason {
            reason.clone_into(&mut failing.reason);
            failing.reported = now;
            return Some(Failed::New);
        }
        if now.saturating_duration_since(failing.reported) < REMINDER {
            return None;
        }
        failing.reported = now;
        Some(Failed::Still {
            secs: now.saturating_duration_since(failing.since).as_secs(),
            attempts: failing.attempts,
        })
    }

    /// Notes that an attempt succeeded. Returns how many had failed since the last success.
    pub fn succeeded(&mut self) -> u64 {
        self.failing.take().map_or(0, |failing| failing.attempts)
    }

    /// How many attempts have failed in total.
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
