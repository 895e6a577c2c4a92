//! The schema `default`: flat fields in snake_case.

mod derived;

use super::{
    Fields, PluginEvent, SOURCE_TYPE, Tags, Timestamp, Visitor,
    values::{Address, Guid},
};
use crate::{
    event::{Event, Undecoded, Unreadable, UserAgent, UserEvent},
    wire::DecodeError,
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

pub(super) fn visit<V: Visitor>(
    event: &Event,
    tags: &Tags,
    visitor: &mut V,
) -> Result<(), V::Error> {
    visitor.field("timestamp", event.timestamp().map(Timestamp).as_ref())?;
    visitor.field("source_type", Some(SOURCE_TYPE))?;
    visitor.field("event", Some(event.name()))?;
    match event {
        Event::User(event) => visit_user(event, visitor)?,
        Event::Undecoded(event) => visit_undecoded(event, visitor)?,
        Event::Derived(event) => derived::visit(event, visitor)?,
    }
    let sender = event.arrival().and_then(|arrival| arrival.sender);
    visitor.field("sender", sender.map(Address).as_ref())?;
    visitor.field("tags", tags.if_any())
}

pub(super) fn visit_plugin<D: Fields, V: Visitor>(
    event: &PluginEvent<'_, D>,
    tags: &Tags,
    visitor: &mut V,
) -> Result<(), V::Error> {
    visitor.field("timestamp", Some(&event.timestamp))?;
    visitor.field("source_type", Some(SOURCE_TYPE))?;
    visitor.field("event", Some("plugin"))?;
    visitor.field("level", Some(event.level))?;
    visitor.field("message", Some(event.message))?;
    event.details.visit(visitor)?;
    visitor.field("tags", tags.if_any())
}

fn visit_user<V: Visitor>(event: &UserEvent, visitor: &mut V) -> Result<(), V::Error> {
    visitor.field("action", Some(event.kind().action()))?;
    visitor.field("qlik_command", event.qlik_command())?;
    visitor.field("host", event.host())?;
    visitor.field("user_directory", event.user_directory())?;
    visitor.field("user_id", event.user_id())?;
    visitor.display("user", event.user())?;
    visitor.field("origin", event.origin())?;
    visitor.field("context", event.context())?;
    visitor.field("message", event.message())?;
    visitor.field("virtual_proxy", event.virtual_proxy())?;
    visitor.field("app_id", event.app_id().map(Guid).as_ref())?;
    visitor.field("app_name", event.app_name())?;
    visitor.field("user_agent", event.user_agent())?;
    visit_client(event.client(), visitor)?;
    visit_extension(event, visitor)
}

fn visit_client<V: Visitor>(client: Option<&UserAgent>, visitor: &mut V) -> Result<(), V::Error> {
    visitor.field("browser_name", client.and_then(|c| c.browser_name))?;
    visitor.field(
        "browser_version",
        client.and_then(|c| c.browser_version.as_deref()),
    )?;
    visitor.field("os_name", client.and_then(|c| c.os_name))?;
    visitor.field("os_version", client.and_then(|c| c.os_version.as_deref()))
}

/// What only the extended appender sends. Nearly no event has it, and asking for each of its fields takes
/// longer than to ask once.
fn visit_extension<V: Visitor>(event: &UserEvent, visitor: &mut V) -> Result<(), V::Error> {
    if !event.is_extended() {
        return Ok(());
    }
    visitor.field("ingest_timestamp", ingest_timestamp(event).as_ref())?;
    visitor.field("sequence", event.sequence().as_ref())?;
    visitor.field("session_id", event.session_id())?;
    visitor.field("result", event.result())?;
    visitor.group("unreadable", &AsSent(event.unreadable()))
}

/// The time of arrival, where the event's time is another.
pub(super) fn ingest_timestamp(event: &UserEvent) -> Option<Timestamp> {
    let arrival = event.qlik_timestamp().and(event.arrival())?;
    Some(Timestamp(arrival.timestamp))
}

fn visit_undecoded<V: Visitor>(event: &Undecoded, visitor: &mut V) -> Result<(), V::Error> {
    // The payload's own host cannot be told; the sender is the next best answer to "which node".
    let sender = event.arrival().and_then(|arrival| arrival.sender);
    visitor.field("host", sender.map(Address).as_ref())?;
    visitor.group("error", &Reason(event.error()))?;
    visitor.field("raw", event.raw())
}

/// Why a payload could not be decoded: `{ code, field, offset }`.
pub(super) struct Reason(pub(super) DecodeError);

impl Fields for Reason {
    fn visit<V: Visitor>(&self, visitor: &mut V) -> Result<(), V::Error> {
        visitor.field("code", Some(&self.0.code))?;
        visitor.field("field", self.0.field.as_ref())?;
        visitor.field("offset", Some(&self.0.offset))
    }
}

/// What cannot be read as time or row number: `{ timestamp, sequence }`.
pub(super) struct AsSent<'a>(pub(super) Unreadable<'a>);

impl Fields for AsSent<'_> {
    fn visit<V: Visitor>(&self, visitor: &mut V) -> Result<(), V::Error> {
        visitor.field("timestamp", self.0.timestamp)?;
        visitor.field("sequence", self.0.sequence)
    }
}
