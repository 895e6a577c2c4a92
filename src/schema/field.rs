//! The fields of the output. One table says what each field is, its type, whether it may name a person, its names in
//! the schemas `default` and `ecs`, and where its value in an event comes from.
//!
//! A schema says which of them a kind of event has, and in which order. The schema `butler_sos` has names of its own.

use super::{Entry, List, Map, Source, Timestamp, Value, entry::Condition};
use crate::event::{
    Body, Derived, DerivedKind, Ended, Event, FollowedSession, Level, LogEvent, Measure, Pairing,
    PerformanceEvent, PerformanceSummary, Service, Total, Undecoded, UserEvent,
};

/// A field of the output.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    /// Its name in the schema `default`; for a nested field, with the outer names and dots before it.
    pub default: &'static str,
    /// Its name in the schema `ecs`.
    pub ecs: &'static str,
    /// The type of its values.
    pub field_type: FieldType,
    /// Whether it may name a person, even as part of a longer text.
    pub may_name_person: bool,
    /// What it means.
    pub documentation: &'static str,
    pub(super) source: Source<Event>,
    pub(super) condition: Option<Condition<Event>>,
}

/// The type of a field's values.
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
    /// True or false.
    Boolean,
    /// Several texts.
    ListOfText,
    /// Texts by name.
    MapOfText,
}

impl FieldType {
    /// The words for it in the documentation of the fields.
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

    /// With a value that depends only on the kind of event.
    const fn source(self, source: Source<Event>) -> Self {
        Self { source, ..self }
    }

    /// Its value in an event; absent if it depends only on the kind of event.
    #[inline]
    pub(super) fn value(self, event: &Event) -> Value<'_> {
        match self.source {
            Source::Text(text) => text(event).into(),
            Source::Value(value) => value(event),
            _ => Value::Absent,
        }
    }

    /// Its text in an event; `None` if it is not a field of text.
    #[inline]
    pub(super) fn text_of(self, event: &Event) -> Option<&str> {
        match self.source {
            Source::Text(text) => text(event),
            _ => None,
        }
    }

    /// This field in the schema `default`.
    pub(super) const fn in_default(self) -> Entry<Event> {
        self.named(self.default)
    }

    /// This field in the schema `ecs`.
    pub(super) const fn in_ecs(self) -> Entry<Event> {
        self.named(self.ecs)
    }

    /// This field under another name.
    pub(super) const fn named(self, name: &'static str) -> Entry<Event> {
        Entry::new(name, self.source).only_if(self.condition)
    }
}

/// The table: makes a constant for each field, and its row in [`FIELDS`].
macro_rules! table {
    ($($name:ident = $row:expr;)+) => {
        $(pub(super) const $name: Field = $row;)+

        /// Every field of the schemas `default` and `ecs`, except those that only `ecs` has.
        pub const FIELDS: &[Field] = &[$($name),+];
    };
}

use FieldType::{Boolean, ListOfText, MapOfText, Number, Text, Time, WholeNumber};

table! {
    TIMESTAMP = Field::new(["timestamp", "@timestamp"], Time,
        "when it happened, in UTC: the time of arrival, or Qlik's own time if it was sent",
        |event| event.timestamp().map(Timestamp).into());
    SOURCE_TYPE = Field::new(["source_type", "event.module"], Text,
        "`qlik_sense`", |_| Value::Absent)
        .source(Source::Constant(Value::Text(super::SOURCE_TYPE)));
    EVENT = Field::new(["event", "event.dataset"], Text,
        "the kind of record", |_| Value::Absent)
        .source(Source::Kind(|kind| kind.event().into()));
    ACTION = Field::new(["action", "event.action"], Text,
        "`start`, `stop`, `open`, `close` or `other`; for a task `failed`, `aborting`, `succeeded` or `distributed`",
        |_| Value::Absent)
        .source(Source::Kind(|kind| kind.action().into()));
    QLIK_COMMAND = Field::text(["qlik_command", "qlik_sense.command"],
        "Qlik's own words, such as `Start session`", Event::qlik_command)
        .may_name_person();
    SERVICE = Field::text(["service", "service.name"],
        "the service that wrote the row: `engine`, `proxy`, `repository` or `scheduler`",
        |event| event.service().map(Service::as_str));
    LEVEL = Field::text(["level", "log.level"],
        "`debug`, `info`, `warn`, `error` or `fatal`",
        |event| event.level().map(Level::as_str));
    HOST = Field::text(["host", "host.name"],
        "the Qlik Sense node; on `undecoded` the sender's IP address", Event::host);
    USER_DIRECTORY = Field::text(["user_directory", "user.domain"],
        "the user's directory, such as `LAB`", Event::user_directory)
        .may_name_person();
    USER_ID = Field::text(["user_id", "user.name"],
        "the user's id in the directory", Event::user_id)
        .may_name_person();
    USER = Field::new(["user", "user.id"], Text,
        "`DIRECTORY\\id`, as Qlik writes users", |event| event.user().into())
        .may_name_person();
    ORIGIN = Field::text(["origin", "qlik_sense.origin"],
        "such as `AppAccess` or `Not available`", Event::origin)
        .may_name_person();
    CONTEXT = Field::text(["context", "qlik_sense.context"],
        "the requested path, whole", Event::context)
        .may_name_person();
    MESSAGE = Field::text(["message", "message"],
        "Qlik's message, whole", Event::message)
        .may_name_person();
    EXCEPTION = Field::text(["exception", "error.stack_trace"],
        "the exception that was logged, with its stack trace", Event::exception)
        .may_name_person();
    LOGGER = Field::text(["logger", "log.logger"],
        "the logger that wrote the row, such as `System.Engine.Engine`", Event::logger);
    SERVICE_ACCOUNT = Field::text(["service_account", "qlik_sense.service_account"],
        "the account that the service runs under, as `DIRECTORY\\id`", Event::service_account)
        .may_name_person();
    VIRTUAL_PROXY = Field::text(["virtual_proxy", "qlik_sense.virtual_proxy"],
        "the prefix of the virtual proxy", Event::virtual_proxy)
        .may_name_person();
    APP_ID = Field::new(["app_id", "qlik_sense.app_id"], Text,
        "the app's guid, in lower case", |event| event.app_id().into());
    APP_NAME = Field::text(["app_name", "qlik_sense.app_name"],
        "the app's name", Event::app_name)
        .may_name_person();
    TASK_ID = Field::text(["task_id", "qlik_sense.task_id"],
        "the task, as sent", Event::task_id)
        .may_name_person();
    TASK_NAME = Field::text(["task_name", "qlik_sense.task_name"],
        "the task's name", Event::task_name)
        .may_name_person();
    EXECUTION_ID = Field::text(["execution_id", "qlik_sense.execution_id"],
        "the run of the task, as sent", Event::execution_id)
        .may_name_person();
    USER_AGENT = Field::text(["user_agent", "user_agent.original"],
        "the browser's user agent, whole",
        |event| user(event).and_then(UserEvent::user_agent))
        .may_name_person();
    BROWSER_NAME = Field::text(["browser_name", "user_agent.name"],
        "such as `Chrome` or `Microsoft Edge`; an app or program by its own name",
        |event| event.client()?.browser_name.as_deref())
        .may_name_person()
        .only_if(HAS_CLIENT);
    BROWSER_VERSION = Field::text(["browser_version", "user_agent.version"],
        "such as `126.0.0.0`",
        |event| event.client().and_then(|it| it.browser_version.as_deref()))
        .may_name_person()
        .only_if(HAS_CLIENT);
    OS_NAME = Field::text(["os_name", "user_agent.os.name"],
        "such as `Windows` or `macOS`",
        |event| event.client().and_then(|it| it.os_name))
        .only_if(HAS_CLIENT);
    OS_VERSION = Field::text(["os_version", "user_agent.os.version"],
        "such as `NT 10.0`",
        |event| event.client().and_then(|it| it.os_version.as_deref()))
        .only_if(HAS_CLIENT);
    INGEST_TIMESTAMP = Field::new(["ingest_timestamp", "event.created"], Time,
        "when the datagram arrived, in UTC",
        |event| ingest_timestamp(event).into())
        .only_if(HAS_ROW);
    SEQUENCE = Field::new(["sequence", "event.sequence"], WholeNumber,
        "the row number, which restarts after 9999", |event| event.sequence().into())
        .only_if(HAS_ROW);
    SESSION_ID = Field::text(["session_id", "qlik_sense.session_id"],
        "the proxy session, the same from its start to its stop and in its requests to the engine", Event::session_id)
        .may_name_person()
        .only_if(HAS_ROW);
    LOCAL_TIME = Field::text(["local_time", "qlik_sense.local_time"],
        "when it happened by the node's clock, whose UTC offset is not sent", Event::local_time)
        .may_name_person();
    RESULT = Field::text(["result", "qlik_sense.result"],
        "the result, as Qlik writes it", Event::result)
        .may_name_person()
        .only_if(HAS_ROW);
    ENGINE_SESSION_ID = Field::text(["engine_session_id", "qlik_sense.engine_session_id"],
        "the engine's own session",
        Event::engine_session_id)
        .may_name_person();
    ENGINE_TIMESTAMP = Field::new(["engine_timestamp", "qlik_sense.engine_timestamp"], Time,
        "when the engine wrote the row",
        |event| event.engine_timestamp().map(Timestamp).into());
    ENGINE_VERSION = Field::text(["engine_version", "qlik_sense.engine_version"],
        "the engine's version", |event| log(event)?.engine_version());
    PROCESS_ID = Field::text(["process_id", "qlik_sense.process_id"],
        "the engine's process", |event| log(event)?.process_id())
        .may_name_person();
    SERVER_STARTED = Field::new(["server_started", "qlik_sense.server_started"], Time,
        "when the engine was started",
        |event| log(event).and_then(LogEvent::server_started).map(Timestamp).into());
    ENTRY_TYPE = Field::text(["entry_type", "qlik_sense.entry_type"],
        "the type of the entry in the engine's log of sessions", |event| log(event)?.entry_type())
        .may_name_person();
    METHOD = Field::text(["method", "qlik_sense.method"],
        "class and method of the request, such as `GenericObject::GetLayout`",
        |event| performance(event)?.method());
    REQUEST_ID = Field::new(["request_id", "qlik_sense.request_id"], WholeNumber,
        "the client's number for the request, unique only within a connection",
        |event| performance(event).and_then(PerformanceEvent::request_id).into());
    HANDLE = Field::new(["handle", "qlik_sense.handle"], WholeNumber,
        "the interface that served the request, -1 for the global one",
        |event| performance(event).and_then(PerformanceEvent::handle).into());
    OBJECT_ID = Field::text(["object_id", "qlik_sense.object_id"],
        "the chart or other object, `<Unknown>` if there is none",
        |event| performance(event)?.object_id())
        .may_name_person();
    OBJECT_TYPE = Field::text(["object_type", "qlik_sense.object_type"],
        "its type, such as `barchart`; `<Unknown>` if there is none",
        |event| match event.body() {
            Body::PerformanceSummary(summary) => summary.object_type(),
            _ => performance(event)?.object_type(),
        })
        .may_name_person();
    PROCESS_MS = Field::new(["process_ms", "qlik_sense.process_ms"], Number,
        "the total time to serve the request, in milliseconds",
        |event| milliseconds(event, |it| it.process_nanoseconds()));
    WORK_MS = Field::new(["work_ms", "qlik_sense.work_ms"], Number,
        "the time of actual work, in milliseconds",
        |event| milliseconds(event, |it| it.work_nanoseconds()));
    LOCK_MS = Field::new(["lock_ms", "qlik_sense.lock_ms"], Number,
        "the time spent waiting for an internal lock, in milliseconds",
        |event| milliseconds(event, |it| it.lock_nanoseconds()));
    VALIDATE_MS = Field::new(["validate_ms", "qlik_sense.validate_ms"], Number,
        "the time to validate the request, in milliseconds",
        |event| milliseconds(event, |it| it.validate_nanoseconds()));
    TRAVERSE_MS = Field::new(["traverse_ms", "qlik_sense.traverse_ms"], Number,
        "the time in the inference engine, in milliseconds",
        |event| milliseconds(event, |it| it.traverse_nanoseconds()));
    NET_RAM_BYTES = Field::new(["net_ram_bytes", "qlik_sense.net_ram_bytes"], WholeNumber,
        "the memory still in use after the request, in bytes; may be negative",
        |event| performance(event).and_then(PerformanceEvent::net_ram_bytes).into());
    PEAK_RAM_BYTES = Field::new(["peak_ram_bytes", "qlik_sense.peak_ram_bytes"], WholeNumber,
        "the most memory in use during the request, in bytes",
        |event| performance(event).and_then(PerformanceEvent::peak_ram_bytes).into());
    REQUESTS = Field::new(["requests", "qlik_sense.requests"], WholeNumber,
        "the number of requests, at least 1",
        |event| summary(event).map(PerformanceSummary::requests).into());
    PROCESS_MS_SUM = Field::new(["process_ms_sum", "qlik_sense.process_ms_sum"], Number,
        "the sum of the requests' `process_ms`",
        |event| total(event, Measure::Process, |it| Value::milliseconds(it.sum)));
    PROCESS_MS_MAX = Field::new(["process_ms_max", "qlik_sense.process_ms_max"], Number,
        "the longest `process_ms` of one request",
        |event| total(event, Measure::Process, |it| Value::milliseconds(it.max)));
    WORK_MS_SUM = Field::new(["work_ms_sum", "qlik_sense.work_ms_sum"], Number,
        "the sum of the requests' `work_ms`",
        |event| total(event, Measure::Work, |it| Value::milliseconds(it.sum)));
    WORK_MS_MAX = Field::new(["work_ms_max", "qlik_sense.work_ms_max"], Number,
        "the longest `work_ms` of one request",
        |event| total(event, Measure::Work, |it| Value::milliseconds(it.max)));
    LOCK_MS_SUM = Field::new(["lock_ms_sum", "qlik_sense.lock_ms_sum"], Number,
        "the sum of the requests' `lock_ms`",
        |event| total(event, Measure::Lock, |it| Value::milliseconds(it.sum)));
    LOCK_MS_MAX = Field::new(["lock_ms_max", "qlik_sense.lock_ms_max"], Number,
        "the longest `lock_ms` of one request",
        |event| total(event, Measure::Lock, |it| Value::milliseconds(it.max)));
    VALIDATE_MS_SUM = Field::new(["validate_ms_sum", "qlik_sense.validate_ms_sum"], Number,
        "the sum of the requests' `validate_ms`",
        |event| total(event, Measure::Validate, |it| Value::milliseconds(it.sum)));
    VALIDATE_MS_MAX = Field::new(["validate_ms_max", "qlik_sense.validate_ms_max"], Number,
        "the longest `validate_ms` of one request",
        |event| total(event, Measure::Validate, |it| Value::milliseconds(it.max)));
    TRAVERSE_MS_SUM = Field::new(["traverse_ms_sum", "qlik_sense.traverse_ms_sum"], Number,
        "the sum of the requests' `traverse_ms`",
        |event| total(event, Measure::Traverse, |it| Value::milliseconds(it.sum)));
    TRAVERSE_MS_MAX = Field::new(["traverse_ms_max", "qlik_sense.traverse_ms_max"], Number,
        "the longest `traverse_ms` of one request",
        |event| total(event, Measure::Traverse, |it| Value::milliseconds(it.max)));
    NET_RAM_BYTES_SUM = Field::new(["net_ram_bytes_sum", "qlik_sense.net_ram_bytes_sum"], WholeNumber,
        "the sum of the requests' `net_ram_bytes`; may be negative",
        |event| total(event, Measure::NetRam, |it| it.sum.into()));
    NET_RAM_BYTES_MAX = Field::new(["net_ram_bytes_max", "qlik_sense.net_ram_bytes_max"], WholeNumber,
        "the largest `net_ram_bytes` of one request",
        |event| total(event, Measure::NetRam, |it| it.max.into()));
    PEAK_RAM_BYTES_MAX = Field::new(["peak_ram_bytes_max", "qlik_sense.peak_ram_bytes_max"], WholeNumber,
        "the largest `peak_ram_bytes` of one request; peaks are never added up",
        |event| summary(event).and_then(PerformanceSummary::peak_ram_bytes).into());
    PEAK_TIMESTAMP = Field::new(["peak_timestamp", "qlik_sense.peak_timestamp"], Time,
        "when the request with that peak was served, by the node's clock",
        |event| summary(event).and_then(PerformanceSummary::peak_timestamp).map(Timestamp).into());
    PEAK_METHOD = Field::text(["peak_method", "qlik_sense.peak_method"],
        "the method of the request with that peak",
        |event| summary(event)?.peak_method());
    PEAK_OBJECT_ID = Field::text(["peak_object_id", "qlik_sense.peak_object_id"],
        "the object of the request with that peak",
        |event| summary(event)?.peak_object_id())
        .may_name_person();
    PEAK_SESSION_ID = Field::text(["peak_session_id", "qlik_sense.peak_session_id"],
        "the proxy session of the request with that peak",
        |event| summary(event)?.peak_session_id())
        .may_name_person();
    UNREADABLE = Field::new(["unreadable", "qlik_sense.unreadable"], MapOfText,
        "text that was sent for a field and cannot be read as its type, or is a negative time or peak, by field name",
        |event| Value::Map(Map::Unreadable(event.unreadable())).if_any())
        .may_name_person()
        .only_if(HAS_ROW);
    AMBIGUOUS = Field::new(["ambiguous", "qlik_sense.ambiguous"], ListOfText,
        "fields made ambiguous by a `;`; the first of them has all the text in question",
        |event| match event.ambiguous() {
            [] => Value::Absent,
            names => Value::List(List::Words(names)),
        });
    ERROR_CODE = Field::text(["error.code", "error.code"],
        "a stable code",
        |event| undecoded(event).map(|it| it.error().code.as_str()));
    ERROR_FIELD = Field::text(["error.field", "qlik_sense.error.field"],
        "the field that is wrong or missing",
        |event| undecoded(event)?.error().field);
    ERROR_OFFSET = Field::new(["error.offset", "qlik_sense.error.offset"], WholeNumber,
        "where, in bytes of `raw`",
        |event| undecoded(event).map(|it| it.error().offset).into());
    RAW = Field::text(["raw", "event.original"],
        "the payload as text",
        |event| undecoded(event)?.raw())
        .may_name_person();
    START = Field::new(["start", "event.start"], Time,
        "when it started, or the first sign of it",
        |event| match event.body() {
            Body::PerformanceSummary(summary) => Timestamp(summary.start()).into(),
            _ => derived(event).map(|it| Timestamp(it.kind.start())).into(),
        });
    START_SEEN = Field::new(["start_seen", "qlik_sense.start_seen"], Boolean,
        "whether `Start session` or `Open connection` was seen",
        |event| derived(event).map(|it| it.kind.start_seen()).into());
    CONNECTIONS = Field::new(["connections", "qlik_sense.connections"], WholeNumber,
        "connections that the session opened so far",
        |event| session(event).map(|it| it.connections).into());
    OPEN_CONNECTIONS = Field::new(["open_connections", "qlik_sense.open_connections"], WholeNumber,
        "those of them that are open now",
        |event| session(event).map(|it| it.open_connections).into());
    APPS = Field::new(["apps", "qlik_sense.apps"], ListOfText,
        "ids of the apps opened so far, each once, at most 16",
        |event| session(event).map(|it| Value::ids_of(&it.apps)).into());
    APP_NAMES = Field::new(["app_names", "qlik_sense.app_names"], ListOfText,
        "the names of `apps`, as far as they are known",
        |event| session(event).map(|it| Value::names_of(&it.apps)).into())
        .may_name_person();
    OPEN_APPS = Field::new(["open_apps", "qlik_sense.open_apps"], ListOfText,
        "those that are open now",
        |event| session(event).map(|it| Value::ids_of(&it.open_apps)).into());
    OPEN_APP_NAMES = Field::new(["open_app_names", "qlik_sense.open_app_names"], ListOfText,
        "the names of `open_apps`, as far as they are known",
        |event| session(event).map(|it| Value::names_of(&it.open_apps)).into())
        .may_name_person();
    END = Field::new(["end", "event.end"], Time,
        "when it ended, or the last sign of it",
        |event| match event.body() {
            Body::PerformanceSummary(summary) => Timestamp(summary.end()).into(),
            _ => ended(event).map(|it| Timestamp(it.end)).into(),
        });
    END_SEEN = Field::new(["end_seen", "qlik_sense.end_seen"], Boolean,
        "whether `Stop session` or `Close connection` was seen",
        |event| ended(event).map(Ended::end_seen).into());
    END_REASON = Field::text(["end_reason", "qlik_sense.end_reason"],
        "`stop`, `close`, `session_end`, `expired`, `displaced`, `evicted` or `not_listed`",
        |event| ended(event).map(|it| it.reason.as_str()));
    PAIRING = Field::text(["pairing", "qlik_sense.pairing"],
        "`exact` (by the session id), `single` (there was no other) or `ambiguous`",
        |event| ended(event).and_then(|it| it.pairing).map(Pairing::as_str));
    DURATION_SECS = Field::new(["duration_secs", "event.duration"], Number,
        "from `start` to `end`, in snapshots to `timestamp`; never negative",
        |event| match event.body() {
            Body::PerformanceSummary(summary) => Value::seconds(summary.end() - summary.start()),
            _ => derived(event).map(|it| Value::seconds(it.duration())).into(),
        });
    SENDER = Field::new(["sender", "observer.ip"], Text,
        "the IP address that the datagram came from", SENDER_VALUE);
    TAGS = Field::new(["tags", "labels"], MapOfText,
        "the names and values of `output.tags`, and of `output.tags_by_host` for the node", |_| Value::Absent)
        .source(Source::Tags);
}

/// The sums and maxima of performance summaries, in every schema.
pub(super) const SUMS: &[Field] = &[
    REQUESTS,
    PROCESS_MS_SUM,
    PROCESS_MS_MAX,
    WORK_MS_SUM,
    WORK_MS_MAX,
    LOCK_MS_SUM,
    LOCK_MS_MAX,
    VALIDATE_MS_SUM,
    VALIDATE_MS_MAX,
    TRAVERSE_MS_SUM,
    TRAVERSE_MS_MAX,
    NET_RAM_BYTES_SUM,
    NET_RAM_BYTES_MAX,
    PEAK_RAM_BYTES_MAX,
    PEAK_TIMESTAMP,
    PEAK_METHOD,
    PEAK_OBJECT_ID,
    PEAK_SESSION_ID,
];

/// Hardly any event has a browser without a system or the reverse.
const HAS_CLIENT: Condition<Event> = Condition {
    name: "client",
    holds: |event| event.client().is_some(),
};

/// Among user events, only those of the extended appender have these, and few sites use it.
const HAS_ROW: Condition<Event> = Condition {
    name: "row",
    holds: |event| user(event).is_none_or(UserEvent::is_extended),
};

const SENDER_VALUE: fn(&Event) -> Value<'_> =
    |event| event.arrival().and_then(|arrival| arrival.sender).into();

#[inline]
fn user(event: &Event) -> Option<UserEvent<'_>> {
    match event.body() {
        Body::User(event) => Some(event),
        _ => None,
    }
}

#[inline]
fn log(event: &Event) -> Option<LogEvent<'_>> {
    match event.body() {
        Body::Log(event) => Some(event),
        _ => None,
    }
}

#[inline]
fn performance(event: &Event) -> Option<PerformanceEvent<'_>> {
    match event.body() {
        Body::Performance(event) => Some(event),
        _ => None,
    }
}

fn undecoded(event: &Event) -> Option<Undecoded<'_>> {
    match event.body() {
        Body::Undecoded(event) => Some(event),
        _ => None,
    }
}

fn derived(event: &Event) -> Option<&Derived> {
    match event.body() {
        Body::Derived(event) => Some(event),
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

fn ended(event: &Event) -> Option<&Ended> {
    derived(event)?.kind.ended()
}

/// The time of arrival, if the event's time is a different one.
fn ingest_timestamp(event: &Event) -> Option<Timestamp> {
    let arrival = event.qlik_timestamp().and(event.arrival())?;
    Some(Timestamp(arrival.timestamp))
}

fn summary(event: &Event) -> Option<PerformanceSummary<'_>> {
    match event.body() {
        Body::PerformanceSummary(event) => Some(event),
        _ => None,
    }
}

fn total(event: &Event, measure: Measure, value: fn(Total) -> Value<'static>) -> Value<'_> {
    let total = summary(event).and_then(|summary| summary.total(measure));
    total.map_or(Value::Absent, value)
}

fn milliseconds(event: &Event, time: fn(PerformanceEvent<'_>) -> Option<i64>) -> Value<'_> {
    performance(event)
        .and_then(time)
        .map(Value::milliseconds)
        .into()
}
