//! The state of the tracker as text, to be kept from one run to the next.
//!
//! A JSON object a line: what it is and when it was saved, the users, and how many they are with a
//! checksum of all before. Times of the tracker's clock are ages, so that the time away counts.

use std::{
    collections::HashMap,
    io::{self, BufRead},
    sync::Arc,
};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use uuid::Uuid;

use super::{
    clock::Moment,
    intern::{App, Interned, Origin},
    user::{
        Connection, MAX_APPS, MAX_CONNECTIONS, MAX_SESSIONS, NO_SESSION, Session, Stopped, User,
    },
};
use crate::event::UserAgent;

/// What the first line says that the file is.
const FORMAT: &str = "qlik_sense_sessions";

/// The version of the format. Another one is not read.
const VERSION: u32 = 1;

/// A state cannot be read. It names no user.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StateError {
    /// The text cannot be read.
    #[error("{0}")]
    Read(#[from] io::Error),
    /// It is the state of another version of the program.
    #[error("line 1: expected version {VERSION} of the format")]
    Version,
    /// A line is not what it should be.
    #[error("line {line}: expected {expected}")]
    Damaged {
        /// The line, from 1.
        line: usize,
        /// What should be there.
        expected: &'static str,
    },
    /// The text is not what was saved.
    #[error("the checksum in the last line is not that of the lines before it")]
    Checksum,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    format: String,
    version: u32,
    /// Nanoseconds since 1970-01-01T00:00:00Z.
    saved: i64,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Tail {
    users: u64,
    checksum: u64,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct UserState<'a> {
    host: Option<Text<'a>>,
    user_directory: Option<Text<'a>>,
    user_id: Text<'a>,
    stopped_ago: Option<u64>,
    sessions: Vec<SessionState<'a>>,
    connections: Vec<ConnectionState<'a>>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SessionState<'a> {
    number: u8,
    session_id: Option<Text<'a>>,
    origin: Option<OriginState<'a>>,
    start: i64,
    start_seen: bool,
    last: i64,
    ambiguous: bool,
    connections: u32,
    since_ago: u64,
    seen_ago: u64,
    apps: Vec<AppState<'a>>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ConnectionState<'a> {
    session: Option<u8>,
    app: AppState<'a>,
    origin: Option<OriginState<'a>>,
    start: i64,
    ambiguous: bool,
    opened_ago: u64,
    stopped: Option<StoppedState<'a>>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct AppState<'a> {
    #[serde(skip_serializing_if = "Option::is_none", default)]
    id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    name: Option<Text<'a>>,
    #[serde(skip_serializing_if = "str::is_empty", default)]
    path: Text<'a>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoppedState<'a> {
    at: i64,
    ago: u64,
    session_id: Option<Text<'a>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct OriginState<'a> {
    user_agent: Text<'a>,
    virtual_proxy: Option<Text<'a>>,
}

/// Borrowed while it is written, owned when it was read.
type Text<'a> = std::borrow::Cow<'a, str>;

/// The sum of the lines up to here: FNV-1a, which is the same on every platform.
#[derive(Debug, Clone, Copy)]
struct Checksum(u64);

impl Checksum {
    const fn new() -> Self {
        Self(0xCBF2_9CE4_8422_2325)
    }

    fn add(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3);
        }
    }
}

/// Writes a state line by line.
#[derive(Debug)]
pub(super) struct Writer {
    /// Ages are those at this moment.
    moment: Moment,
    checksum: Checksum,
    users: u64,
}

impl Writer {
    /// Begins with the first line.
    pub(super) fn begin(moment: Moment, saved: DateTime<Utc>, text: &mut Vec<u8>) -> Self {
        let mut writer = Self {
            moment,
            checksum: Checksum::new(),
            users: 0,
        };
        let head = Head {
            format: FORMAT.into(),
            version: VERSION,
            saved: nanoseconds(saved),
        };
        writer.line(&head, text);
        writer
    }

    pub(super) fn user(&mut self, user: &User, text: &mut Vec<u8>) {
        self.users += 1;
        self.line(&user.state(self.moment), text);
    }

    pub(super) fn end(&mut self, text: &mut Vec<u8>) {
        let tail = Tail {
            users: self.users,
            checksum: self.checksum.0,
        };
        self.line(&tail, text);
    }

    fn line(&mut self, line: &impl Serialize, text: &mut Vec<u8>) {
        let start = text.len();
        // Text, numbers and lists of them always have a form in JSON.
        if serde_json::to_writer(&mut *text, line).is_ok() {
            text.push(b'\n');
            self.checksum.add(&text[start..]);
        } else {
            text.truncate(start);
        }
    }
}

/// Reads a state and gives every user to `take`. How many there were.
pub(super) fn read(
    text: &mut impl BufRead,
    now: DateTime<Utc>,
    moment: Moment,
    interned: &mut Interned,
    mut take: impl FnMut(User),
) -> Result<u64, StateError> {
    let mut lines = Lines {
        text,
        line: String::new(),
        number: 0,
        checksum: Checksum::new(),
    };
    lines.next()?;
    let head: Head = lines.parse("a state of sessions")?;
    if head.format != FORMAT {
        return Err(lines.damaged("a state of sessions"));
    }
    if head.version != VERSION {
        return Err(StateError::Version);
    }
    let away = (now - DateTime::from_timestamp_nanos(head.saved)).num_milliseconds();
    let mut reader = Reader {
        moment: moment.before(u64::try_from(away).unwrap_or(0)),
        interned,
        origins: HashMap::new(),
    };
    let mut users = 0;
    loop {
        let before = lines.checksum;
        lines.next()?;
        if let Ok(tail) = serde_json::from_str::<Tail>(&lines.line) {
            return match (tail.users == users, tail.checksum == before.0) {
                (true, true) => Ok(users),
                _ => Err(StateError::Checksum),
            };
        }
        let state: UserState<'_> = lines.parse("a user, or the end")?;
        let user = reader.user(state);
        let user = user.ok_or_else(|| lines.damaged("sessions and connections that can be"))?;
        take(user);
        users += 1;
    }
}

struct Lines<'a, R> {
    text: &'a mut R,
    line: String,
    number: usize,
    checksum: Checksum,
}

impl<R: BufRead> Lines<'_, R> {
    fn next(&mut self) -> Result<(), StateError> {
        self.number += 1;
        self.line.clear();
        match self.text.read_line(&mut self.line) {
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

struct Reader<'i> {
    /// When the state was saved, by the clock that runs now.
    moment: Moment,
    interned: &'i mut Interned,
    origins: HashMap<OriginState<'static>, Arc<Origin>>,
}

impl Reader<'_> {
    /// None where it cannot be.
    fn user(&mut self, state: UserState<'static>) -> Option<User> {
        let mut text = |text: Text<'_>| self.interned.texts.intern(text.into());
        let (host, directory) = (
            state.host.map(&mut text),
            state.user_directory.map(&mut text),
        );
        let mut user = User::new(host, directory, state.user_id.into(), 0);
        user.stopped = state.stopped_ago.map(|ago| self.moment.before(ago));
        for session in state.sessions {
            let session = self.session(session)?;
            let is_other = |other: &Session| other.number != session.number;
            if !user.sessions.iter().all(is_other) || session.number == NO_SESSION {
                return None;
            }
            user.sessions.push(session);
        }
        for connection in state.connections {
            let connection = self.connection(connection)?;
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

    fn session(&mut self, state: SessionState<'static>) -> Option<Session> {
        let apps = state.apps.into_iter().take(MAX_APPS);
        let apps = apps.map(|app| self.app(app)).collect::<Option<_>>()?;
        Some(Session {
            apps,
            number: state.number,
            start_seen: state.start_seen,
            is_ambiguous: state.ambiguous,
            connections: state.connections,
            id: state.session_id.map(Arc::from),
            origin: state.origin.map(|origin| self.origin(origin)),
            start: DateTime::from_timestamp_nanos(state.start),
            last: DateTime::from_timestamp_nanos(state.last),
            since: self.moment.before(state.since_ago),
            seen: self.moment.before(state.seen_ago),
        })
    }

    fn connection(&mut self, state: ConnectionState<'static>) -> Option<Connection> {
        let stopped = state.stopped.map(|stopped| {
            Box::new(Stopped {
                at: DateTime::from_timestamp_nanos(stopped.at),
                moment: self.moment.before(stopped.ago),
                session_id: stopped.session_id.map(Arc::from),
            })
        });
        Some(Connection {
            session: state.session.unwrap_or(NO_SESSION),
            is_ambiguous: state.ambiguous,
            start: DateTime::from_timestamp_nanos(state.start),
            opened: self.moment.before(state.opened_ago),
            app: self.app(state.app)?,
            origin: state.origin.map(|origin| self.origin(origin)),
            stopped,
        })
    }

    fn app(&mut self, state: AppState<'static>) -> Option<Arc<App>> {
        let id = match state.id {
            Some(id) => Some(Uuid::try_parse(&id).ok()?),
            None => None,
        };
        let name = state
            .name
            .map(|name| self.interned.texts.intern(name.into()));
        let path = Box::from(&*state.path);
        Some(self.interned.apps.intern(Arc::new(App { id, name, path })))
    }

    /// Browsers are recognised once each.
    fn origin(&mut self, state: OriginState<'static>) -> Arc<Origin> {
        if let Some(origin) = self.origins.get(&state) {
            return Arc::clone(origin);
        }
        let origin = Arc::new(Origin {
            client: Some(Arc::new(UserAgent::parse(&state.user_agent))),
            user_agent: Box::from(&*state.user_agent),
            virtual_proxy: state.virtual_proxy.as_deref().map(Box::from),
        });
        let origin = self.interned.origins.intern(origin);
        self.origins.insert(state, Arc::clone(&origin));
        origin
    }
}

impl User {
    fn state(&self, now: Moment) -> UserState<'_> {
        UserState {
            host: self.host.as_deref().map(Text::from),
            user_directory: self.directory.as_deref().map(Text::from),
            user_id: (*self.id).into(),
            stopped_ago: self.stopped.map(|stopped| now.since(stopped)),
            sessions: self.sessions.iter().map(|s| s.state(now)).collect(),
            connections: self.connections.iter().map(|c| c.state(now)).collect(),
        }
    }
}

impl Session {
    fn state(&self, now: Moment) -> SessionState<'_> {
        SessionState {
            number: self.number,
            session_id: self.id.as_deref().map(Text::from),
            origin: self.origin.as_deref().and_then(Origin::state),
            start: nanoseconds(self.start),
            start_seen: self.start_seen,
            last: nanoseconds(self.last),
            ambiguous: self.is_ambiguous,
            connections: self.connections,
            since_ago: now.since(self.since),
            seen_ago: now.since(self.seen),
            apps: self.apps.iter().map(|app| app.state()).collect(),
        }
    }
}

impl Connection {
    fn state(&self, now: Moment) -> ConnectionState<'_> {
        ConnectionState {
            session: (self.session != NO_SESSION).then_some(self.session),
            app: self.app.state(),
            origin: self.origin.as_deref().and_then(Origin::state),
            start: nanoseconds(self.start),
            ambiguous: self.is_ambiguous,
            opened_ago: now.since(self.opened),
            stopped: self.stopped.as_deref().map(|stopped| StoppedState {
                at: nanoseconds(stopped.at),
                ago: now.since(stopped.moment),
                session_id: stopped.session_id.as_deref().map(Text::from),
            }),
        }
    }
}

impl App {
    fn state(&self) -> AppState<'_> {
        AppState {
            id: self.id.map(|id| id.to_string()),
            name: self.name.as_deref().map(Text::from),
            path: (*self.path).into(),
        }
    }
}

impl Origin {
    /// None where the user agent was too long to be kept: it cannot be recognised again.
    fn state(&self) -> Option<OriginState<'_>> {
        (!self.user_agent.is_empty()).then(|| OriginState {
            user_agent: (*self.user_agent).into(),
            virtual_proxy: self.virtual_proxy.as_deref().map(Text::from),
        })
    }
}

/// Times are of payloads and clocks that have a place in 64 bits; others become the least.
fn nanoseconds(time: DateTime<Utc>) -> i64 {
    time.timestamp_nanos_opt().unwrap_or(i64::MIN)
}
