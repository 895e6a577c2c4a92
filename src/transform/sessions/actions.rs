//! What the four actions do to a user.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::{
    clock::Moment,
    intern::Interned,
    pairing::{self, Choice},
    sign::Sign,
    user::{
        CLOSE_AFTER_STOP, Connection, MAX_APPS, MAX_CONNECTIONS, MAX_SESSIONS, NO_SESSION, Session,
        Timeouts, User,
    },
};
use crate::event::{Derived, EndReason, Pairing};

/// What is told of sessions and connections. One is large to move, and moves from here into the output.
pub(super) type Told = Vec<Box<Derived>>;

/// What an action needs besides the user: the time, what is shared, and a place for what it makes.
pub(super) struct Scope<'a> {
    pub(super) now: DateTime<Utc>,
    pub(super) moment: Moment,
    pub(super) interned: &'a mut Interned,
    pub(super) derived: &'a mut Told,
}

impl User {
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
        let app = scope.interned.app(sign.app());
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
            _ => sign.origin().map(|o| scope.interned.origin(o)),
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

    pub(super) fn close(&mut self, sign: &Sign<'_>, scope: &mut Scope<'_>) {
        let session_id = |connection| self.session_id(connection).map(|id| &**id);
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
        self.tell_close_without_open(session_id, sign.app(), origin.as_deref(), sign.at, scope);
    }

    /// A session from here on. Where there is one too many, the one that a stop would have ended
    /// makes room.
    fn begin(&mut self, sign: &Sign<'_>, start_seen: bool, scope: &mut Scope<'_>) {
        if self.sessions.len() >= MAX_SESSIONS {
            let idlest = self
                .sessions
                .iter()
                .enumerate()
                .min_by_key(|(_, session)| (self.has_open(session.number), session.seen))
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
            self.origin = sign.origin().map(|o| scope.interned.origin(o));
        }
    }
}
