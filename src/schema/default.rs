//! The schema `default`: flat fields in snake_case.

use super::{
    Entry,
    field::{
        ACTION, AMBIGUOUS, APP_ID, APP_NAME, APP_NAMES, APPS, BROWSER_NAME, BROWSER_VERSION,
        CONNECTIONS, CONTEXT, DURATION_SECS, END, END_REASON, END_SEEN, ENGINE_SESSION_ID,
        ENGINE_TIMESTAMP, ENGINE_VERSION, ENTRY_TYPE, ERROR_CODE, ERROR_FIELD, ERROR_OFFSET, EVENT,
        EXCEPTION, EXECUTION_ID, Field, HANDLE, HOST, INGEST_TIMESTAMP, LEVEL, LOCAL_TIME, LOCK_MS,
        LOGGER, MESSAGE, METHOD, NET_RAM_BYTES, OBJECT_ID, OBJECT_TYPE, OPEN_APP_NAMES, OPEN_APPS,
        OPEN_CONNECTIONS, ORIGIN, OS_NAME, OS_VERSION, PAIRING, PEAK_RAM_BYTES, PROCESS_ID,
        PROCESS_MS, QLIK_COMMAND, RAW, REQUEST_ID, RESULT, SENDER, SEQUENCE, SERVER_STARTED,
        SERVICE, SERVICE_ACCOUNT, SESSION_ID, SOURCE_TYPE, START, START_SEEN, SUMS, TAGS, TASK_ID,
        TASK_NAME, TIMESTAMP, TRAVERSE_MS, UNREADABLE, USER, USER_AGENT, USER_DIRECTORY, USER_ID,
        VALIDATE_MS, VIRTUAL_PROXY, WORK_MS,
    },
    plugin::{self, PluginEvent},
};
use crate::event::{Event, EventKind, Service};

const FIRST: &[Field] = &[TIMESTAMP, SOURCE_TYPE, EVENT, ACTION];
const LAST: &[Field] = &[SENDER, TAGS];

const USER_EVENT: &[Field] = &[
    QLIK_COMMAND,
    HOST,
    USER_DIRECTORY,
    USER_ID,
    USER,
    ORIGIN,
    CONTEXT,
    MESSAGE,
    VIRTUAL_PROXY,
    APP_ID,
    APP_NAME,
    USER_AGENT,
    BROWSER_NAME,
    BROWSER_VERSION,
    OS_NAME,
    OS_VERSION,
    INGEST_TIMESTAMP,
    SEQUENCE,
    SESSION_ID,
    RESULT,
    UNREADABLE,
];

/// The leading fields of log and performance events.
const ROW: &[Field] = &[SERVICE, LEVEL, HOST, LOGGER, SERVICE_ACCOUNT];
const WHO: &[Field] = &[USER_DIRECTORY, USER_ID, USER, SESSION_ID, APP_ID, APP_NAME];
const TEXT: &[Field] = &[MESSAGE, EXCEPTION];
const ENGINE: &[Field] = &[
    ENGINE_SESSION_ID,
    ENGINE_TIMESTAMP,
    ENGINE_VERSION,
    PROCESS_ID,
    SERVER_STARTED,
    ENTRY_TYPE,
];
const WEB: &[Field] = &[
    USER_DIRECTORY,
    USER_ID,
    USER,
    QLIK_COMMAND,
    RESULT,
    ORIGIN,
    CONTEXT,
    VIRTUAL_PROXY,
    APP_ID,
    APP_NAME,
];
const RUN: &[Field] = &[
    USER_DIRECTORY,
    USER_ID,
    USER,
    TASK_ID,
    TASK_NAME,
    EXECUTION_ID,
    APP_ID,
    APP_NAME,
];
const REQUEST: &[Field] = &[
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
    EXCEPTION,
];
const TASK: &[Field] = &[
    SERVICE,
    LEVEL,
    HOST,
    USER_DIRECTORY,
    USER_ID,
    USER,
    MESSAGE,
    EXCEPTION,
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
const DOUBTS: &[Field] = &[INGEST_TIMESTAMP, SEQUENCE, UNREADABLE, AMBIGUOUS];

/// The payload's own host is unknown; the sender is the next best answer to "which node".
const HOST_OF_UNDECODED: Field = Field {
    default: HOST.default,
    ..SENDER
};
const UNDECODED: &[Field] = &[
    HOST_OF_UNDECODED,
    ERROR_CODE,
    ERROR_FIELD,
    ERROR_OFFSET,
    RAW,
];

/// The user and node of a session or connection.
const SUBJECT: &[Field] = &[
    HOST,
    USER_DIRECTORY,
    USER_ID,
    USER,
    SESSION_ID,
    VIRTUAL_PROXY,
];
const CLIENT: &[Field] = &[
    BROWSER_NAME,
    BROWSER_VERSION,
    OS_NAME,
    OS_VERSION,
    START,
    START_SEEN,
];
const SESSION: &[Field] = &[CONNECTIONS, OPEN_CONNECTIONS, APPS, APP_NAMES];
const CONNECTION: &[Field] = &[APP_ID, APP_NAME];
const ENDED: &[Field] = &[END, END_SEEN, END_REASON, PAIRING, DURATION_SECS];
const OPEN: &[Field] = &[OPEN_APPS, OPEN_APP_NAMES, DURATION_SECS];

/// The user, node, app and type of object of summarized requests.
const REQUESTS_OF: &[Field] = &[
    SERVICE,
    HOST,
    USER_DIRECTORY,
    USER_ID,
    USER,
    APP_ID,
    APP_NAME,
    OBJECT_TYPE,
];
const INTERVAL: &[Field] = &[START, END, DURATION_SECS];

/// The fields of a kind of event, in order.
pub(super) fn entries(kind: EventKind) -> Vec<Entry<Event>> {
    let own: &[&[Field]] = match kind {
        EventKind::Session(_) | EventKind::Connection(_) => &[USER_EVENT],
        EventKind::Log(Service::Engine) => &[ROW, TEXT, WHO, ENGINE, DOUBTS],
        EventKind::Log(Service::Proxy | Service::Repository) => &[ROW, TEXT, WEB, DOUBTS],
        EventKind::Log(Service::Scheduler) => &[ROW, TEXT, RUN, DOUBTS],
        EventKind::Performance => &[ROW, WHO, REQUEST, DOUBTS],
        EventKind::Task(_) => &[TASK],
        EventKind::Undecoded => &[UNDECODED],
        EventKind::SessionSummary => &[SUBJECT, CLIENT, SESSION, ENDED],
        EventKind::ConnectionSummary => &[SUBJECT, CONNECTION, CLIENT, ENDED],
        EventKind::SessionSnapshot => &[SUBJECT, CLIENT, SESSION, OPEN],
        EventKind::PerformanceSummary => &[REQUESTS_OF, SUMS, INTERVAL],
    };
    let lists = [FIRST].into_iter().chain(own.iter().copied()).chain([LAST]);
    lists.flatten().map(|field| field.in_default()).collect()
}

/// The fields of an event about the plugin itself.
pub(super) fn plugin_entries() -> Vec<Entry<PluginEvent>> {
    vec![
        plugin::TIMESTAMP.named(TIMESTAMP.default),
        Entry::constant(SOURCE_TYPE.default, super::SOURCE_TYPE),
        Entry::constant(EVENT.default, "plugin"),
        plugin::LEVEL.named("level"),
        plugin::MESSAGE.named(MESSAGE.default),
        Entry::details(""),
        Entry::tags(TAGS.default),
    ]
}
