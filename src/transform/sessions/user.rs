//! One user of one Qlik node: sessions and connections, and what the four actions do to them.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use smallvec::SmallVec;

use super::{
    clock::Moment,
    intern::{App, Interned, Origin},
    pairing::{self, Choice},
    sign::Sign,
};
use crate::event::{
    ConnectionAction, Derived, DerivedKind, EndReason, Ended, FollowedApp, FollowedConnection,
    FollowedSession, Kind, Pairing, Subject,
};

/// Sessions that a user can have at the same time; Qlik Sense allows no more.
pub(super) const MAX_SESSIONS: usize = 5;

/// Connections of a user that are followed at the same time.
pub(super) const MAX_CONNECTIONS: usize = 256;

/// Apps of a session that its summary names.
pub const MAX_APPS: usize = 16;

/// How long after its session's stop a connection's close may come, in milliseconds. Up to 18 s were
/// seen.
const CLOSE_AFTER_STOP: u64 = 60_000;

/// A payload that comes again within this time, in milliseconds, was doubled on the way. Without a
/// row number a user may do the same thing twice, such as open an app in two tabs.
const REPEATED: u64 = 100;
const REPEATED_WITH_SEQUENCE: u64 = 10_000;

/// Payloads that are remembered to recognise repetitions.
const REMEMBERED: usize = 4;

/// The number of no session.
pub(super) const NO_SESSION: u8 = u8::MAX;

/// How long something may last without a sign of it, in milliseconds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Timeouts {
    pub(super) idle: u64,
    /// Qlik Sense's own.
    pub(super) inactivity: u64,
    pub(super) connection: u64,
}

/// What an action needs besides the user: the time, what is shared, and a place for what it makes.
pub(super) struct Scope<'a> {
    pub(super) now: DateTime<Utc>,
    pub(super) moment: Moment,
    pub(super) interned: &'a mut Interned,
    pub(super) derived: &'a mut Vec<Derived>,
}

#[derive(Debug, Clone)]
pub(super) struct Session {
    /// Told apart from the user's others by this.
    pub(super) number: u8,
    pub(super) start_seen: bool,
    /// Something of it was chosen among several.
    pub(super) is_ambiguous: bool,
    pub(super) connections: u32,
    pub(super) id: Option<Arc<str>>,
    pub(super) origin: Option<Arc<Origin>>,
    pub(super) start: DateTime<Utc>,
    /// The time of the last sign of it.
    pub(super) last: DateTime<Utc>,
    /// When it was first and last heard of.
    pub(super) since: Moment,
    pub(super) seen: Moment,
    pub(super) apps: Vec<Arc<App>>,
}

#[derive(Debug, Clone)]
pub(super) struct Connection {
    /// The session's number.
    pub(super) session: u8,
    pub(super) is_ambiguous: bool,
    pub(super) start: DateTime<Utc>,
    pub(super) opened: Moment,
    pub(super) app: Arc<App>,
    pub(super) origin: Option<Arc<Origin>>,
    /// Its session has ended and its own end is to come.
    pub(super) stopped: Option<Box<Stopped>>,
}

/// The end of a connection's session.
#[derive(Debug, Clone)]
pub(super) struct Stopped {
    pub(super) at: DateTime<Utc>,
    pub(super) moment: Moment,
    pub(super) session_id: Option<Arc<str>>,
}

#[derive(Debug, Clone)]
pub(super) struct User {
    pub(super) host: Option<Arc<str>>,
    pub(super) directory: Option<Arc<str>>,
    pub(super) id: Box<str>,
    /// The place of the host among those that metrics name.
    pub(super) label: u8,
    /// When the tracker next looks at this user.
    pub(super) deadline: Moment,
    pub(super) sessions: SmallVec<[Session; 1]>,
    pub(super) connections: Vec<Connection>,
    /// The last `Stop session`.
    pub(super) stopped: Option<Moment>,
    recent: [(u32, Moment); REMEMBERED],
}

impl User {
    pub(super) fn new(
        host: Option<Arc<str>>,
        directory: Option<Arc<str>>,
        id: Box<str>,
        label: u8,
    ) -> Self {
        Self {
            host,
            directory,
            id,
            label,
            deadline: Moment::default(),
            sessions: SmallVec::new(),
            connections: Vec::new(),
            stopped: None,
            recent: Default::default(),
        }
    }

    pub(super) fn is_active(&self) -> bool {
        !self.sessions.is_empty() || !self.connections.is_empty()
    }

    /// Whether the same payload has just come, as the network may double a datagram. A browser that is
    /// closed with two tabs of one app sends the same twice as well.
    pub(super) fn repeats(&mut self, kind: Kind, sign: &Sign<'_>, now: Moment) -> bool {
        let within = if sign.has_sequence {
            REPEATED_WITH_SEQUENCE
        } else {
            REPEATED
        };
        let repeated = self.recent.iter().any(|&(fingerprint, moment)| {
            fingerprint == sign.fingerprint
                && moment != Moment::default()
                && now.since(moment) <= within
        });
        if !repeated {
            self.recent.rotate_right(1);
            self.recent[0] = (sign.fingerprint, now);
        }
        let closes = kind == Kind::Connection(ConnectionAction::Close) && !sign.has_sequence;
        repeated && !(closes && self.connections.iter().any(|c| sign.is_about(&c.app)))
    }

    pub(super) fn start(&mut self, sign: &Sign<'_>, scope: &mut Scope<'_>) {
        if let Some(place) = pairing::of_start(&self.sessions, sign, scope.moment) {
            let session = &mut self.sessions[place];
            if !session.start_seen {
                session.start_seen = true;
                session.start = session.start.min(sign.at);
            }
            session.sees(sign, scope);
        } else {
            self.begin(sign, true, scope);
        }
    }

    pub(super) fn stop(&mut self, sign: &Sign<'_>, timeouts: Timeouts, scope: &mut Scope<'_>) {
        let timed_out = |session: &Session| {
            !self.has_open(session.number)
                && session.seen.after(timeouts.inactivity) <= scope.moment
        };
        let (place, pairing) = match pairing::of_stop(&self.sessions, sign, timed_out) {
            Choice::Nothing => {
                self.begin(sign, false, scope);
                (self.sessions.len() - 1, Pairing::Single)
            }
            Choice::Exact(place) => (place, Pairing::Exact),
            Choice::Single(place) => (place, Pairing::Single),
            Choice::Ambiguous(place) => {
                for session in &mut self.sessions {
                    session.is_ambiguous |= pairing::may_be(session.id.as_deref(), sign);
                }
                (place, Pairing::Ambiguous)
            }
        };
        self.stopped = Some(scope.moment);
        self.end(place, sign.at, EndReason::Stop, pairing, scope);
    }

    pub(super) fn open(&mut self, sign: &Sign<'_>, scope: &mut Scope<'_>) {
        let place = self.session_of_open(sign, scope);
        if self.connections.len() >= MAX_CONNECTIONS {
            let oldest = self.connections.iter().enumerate();
            if let Some((oldest, _)) = oldest.min_by_key(|(_, c)| c.opened) {
                let end = self.connections[oldest].start;
                self.close_at(oldest, end, EndReason::Displaced, None, scope);
            }
        }
        let app = scope.interned.apps.intern(sign.app());
        let session = &mut self.sessions[place];
        session.sees(sign, scope);
        session.connections = session.connections.saturating_add(1);
        if session.is_ambiguous
            && session
                .origin
                .as_ref()
                .is_some_and(|o| !sign.is_of_browser(o))
        {
            // It is another's after all.
            session.origin = None;
        }
        session.learns_origin(sign, scope);
        let is_new = session.apps.iter().all(|other| other.id != app.id);
        if app.id.is_some() && is_new && session.apps.len() < MAX_APPS {
            session.apps.reserve_exact(1);
            session.apps.push(Arc::clone(&app));
        }
        let origin = match &session.origin {
            Some(origin) if sign.comes_from(origin) => Some(Arc::clone(origin)),
            _ => sign.origin().map(|o| scope.interned.origins.intern(o)),
        };
        if self.connections.len() == self.connections.capacity() {
            // Doubling would waste more than the connections of most users take.
            self.connections
                .reserve_exact(1 + self.connections.len() / 4);
        }
        self.connections.push(Connection {
            session: session.number,
            is_ambiguous: false,
            start: sign.at,
            opened: scope.moment,
            app,
            origin,
            stopped: None,
        });
    }

    fn session_of_open(&mut self, sign: &Sign<'_>, scope: &mut Scope<'_>) -> usize {
        match pairing::of_open(&self.sessions, sign) {
            Choice::Nothing => {
                self.begin(sign, false, scope);
                self.sessions.len() - 1
            }
            Choice::Exact(place) | Choice::Single(place) => place,
            Choice::Ambiguous(place) => {
                self.sessions[place].is_ambiguous = true;
                place
            }
        }
    }

    /// Moves a session's connections to another one that they may belong to; they wait for their own
    /// ends where there is none.
    fn leave_connections(
        &mut self,
        session: &mut Session,
        heir: Option<usize>,
        at: DateTime<Utc>,
        moment: Moment,
    ) {
        let heir = heir.map(|place| &mut self.sessions[place]);
        let number = heir.as_ref().map_or(NO_SESSION, |heir| heir.number);
        let mut moved = 0;
        let open = self.connections.iter_mut();
        for connection in open.filter(|connection| connection.session == session.number) {
            moved += 1;
            connection.session = number;
            connection.stopped = heir.is_none().then(|| {
                Box::new(Stopped {
                    at,
                    moment,
                    session_id: session.id.clone(),
                })
            });
        }
        if let Some(heir) = heir {
            heir.connections = heir.connections.saturating_add(moved);
            session.connections = session.connections.saturating_sub(moved);
        }
    }

    pub(super) fn close(&mut self, sign: &Sign<'_>, scope: &mut Scope<'_>) {
        let sessions = &self.sessions;
        let session_id = |connection| session_id(sessions, connection).map(|id| &**id);
        match pairing::of_close(&self.connections, sign, session_id) {
            Choice::Nothing => self.close_unopened(sign, scope),
            Choice::Exact(place) => self.closed(place, Pairing::Exact, sign, scope),
            Choice::Single(place) => self.closed(place, Pairing::Single, sign, scope),
            Choice::Ambiguous(place) => {
                for connection in &mut self.connections {
                    connection.is_ambiguous |= sign.is_about(&connection.app);
                }
                self.closed(place, Pairing::Ambiguous, sign, scope);
            }
        }
    }

    fn closed(&mut self, place: usize, pairing: Pairing, sign: &Sign<'_>, scope: &mut Scope<'_>) {
        let number = self.connections[place].session;
        if let Some(session) = self.sessions.iter_mut().find(|s| s.number == number) {
            session.sees(sign, scope);
        }
        self.close_at(place, sign.at, EndReason::Close, Some(pairing), scope);
    }

    /// A connection whose beginning was not seen. It shows a session, unless one has just stopped.
    fn close_unopened(&mut self, sign: &Sign<'_>, scope: &mut Scope<'_>) {
        let stopped_lately = self
            .stopped
            .is_some_and(|moment| scope.moment.since(moment) <= CLOSE_AFTER_STOP);
        let place = match pairing::of_open(&self.sessions, sign) {
            Choice::Exact(place) | Choice::Single(place) => Some(place),
            Choice::Nothing if !stopped_lately => {
                self.begin(sign, false, scope);
                Some(self.sessions.len() - 1)
            }
            Choice::Nothing | Choice::Ambiguous(_) => None,
        };
        let (mut session_id, mut origin) = (sign.session_id.map(Arc::from), None);
        if let Some(place) = place {
            let session = &mut self.sessions[place];
            session.sees(sign, scope);
            session.connections = session.connections.saturating_add(1);
            session.learns_origin(sign, scope);
            session_id = session.id.clone();
            origin = session.origin.clone();
        }
        let connection = FollowedConnection {
            session_id,
            app: sign.app().followed(),
            ..connection(origin.as_deref(), sign.at, false)
        };
        let ended = Ended {
            end: sign.at,
            reason: EndReason::Close,
            pairing: None,
        };
        self.derive(DerivedKind::ConnectionSummary(connection, ended), scope);
    }

    /// A session from here on. Where there is one too many, the one that a stop would have ended
    /// makes room.
    fn begin(&mut self, sign: &Sign<'_>, start_seen: bool, scope: &mut Scope<'_>) {
        if self.sessions.len() >= MAX_SESSIONS {
            let connections = &self.connections;
            let open = |number| connections.iter().any(|c| c.session == number);
            let idlest = self
                .sessions
                .iter()
                .enumerate()
                .min_by_key(|(_, session)| (open(session.number), session.seen))
                .map_or(0, |(place, _)| place);
            let last = self.sessions[idlest].last;
            self.end(idlest, last, EndReason::Displaced, Pairing::Single, scope);
        }
        let is_free = |number: &u8| self.sessions.iter().all(|s| s.number != *number);
        let number = (0..NO_SESSION).find(is_free).unwrap_or(0);
        self.sessions.push(Session {
            number,
            start_seen,
            is_ambiguous: false,
            connections: 0,
            id: sign.session_id.map(Arc::from),
            origin: None,
            start: sign.at,
            last: sign.at,
            since: scope.moment,
            seen: scope.moment,
            apps: Vec::new(),
        });
    }

    /// A session ends. Its connections wait for their own ends; after a choice among several they
    /// may be another's.
    fn end(
        &mut self,
        place: usize,
        at: DateTime<Utc>,
        reason: EndReason,
        pairing: Pairing,
        scope: &mut Scope<'_>,
    ) {
        let mut session = self.sessions.remove(place);
        let others = self.sessions.iter().enumerate();
        let last_active = others
            .max_by_key(|(_, other)| other.seen)
            .map(|(place, _)| place);
        let heir = last_active.filter(|_| pairing == Pairing::Ambiguous);
        let open = self.followed(&session);
        self.leave_connections(&mut session, heir, at, scope.moment);
        let followed = FollowedSession {
            connections: session.connections,
            open_connections: if heir.is_some() {
                0
            } else {
                open.open_connections
            },
            ..open
        };
        let is_ambiguous = session.is_ambiguous && pairing != Pairing::Exact;
        let seen = session.start_seen && reason == EndReason::Stop;
        let ended = Ended {
            end: at.max(session.start),
            reason,
            pairing: seen.then_some(if is_ambiguous {
                Pairing::Ambiguous
            } else {
                pairing
            }),
        };
        self.derive(DerivedKind::SessionSummary(followed, ended), scope);
    }

    fn close_at(
        &mut self,
        place: usize,
        at: DateTime<Utc>,
        reason: EndReason,
        pairing: Option<Pairing>,
        scope: &mut Scope<'_>,
    ) {
        let session_id = session_id(&self.sessions, &self.connections[place]).cloned();
        let Connection {
            app,
            origin,
            start,
            is_ambiguous,
            ..
        } = self.connections.remove(place);
        let connection = FollowedConnection {
            session_id,
            app: app.followed(),
            ..connection(origin.as_deref(), start, true)
        };
        let ended = Ended {
            end: at.max(start),
            reason,
            pairing: pairing.map(|pairing| {
                if is_ambiguous {
                    Pairing::Ambiguous
                } else {
                    pairing
                }
            }),
        };
        self.derive(DerivedKind::ConnectionSummary(connection, ended), scope);
    }

    /// Ends what has been without a sign for too long.
    pub(super) fn expire(&mut self, timeouts: Timeouts, scope: &mut Scope<'_>) {
        let now = scope.moment;
        while let Some(place) = self
            .connections
            .iter()
            .position(|connection| connection.deadline(timeouts) <= now)
        {
            let connection = &self.connections[place];
            let (at, reason) = match &connection.stopped {
                Some(stopped) => (stopped.at, EndReason::SessionEnd),
                None => (connection.start, EndReason::Expired),
            };
            self.close_at(place, at, reason, None, scope);
        }
        while let Some(place) = self.sessions.iter().position(|session| {
            !self.has_open(session.number) && session.seen.after(timeouts.idle) <= now
        }) {
            let last = self.sessions[place].last;
            self.end(place, last, EndReason::Expired, Pairing::Single, scope);
        }
        if self
            .stopped
            .is_some_and(|stopped| stopped.after(CLOSE_AFTER_STOP) <= now)
        {
            self.stopped = None;
        }
    }

    /// Ends everything, because the user is followed no longer.
    pub(super) fn evict(&mut self, scope: &mut Scope<'_>) {
        while let Some(connection) = self.connections.last() {
            let (place, start) = (self.connections.len() - 1, connection.start);
            self.close_at(place, start, EndReason::Evicted, None, scope);
        }
        while let Some(session) = self.sessions.last() {
            let (place, last) = (self.sessions.len() - 1, session.last);
            self.end(place, last, EndReason::Evicted, Pairing::Single, scope);
        }
        self.stopped = None;
    }

    /// When [`User::expire`] next has something to do; none where there is nothing left to follow.
    pub(super) fn next_deadline(&self, timeouts: Timeouts) -> Option<Moment> {
        let connections = self.connections.iter().map(|c| c.deadline(timeouts));
        let sessions = self
            .sessions
            .iter()
            .filter(|session| !self.has_open(session.number))
            .map(|session| session.seen.after(timeouts.idle));
        let stopped = self.stopped.map(|stopped| stopped.after(CLOSE_AFTER_STOP));
        connections.chain(sessions).chain(stopped).min()
    }

    /// Says of every session that it is open.
    pub(super) fn snapshot(&self, scope: &mut Scope<'_>) {
        for session in &self.sessions {
            let followed = self.followed(session);
            self.derive(DerivedKind::SessionSnapshot(followed), scope);
        }
    }

    fn has_open(&self, number: u8) -> bool {
        self.connections.iter().any(|c| c.session == number)
    }

    fn followed(&self, session: &Session) -> FollowedSession {
        let open = || {
            self.connections
                .iter()
                .filter(|connection| connection.session == session.number)
        };
        let mut open_apps: Vec<FollowedApp> = Vec::new();
        for app in open().filter_map(|connection| connection.app.followed()) {
            if open_apps.len() < MAX_APPS && open_apps.iter().all(|other| other.id != app.id) {
                open_apps.push(app);
            }
        }
        let origin = session.origin.as_deref();
        FollowedSession {
            session_id: session.id.clone(),
            virtual_proxy: origin.and_then(|origin| origin.virtual_proxy.clone()),
            client: origin.and_then(|origin| origin.client.clone()),
            start: session.start,
            start_seen: session.start_seen,
            connections: session.connections,
            open_connections: u32::try_from(open().count()).unwrap_or(u32::MAX),
            apps: session
                .apps
                .iter()
                .filter_map(|app| app.followed())
                .collect(),
            open_apps,
        }
    }

    fn derive(&self, kind: DerivedKind, scope: &mut Scope<'_>) {
        scope.derived.push(Derived {
            timestamp: scope.now,
            subject: Subject {
                host: self.host.as_deref().map(Box::from),
                user_directory: self.directory.as_deref().map(Box::from),
                user_id: self.id.clone(),
            },
            kind,
        });
    }
}

impl Session {
    fn sees(&mut self, sign: &Sign<'_>, scope: &Scope<'_>) {
        self.seen = scope.moment;
        self.last = self.last.max(sign.at);
        if self.id.is_none() {
            self.id = sign.session_id.map(Arc::from);
        }
    }

    fn learns_origin(&mut self, sign: &Sign<'_>, scope: &mut Scope<'_>) {
        if self.origin.is_none() {
            self.origin = sign.origin().map(|o| scope.interned.origins.intern(o));
        }
    }
}

impl App {
    /// None where it is no published app.
    fn followed(&self) -> Option<FollowedApp> {
        Some(FollowedApp {
            id: self.id?,
            name: self.name.clone(),
        })
    }
}

impl Connection {
    fn deadline(&self, timeouts: Timeouts) -> Moment {
        match &self.stopped {
            Some(stopped) => stopped.moment.after(CLOSE_AFTER_STOP),
            None => self.opened.after(timeouts.connection),
        }
    }
}

/// The id of a connection's session, also when that has ended.
fn session_id<'s>(sessions: &'s [Session], connection: &'s Connection) -> Option<&'s Arc<str>> {
    let session = || {
        sessions
            .iter()
            .find(|session| session.number == connection.session)
    };
    match &connection.stopped {
        Some(stopped) => stopped.session_id.as_ref(),
        None => session()?.id.as_ref(),
    }
}

fn connection(
    origin: Option<&Origin>,
    start: DateTime<Utc>,
    start_seen: bool,
) -> FollowedConnection {
    FollowedConnection {
        session_id: None,
        virtual_proxy: origin.and_then(|origin| origin.virtual_proxy.clone()),
        app: None,
        client: origin.and_then(|origin| origin.client.clone()),
        start,
        start_seen,
    }
}
