//! The schema `default`: flat fields in snake_case.

mod derived;

use super::{Fields, Fill, PluginEvent, Record, SOURCE_TYPE, Tags, Timestamp};
use crate::{
    event::{Event, Undecoded, UserAgent, UserEvent},
    wire::{DecodeError, Field},
};

/// Every field.
pub(super) const FIELDS: &[&str] = &[
    "timestamp",
    "source_type",
    "event",
    "action",
    "qlik_command",
    "host",
    "user_directory",
    "user_id",
    "user",
    "origin",
    "context",
    "message",
    "virtual_proxy",
    "app_id",
    "app_name",
    "user_agent",
    "browser_name",
    "browser_version",
    "os_name",
    "os_version",
    "ingest_timestamp",
    "sequence",
    "session_id",
    "result",
    "unreadable",
    "unreadable.timestamp",
    "unreadable.sequence",
    "error",
    "error.code",
    "error.field",
    "error.offset",
    "raw",
    "start",
    "start_seen",
    "connections",
    "open_connections",
    "apps",
    "app_names",
    "open_apps",
    "open_app_names",
    "end",
    "end_seen",
    "end_reason",
    "pairing",
    "duration_secs",
    "sender",
    "tags",
];

pub(super) fn fill<'a>(event: &'a Event, tags: &'a Tags, record: &mut impl Fill<'a>) {
    record.field("timestamp", event.timestamp().map(Timestamp));
    record.field("source_type", SOURCE_TYPE);
    record.field("event", event.name());
    match event {
        Event::User(event) => add_user_event(event, record),
        Event::Undecoded(event) => add_undecoded(event, record),
        Event::Derived(event) => derived::fill(event, record),
    }
    let sender = event.arrival().and_then(|arrival| arrival.sender);
    record.field("sender", sender);
    record.field("tags", tags.if_any());
}

pub(super) fn fill_plugin<'a, D: Fields>(
    event: &'a PluginEvent<'a, D>,
    tags: &'a Tags,
    record: &mut Record<'a>,
) {
    record.field("timestamp", event.timestamp);
    record.field("source_type", SOURCE_TYPE);
    record.field("event", "plugin");
    record.field("level", event.level);
    record.field("message", event.message);
    event.details.add_to(record);
    record.field("tags", tags.if_any());
}

fn add_user_event<'a>(event: &'a UserEvent, record: &mut impl Fill<'a>) {
    record.field("action", event.kind().action());
    record.field("qlik_command", event.qlik_command());
    record.field("host", event.host());
    record.field("user_directory", event.user_directory());
    record.field("user_id", event.user_id());
    record.field("user", event.user());
    record.field("origin", event.origin());
    record.field("context", event.context());
    record.field("message", event.message());
    record.field("virtual_proxy", event.virtual_proxy());
    record.field("app_id", event.app_id());
    record.field("app_name", event.app_name());
    record.field("user_agent", event.user_agent());
    add_client(event.client(), record);
    add_extension(event, record);
}

fn add_client<'a>(client: Option<&'a UserAgent>, record: &mut impl Fill<'a>) {
    let Some(client) = client else { return };
    record.field("browser_name", client.browser_name.as_deref());
    record.field("browser_version", client.browser_version.as_deref());
    record.field("os_name", client.os_name);
    record.field("os_version", client.os_version.as_deref());
}

/// What only the extended appender sends. Nearly no event has it, and asking for each of its fields takes
/// longer than to ask once.
fn add_extension<'a>(event: &'a UserEvent, record: &mut impl Fill<'a>) {
    if !event.is_extended() {
        return;
    }
    record.field("ingest_timestamp", ingest_timestamp(event));
    record.field("sequence", event.sequence());
    record.field("session_id", event.session_id());
    record.field("result", event.result());
    record.group("unreadable", |record| add_unreadable(event, record));
}

/// The time of arrival, where the event's time is another.
pub(super) fn ingest_timestamp(event: &UserEvent) -> Option<Timestamp> {
    let arrival = event.qlik_timestamp().and(event.arrival())?;
    Some(Timestamp(arrival.timestamp))
}

/// What cannot be read as time or row number: `{ timestamp, sequence }`.
pub(super) fn add_unreadable<'a>(event: &'a UserEvent, record: &mut impl Fill<'a>) {
    let unreadable = event.unreadable();
    record.field("timestamp", unreadable.timestamp);
    record.field("sequence", unreadable.sequence);
}

fn add_undecoded<'a>(event: &'a Undecoded, record: &mut impl Fill<'a>) {
    // The payload's own host cannot be told; the sender is the next best answer to "which node".
    let sender = event.arrival().and_then(|arrival| arrival.sender);
    record.field("host", sender);
    record.group("error", |record| add_reason(event.error(), record));
    record.field("raw", event.raw());
}

/// Why a payload could not be decoded: `{ code, field, offset }`.
pub(super) fn add_reason<'a>(error: DecodeError, record: &mut impl Fill<'a>) {
    record.field("code", error.code.as_str());
    record.field("field", error.field.map(Field::as_str));
    record.field("offset", error.offset);
}
