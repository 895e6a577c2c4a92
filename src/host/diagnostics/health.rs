//! Decides what to report about something that is retried: when it starts to fail, when the reason changes, from time
//! to time while it keeps failing, and when it succeeds for the first time or again.

use std::{
    fmt,
    time::{Duration, Instant},
};

use super::counted;

/// How long to wait before an unchanged failure is reported again.
const REMINDER: Duration = Duration::from_hours(1);

/// Whether something succeeds, and how often it has failed.
#[derive(Debug, Default)]
pub struct Health {
    failing: Option<Failing>,
    failures: u64,
    has_succeeded: bool,
}

#[derive(Debug)]
struct Failing {
    reason: String,
    since: Instant,
    reported: Instant,
    attempts: u64,
}

/// A report about a failure. As text, what to insert into the message: nothing, or ` for 60 minutes now, in 61 attempts`.
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

/// A report about a success. As text, what to insert into the message: nothing, or ` after 3 failures`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Succeeded {
    /// It is the first one, without a failure before it.
    First,
    /// It comes after failures.
    After {
        /// The number of failures since the last success.
        failures: u64,
    },
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::New => Ok(()),
            Self::Still { secs, attempts } => {
                let minutes = counted(secs / 60, "minute", "minutes");
                write!(f, " for {minutes} now, in {attempts} attempts")
            }
        }
    }
}

impl fmt::Display for Succeeded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::First => Ok(()),
            Self::After { failures } => {
                write!(f, " after {}", counted(*failures, "failure", "failures"))
            }
        }
    }
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

    /// Notes that an attempt succeeded. Returns what to report, if anything.
    pub fn succeeded(&mut self) -> Option<Succeeded> {
        let had_succeeded = std::mem::replace(&mut self.has_succeeded, true);
        match self.failing.take() {
            Some(Failing { attempts, .. }) => Some(Succeeded::After { failures: attempts }),
            None => (!had_succeeded).then_some(Succeeded::First),
        }
    }

    /// Whether any attempt has succeeded.
    #[must_use]
    pub const fn has_succeeded(&self) -> bool {
        self.has_succeeded
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
        assert!(!health.has_succeeded());
        assert_eq!(health.succeeded(), Some(Succeeded::First));
        assert!(health.has_succeeded());
        assert_eq!(health.succeeded(), None);
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
        assert_eq!(health.succeeded(), Some(Succeeded::After { failures: 64 }));
        assert_eq!(health.succeeded(), None);
        assert_eq!(health.failed("refused", minutes(64)), Some(Failed::New));
        assert_eq!(health.failures(), 65);
    }

    #[test]
    fn reports_are_inserted_into_messages() {
        let still = |secs, attempts| Failed::Still { secs, attempts }.to_string();
        assert_eq!(Failed::New.to_string(), "");
        assert_eq!(still(3_659, 61), " for 60 minutes now, in 61 attempts");
        assert_eq!(Succeeded::First.to_string(), "");
        let after = |failures| Succeeded::After { failures }.to_string();
        assert_eq!(after(1), " after 1 failure");
        assert_eq!(after(3), " after 3 failures");
    }
}
