//! The schema `butler_sos`: the JSON of a user event that [Butler SOS](https://butler-sos.ptarmiganlabs.com)
//! 15 publishes over MQTT, key for key, for what reads it already.
//!
//! Butler SOS writes empty text where a field is absent, and always has `tags`. Apps whose name is not
//! known are `<unknown app name>`. It publishes nothing of what it cannot decode and no time: undecoded
//! payloads have the keys that they can fill, and `error`. It does not follow sessions either: derived
//! events have a `messageType` of their own, the keys that they can fill, and keys of their own in the
//! same spelling.

use super::{
    Entry, Value,
    field::{
        APP_ID, APP_NAME, APP_NAMES, APPS, BROWSER_NAME, BROWSER_VERSION, CONNECTIONS, CONTEXT,
        DURATION_SECS, END, END_REASON, END_SEEN, ERROR_CODE, ERROR_FIELD, ERROR_OFFSET, HOST,
        MESSAGE, OPEN_APP_NAMES, OPEN_APPS, OPEN_CONNECTIONS, ORIGIN, OS_NAME, OS_VERSION, PAIRING,
        QLIK_COMMAND, RAW, SENDER, SESSION_ID, START, START_SEEN, USER_DIRECTORY, USER_ID,
    },
    plugin::{self, PluginEvent},
};
use crate::{
    event::{Event, EventKind},
    wire::Family,
};

/// Text that is empty where the event has none.
macro_rules! text_or_empty {
    ($name:literal, $field:ident) => {
        Entry::text($name, |event| $field.text_of(event).or(Some("")))
    };
}

const MESSAGE_TYPE: Entry<Event> = Entry::by_kind("messageType", |kind| kind.event().into());
const TAGS: Entry<Event> = Entry::tags_even_if_none("tags");

const USER_EVENT: &[Entry<Event>] = &[
    Entry::value("messageType", |event| match event {
        Event::User(event) => Value::Text(match event.family() {
            Family::Session => "qseow-proxy-session",
            Family::Connection => "qseow-proxy-connection",
        }),
        _ => Value::Absent,
    }),
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
const APP: &[Entry<Event>] = &[APP_ID.named("appId"), APP_NAME.named("appName")];
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

/// The fields of a kind of event, in order.
pub(super) fn entries(kind: EventKind) -> Vec<Entry<Event>> {
    match kind {
        EventKind::User(_) => [USER_EVENT, CLIENT].concat(),
        EventKind::Undecoded => UNDECODED.to_vec(),
        EventKind::SessionSummary => [SUBJECT, CLIENT, BEGUN, SESSION, ENDED].concat(),
        EventKind::ConnectionSummary => [SUBJECT, APP, CLIENT, BEGUN, ENDED].concat(),
        EventKind::SessionSnapshot => [SUBJECT, CLIENT, BEGUN, SESSION, OPEN].concat(),
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

/// The digits that a version begins with.
fn major(version: &str) -> Option<&str> {
    let digits = version.bytes().take_while(u8::is_ascii_digit).count();
    (digits > 0).then_some(&version[..digits])
}
