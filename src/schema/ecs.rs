//! The schema `ecs`: [Elastic Common Schema](https://www.elastic.co/docs/reference/ecs) 8, nested.
//!
//! Values for which ECS has no field are under `qlik_sense`. Categories and types are combinations that ECS allows;
//! `tests/library/ecs.rs` compares them, and the types of all fields, with its tables.

use chrono::TimeDelta;

use super::{
    Entry, List, Value,
    event_id::event_id,
    field::{
        AMBIGUOUS, APP_ID, APP_NAME, APP_NAMES, APPS, BROWSER_NAME, BROWSER_VERSION, CONNECTIONS,
        CONTEXT, END, END_REASON, END_SEEN, ENGINE_SESSION_ID, ENGINE_TIMESTAMP, ENGINE_VERSION,
        ENTRY_TYPE, ERROR_CODE, ERROR_FIELD, ERROR_OFFSET, EXCEPTION, EXECUTION_ID, Field, HANDLE,
        HOST, INGEST_TIMESTAMP, LEVEL, LOCAL_TIME, LOCK_MS, LOGGER, MESSAGE, METHOD, NET_RAM_BYTES,
        OBJECT_ID, OBJECT_TYPE, OPEN_APP_NAMES, OPEN_APPS, OPEN_CONNECTIONS, ORIGIN, OS_NAME,
        OS_VERSION, PAIRING, PEAK_RAM_BYTES, PROCESS_ID, PROCESS_MS, QLIK_COMMAND, RAW, REQUEST_ID,
        RESULT, SENDER, SEQUENCE, SERVER_STARTED, SERVICE, SERVICE_ACCOUNT, SESSION_ID,
        SOURCE_TYPE, START, START_SEEN, SUMS, TAGS, TASK_ID, TASK_NAME, TIMESTAMP, TRAVERSE_MS,
        UNREADABLE, USER, USER_AGENT, USER_DIRECTORY, USER_ID, VALIDATE_MS, VIRTUAL_PROXY, WORK_MS,
    },
    plugin::{self, PluginEvent},
};
use crate::event::{
    Body, ConnectionAction, Event, EventKind, Refusal, Service, SessionAction, TaskAction,
};

/// The version of ECS that the events follow.
const VERSION: Entry<Event> = Entry::constant("ecs.version", "8.17.0");

/// What kind of event it is, in words that are the same for all sources.
const KIND: Entry<Event> = Entry::by_kind("event.kind", |kind| {
    Value::Text(match kind {
        EventKind::Undecoded => "pipeline_error",
        EventKind::SessionSnapshot => "state",
        EventKind::PerformanceSummary => "metric",
        _ => "event",
    })
});
const CATEGORY: Entry<Event> = Entry::by_kind("event.category", |kind| {
    categories(kind).map(|(category, _)| category).into()
});
const TYPE: Entry<Event> = Entry::by_kind("event.type", |kind| {
    categories(kind).map(|(_, types)| types).into()
});
const ACTION: Entry<Event> = Entry::by_kind("event.action", |kind| match kind {
    EventKind::Undecoded => Value::Absent,
    kind => kind.name().into(),
});
const DATASET: Entry<Event> = Entry::by_kind("event.dataset", |kind| {
    Value::Text(match kind {
        EventKind::Session(_) => "qlik_sense.session",
        EventKind::Connection(_) => "qlik_sense.connection",
        EventKind::Log(_) => "qlik_sense.log",
        EventKind::Performance => "qlik_sense.performance",
        EventKind::Task(_) => "qlik_sense.task",
        EventKind::Undecoded => "qlik_sense.undecoded",
        EventKind::SessionSummary => "qlik_sense.session_summary",
        EventKind::ConnectionSummary => "qlik_sense.connection_summary",
        EventKind::SessionSnapshot => "qlik_sense.session_snapshot",
        EventKind::PerformanceSummary => "qlik_sense.performance_summary",
    })
});

/// How a task ended, if it did. A task that is being stopped may end either way, and a distribution that was handed
/// over is not an outcome.
const OUTCOME: Entry<Event> = Entry::by_kind("event.outcome", |kind| match kind {
    EventKind::Task(TaskAction::Failed) => Value::Text("failure"),
    EventKind::Task(TaskAction::Succeeded) => Value::Text("success"),
    EventKind::Task(TaskAction::Aborting) => Value::Text("unknown"),
    _ => Value::Absent,
});

const CATEGORY_OF_LOG: Entry<Event> = Entry::value("event.category", |event| {
    categories_of_log(event)
        .map(|(category, _)| category)
        .into()
});
const TYPE_OF_LOG: Entry<Event> = Entry::value("event.type", |event| {
    categories_of_log(event).map(|(_, types)| types).into()
});
const ACTION_OF_LOG: Entry<Event> = Entry::value("event.action", |event| {
    Value::Text(match refusal(event) {
        Some(Refusal::Login) => "login_refused",
        Some(Refusal::Access) => "access_refused",
        None => "log",
    })
});
/// From the HTTP status that Qlik Sense gives as the result; other results do not say.
const OUTCOME_OF_LOG: Entry<Event> = Entry::value("event.outcome", |event| {
    let status = event.result().and_then(|result| result.parse().ok());
    match status {
        Some(200..=399_u16) => Value::Text("success"),
        Some(400..=599) => Value::Text("failure"),
        _ => Value::Absent,
    }
});

/// Always present, because Vector's source would otherwise add its own machine. If the Qlik Sense node is unknown, the
/// address that the datagram came from.
const HOST_OR_SENDER: Entry<Event> = Entry::value(HOST.ecs, |event| match HOST.value(event) {
    Value::Absent => SENDER.value(event),
    host => host,
});

/// ECS measures durations in nanoseconds. Those of sessions and connections are whole milliseconds, never negative.
const DURATION: Entry<Event> = Entry::value("event.duration", |event| match event.body() {
    Body::Derived(event) => nanoseconds(event.duration()).into(),
    Body::PerformanceSummary(event) => nanoseconds(event.end() - event.start()).into(),
    Body::Performance(event) => event.process_nanoseconds().into(),
    _ => Value::Absent,
});

const REASON: Entry<Event> = Entry::value("error.message", |event| match event.body() {
    Body::Undecoded(event) => event.error().into(),
    _ => Value::Absent,
});

/// The Qlik Sense proxy, as the machine that observed the event. The address is not the user's, so it is not
/// `source.ip`.
const OBSERVER: Entry<Event> = Entry::value(SENDER.ecs, |event| match SENDER.value(event) {
    Value::Address(address) => Value::List(List::Address(address)),
    _ => Value::Absent,
});

const FIRST: &[Entry<Event>] = &[TIMESTAMP.in_ecs(), VERSION, KIND];
const MODULE: &[Entry<Event>] = &[SOURCE_TYPE.in_ecs(), DATASET, HOST_OR_SENDER];
const LAST: &[Entry<Event>] = &[OBSERVER, TAGS.in_ecs()];

const USER_EVENT: &[Entry<Event>] = &[
    CATEGORY,
    TYPE,
    ACTION,
    INGEST_TIMESTAMP.in_ecs(),
    SEQUENCE.in_ecs(),
];
const USER_FIELDS: &[Field] = &[
    USER,
    USER_DIRECTORY,
    USER_ID,
    USER_AGENT,
    BROWSER_NAME,
    BROWSER_VERSION,
    OS_NAME,
    OS_VERSION,
];
const USER_EVENT_FIELDS: &[Field] = &[
    MESSAGE,
    QLIK_COMMAND,
    ORIGIN,
    CONTEXT,
    VIRTUAL_PROXY,
    APP_ID,
    APP_NAME,
    SESSION_ID,
    RESULT,
    UNREADABLE,
];

const PERFORMANCE: &[Entry<Event>] = &[
    CATEGORY,
    TYPE,
    ACTION,
    DURATION,
    ID,
    INGEST_TIMESTAMP.in_ecs(),
    SEQUENCE.in_ecs(),
];
const ROW: &[Field] = &[LEVEL, LOGGER, SERVICE, EXCEPTION];
const TASK_ROW: &[Field] = &[LEVEL, SERVICE, EXCEPTION];
const WHO: &[Field] = &[USER, USER_DIRECTORY, USER_ID];
const REQUEST: &[Field] = &[
    SESSION_ID,
    APP_ID,
    APP_NAME,
    METHOD,
    REQUEST_ID,
    HANDLE,
    OBJECT_ID,
    OBJECT_TYPE,
    PROCESS_MS,
    WORK_MS,
    LOCK_MS,
    VALIDATE_MS,
    TRAVERSE_MS,
    NET_RAM_BYTES,
    PEAK_RAM_BYTES,
    ENGINE_SESSION_ID,
    ENGINE_TIMESTAMP,
];
const DOUBTS: &[Field] = &[SERVICE_ACCOUNT, UNREADABLE, AMBIGUOUS];

/// For stores that keep one event per id, even if it is sent twice. User events have none.
const ID: Entry<Event> = Entry::value("event.id", |event| event_id(event).into());

const LOG: &[Entry<Event>] = &[
    CATEGORY_OF_LOG,
    TYPE_OF_LOG,
    ACTION_OF_LOG,
    OUTCOME_OF_LOG,
    ID,
    INGEST_TIMESTAMP.in_ecs(),
    SEQUENCE.in_ecs(),
];
const LOG_OF_ENGINE: &[Field] = &[
    SESSION_ID,
    APP_ID,
    APP_NAME,
    ENGINE_SESSION_ID,
    ENGINE_TIMESTAMP,
    ENGINE_VERSION,
    PROCESS_ID,
    SERVER_STARTED,
    ENTRY_TYPE,
];
const LOG_OF_WEB: &[Field] = &[
    QLIK_COMMAND,
    RESULT,
    ORIGIN,
    CONTEXT,
    VIRTUAL_PROXY,
    APP_ID,
    APP_NAME,
];
const LOG_OF_TASKS: &[Field] = &[TASK_ID, TASK_NAME, EXECUTION_ID, APP_ID, APP_NAME];

const TASK_EVENT: &[Entry<Event>] = &[CATEGORY, TYPE, ACTION, OUTCOME, ID];
const TASK: &[Field] = &[
    MESSAGE,
    APP_ID,
    APP_NAME,
    TASK_ID,
    TASK_NAME,
    EXECUTION_ID,
    ENGINE_SESSION_ID,
    LOCAL_TIME,
    UNREADABLE,
    AMBIGUOUS,
];

const UNDECODED: &[Entry<Event>] = &[
    ERROR_CODE.in_ecs(),
    REASON,
    ERROR_FIELD.in_ecs(),
    ERROR_OFFSET.in_ecs(),
];

const DERIVED_EVENT: &[Entry<Event>] = &[
    CATEGORY,
    TYPE,
    ACTION,
    START.in_ecs(),
    END.in_ecs(),
    DURATION,
];
const SESSION: &[Field] = &[
    SESSION_ID,
    VIRTUAL_PROXY,
    START_SEEN,
    CONNECTIONS,
    OPEN_CONNECTIONS,
    APPS,
    APP_NAMES,
];
const CONNECTION: &[Field] = &[SESSION_ID, VIRTUAL_PROXY, APP_ID, APP_NAME, START_SEEN];
const ENDED: &[Field] = &[END_SEEN, END_REASON, PAIRING];
const OPEN: &[Field] = &[OPEN_APPS, OPEN_APP_NAMES];
const GROUP: &[Field] = &[APP_ID, APP_NAME, OBJECT_TYPE];

/// The fields of a kind of event, in order.
pub(super) fn entries(kind: EventKind) -> Vec<Entry<Event>> {
    let mut entries = FIRST.to_vec();
    let mut add = |own: &[Entry<Event>], fields: &[&[Field]]| {
        entries.extend_from_slice(own);
        entries.extend_from_slice(MODULE);
        entries.extend(fields.iter().copied().flatten().map(|field| field.in_ecs()));
    };
    match kind {
        EventKind::Session(_) | EventKind::Connection(_) => {
            add(USER_EVENT, &[USER_FIELDS, USER_EVENT_FIELDS]);
        }
        EventKind::Log(service) => {
            let own = match service {
                Service::Engine => LOG_OF_ENGINE,
                Service::Proxy | Service::Repository => LOG_OF_WEB,
                Service::Scheduler => LOG_OF_TASKS,
            };
            add(LOG, &[ROW, WHO, &[MESSAGE], own, DOUBTS]);
        }
        EventKind::Performance => add(PERFORMANCE, &[ROW, WHO, REQUEST, DOUBTS]),
        EventKind::Task(_) => add(TASK_EVENT, &[TASK_ROW, WHO, TASK]),
        EventKind::Undecoded => {
            add(&[RAW.in_ecs()], &[]);
            entries.extend_from_slice(UNDECODED);
        }
        EventKind::SessionSummary => add(DERIVED_EVENT, &[USER_FIELDS, SESSION, ENDED]),
        EventKind::ConnectionSummary => add(DERIVED_EVENT, &[USER_FIELDS, CONNECTION, ENDED]),
        EventKind::SessionSnapshot => add(DERIVED_EVENT, &[USER_FIELDS, SESSION, OPEN]),
        EventKind::PerformanceSummary => add(DERIVED_EVENT, &[&[SERVICE], WHO, GROUP, SUMS]),
    }
    entries.extend_from_slice(LAST);
    entries
}

/// The fields of an event about the plugin itself.
pub(super) fn plugin_entries() -> Vec<Entry<PluginEvent>> {
    vec![
        plugin::TIMESTAMP.named(TIMESTAMP.ecs),
        Entry::constant("ecs.version", "8.17.0"),
        Entry::constant("event.kind", "event"),
        Entry::constant(SOURCE_TYPE.ecs, super::SOURCE_TYPE),
        Entry::constant("event.dataset", "qlik_sense.plugin"),
        plugin::LEVEL.named("log.level"),
        plugin::MESSAGE.named(MESSAGE.ecs),
        Entry::tags(TAGS.ecs),
        Entry::details("qlik_sense.plugin"),
    ]
}

type Words = &'static [&'static str];

/// `event.category` and `event.type` of a kind of event.
const fn categories(kind: EventKind) -> Option<(Words, Words)> {
    const SESSION: Words = &["session"];
    const API: Words = &["api"];
    const NETWORK: Words = &["network"];
    const PROCESS: Words = &["process"];
    Some(match kind {
        EventKind::Session(SessionAction::Start) => (SESSION, &["start"]),
        EventKind::Session(SessionAction::Stop) | EventKind::SessionSummary => (SESSION, &["end"]),
        EventKind::Session(SessionAction::Other) | EventKind::SessionSnapshot => {
            (SESSION, &["info"])
        }
        EventKind::Connection(ConnectionAction::Open) => (NETWORK, &["connection", "start"]),
        EventKind::Connection(ConnectionAction::Close) | EventKind::ConnectionSummary => {
            (NETWORK, &["connection", "end"])
        }
        EventKind::Connection(ConnectionAction::Other) => (NETWORK, &["connection", "info"]),
        EventKind::Performance | EventKind::PerformanceSummary => (API, &["info"]),
        EventKind::Task(TaskAction::Failed | TaskAction::Succeeded) => (PROCESS, &["end"]),
        EventKind::Task(TaskAction::Aborting | TaskAction::Distributed) => (PROCESS, &["info"]),
        // Determined by the content of the event; see `categories_of_log`.
        EventKind::Log(_) | EventKind::Undecoded => return None,
    })
}

/// The same for a log event. ECS has no category for everything that a service may log, so it is absent if none fits.
fn categories_of_log(event: &Event) -> Option<(Words, Words)> {
    Some(match refusal(event)? {
        Refusal::Login => (&["authentication"], &["info"]),
        Refusal::Access => (&["api"], &["access", "denied"]),
    })
}

fn refusal(event: &Event) -> Option<Refusal> {
    match event.body() {
        Body::Log(event) => event.refusal(),
        _ => None,
    }
}

fn nanoseconds(duration: TimeDelta) -> i64 {
    duration.num_milliseconds().max(0).saturating_mul(1_000_000)
}
