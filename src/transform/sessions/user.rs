//! The state of one user of one Qlik node: sessions, connections, and the next deadline.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use smallvec::SmallVec;

use super::{
    activity::Activity,
    clock::Moment,
    intern::{App, Endpoint, Home},
    name::{Name, NameHash},
    statistics::Presence,
};
use crate::event::{ConnectionAction, EventKind};

/// The most sessions of a user at the same time; Qlik Sense allows no more.
pub(super) const MAX_SESSIONS: usize = 5;

/// The most connections of a user to follow at the same time.
pub(super) const MAX_CONNECTIONS: usize = 256;

/// The most apps of a session in its summary.
pub const MAX_APPS: usize = 16;

/// How long after the stop of its session the close of a connection may arrive, in milliseconds. Up to 18 s have been
/// observed.
pub(super) const CLOSE_AFTER_STOP: u64 = 60_000;

/// A payload repeated within this time, in milliseconds, was duplicated in transit. Beyond it, without a row number,
/// a user may have done the same thing twice, such as opening an app in two tabs.
const REPEATED: u32 = 100;
const REPEATED_WITH_SEQUENCE: u32 = 10_000;

/// The number of payloads remembered to recognise repetitions.
const REMEMBERED: usize = 4;

/// The number that stands for no session.
pub(super) const NO_SESSION: u8 = u8::MAX;

/// How long something may last without a sign of life, in milliseconds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Timeouts {
    pub(super) idle: u64,
    /// Qlik Sense's own.
    pub(super) inactivity: u64,
    pub(super) connection: u64,
}

#[derive(Debug, Clone)]
pub(super) struct Session {
    /// Identifies it among the user's sessions.
    pub(super) number: u8,
    pub(super) start_seen: bool,
    /// An event showed it. Otherwise its proxy listed it.
    pub(super) event_seen: bool,
    /// Part of it results from a choice among several.
    pub(super) is_ambiguous: bool,
    pub(super) connections: u32,
    pub(super) id: Option<Arc<str>>,
    pub(super) endpoint: Option<Arc<Endpoint>>,
    pub(super) start: DateTime<Utc>,
    /// The time of its last sign of life.
    pub(super) last: DateTime<Utc>,
    /// When its first and last signs of life arrived.
    pub(super) since: Moment,
    pub(super) seen: Moment,
    pub(super) apps: SmallVec<[Arc<App>; 2]>,
}

#[derive(Debug, Clone)]
pub(super) struct Connection {
    /// The session's number.
    pub(super) session: u8,
    pub(super) is_ambiguous: bool,
    pub(super) start: DateTime<Utc>,
    pub(super) opened: Moment,
    pub(super) app: Arc<App>,
    pub(super) endpoint: Option<Arc<Endpoint>>,
    /// Its session has ended; its own end is still to come.
    pub(super) stopped: Option<Box<Stopped>>,
}

/// The end of a connection's session.
#[derive(Debug, Clone)]
pub(super) struct Stopped {
    pub(super) at: DateTime<Utc>,
    pub(super) moment: Moment,
    pub(super) session_id: Option<Arc<str>>,
}

/// There may be a hundred thousand of these, so it is kept small.
#[derive(Debug, Clone)]
pub(super) struct User {
    pub(super) home: Arc<Home>,
    pub(super) id: Arc<str>,
    /// The hash of the name, when the user has a slot.
    pub(super) hash: NameHash,
    /// When the tracker next processes this user.
    pub(super) deadline: Moment,
    pub(super) sessions: SmallVec<[Session; 1]>,
    pub(super) connections: Vec<Connection>,
    /// The last `Stop session`.
    pub(super) stopped: Option<Moment>,
    /// When the proxy last listed a session of this user.
    pub(super) listed: Moment,
    /// The number of sessions that the proxy's last answer did not list.
    pub(super) unlisted: u8,
    recent: [Recent; REMEMBERED],
}

/// A recent payload.
#[derive(Debug, Clone, Copy, Default)]
struct Recent {
    fingerprint: u32,
    /// The last bits of the moment, which repeat after 49 days: the same payload within the same tenth of a second then
    /// counts as a repetition.
    at: u32,
}

impl User {
    pub(super) fn new(home: Arc<Home>, id: Arc<str>) -> Self {
        Self {
            home,
            id,
            hash: NameHash::default(),
            deadline: Moment::default(),
            sessions: SmallVec::new(),
            connections: Vec::new(),
            stopped: None,
            listed: Moment::default(),
            unlisted: 0,
            recent: Default::default(),
        }
    }

    pub(super) fn name(&self) -> Name<'_> {
        Name {
            host: self.home.host.as_deref().unwrap_or_default(),
            directory: self.home.directory.as_deref().unwrap_or_default(),
            id: &self.id,
        }
    }

    pub(super) fn presence(&self) -> Presence {
        Presence {
            users: u64::from(!self.sessions.is_empty() || !self.connections.is_empty()),
            sessions: self.sessions.len() as u64,
            connections: self.connections.len() as u64,
        }
    }

    /// Whether the same payload has just arrived, because the network may duplicate a datagram. Closing a browser
    /// with two tabs of one app sends the same payload twice as well.
    pub(super) fn repeats(&mut self, activity: &Activity<'_>, now: Moment) -> bool {
        let within = if activity.has_sequence {
            REPEATED_WITH_SEQUENCE
        } else {
            REPEATED
        };
        let now = now.last_bits();
        let repeated = self.recent.iter().any(|recent| {
            recent.fingerprint == activity.fingerprint && now.wrapping_sub(recent.at) <= within
        });
        if !repeated {
            self.recent.copy_within(..REMEMBERED - 1, 1);
            self.recent[0] = Recent {
                fingerprint: activity.fingerprint,
                at: now,
            };
        }
        let closes = activity.kind == EventKind::Connection(ConnectionAction::Close)
            && !activity.has_sequence;
        repeated && !(closes && self.connections.iter().any(|c| activity.is_about(&c.app)))
    }

    pub(super) fn has_open(&self, session: u8) -> bool {
        self.open_of(session).next().is_some()
    }

    /// The open connections of a session.
    pub(super) fn open_of(&self, session: u8) -> impl Iterator<Item = &Connection> {
        let connections = self.connections.iter();
        connections.filter(move |connection| connection.session == session)
    }

    /// The id of a connection's session, even if that has ended.
    pub(super) fn session_id<'s>(&'s self, connection: &'s Connection) -> Option<&'s Arc<str>> {
        match &connection.stopped {
            Some(stopped) => stopped.session_id.as_ref(),
            None => {
                let mut sessions = self.sessions.iter();
                let session = sessions.find(|session| session.number == connection.session);
                session?.id.as_ref()
            }
        }
    }

    /// Since when a session with nothing open has been idle. A session that its proxy lists is not idle.
    pub(super) fn idle_since(&self, session: &Session) -> Moment {
        session.seen.max(self.listed)
    }

    /// When something next ends without an event; `None` if there is nothing left to follow.
    pub(super) fn next_deadline(&self, timeouts: Timeouts) -> Option<Moment> {
        let mut next = self.stopped.map(|stopped| stopped.after(CLOSE_AFTER_STOP));
        let mut add = |deadline| {
            next = Some(next.map_or(deadline, |next: Moment| next.min(deadline)));
        };
        for connection in &self.connections {
            add(connection.deadline(timeouts));
        }
        for session in &self.sessions {
            if !self.has_open(session.number) {
                add(self.idle_since(session).after(timeouts.idle));
            }
        }
        next
    }
}

impl Connection {
    pub(super) fn deadline(&self, timeouts: Timeouts) -> Moment {
        match &self.stopped {
            Some(stopped) => stopped.moment.after(CLOSE_AFTER_STOP),
            None => self.opened.after(timeouts.connection),
        }
    }
}
