//! How sessions and connections end: by an action, by time, or because there are too many.

use chrono::{DateTime, Utc};

use super::{
    actions::Scope,
    clock::Moment,
    user::{CLOSE_AFTER_STOP, NO_SESSION, Session, Stopped, Timeouts, User},
};
use crate::event::{EndReason, Pairing};

impl User {
    /// Ends a session. Its connections wait for their own ends; after an ambiguous choice they may belong to another
    /// session.
    pub(super) fn end(
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
        let mut followed = self.followed(&session);
        self.reassign_connections(&mut session, heir, at, scope.moment);
        followed.connections = session.connections;
        if heir.is_some() {
            followed.open_connections = 0;
        }
        let is_ambiguous = session.is_ambiguous && pairing != Pairing::Exact;
        let seen = session.start_seen && reason == EndReason::Stop;
        let pairing = if is_ambiguous {
            Pairing::Ambiguous
        } else {
            pairing
        };
        self.emit_session_summary(followed, at, reason, seen.then_some(pairing), scope);
    }

    /// Moves a session's connections to another session that they may belong to; without one, they wait for their own
    /// ends.
    fn reassign_connections(
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

    /// Ends a connection.
    pub(super) fn close_at(
        &mut self,
        place: usize,
        at: DateTime<Utc>,
        reason: EndReason,
        pairing: Option<Pairing>,
        scope: &mut Scope<'_>,
    ) {
        let session_id = self.session_id(&self.connections[place]).cloned();
        let connection = self.connections.remove(place);
        let pairing = pairing.map(|pairing| {
            if connection.is_ambiguous {
                Pairing::Ambiguous
            } else {
                pairing
            }
        });
        self.emit_connection_summary(session_id, &connection, at, reason, pairing, scope);
    }

    /// Ends everything that has had no sign of life for too long.
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
            !self.has_open(session.number) && self.idle_since(session).after(timeouts.idle) <= now
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

    /// Ends everything, because the user is no longer followed.
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
}
