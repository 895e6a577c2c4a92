//! Writes a state, line by line.

use std::{collections::HashMap, sync::Arc};

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::{
    super::{
        clock::Moment,
        intern::{App, Endpoint},
        user::{Connection, NO_SESSION, Session, User},
    },
    Checksum, FORMAT, VERSION,
    lines::{
        AppState, ConnectionState, EndLine, EndpointLine, Head, Line, SessionState, StoppedState,
        Text, UserLine,
    },
};

/// Writes a state.
#[derive(Debug)]
pub(in super::super) struct StateWriter {
    /// Ages are relative to this moment.
    moment: Moment,
    checksum: Checksum,
    users: u64,
    /// The numbers of endpoints, by their addresses. Holding the endpoints keeps the addresses unique.
    endpoints: HashMap<usize, (usize, Arc<Endpoint>)>,
}

impl StateWriter {
    /// Starts with the first line.
    pub(in super::super) fn begin(
        moment: Moment,
        saved: DateTime<Utc>,
        text: &mut Vec<u8>,
    ) -> Self {
        let mut writer = Self {
            moment,
            checksum: Checksum::new(),
            users: 0,
            endpoints: HashMap::new(),
        };
        let head = Head {
            format: FORMAT.into(),
            version: VERSION,
            saved: nanoseconds(saved),
        };
        writer.line(&head, text);
        writer
    }

    pub(in super::super) fn user(&mut self, user: &User, text: &mut Vec<u8>) {
        self.users += 1;
        let mut sessions = Vec::with_capacity(user.sessions.len());
        for session in &user.sessions {
            let endpoint = self.endpoint(session.endpoint.as_ref(), text);
            sessions.push(self.session(session, endpoint));
        }
        let mut connections = Vec::with_capacity(user.connections.len());
        for connection in &user.connections {
            let endpoint = self.endpoint(connection.endpoint.as_ref(), text);
            connections.push(self.connection(connection, endpoint));
        }
        let user = UserLine {
            host: user.home.host.as_deref().map(Text::from),
            user_directory: user.home.directory.as_deref().map(Text::from),
            user_id: (*user.id).into(),
            stopped_ago: user.stopped.map(|stopped| self.moment.since(stopped)),
            listed_ago: (user.listed != Moment::default()).then(|| self.moment.since(user.listed)),
            unlisted: user.unlisted,
            sessions,
            connections,
        };
        self.line(&Line::User(user), text);
    }

    pub(in super::super) fn end(&mut self, text: &mut Vec<u8>) {
        let end = EndLine {
            users: self.users,
            checksum: self.checksum.0,
        };
        self.line(&Line::End(end), text);
    }

    /// The number of an endpoint, whose line is written first if needed. `None` if the user agent was too long to be
    /// kept, because the endpoint cannot be recognised later.
    fn endpoint(&mut self, endpoint: Option<&Arc<Endpoint>>, text: &mut Vec<u8>) -> Option<usize> {
        let endpoint = endpoint.filter(|endpoint| !endpoint.user_agent.is_empty())?;
        let address = Arc::as_ptr(endpoint).addr();
        if let Some((number, _)) = self.endpoints.get(&address) {
            return Some(*number);
        }
        let number = self.endpoints.len();
        self.endpoints
            .insert(address, (number, Arc::clone(endpoint)));
        let line = EndpointLine {
            user_agent: (*endpoint.user_agent).into(),
            virtual_proxy: endpoint.virtual_proxy.as_deref().map(Text::from),
        };
        self.line(&Line::Endpoint(line), text);
        Some(number)
    }

    fn session<'s>(&self, session: &'s Session, endpoint: Option<usize>) -> SessionState<'s> {
        SessionState {
            number: session.number,
            session_id: session.id.as_deref().map(Text::from),
            endpoint,
            start: nanoseconds(session.start),
            start_seen: session.start_seen,
            only_listed: !session.event_seen,
            last: nanoseconds(session.last),
            ambiguous: session.is_ambiguous,
            connections: session.connections,
            since_ago: self.moment.since(session.since),
            seen_ago: self.moment.since(session.seen),
            apps: session.apps.iter().map(|app| self::app(app)).collect(),
        }
    }

    fn connection<'c>(
        &self,
        connection: &'c Connection,
        endpoint: Option<usize>,
    ) -> ConnectionState<'c> {
        ConnectionState {
            session: (connection.session != NO_SESSION).then_some(connection.session),
            app: app(&connection.app),
            endpoint,
            start: nanoseconds(connection.start),
            ambiguous: connection.is_ambiguous,
            opened_ago: self.moment.since(connection.opened),
            stopped: connection.stopped.as_deref().map(|stopped| StoppedState {
                at: nanoseconds(stopped.at),
                ago: self.moment.since(stopped.moment),
                session_id: stopped.session_id.as_deref().map(Text::from),
            }),
        }
    }

    fn line(&mut self, line: &impl Serialize, text: &mut Vec<u8>) {
        let start = text.len();
        // Text, numbers and lists of them can always be written as JSON.
        if serde_json::to_writer(&mut *text, line).is_ok() {
            text.push(b'\n');
            self.checksum.add(&text[start..]);
        } else {
            text.truncate(start);
        }
    }
}

fn app(app: &App) -> AppState<'_> {
    AppState {
        id: app.id.map(|id| id.to_string()),
        name: app.name.as_deref().map(Text::from),
        path: (*app.path).into(),
    }
}

/// A time outside the range of 64 bits becomes the smallest one.
fn nanoseconds(time: DateTime<Utc>) -> i64 {
    time.timestamp_nanos_opt().unwrap_or(i64::MIN)
}
