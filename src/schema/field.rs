//! The fields of the output: the one table that says what each is, of which type, whether it may name a person, what
//! the schemas `default` and `ecs` call it, and where an event has it.
//!
//! A schema says which of them a kind of event has, and in which order. The schema `butler_sos` has names of its own
//! for them.

use super::{Entry, Source, Timestamp, Value, entry::Condition};
use crate::event::{
    Derived, DerivedKind, Ended, Event, FollowedConnection, FollowedSession, Pairing, UserAgent,
    UserEvent,
};

/// A field of the output.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    /// Its name in the schema `default`, those of the fields that it is within with a dot before it.
    pub default: &'static str,
    /// Its name in the schema `ecs`.
    pub ecs: &'static str,
    /// What it holds.
    pub field_type: FieldType,
    /// Whether it may name a person, be it as part of a longer text.
    pub may_name_person: bool,
    /// What it is.
    pub documentation: &'static str,
    pub(super) source: Source<Event>,
    pub(super) condition: Option<Condition<Event>>,
}

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum FieldType {
    /// Text.
    Text,
    /// A point in time.
    Time,
    /// A whole number.
    WholeNumber,
    /// A number with decimals.
    Number,
    /// Yes or no.
    Boolean,
    /// Several texts.
    ListOfText,
    /// Texts by name.
    MapOfText,
}

impl FieldType {
    /// The words for it, as in the documentation of the fields.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Time => "time",
            Self::WholeNumber => "whole number",
            Self::Number => "number",
            Self::Boolean => "true or false",
            Self::ListOfText => "list of text",
            Self::MapOfText => "map of text",
        }
    }
}

impl Field {
    const fn new(
        [default, ecs]: [&'static str; 2],
        field_type: FieldType,
        documentation: &'static str,
        get: fn(&Event) -> Value<'_>,
    ) -> Self {
        Self {
            default,
            ecs,
            field_type,
            may_name_person: false,
            documentation,
            source: Source::Value(get),
            condition: None,
        }
    }

    const fn text(
        names: [&'static str; 2],
        documentation: &'static str,
        get: fn(&Event) -> Option<&str>,
    ) -> Self {
        let field = Self::new(names, Text, documentation, |_| Value::Absent);
        field.source(Source::Text(get))
    }

    const fn only_if(self, condition: Condition<Event>) -> Self {
        Self {
            condition: Some(condition),
            ..self
        }
    }

    const fn may_name_person(self) -> Self {
        Self {
            may_name_person: true,
            ..self
        }
    }

    /// With a value that follows from the kind of event alone.
    const fn source(self, source: Source<Event>) -> Self {
        Self { source, ..self }
    }

    /// The value that an event has of it; none where that follows from the kind of event.
    #[inline]
    pub(super) fn value(self, event: &Event) -> Value<'_> {
        match self.source {
            Source::Text(text) => text(event).into(),
            Source::Value(value) => value(event),
            _ => Value::Absent,
        }
    }

    /// The text that an event has of it; none where it is no field of text.
    #[inline]
    pub(super) fn text_of(self, event: &Event) -> Option<&str> {
        match self.source {
            Source::Text(text) => text(event),
            _ => None,
        }
    }

    /// This field as the schema `default` has it.
    pub(super) const fn in_default(self) -> Entry<Event> {
        self.named(self.default)
    }

    /// This field as the schema `ecs` has it.
    pub(super) const fn in_ecs(self) -> Entry<Event> {
        self.named(self.ecs)
    }

    /// This field by another name.
    pub(super) const fn named(self, name: &'static str) -> Entry<Event> {
        Entry::new(name, self.source).only_if(self.condition)
    }
}

/// The table: for each field a constant, and its row in [`FIELDS`].
macro_rules! table {
    ($($name:ident = $row:expr;)+) => {
        $(pub(super) const $name: Field = $row;)+

        /// Every field of the schemas `default` and `ecs`, those of `ecs` alone left out.
        pub const FIELDS: &[Field] = &[$($name),+];
    };
}

use FieldType::{Boolean, ListOfText, MapOfText, Number, Text, Time, WholeNumber};

table! {
    TIMESTAMP = Field::new(["timestamp", "@timestamp"], Time,
        "when it happened, in UTC: when the datagram arrived, or Qlik's own time where it was sent",
        |event| event.timestamp().map(Timestamp).into());
    SOURCE_TYPE = Field::new(["source_type", "event.module"], Text,
        "`qlik_sense`", |_| Value::Absent)
        .source(Source::Constant(Value::Text(super::SOURCE_TYPE)));
    EVENT = Field::new(["event", "event.dataset"], Text,
        "the kind of event", |_| Value::Absent)
        .source(Source::Kind(|kind| kind.event().into()));
    ACTION = Field::new(["action", "event.action"], Text,
        "`start`, `stop`, `open`, `close` or `other`", |_| Value::Absent)
        .source(Source::Kind(|kind| kind.action().into()));
    QLIK_COMMAND = Field::text(["qlik_command", "qlik_sense.command"],
        "Qlik's own words, such as `Start session`",
        |event| user(event).and_then(UserEvent::qlik_command));
    HOST = Field::text(["host", "host.name"],
        "the Qlik Sense node; on `undecoded` the sender's IP address",
        |event| match event {
            Event::User(event) => event.host(),
            Event::Undecoded(_) => None,
            Event::Derived(event) => event.subject.host.as_deref(),
        });
    USER_DIRECTORY = Field::text(["user_directory", "user.domain"],
        "the user's directory, such as `LAB`",
        |event| match event {
            Event::User(event) => event.user_directory(),
            Event::Undecoded(_) => None,
            Event::Derived(event) => event.subject.user_directory.as_deref(),
        })
        .may_name_person();
    USER_ID = Field::text(["user_id", "user.name"],
        "the user's id in the directory",
        |event| match event {
            Event::User(event) => event.user_id(),
            Event::Undecoded(_) => None,
            Event::Derived(event) => Some(&event.subject.user_id),
        })
        .may_name_person();
    USER = Field::new(["user", "user.id"], Text,
        "`DIRECTORY\\id`, as Qlik writes users",
        |event| match event {
            Event::User(event) => event.user().into(),
            Event::Undecoded(_) => Value::Absent,
            Event::Derived(event) => event.subject.user().into(),
        })
        .may_name_person();
    ORIGIN = Field::text(["origin", "qlik_sense.origin"],
        "such as `AppAccess` or `Not available`",
        |event| user(event).and_then(UserEvent::origin));
    CONTEXT = Field::text(["context", "qlik_sense.context"],
        "the path that was asked for, whole",
        |event| user(event).and_then(UserEvent::context))
        .may_name_person();
    MESSAGE = Field::text(["message", "message"],
        "Qlik's message, whole",
        |event| user(event).and_then(UserEvent::message))
        .may_name_person();
    VIRTUAL_PROXY = Field::text(["virtual_proxy", "qlik_sense.virtual_proxy"],
        "the prefix of the virtual proxy",
        |event| match event {
            Event::User(event) => event.virtual_proxy(),
            Event::Undecoded(_) => None,
            Event::Derived(event) => event.kind.virtual_proxy(),
        })
        .may_name_person();
    APP_ID = Field::new(["app_id", "qlik_sense.app_id"], Text,
        "the app's guid, in lower case",
        |event| match event {
            Event::User(event) => event.app_id().into(),
            _ => connection(event).and_then(|it| it.app.as_ref()).map(|app| app.id).into(),
        });
    APP_NAME = Field::text(["app_name", "qlik_sense.app_name"],
        "the app's name",
        |event| match event {
            Event::User(event) => event.app_name(),
            _ => connection(event)?.app.as_ref()?.name.as_deref(),
        });
    USER_AGENT = Field::text(["user_agent", "user_agent.original"],
        "the browser's user agent, whole",
        |event| user(event).and_then(UserEvent::user_agent))
        .may_name_person();
    BROWSER_NAME = Field::text(["browser_name", "user_agent.name"],
        "such as `Chrome` or `Microsoft Edge`",
        |event| client(event)?.browser_name.as_deref())
        .only_if(HAS_CLIENT);
    BROWSER_VERSION = Field::text(["browser_version", "user_agent.version"],
        "such as `126.0.0.0`",
        |event| client(event).and_then(|it| it.browser_version.as_deref()))
        .only_if(HAS_CLIENT);
    OS_NAME = Field::text(["os_name", "user_agent.os.name"],
        "such as `Windows` or `macOS`",
        |event| client(event).and_then(|it| it.os_name))
        .only_if(HAS_CLIENT);
    OS_VERSION = Field::text(["os_version", "user_agent.os.version"],
        "such as `NT 10.0`",
        |event| client(event).and_then(|it| it.os_version.as_deref()))
        .only_if(HAS_CLIENT);
    INGEST_TIMESTAMP = Field::new(["ingest_timestamp", "event.created"], Time,
        "when the datagram arrived, in UTC",
        |event| user(event).and_then(ingest_timestamp).into())
        .only_if(IS_EXTENDED);
    SEQUENCE = Field::new(["sequence", "event.sequence"], WholeNumber,
        "the row number, from 1 to 9999 and again",
        |event| user(event).and_then(UserEvent::sequence).into())
        .only_if(IS_EXTENDED);
    SESSION_ID = Field::text(["session_id", "qlik_sense.session_id"],
        "the proxy session, the same from its start to its stop",
        |event| match event {
            Event::User(event) => event.session_id(),
            Event::Undecoded(_) => None,
            Event::Derived(event) => event.kind.session_id(),
        })
        .only_if(IS_EXTENDED);
    RESULT = Field::text(["result", "qlik_sense.result"],
        "what came of it, as Qlik writes it",
        |event| user(event).and_then(UserEvent::result))
        .only_if(IS_EXTENDED);
    UNREADABLE_TIMESTAMP = Field::text(
        ["unreadable.timestamp", "qlik_sense.unreadable.timestamp"],
        "what was sent as the time and cannot be read as one",
        |event| user(event).and_then(|it| it.unreadable().timestamp))
        .may_name_person()
        .only_if(IS_EXTENDED);
    UNREADABLE_SEQUENCE = Field::text(
        ["unreadable.sequence", "qlik_sense.unreadable.sequence"],
        "what was sent as the row number and cannot be read as one",
        |event| user(event).and_then(|it| it.unreadable().sequence))
        .may_name_person()
        .only_if(IS_EXTENDED);
    ERROR_CODE = Field::text(["error.code", "error.code"],
        "a stable code of what is wrong",
        |event| undecoded(event).map(|it| it.error().code.as_str()));
    ERROR_FIELD = Field::text(["error.field", "qlik_sense.error.field"],
        "the field that is wrong or missing",
        |event| undecoded(event).and_then(|it| it.error().field).map(|it| it.as_str()));
    ERROR_OFFSET = Field::new(["error.offset", "qlik_sense.error.offset"], WholeNumber,
        "where, in bytes of `raw`",
        |event| undecoded(event).map(|it| it.error().offset).into());
    RAW = Field::text(["raw", "event.original"],
        "the payload as text",
        |event| undecoded(event).and_then(crate::event::Undecoded::raw))
        .may_name_person();
    START = Field::new(["start", "event.start"], Time,
        "when the session or connection began",
        |event| derived(event).map(|it| Timestamp(it.kind.start())).into());
    START_SEEN = Field::new(["start_seen", "qlik_sense.start_seen"], Boolean,
        "whether its beginning was seen",
        |event| derived(event).map(|it| it.kind.start_seen()).into());
    CONNECTIONS = Field::new(["connections", "qlik_sense.connections"], WholeNumber,
        "how many connections the session has had",
        |event| session(event).map(|it| it.connections).into());
    OPEN_CONNECTIONS = Field::new(["open_connections", "qlik_sense.open_connections"], WholeNumber,
        "how many of them are open",
        |event| session(event).map(|it| it.open_connections).into());
    APPS = Field::new(["apps", "qlik_sense.apps"], ListOfText,
        "the ids of the apps that the session has opened",
        |event| session(event).map(|it| Value::ids_of(&it.apps)).into());
    APP_NAMES = Field::new(["app_names", "qlik_sense.app_names"], ListOfText,
        "their names",
        |event| session(event).map(|it| Value::names_of(&it.apps)).into());
    OPEN_APPS = Field::new(["open_apps", "qlik_sense.open_apps"], ListOfText,
        "the ids of the apps that are open",
        |event| session(event).map(|it| Value::ids_of(&it.open_apps)).into());
    OPEN_APP_NAMES = Field::new(["open_app_names", "qlik_sense.open_app_names"], ListOfText,
        "their names",
        |event| session(event).map(|it| Value::names_of(&it.open_apps)).into());
    END = Field::new(["end", "event.end"], Time,
        "when the session or connection ended",
        |event| ended(event).map(|it| Timestamp(it.end)).into());
    END_SEEN = Field::new(["end_seen", "qlik_sense.end_seen"], Boolean,
        "whether its end was seen",
        |event| ended(event).map(Ended::end_seen).into());
    END_REASON = Field::text(["end_reason", "qlik_sense.end_reason"],
        "why it is taken to have ended",
        |event| ended(event).map(|it| it.reason.as_str()));
    PAIRING = Field::text(["pairing", "qlik_sense.pairing"],
        "how start and end were found to belong together",
        |event| ended(event).and_then(|it| it.pairing).map(Pairing::as_str));
    DURATION_SECS = Field::new(["duration_secs", "event.duration"], Number,
        "how long it lasted, in seconds",
        |event| derived(event).map(|it| Value::seconds(it.duration())).into());
    SENDER = Field::new(["sender", "observer.ip"], Text,
        "the IP address that the datagram came from", SENDER_VALUE);
    TAGS = Field::new(["tags", "labels"], MapOfText,
        "the names and values of `output.tags`", |_| Value::Absent)
        .source(Source::Tags);
}

/// Nearly no event has a browser without a system or the other way round.
const HAS_CLIENT: Condition<Event> = Condition {
    name: "client",
    holds: |event| client(event).is_some(),
};

/// Only the extended appender sends these, and nearly no site has it.
const IS_EXTENDED: Condition<Event> = Condition {
    name: "extended",
    holds: |event| match event {
        Event::User(event) => event.is_extended(),
        _ => true,
    },
};

const SENDER_VALUE: fn(&Event) -> Value<'_> =
    |event| event.arrival().and_then(|arrival| arrival.sender).into();

#[inline]
const fn user(event: &Event) -> Option<&UserEvent> {
    match event {
        Event::User(event) => Some(event),
        _ => None,
    }
}

const fn undecoded(event: &Event) -> Option<&crate::event::Undecoded> {
    match event {
        Event::Undecoded(event) => Some(event),
        _ => None,
    }
}

const fn derived(event: &Event) -> Option<&Derived> {
    match event {
        Event::Derived(event) => Some(event),
        _ => None,
    }
}

fn session(event: &Event) -> Option<&FollowedSession> {
    match &derived(event)?.kind {
        DerivedKind::SessionSummary(session, _) | DerivedKind::SessionSnapshot(session) => {
            Some(session)
        }
        DerivedKind::ConnectionSummary(..) => None,
    }
}

fn connection(event: &Event) -> Option<&FollowedConnection> {
    match &derived(event)?.kind {
        DerivedKind::ConnectionSummary(connection, _) => Some(connection),
        _ => None,
    }
}

fn ended(event: &Event) -> Option<&Ended> {
    derived(event)?.kind.ended()
}

#[inline]
fn client(event: &Event) -> Option<&UserAgent> {
    match event {
        Event::User(event) => event.client(),
        Event::Undecoded(_) => None,
        Event::Derived(event) => event.kind.client(),
    }
}

/// The time of arrival, where the event's time is another.
fn ingest_timestamp(event: &UserEvent) -> Option<Timestamp> {
    let arrival = event.qlik_timestamp().and(event.arrival())?;
    Some(Timestamp(arrival.timestamp))
}
