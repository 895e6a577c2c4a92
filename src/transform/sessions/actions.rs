//! What the four actions do to a user.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use smallvec::SmallVec;

use super::{
    activity::Activity,
    clock::Moment,
    intern::Interned,
    pairing::{self, Choice},
    user::{
        CLOSE_AFTER_STOP, Connection, MAX_APPS, MAX_CONNECTIONS, MAX_SESSIONS, NO_SESSION, Session,
        Timeouts, User,
    },
};
use crate::event::{Derived, EndReason, Pairing};

/// The resulting events about sessions and connections. They are large, so they move only once, from here into the
/// output.
pub(super) type DerivedEvents = Vec<Box<Derived>>;

/// The context of an action: the time, the shared state, and the output.
pub(super) struct Scope<'a> {
    pub(super) now: DateTime<Utc>,
    pub(super) moment: Moment,
    pub(super) interned: &'a mut Interned,
    pub(super) derived: &'a mut DerivedEvents,
}

impl User {
    pub(super) fn start(&mut self, activity: &Activity<'_>, scope: &mut Scope<'_>) {
        if let Some(place) = pairing::of_start(&self.sessions, activity, scope.moment) {
            let session = &mut self.sessions[place];
            if !session.start_seen {
                session.start_seen = true;
                session.start = session.start.min(activity.timestamp);
            }
            session.touch(activity, scope);
        } else {
            self.begin(activity, true, scope);
        }
    }

    pub(super) fn stop(
        &mut self,
        activity: &Activity<'_>,
        timeouts: Timeouts,
        scope: &mut Scope<'_>,
    ) {
        let timed_out = |session: &Session| {
            !self.has_open(session.number)
                && session.seen.after(timeouts.inactivity) <= scope.moment
        };
        let (place, pairing) = match pairing::of_stop(&self.sessions, activity, timed_out) {
            Choice::Nothing => {
                self.begin(activity, false, scope);
                (self.sessions.len() - 1, Pairing::Single)
            }
            Choice::Exact(place) => (place, Pairing::Exact),
            Choice::Single(place) => (place, Pairing::Single),
            Choice::Ambiguous(place) => {
                for session in &mut self.sessions {
                    session.is_ambiguous |= pairing::may_be(session.id.as_deref(), activity);
                }
                (place, Pairing::Ambiguous)
            }
        };
        self.stopped = Some(scope.moment);
        self.end(place, activity.timestamp, EndReason::Stop, pairing, scope);
    }

    pub(super) fn open(&mut self, activity: &Activity<'_>, scope: &mut Scope<'_>) {
        let place = self.session_of_open(activity, scope);
        if self.connections.len() >= MAX_CONNECTIONS {
            let oldest = self.connections.iter().enumerate();
            if let Some((oldest, _)) = oldest.min_by_key(|(_, c)| c.opened) {
                let end = self.connections[oldest].start;
                self.close_at(oldest, end, EndReason::Displaced, None, scope);
            }
        }
        let app = scope.interned.app(activity.app());
        let session = &mut self.sessions[place];
        session.touch(activity, scope);
        session.connections = session.connections.saturating_add(1);
        if session.is_ambiguous
            && session
                .endpoint
                .as_ref()
                .is_some_and(|it| !activity.is_of_browser(it))
        {
            // It belongs to another session after all.
            session.endpoint = None;
        }
        session.learn_endpoint(activity, scope);
        let is_new = session.apps.iter().all(|other| other.id != app.id);
        if app.id.is_some() && is_new && session.apps.len() < MAX_APPS {
            session.apps.reserve_exact(1);
            session.apps.push(Arc::clone(&app));
        }
        let endpoint = match &session.endpoint {
            Some(endpoint) if activity.comes_from(endpoint) => Some(Arc::clone(endpoint)),
            _ => activity.endpoint().map(|it| scope.interned.endpoint(it)),
        };
        if self.connections.len() == self.connections.capacity() {
            // Doubling would waste more memory than the connections of most users need.
            self.connections
                .reserve_exact(1 + self.connections.len() / 4);
        }
        self.connections.push(Connection {
            session: session.number,
            is_ambiguous: false,
            start: activity.timestamp,
            opened: scope.moment,
            app,
            endpoint,
            stopped: None,
        });
    }

    fn session_of_open(&mut self, activity: &Activity<'_>, scope: &mut Scope<'_>) -> usize {
        match pairing::of_open(&self.sessions, activity) {
            Choice::Nothing => {
                self.begin(activity, false, scope);
                self.sessions.len() - 1
            }
            Choice::Exact(place) | Choice::Single(place) => place,
            Choice::Ambiguous(place) => {
                self.sessions[place].is_ambiguous = true;
                place
            }
        }
    }

    pub(super) fn close(&mut self, activity: &Activity<'_>, scope: &mut Scope<'_>) {
        let session_id = |connection| self.session_id(connection).map(|id| &**id);
        match pairing::of_close(&self.connections, activity, session_id) {
            Choice::Nothing => self.close_unopened(activity, scope),
            Choice::Exact(place) => self.closed(place, Pairing::Exact, activity, scope),
            Choice::Single(place) => self.closed(place, Pairing::Single, activity, scope),
            Choice::Ambiguous(place) => {
                for connection in &mut self.connections {
                    connection.is_ambiguous |= activity.is_about(&connection.app);
                }
                self.closed(place, Pairing::Ambiguous, activity, scope);
            }
        }
    }

    fn closed(
        &mut self,
        place: usize,
        pairing: Pairing,
        activity: &Activity<'_>,
        scope: &mut Scope<'_>,
    ) {
        let number = self.connections[place].session;
        if let Some(session) = self.sessions.iter_mut().find(|s| s.number == number) {
            session.touch(activity, scope);
        }
        self.close_at(
            place,
            activity.timestamp,
            EndReason::Close,
            Some(pairing),
            scope,
        );
    }

    /// A connection whose start was not seen. It implies a session, unless one has just stopped.
    fn close_unopened(&mut self, activity: &Activity<'_>, scope: &mut Scope<'_>) {
        let stopped_lately = self
            .stopped
            .is_some_and(|moment| scope.moment.since(moment) <= CLOSE_AFTER_STOP);
        let place = match pairing::of_open(&self.sessions, activity) {
            Choice::Exact(place) | Choice::Single(place) => Some(place),
            Choice::Nothing if !stopped_lately => {
                self.begin(activity, false, scope);
                Some(self.sessions.len() - 1)
            }
            Choice::Nothing | Choice::Ambiguous(_) => None,
        };
        let (mut session_id, mut endpoint) = (activity.session_id.map(Arc::from), None);
        if let Some(place) = place {
            let session = &mut self.sessions[place];
            session.touch(activity, scope);
            session.connections = session.connections.saturating_add(1);
            session.learn_endpoint(activity, scope);
            session_id = session.id.clone();
            endpoint = session.endpoint.clone();
        }
        self.emit_connection_without_open(
            session_id,
            activity.app(),
            endpoint.as_deref(),
            activity.timestamp,
            scope,
        );
    }

    /// Starts a session. If there is one too many, the one that a stop would have ended makes room.
    fn begin(&mut self, activity: &Activity<'_>, start_seen: bool, scope: &mut Scope<'_>) {
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
        self.sessions.push(Session {
            number: self.free_number(),
            start_seen,
            event_seen: true,
            is_ambiguous: false,
            connections: 0,
            id: activity.session_id.map(Arc::from),
            endpoint: None,
            start: activity.timestamp,
            last: activity.timestamp,
            since: scope.moment,
            seen: scope.moment,
            apps: SmallVec::new(),
        });
    }

    /// An unused session number.
    pub(super) fn free_number(&self) -> u8 {
        let is_free = |number: &u8| self.sessions.iter().all(|s| s.number != *number);
        (0..NO_SESSION).find(is_free).unwrap_or(0)
    }
}

impl Session {
    fn touch(&mut self, activity: &Activity<'_>, scope: &Scope<'_>) {
        self.event_seen = true;
        self.seen = scope.moment;
        self.last = self.last.max(activity.timestamp);
        if self.id.is_none() {
            self.id = activity.session_id.map(Arc::from);
        }
    }

    fn learn_endpoint(&mut self, activity: &Activity<'_>, scope: &mut Scope<'_>) {
        if self.endpoint.is_none() {
            self.endpoint = activity.endpoint().map(|it| scope.interned.endpoint(it));
        }
    }
}
