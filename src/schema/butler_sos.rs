//! The schema `butler_sos`: the JSON of a user event that [Butler SOS](https://butler-sos.ptarmiganlabs.com) 15
//! publishes over MQTT, key for key, for existing consumers.
//!
//! Butler SOS writes empty text for an absent field, and always `tags`. An app without a known name is `<unknown app
//! name>`. It publishes nothing that it cannot decode, and no time: undecoded payloads have the keys that they can
//! fill, and `error`. It does not follow sessions: derived events have a `messageType` of their own, the keys that they
//! can fill, and additional keys in the same spelling. Task events have the JSON of
//! [Butler](https://butler.ptarmiganlabs.com), which publishes those of reloads that failed or are being stopped.

use super::{
    Entry, Timestamp, Value,
    field::{
        APP_ID, APP_NAME, APP_NAMES, APPS, BROWSER_NAME, BROWSER_VERSION, CONNECTIONS, CONTEXT,
        DURATION_SECS, END, END_REASON, END_SEEN, ENGINE_SESSION_ID, ENGINE_TIMESTAMP,
        ENGINE_VERSION, ENTRY_TYPE, ERROR_CODE, ERROR_FIELD, ERROR_OFFSET, EXCEPTION, EXECUTION_ID,
        HANDLE, HOST, LOCAL_TIME, LOCK_MS, LOCK_MS_MAX, LOCK_MS_SUM, LOGGER, MESSAGE, METHOD,
        NET_RAM_BYTES, NET_RAM_BYTES_MAX, NET_RAM_BYTES_SUM, OBJECT_ID, OBJECT_TYPE,
        OPEN_APP_NAMES, OPEN_APPS, OPEN_CONNECTIONS, ORIGIN, OS_NAME, OS_VERSION, PAIRING,
        PEAK_METHOD, PEAK_OBJECT_ID, PEAK_RAM_BYTES, PEAK_RAM_BYTES_MAX, PEAK_SESSION_ID,
        PEAK_TIMESTAMP, PROCESS_ID, PROCESS_MS, PROCESS_MS_MAX, PROCESS_MS_SUM, QLIK_COMMAND, RAW,
        REQUEST_ID, REQUESTS, RESULT, SENDER, SEQUENCE, SERVER_STARTED, SERVICE_ACCOUNT,
        SESSION_ID, START, START_SEEN, TASK_ID, TASK_NAME, TRAVERSE_MS, TRAVERSE_MS_MAX,
        TRAVERSE_MS_SUM, USER_DIRECTORY, USER_ID, VALIDATE_MS, VALIDATE_MS_MAX, VALIDATE_MS_SUM,
        WORK_MS, WORK_MS_MAX, WORK_MS_SUM,
    },
    plugin::{self, PluginEvent},
};
use crate::event::{Body, Event, EventKind, Family, Level, Service, User as UserName};

/// Text that is empty if the event has none.
macro_rules! text_or_empty {
    ($name:literal, $field:ident) => {
        Entry::text($name, |event| $field.text_of(event).or(Some("")))
    };
}

/// A number with a default, if the event has none.
macro_rules! number_or {
    ($name:literal, $field:ident, $none:literal) => {
        Entry::value($name, |event| match $field.value(event) {
            Value::Absent => Value::Integer($none),
            number => number,
        })
    };
}

const EMPTY: Value<'static> = Value::Text("");
const MESSAGE_TYPE: Entry<Event> = Entry::by_kind("messageType", |kind| kind.event().into());
const TAGS: Entry<Event> = Entry::tags_even_if_none("tags");

const USER_EVENT: &[Entry<Event>] = &[
    Entry::text("messageType", |event| event.family().map(Family::as_str)),
    text_or_empty!("host", HOST),
    text_or_empty!("command", QLIK_COMMAND),
    text_or_empty!("userDir", USER_DIRECTORY),
    text_or_empty!("userId", USER_ID),
    text_or_empty!("origin", ORIGIN),
    text_or_empty!("context", CONTEXT),
    text_or_empty!("message", MESSAGE),
    TAGS,
    APP_ID.named("appId"),
    Entry::value("appName", |event| {
        match (APP_ID.value(event), APP_NAME.value(event)) {
            (Value::Absent, _) => Value::Absent,
            (_, Value::Absent) => Value::Text("<unknown app name>"),
            (_, name) => name,
        }
    }),
];

const CLIENT: &[Entry<Event>] = &[
    BROWSER_NAME.named("uaBrowserName"),
    Entry::value("uaBrowserMajorVersion", |event| {
        match BROWSER_VERSION.value(event) {
            Value::Text(version) => major(version).into(),
            _ => Value::Absent,
        }
    }),
    OS_NAME.named("uaOsName"),
    OS_VERSION.named("uaOsVersion"),
];

/// The leading fields of log and performance events.
const ROW: &[Entry<Event>] = &[
    Entry::text("source", |event| event.family().map(Family::as_str)),
    Entry::value("log_row", |event| match SEQUENCE.value(event) {
        Value::Absent => Value::Integer(-1),
        row => row,
    }),
    Entry::value("ts_iso", |event| {
        event
            .qlik_timestamp()
            .map(Timestamp)
            .map_or(EMPTY, Value::from)
    }),
    Entry::text("ts_local", |event| event.local_time().or(Some(""))),
    Entry::text("level", |event| {
        Some(event.level().map_or("", Level::log4net_name))
    }),
    text_or_empty!("host", HOST),
    text_or_empty!("subsystem", LOGGER),
    text_or_empty!("windows_user", SERVICE_ACCOUNT),
];
const DIRECTORY: Entry<Event> = text_or_empty!("user_directory", USER_DIRECTORY);
const ID: Entry<Event> = text_or_empty!("user_id", USER_ID);
const FULL: Entry<Event> =
    Entry::value("user_full", |event| event.user().map_or(EMPTY, Value::from));
/// A time; the text that was sent if it cannot be read, and empty text if nothing was sent.
macro_rules! time_or_sent {
    ($name:literal, $field:ident) => {
        Entry::value($name, |event| match $field.value(event) {
            Value::Absent => {
                Value::Text(event.unreadable().get($field.default).unwrap_or_default())
            }
            time => time,
        })
    };
}

const ENGINE_TS: Entry<Event> = time_or_sent!("engine_ts", ENGINE_TIMESTAMP);
const APP: Entry<Event> = Entry::value("app_id", |event| event.app_id().map_or(EMPTY, Value::from));
const LOG_OF_ENGINE: &[Entry<Event>] = &[
    text_or_empty!("message", MESSAGE),
    // Butler SOS has no exception for the engine.
    EXCEPTION.named("exception_message"),
    text_or_empty!("proxy_session_id", SESSION_ID),
    DIRECTORY,
    ID,
    ENGINE_TS,
    text_or_empty!("process_id", PROCESS_ID),
    text_or_empty!("engine_exe_version", ENGINE_VERSION),
    time_or_sent!("server_started", SERVER_STARTED),
    text_or_empty!("entry_type", ENTRY_TYPE),
    text_or_empty!("session_id", ENGINE_SESSION_ID),
    APP,
    FULL,
    TAGS,
];
const LOG_OF_WEB: &[Entry<Event>] = &[
    text_or_empty!("message", MESSAGE),
    text_or_empty!("exception_message", EXCEPTION),
    DIRECTORY,
    ID,
    text_or_empty!("command", QLIK_COMMAND),
    text_or_empty!("result_code", RESULT),
    text_or_empty!("origin", ORIGIN),
    text_or_empty!("context", CONTEXT),
    FULL,
    TAGS,
];
const LOG_OF_TASKS: &[Entry<Event>] = &[
    text_or_empty!("message", MESSAGE),
    text_or_empty!("exception_message", EXCEPTION),
    DIRECTORY,
    ID,
    FULL,
    text_or_empty!("task_name", TASK_NAME),
    text_or_empty!("app_name", APP_NAME),
    text_or_empty!("task_id", TASK_ID),
    APP,
    text_or_empty!("execution_id", EXECUTION_ID),
    TAGS,
];
const REQUEST: &[Entry<Event>] = &[
    DIRECTORY,
    ID,
    FULL,
    Entry::text("proxy_session_id", |event| match event.body() {
        Body::Performance(request) if request.is_internal() => Some("0"),
        _ => event.session_id().or(Some("")),
    }),
    ENGINE_TS,
    text_or_empty!("session_id", ENGINE_SESSION_ID),
    APP,
    text_or_empty!("app_name", APP_NAME),
    number_or!("request_id", REQUEST_ID, -99),
    text_or_empty!("method", METHOD),
    PROCESS_MS.named("process_time"),
    WORK_MS.named("work_time"),
    LOCK_MS.named("lock_time"),
    VALIDATE_MS.named("validate_time"),
    TRAVERSE_MS.named("traverse_time"),
    number_or!("handle", HANDLE, -99),
    text_or_empty!("object_id", OBJECT_ID),
    number_or!("net_ram", NET_RAM_BYTES, -1),
    number_or!("peak_ram", PEAK_RAM_BYTES, -1),
    text_or_empty!("object_type", OBJECT_TYPE),
    Entry::text("event_activity_source", |event| match event.body() {
        Body::Performance(event) if event.is_internal() => Some("non-user"),
        _ => Some("user"),
    }),
    TAGS,
];

/// As Butler publishes tasks. It has no field for the outcome, because each outcome has its own topic.
const TASK: &[Entry<Event>] = &[
    text_or_empty!("hostName", HOST),
    Entry::value("user", |event| {
        match (event.user_directory(), event.user_id()) {
            (None, None) => EMPTY,
            (directory, id) => Value::User(UserName {
                directory: directory.unwrap_or_default(),
                id: id.unwrap_or_default(),
            }),
        }
    }),
    text_or_empty!("taskName", TASK_NAME),
    text_or_empty!("taskId", TASK_ID),
    text_or_empty!("appName", APP_NAME),
    Entry::value("appId", |event| event.app_id().map_or(EMPTY, Value::from)),
    text_or_empty!("logTimeStamp", LOCAL_TIME),
    Entry::text("logLevel", |event| {
        Some(event.level().map_or("", Level::log4net_name))
    }),
    text_or_empty!("executionId", EXECUTION_ID),
    text_or_empty!("logMessage", MESSAGE),
    Entry::by_kind("messageType", |kind| kind.name().into()),
    Entry::tags("tags"),
];

const UNDECODED: &[Entry<Event>] = &[
    MESSAGE_TYPE,
    SENDER.named("host"),
    RAW.named("message"),
    TAGS,
    ERROR_CODE.named("error.code"),
    ERROR_FIELD.named("error.field"),
    ERROR_OFFSET.named("error.offset"),
];

const SUBJECT: &[Entry<Event>] = &[
    MESSAGE_TYPE,
    text_or_empty!("host", HOST),
    text_or_empty!("userDir", USER_DIRECTORY),
    USER_ID.named("userId"),
    TAGS,
];
const CONNECTION: &[Entry<Event>] = &[APP_ID.named("appId"), APP_NAME.named("appName")];
const BEGUN: &[Entry<Event>] = &[
    SESSION_ID.named("sessionId"),
    START.named("start"),
    START_SEEN.named("startSeen"),
];
const SESSION: &[Entry<Event>] = &[
    CONNECTIONS.named("connections"),
    OPEN_CONNECTIONS.named("openConnections"),
    APPS.named("apps"),
    APP_NAMES.named("appNames"),
];
const ENDED: &[Entry<Event>] = &[
    END.named("end"),
    END_SEEN.named("endSeen"),
    END_REASON.named("endReason"),
    PAIRING.named("pairing"),
    DURATION_SECS.named("durationSecs"),
];
const OPEN: &[Entry<Event>] = &[
    OPEN_APPS.named("openApps"),
    OPEN_APP_NAMES.named("openAppNames"),
    DURATION_SECS.named("durationSecs"),
];

/// The totals of several requests.
const TOTALS: &[Entry<Event>] = &[
    OBJECT_TYPE.named("objectType"),
    REQUESTS.named("requests"),
    PROCESS_MS_SUM.named("processMsSum"),
    PROCESS_MS_MAX.named("processMsMax"),
    WORK_MS_SUM.named("workMsSum"),
    WORK_MS_MAX.named("workMsMax"),
    LOCK_MS_SUM.named("lockMsSum"),
    LOCK_MS_MAX.named("lockMsMax"),
    VALIDATE_MS_SUM.named("validateMsSum"),
    VALIDATE_MS_MAX.named("validateMsMax"),
    TRAVERSE_MS_SUM.named("traverseMsSum"),
    TRAVERSE_MS_MAX.named("traverseMsMax"),
    NET_RAM_BYTES_SUM.named("netRamBytesSum"),
    NET_RAM_BYTES_MAX.named("netRamBytesMax"),
    PEAK_RAM_BYTES_MAX.named("peakRamBytesMax"),
    PEAK_TIMESTAMP.named("peakTimestamp"),
    PEAK_METHOD.named("peakMethod"),
    PEAK_OBJECT_ID.named("peakObjectId"),
    PEAK_SESSION_ID.named("peakSessionId"),
    START.named("start"),
    END.named("end"),
    DURATION_SECS.named("durationSecs"),
];

/// The fields of a kind of event, in order.
pub(super) fn entries(kind: EventKind) -> Vec<Entry<Event>> {
    match kind {
        EventKind::Session(_) | EventKind::Connection(_) => [USER_EVENT, CLIENT].concat(),
        EventKind::Log(Service::Engine) => [ROW, LOG_OF_ENGINE].concat(),
        EventKind::Log(Service::Proxy | Service::Repository) => [ROW, LOG_OF_WEB].concat(),
        EventKind::Log(Service::Scheduler) => [ROW, LOG_OF_TASKS].concat(),
        EventKind::Performance => [ROW, REQUEST].concat(),
        EventKind::Task(_) => TASK.to_vec(),
        EventKind::Undecoded => UNDECODED.to_vec(),
        EventKind::SessionSummary => [SUBJECT, CLIENT, BEGUN, SESSION, ENDED].concat(),
        EventKind::ConnectionSummary => [SUBJECT, CONNECTION, CLIENT, BEGUN, ENDED].concat(),
        EventKind::SessionSnapshot => [SUBJECT, CLIENT, BEGUN, SESSION, OPEN].concat(),
        EventKind::PerformanceSummary => [SUBJECT, CONNECTION, TOTALS].concat(),
    }
}

/// The fields of an event about the plugin itself.
pub(super) fn plugin_entries() -> Vec<Entry<PluginEvent>> {
    vec![
        Entry::constant("messageType", "plugin"),
        plugin::MESSAGE.named("message"),
        Entry::tags_even_if_none("tags"),
        plugin::TIMESTAMP.named("timestamp"),
        plugin::LEVEL.named("level"),
        Entry::details(""),
    ]
}

/// The leading digits of a version.
fn major(version: &str) -> Option<&str> {
    let digits = version.bytes().take_while(u8::is_ascii_digit).count();
    (digits > 0).then_some(&version[..digits])
}
