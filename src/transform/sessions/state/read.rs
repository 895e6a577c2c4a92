//! Reads a saved state back. Everything is checked, because the file may contain anything.

use std::{
    io::{self, BufRead, Read as _},
    sync::Arc,
};

use chrono::{DateTime, Utc};
use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::{
    super::{
        clock::Moment,
        intern::{App, AppRef, Endpoint, EndpointRef, HomeRef, Interned},
        user::{
            Connection, MAX_APPS, MAX_CONNECTIONS, MAX_SESSIONS, NO_SESSION, Session, Stopped, User,
        },
    },
    Checksum, FORMAT, StateError, VERSION,
    lines::{AppState, ConnectionState, EndLine, EndpointLine, Head, Line, SessionState, UserLine},
};
use crate::event::UserAgent;

/// The longest line that is read, in bytes: more than a user with the most sessions and connections and the longest
/// texts can take.
const MAX_LINE_BYTES: u64 = 8 << 20;

/// Reads a state.
pub(in super::super) struct StateReader<'t, R> {
    lines: Lines<'t, R>,
    /// When the state was saved, on the current clock.
    moment: Moment,
    endpoints: Vec<Arc<Endpoint>>,
    users: u64,
}

impl<'t, R: BufRead> StateReader<'t, R> {
    /// Reads the first line.
    pub(in super::super) fn begin(
        text: &'t mut R,
        now: DateTime<Utc>,
        moment: Moment,
    ) -> Result<Self, StateError> {
        let mut lines = Lines {
            text,
            line: String::new(),
            number: 0,
            checksum: Checksum::new(),
        };
        lines.next()?;
        let head: Head<'_> = lines.parse("a session state")?;
        if head.format != FORMAT {
            return Err(lines.damaged("a session state"));
        }
        if head.version != VERSION {
            return Err(StateError::Version {
                found: head.version,
            });
        }
        let away = (now - DateTime::from_timestamp_nanos(head.saved)).num_milliseconds();
        Ok(Self {
            lines,
            moment: moment.before(u64::try_from(away).unwrap_or(0)),
            endpoints: Vec::new(),
            users: 0,
        })
    }

    /// The number of users read.
    pub(in super::super) const fn users(&self) -> u64 {
        self.users
    }

    /// The next user; `None` at the end of a complete state. `place` returns the index of a node.
    pub(in super::super) fn next(
        &mut self,
        interned: &mut Interned,
        place: impl FnOnce(Option<&str>) -> u8,
    ) -> Result<Option<User>, StateError> {
        loop {
            let before = self.lines.checksum;
            self.lines.next()?;
            match self.lines.parse("a browser, a user, or the end")? {
                Line::Endpoint(line) => self.endpoints.push(endpoint(&line, interned)),
                Line::User(line) => {
                    self.users += 1;
                    let user = self.user(line, interned, place);
                    let damaged = || self.lines.damaged("possible sessions and connections");
                    return user.ok_or_else(damaged).map(Some);
                }
                Line::End(EndLine { users, checksum }) => {
                    let is_whole = users == self.users && checksum == before.0;
                    return if is_whole {
                        Ok(None)
                    } else {
                        Err(StateError::Checksum)
                    };
                }
            }
        }
    }

    /// `None` if such a user cannot exist.
    fn user(
        &self,
        line: UserLine<'static>,
        interned: &mut Interned,
        place: impl FnOnce(Option<&str>) -> u8,
    ) -> Option<User> {
        let home = HomeRef {
            host: line.host.as_deref(),
            directory: line.user_directory.as_deref(),
        };
        let home = interned.home(home, || place(home.host));
        let mut user = User::new(home, line.user_id.into());
        user.stopped = line.stopped_ago.map(|ago| self.moment.before(ago));
        user.listed = line
            .listed_ago
            .map_or_else(Moment::default, |ago| self.moment.before(ago));
        user.unlisted = line.unlisted;
        for session in line.sessions {
            let session = self.session(session, interned)?;
            let is_other = |other: &Session| other.number != session.number;
            if !user.sessions.iter().all(is_other) || session.number == NO_SESSION {
                return None;
            }
            user.sessions.push(session);
        }
        for connection in line.connections {
            let connection = self.connection(connection, interned)?;
            let number = connection.session;
            let has_session = user.sessions.iter().any(|s| s.number == number);
            if has_session == connection.stopped.is_some() {
                return None;
            }
            user.connections.push(connection);
        }
        user.connections.shrink_to_fit();
        (user.sessions.len() <= MAX_SESSIONS && user.connections.len() <= MAX_CONNECTIONS)
            .then_some(user)
    }

    fn session(&self, state: SessionState<'static>, interned: &mut Interned) -> Option<Session> {
        let apps = state.apps.into_iter().take(MAX_APPS);
        let apps = apps
            .map(|state| app(&state, interned))
            .collect::<Option<_>>()?;
        Some(Session {
            apps,
            number: state.number,
            start_seen: state.start_seen,
            event_seen: !state.only_listed,
            is_ambiguous: state.ambiguous,
            connections: state.connections,
            id: state.session_id.as_deref().map(Arc::from),
            endpoint: self.endpoint(state.endpoint)?,
            start: DateTime::from_timestamp_nanos(state.start),
            last: DateTime::from_timestamp_nanos(state.last),
            since: self.moment.before(state.since_ago),
            seen: self.moment.before(state.seen_ago),
        })
    }

    fn connection(
        &self,
        state: ConnectionState<'static>,
        interned: &mut Interned,
    ) -> Option<Connection> {
        let stopped = state.stopped.map(|stopped| {
            Box::new(Stopped {
                at: DateTime::from_timestamp_nanos(stopped.at),
                moment: self.moment.before(stopped.ago),
                session_id: stopped.session_id.as_deref().map(Arc::from),
            })
        });
        Some(Connection {
            session: state.session.unwrap_or(NO_SESSION),
            is_ambiguous: state.ambiguous,
            start: DateTime::from_timestamp_nanos(state.start),
            opened: self.moment.before(state.opened_ago),
            app: app(&state.app, interned)?,
            endpoint: self.endpoint(state.endpoint)?,
            stopped,
        })
    }

    /// The endpoint with a number: `Some(None)` without a number, and `None` for a number without a line.
    fn endpoint(&self, number: Option<usize>) -> Option<Option<Arc<Endpoint>>> {
        match number {
            None => Some(None),
            Some(number) => self.endpoints.get(number).cloned().map(Some),
        }
    }
}

/// Parses the user agent again.
fn endpoint(line: &EndpointLine<'_>, interned: &mut Interned) -> Arc<Endpoint> {
    interned.endpoint(EndpointRef {
        user_agent: &line.user_agent,
        client: &Arc::new(UserAgent::parse(&line.user_agent)),
        virtual_proxy: line.virtual_proxy.as_deref(),
    })
}

/// `None` if the id is not a guid.
fn app(state: &AppState<'_>, interned: &mut Interned) -> Option<Arc<App>> {
    let id = match &state.id {
        Some(id) => Some(Uuid::try_parse(id).ok()?),
        None => None,
    };
    let name = state.name.as_deref().map(|name| interned.text(name));
    Some(interned.app(AppRef {
        id,
        name: name.as_ref(),
        path: &state.path,
    }))
}

/// The lines of a text, with the checksum of all lines read so far.
struct Lines<'t, R> {
    text: &'t mut R,
    line: String,
    number: usize,
    checksum: Checksum,
}

impl<R: BufRead> Lines<'_, R> {
    fn next(&mut self) -> Result<(), StateError> {
        self.number += 1;
        self.line.clear();
        let mut text = self.text.by_ref().take(MAX_LINE_BYTES + 1);
        match text.read_line(&mut self.line) {
            Ok(read) if read as u64 > MAX_LINE_BYTES => {
                Err(self.damaged("a line of 8 MiB at most"))
            }
            Ok(0) => Err(self.damaged("more lines; the file is cut off")),
            Ok(_) => {
                self.checksum.add(self.line.as_bytes());
                Ok(())
            }
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                Err(self.damaged("text in UTF-8"))
            }
            Err(error) => Err(error.into()),
        }
    }

    fn parse<T: DeserializeOwned>(&self, expected: &'static str) -> Result<T, StateError> {
        serde_json::from_str(&self.line).map_err(|_| self.damaged(expected))
    }

    const fn damaged(&self, expected: &'static str) -> StateError {
        StateError::Damaged {
            line: self.number,
            expected,
        }
    }
}
