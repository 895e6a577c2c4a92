//! Reports each series of drops when it starts and when it ends, however long it lasts.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use super::queue::Full;
use crate::host::diagnostics::{Level, counted};

/// How long nothing must have been dropped until a series ends, unless [`Drops::with_quiet`] says otherwise.
const QUIET: Duration = Duration::from_secs(10);

/// The same for what depends on when single users and nodes send, so that what continues is not reported again and again.
pub(super) const LONG_QUIET: Duration = Duration::from_mins(10);

/// Whether drops of one kind in one place are continuing.
#[derive(Debug)]
pub(super) struct Drops {
    /// A series ends when nothing has been dropped for this long.
    quiet: Duration,
    /// The number of drops at the last update.
    known: u64,
    stretch: Option<Stretch>,
}

#[derive(Debug)]
struct Stretch {
    began: Instant,
    last: Instant,
    /// The number of drops before the series.
    before: u64,
}

/// A report about drops.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum DropReport {
    /// After a time without drops, this many were dropped.
    Begins(u64),
    /// This many were dropped in a series that lasted `secs` seconds.
    Over { count: u64, secs: u64 },
}

impl DropReport {
    /// The message about the queue. `full` is the limit that was reached last.
    pub(super) fn of_queue(&self, full: Full) -> (Level, String) {
        match self {
            Self::Begins(count) => (
                Level::Warn,
                format!(
                    "the queue is full and drops events, {count} so far, because Vector or Fluent Bit reads them more \
                     slowly than they arrive: {full}; look for a sink that is slow or does not answer, or raise the \
                     limit to bridge longer pauses"
                ),
            ),
            Self::Over { count, secs } => (
                Level::Info,
                format!("the queue no longer drops events; it dropped {count} in {secs} s"),
            ),
        }
    }

    /// The message about the datagrams that the operating system dropped at an address.
    pub(super) fn of_system(&self, address: SocketAddr) -> (Level, String) {
        match self {
            Self::Begins(count) => (
                Level::Warn,
                format!(
                    "the system drops datagrams at {address}, {count} so far, because the receive buffer is full; \
                     raise source.receive_buffer_bytes, and net.core.rmem_max with it"
                ),
            ),
            Self::Over { count, secs } => (
                Level::Info,
                format!(
                    "the system no longer drops datagrams at {address}; it dropped {count} in {secs} s"
                ),
            ),
        }
    }

    /// The message about users that were evicted because there were more than `max_users`.
    pub(super) fn of_users(&self, max_users: usize) -> (Level, String) {
        match self {
            Self::Begins(count) => (
                Level::Warn,
                format!(
                    "the table of transform.sessions is full, and {} no longer followed so far; raise \
                     transform.sessions.max_users, which is {max_users}, or, if the users are invented, restrict \
                     source.allowed_senders",
                    counted(*count, "user is", "users are"),
                ),
            ),
            Self::Over { count, secs } => (
                Level::Info,
                format!(
                    "the table of transform.sessions has room again; {} not followed to the end in {secs} s",
                    counted(*count, "user was", "users were")
                ),
            ),
        }
    }
}

impl Default for Drops {
    fn default() -> Self {
        Self::with_quiet(QUIET)
    }
}

impl Drops {
    /// A series ends when nothing has been dropped for as long as `quiet`.
    pub(super) const fn with_quiet(quiet: Duration) -> Self {
        Self {
            quiet,
            known: 0,
            stretch: None,
        }
    }

    /// The number of drops in the current series.
    pub(super) fn in_series(&self) -> u64 {
        let before = self.stretch.as_ref().map_or(self.known, |it| it.before);
        self.known.saturating_sub(before)
    }

    /// The number of drops at the last update.
    pub(super) const fn known(&self) -> u64 {
        self.known
    }

    /// Updates the number of drops as of `now`.
    pub(super) fn update(&mut self, count: u64, now: Instant) -> Option<DropReport> {
        let before = std::mem::replace(&mut self.known, count);
        let has_more = count > before;
        match &mut self.stretch {
            None if has_more => {
                self.stretch = Some(Stretch {
                    began: now,
                    last: now,
                    before,
                });
                Some(DropReport::Begins(count - before))
            }
            Some(stretch) if has_more => {
                stretch.last = now;
                None
            }
            Some(stretch) if now.saturating_duration_since(stretch.last) >= self.quiet => {
                let report = DropReport::Over {
                    count: count.saturating_sub(stretch.before),
                    secs: stretch.last.duration_since(stretch.began).as_secs(),
                };
                self.stretch = None;
                Some(report)
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_series_of_drops_is_reported_when_it_starts_and_when_it_ends() {
        let (mut drops, start) = (Drops::default(), Instant::now());
        let mut update = |secs, count| drops.update(count, start + Duration::from_secs(secs));
        assert_eq!(update(0, 0), None);
        assert_eq!(update(1, 5), Some(DropReport::Begins(5)));
        assert_eq!(update(2, 7), None);
        assert_eq!(update(11, 7), None, "it may go on");
        assert_eq!(update(11, 8), None);
        assert_eq!(update(20, 8), None);
        assert_eq!(update(21, 8), Some(DropReport::Over { count: 8, secs: 10 }));
        assert_eq!(update(60, 8), None);
        assert_eq!(update(61, 9), Some(DropReport::Begins(1)));
    }
}
