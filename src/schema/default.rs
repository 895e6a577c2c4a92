//! The schema `default`: flat fields in snake_case.

use super::{
    Entry,
    field::{
        ACTION, APP_ID, APP_NAME, APP_NAMES, APPS, BROWSER_NAME, BROWSER_VERSION, CONNECTIONS,
        CONTEXT, DURATION_SECS, END, END_REASON, END_SEEN, ERROR_CODE, ERROR_FIELD, ERROR_OFFSET,
        EVENT, Field, HOST, INGEST_TIMESTAMP, MESSAGE, OPEN_APP_NAMES, OPEN_APPS, OPEN_CONNECTIONS,
        ORIGIN, OS_NAME, OS_VERSION, PAIRING, QLIK_COMMAND, RAW, RESULT, SENDER, SEQUENCE,
        SESSION_ID, SOURCE_TYPE, START, START_SEEN, TAGS, TIMESTAMP, UNREADABLE_SEQUENCE,
        UNREADABLE_TIMESTAMP, USER, USER_AGENT, USER_DIRECTORY, USER_ID, VIRTUAL_PROXY,
    },
    plugin::{self, PluginEvent},
};
use crate::event::{Event, EventKind};

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
    UNREADABLE_TIMESTAMP,
    UNREADABLE_SEQUENCE,
];

/// The payload's own host cannot be told; the sender is the next best answer to "which node".
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

/// Whose session or connection it is.
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

/// The fields of a kind of event, in order.
pub(super) fn entries(kind: EventKind) -> Vec<Entry<Event>> {
    let own: &[&[Field]] = match kind {
        EventKind::User(_) => &[USER_EVENT],
        EventKind::Undecoded => &[UNDECODED],
        EventKind::SessionSummary => &[SUBJECT, CLIENT, SESSION, ENDED],
        EventKind::ConnectionSummary => &[SUBJECT, CONNECTION, CLIENT, ENDED],
        EventKind::SessionSnapshot => &[SUBJECT, CLIENT, SESSION, OPEN],
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
