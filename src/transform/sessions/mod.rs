//! Follows sessions and connections over time, from single events of which some may be missing.
//!
//! Qlik Sense reports that a session starts or stops and that a connection opens or closes; this transform says who
//! is logged in, since when, and, when a session or connection has ended, how long it lasted. `docs/sessions.md`
//! explains the model, its rules and its limits.
//!
//! It is a pure state machine: user events and a clock in, [derived events](crate::event::Derived) out. The same
//! input always gives the same output, in whatever order events arrive, and memory is bounded for any input.
//!
//! | to change | go to |
//! |---|---|
//! | which data of an event is used | `activity.rs` |
//! | which session or connection an event is about | `pairing.rs` |
//! | what an action does to a user | `actions.rs` |
//! | how sessions and connections end | `endings.rs` |
//! | what a proxy's list changes | `list.rs`, `tracker/listed.rs` |
//! | which events report them | `summaries.rs` |
//! | the state of a user | `user.rs` |
//! | who is followed, and for how long | `tracker.rs` |
//! | what is counted | `statistics.rs` |
//! | what survives a restart | `state` |

mod actions;
mod activity;
mod clock;
mod config;
mod deadlines;
mod endings;
mod intern;
mod list;
mod name;
mod pairing;
mod state;
mod statistics;
mod summaries;
mod tracker;
mod user;

use std::{
    io::BufRead,
    sync::{Arc, Mutex, MutexGuard},
};

use chrono::{DateTime, Utc};

#[doc(hidden)]
pub use self::activity::Activity;
#[cfg(feature = "host")]
pub(crate) use self::config::node_name;
use self::{actions::DerivedEvents, state::StateWriter, tracker::Tracker};
pub use self::{
    config::{ProxyConfig, QpsConfig, SessionsConfig},
    list::{ListedUser, SessionList},
    state::{StateError, begins_as_state},
    statistics::{
        DURATION_LIMITS_SECS, DurationHistogram, HostStatistics, MAX_HOSTS, SessionStatistics,
    },
    user::MAX_APPS,
};
use super::{FunctionTransform, OutputBuffer};
use crate::event::{Derived, Event};

/// The sessions transform: every event passes, followed by the events derived from it.
///
/// Clones follow the same sessions: the events of one user may arrive through several sockets.
///
/// A panic during an update leaves sessions half changed. From then on nothing is followed or reported, while events
/// pass unchanged, until a state is [restored](Self::restore) or the transform is [reset](Self::reset).
///
/// ```
/// use chrono::{DateTime, TimeDelta};
/// use qlik_sense_events::{
///     decoding::{LogNamespace, QlikSenseDeserializer},
///     event::{Arrival, Body, DerivedKind},
///     transform::{FunctionTransform, OutputBuffer, Sessions, SessionsConfig},
/// };
///
/// let mut sessions = Sessions::new(&SessionsConfig::default());
/// let mut output = OutputBuffer::default();
/// for (minute, datagram) in [
///     (0, "/proxy-session/;n1;Start session;LAB;goran;;/hub;"),
///     (42, "/proxy-session/;n1;Stop session;LAB;Goran;;/hub;"),
/// ] {
///     let mut events = QlikSenseDeserializer::default().parse(datagram.into(), LogNamespace::Legacy)?;
///     let time = DateTime::UNIX_EPOCH + TimeDelta::minutes(minute);
///     events[0].set_arrival(Arrival::local(time));
///     sessions.transform(&mut output, events.remove(0));
/// }
/// let last = output.into_events().pop().unwrap();
/// let Body::Derived(last) = last.body() else { panic!() };
/// let DerivedKind::SessionSummary(session, ended) = &last.kind else { panic!() };
/// assert_eq!(ended.duration_since(session.start), TimeDelta::minutes(42));
/// # Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Sessions {
    tracker: Arc<Mutex<Tracker>>,
    /// The events derived from an event, before they are sent.
    derived: DerivedEvents,
}

impl Sessions {
    /// A transform without any users yet.
    #[must_use]
    pub fn new(config: &SessionsConfig) -> Self {
        Self {
            tracker: Arc::new(Mutex::new(Tracker::new(config))),
            derived: Vec::new(),
        }
    }

    /// Follows the events in `output` from an index on, and adds the derived events.
    pub fn follow(&mut self, output: &mut OutputBuffer, from: usize) {
        let Ok(mut tracker) = self.tracker.lock() else {
            return;
        };
        for event in output.iter().as_slice().get(from..).unwrap_or_default() {
            if let Some(activity) = Activity::of(event) {
                tracker.follow(activity, &mut self.derived);
            }
        }
        drop(tracker);
        self.drain(output);
    }

    /// Follows what a user did, and adds the derived events to `output`.
    #[doc(hidden)]
    pub fn follow_activity(&mut self, activity: Activity<'_>, output: &mut OutputBuffer) {
        if let Ok(mut tracker) = self.tracker.lock() {
            tracker.follow(activity, &mut self.derived);
        }
        self.drain(output);
    }

    /// Takes a proxy's list of the sessions on its node. A [tick](Self::tick) some seconds after the request compares
    /// it with the events: sessions missing from the list for the second time in a row end with
    /// [`EndReason::NotListed`](crate::event::EndReason::NotListed), at the time of their last sign of life, and
    /// those that no event has shown start.
    ///
    /// An empty list ends no session while users log in at the node, nor if users have logged in and the proxy has
    /// never listed any. A list that is then older than 45 s changes nothing. With `max_users` users, a list adds
    /// none. A user has at most five sessions, whatever a list says.
    pub fn take_list(&self, list: SessionList) {
        if let Some(mut tracker) = self.tracker() {
            tracker.take_list(list);
        }
    }

    /// Lets time pass: sessions and connections without a sign of life end, proxies' lists are compared, and
    /// snapshots are taken when they are due. A host calls this several times a second.
    pub fn tick(&mut self, now: DateTime<Utc>, output: &mut OutputBuffer) {
        if let Ok(mut tracker) = self.tracker.lock() {
            tracker.tick(now, &mut self.derived);
        }
        self.drain(output);
    }

    /// Every session that is open, as in a snapshot at this time.
    #[must_use]
    pub fn open_sessions(&self, now: DateTime<Utc>) -> Vec<Derived> {
        let mut open = Vec::new();
        if let Some(mut tracker) = self.tracker() {
            tracker.open_sessions(now, &mut open);
        }
        open.into_iter().map(|derived| *derived).collect()
    }

    /// The statistics since the start; `None` after a panic during an update.
    #[must_use]
    pub fn statistics(&self) -> Option<SessionStatistics> {
        Some(self.tracker()?.statistics().clone())
    }

    /// How many users were evicted since the start, as in the [statistics](Self::statistics).
    #[cfg(feature = "host")]
    pub(crate) fn evicted_users(&self) -> Option<u64> {
        Some(self.tracker()?.statistics().evicted_users)
    }

    /// Whether sessions are consistent: no panic has left them half changed.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        !self.tracker.is_poisoned()
    }

    /// The state as text, in parts, to be [restored](Self::restore) by another run. Events are processed between two
    /// parts, so that a large state blocks nothing; each user is saved as of the time of their part.
    ///
    /// It contains user names. It ends early, and is incomplete, when sessions are no longer
    /// [consistent](Self::is_whole).
    pub fn state(&self) -> impl Iterator<Item = Vec<u8>> {
        let tracker = Arc::clone(&self.tracker);
        let mut writer: Option<StateWriter> = None;
        let mut next = Some(0);
        std::iter::from_fn(move || {
            let first = next?;
            let mut text = Vec::new();
            let tracker = tracker.lock().ok()?;
            let writer = writer.get_or_insert_with(|| tracker.begin_state(&mut text));
            next = tracker.write_state(first, writer, &mut text);
            Some(text)
        })
    }

    /// Restores a state, replacing what was followed before. Returns the number of users.
    ///
    /// The time from its saving to `now` counts: what has been without a sign of life for too long ends with the next
    /// [tick](Self::tick).
    ///
    /// # Errors
    ///
    /// [`StateError`] when the text cannot be read or is incomplete; then no users are followed.
    pub fn restore(&self, text: &mut impl BufRead, now: DateTime<Utc>) -> Result<u64, StateError> {
        self.replace(|tracker| tracker.restore(text, now))
    }

    /// Forgets all users, as at the start.
    pub fn reset(&self) {
        self.replace(Tracker::reset);
    }

    /// Replaces the tracker, even one that is half changed.
    fn replace<T>(&self, replace: impl FnOnce(&mut Tracker) -> T) -> T {
        let mut tracker = self.tracker.lock().unwrap_or_else(|broken| {
            let mut tracker = broken.into_inner();
            tracker.reset();
            tracker
        });
        let replaced = replace(&mut tracker);
        self.tracker.clear_poison();
        replaced
    }

    /// The tracker; `None` after a panic during an update.
    fn tracker(&self) -> Option<MutexGuard<'_, Tracker>> {
        self.tracker.lock().ok()
    }

    fn drain(&mut self, output: &mut OutputBuffer) {
        if self.derived.is_empty() {
            return;
        }
        for derived in self.derived.drain(..) {
            output.push(derived.into());
        }
    }
}

impl FunctionTransform for Sessions {
    fn transform(&mut self, output: &mut OutputBuffer, event: Event) {
        let place = output.len();
        output.push(event);
        self.follow(output, place);
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use chrono::TimeDelta;

    use super::*;
    use crate::{
        decoding::{LogNamespace, QlikSenseDeserializer},
        event::Arrival,
    };

    fn send(sessions: &mut Sessions, minute: i64, datagram: &'static str) -> usize {
        let decoded = QlikSenseDeserializer::default().parse(datagram.into(), LogNamespace::Legacy);
        let mut event = decoded.expect("an event").remove(0);
        let time = DateTime::UNIX_EPOCH + TimeDelta::minutes(minute);
        event.set_arrival(Arrival::local(time));
        let mut output = OutputBuffer::default();
        sessions.transform(&mut output, event);
        output.len()
    }

    const START: &str = "/proxy-session/;n1;Start session;LAB;goran;;/hub;";
    const STOP: &str = "/proxy-session/;n1;Stop session;LAB;goran;;/hub;";

    /// Panics during an update.
    fn break_off(sessions: &Sessions) {
        let tracker = Arc::clone(&sessions.tracker);
        let panicked = thread::spawn(move || {
            let _tracker = tracker.lock();
            panic!("this is the test of a panic");
        });
        panicked.join().expect_err("a panic");
    }

    #[test]
    fn a_half_changed_tracker_is_neither_used_nor_saved() {
        let mut sessions = Sessions::new(&SessionsConfig::default());
        send(&mut sessions, 0, START);
        let state: Vec<u8> = sessions.state().flatten().collect();
        break_off(&sessions);

        assert!(!sessions.is_whole());
        assert_eq!(send(&mut sessions, 1, STOP), 1, "the event alone goes on");
        assert_eq!(sessions.state().count(), 0);
        assert_eq!(sessions.open_sessions(DateTime::UNIX_EPOCH), []);
        assert!(sessions.statistics().is_none());

        let restored = sessions.restore(&mut &*state, DateTime::UNIX_EPOCH);
        assert_eq!(restored.expect("a state"), 1);
        assert!(sessions.is_whole());
        assert_eq!(send(&mut sessions, 2, STOP), 2, "the event and a summary");
    }

    #[test]
    fn a_broken_tracker_starts_over_without_users() {
        let mut sessions = Sessions::new(&SessionsConfig::default());
        send(&mut sessions, 0, START);
        break_off(&sessions);
        sessions.reset();
        assert!(sessions.is_whole());
        assert_eq!(sessions.open_sessions(DateTime::UNIX_EPOCH), []);
        break_off(&sessions);
        let damaged = sessions.restore(&mut b"damaged".as_slice(), DateTime::UNIX_EPOCH);
        damaged.expect_err("no state");
        assert!(sessions.is_whole() && sessions.open_sessions(DateTime::UNIX_EPOCH).is_empty());
    }
}
