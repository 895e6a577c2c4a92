//! The events about a user's sessions and connections: summaries and snapshots.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::{
    actions::Scope,
    intern::{AppRef, Endpoint},
    user::{Connection, MAX_APPS, Session, User},
};
use crate::event::{
    Derived, DerivedKind, EndReason, Ended, FollowedApp, FollowedConnection, FollowedSession,
    Pairing, Subject,
};

impl User {
    /// Reports every open session.
    pub(super) fn snapshot(&self, scope: &mut Scope<'_>) {
        for session in &self.sessions {
            let followed = self.followed(session);
            self.emit(DerivedKind::SessionSnapshot(followed), scope);
        }
    }

    /// Reports that a session has ended.
    pub(super) fn emit_session_summary(
        &self,
        session: FollowedSession,
        at: DateTime<Utc>,
        reason: EndReason,
        pairing: Option<Pairing>,
        scope: &mut Scope<'_>,
    ) {
        let ended = Ended {
            end: at.max(session.start),
            reason,
            pairing,
        };
        self.emit(DerivedKind::SessionSummary(session, ended), scope);
    }

    /// Reports that a connection has ended.
    pub(super) fn emit_connection_summary(
        &self,
        session_id: Option<Arc<str>>,
        connection: &Connection,
        at: DateTime<Utc>,
        reason: EndReason,
        pairing: Option<Pairing>,
        scope: &mut Scope<'_>,
    ) {
        let endpoint = connection.endpoint.as_deref();
        let followed = FollowedConnection {
            session_id,
            app: connection.app.borrowed().followed(),
            ..followed(endpoint, connection.start, true)
        };
        let ended = Ended {
            end: at.max(connection.start),
            reason,
            pairing,
        };
        self.emit(DerivedKind::ConnectionSummary(followed, ended), scope);
    }

    /// Reports that a connection whose start was not seen has ended.
    pub(super) fn emit_connection_without_open(
        &self,
        session_id: Option<Arc<str>>,
        app: AppRef<'_>,
        endpoint: Option<&Endpoint>,
        at: DateTime<Utc>,
        scope: &mut Scope<'_>,
    ) {
        let followed = FollowedConnection {
            session_id,
            app: app.followed(),
            ..followed(endpoint, at, false)
        };
        let ended = Ended {
            end: at,
            reason: EndReason::Close,
            pairing: None,
        };
        self.emit(DerivedKind::ConnectionSummary(followed, ended), scope);
    }

    /// A session as it is now.
    pub(super) fn followed(&self, session: &Session) -> FollowedSession {
        let mut open_connections = 0;
        let mut open_apps: Vec<FollowedApp> = Vec::new();
        for connection in self.open_of(session.number) {
            open_connections += 1;
            let app = connection.app.borrowed();
            let is_new = open_apps.iter().all(|other| Some(other.id) != app.id);
            if is_new && open_apps.len() < MAX_APPS {
                open_apps.extend(app.followed());
            }
        }
        let mut apps = Vec::with_capacity(session.apps.len());
        apps.extend(
            session
                .apps
                .iter()
                .filter_map(|app| app.borrowed().followed()),
        );
        let endpoint = session.endpoint.as_deref();
        FollowedSession {
            session_id: session.id.clone(),
            virtual_proxy: endpoint.and_then(|endpoint| endpoint.virtual_proxy.clone()),
            client: endpoint.map(|endpoint| Arc::clone(&endpoint.client)),
            start: session.start,
            start_seen: session.start_seen,
            event_seen: session.event_seen,
            connections: session.connections,
            open_connections,
            apps,
            open_apps,
        }
    }

    fn emit(&self, kind: DerivedKind, scope: &mut Scope<'_>) {
        scope.derived.push(Box::new(Derived {
            timestamp: scope.now,
            subject: Subject {
                host: self.home.host.clone(),
                user_directory: self.home.directory.clone(),
                user_id: self.id.clone(),
            },
            kind,
        }));
    }
}

fn followed(
    endpoint: Option<&Endpoint>,
    start: DateTime<Utc>,
    start_seen: bool,
) -> FollowedConnection {
    FollowedConnection {
        session_id: None,
        virtual_proxy: endpoint.and_then(|endpoint| endpoint.virtual_proxy.clone()),
        app: None,
        client: endpoint.map(|endpoint| Arc::clone(&endpoint.client)),
        start,
        start_seen,
    }
}
