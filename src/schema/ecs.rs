//! The schema `ecs`: [Elastic Common Schema](https://www.elastic.co/docs/reference/ecs) 8, nested.
//!
//! What the schema has no field for is under `qlik_sense`. Categories and types are those that ECS
//! allows together; `tests/ecs.rs` holds them and the types of all fields to its tables.

mod derived;

use std::net::IpAddr;

use super::{
    Fields, Fill, PluginEvent, Record, SOURCE_TYPE, Tags, Timestamp, Value,
    default::{add_unreadable, ingest_timestamp},
};
use crate::{
    event::{ConnectionAction, Event, Kind, SessionAction, UserAgent, UserEvent},
    wire::{DecodeError, Field},
};

/// The version of ECS that the events keep to.
const ECS_VERSION: &str = "8.17.0";

/// `event.category` of what happens to sessions.
const SESSION: &[&str] = &["session"];
/// `event.category` of what happens to connections.
const NETWORK: &[&str] = &["network"];

/// Every field.
pub(super) const FIELDS: &[&str] = &[
    "@timestamp",
    "ecs",
    "ecs.version",
    "event",
    "event.kind",
    "event.module",
    "event.dataset",
    "event.category",
    "event.type",
    "event.action",
    "event.created",
    "event.sequence",
    "event.original",
    "event.start",
    "event.end",
    "event.duration",
    "host",
    "host.name",
    "user",
    "user.id",
    "user.domain",
    "user.name",
    "user_agent",
    "user_agent.original",
    "user_agent.name",
    "user_agent.version",
    "user_agent.os",
    "user_agent.os.name",
    "user_agent.os.version",
    "message",
    "error",
    "error.code",
    "error.message",
    "observer",
    "observer.ip",
    "labels",
    "qlik_sense",
    "qlik_sense.command",
    "qlik_sense.origin",
    "qlik_sense.context",
    "qlik_sense.virtual_proxy",
    "qlik_sense.app_id",
    "qlik_sense.app_name",
    "qlik_sense.session_id",
    "qlik_sense.result",
    "qlik_sense.unreadable",
    "qlik_sense.unreadable.timestamp",
    "qlik_sense.unreadable.sequence",
    "qlik_sense.start_seen",
    "qlik_sense.end_seen",
    "qlik_sense.end_reason",
    "qlik_sense.pairing",
    "qlik_sense.connections",
    "qlik_sense.open_connections",
    "qlik_sense.apps",
    "qlik_sense.app_names",
    "qlik_sense.open_apps",
    "qlik_sense.open_app_names",
    "qlik_sense.error",
    "qlik_sense.error.field",
    "qlik_sense.error.offset",
];

pub(super) fn fill<'a>(event: &'a Event, tags: &'a Tags, record: &mut impl Fill<'a>) {
    record.field("@timestamp", event.timestamp().map(Timestamp));
    record.group("ecs", add_version);
    record.group("event", |record| add_categories(event, record));
    record.group("host", |record| add_host(event, record));
    match event {
        Event::User(event) => {
            record.group("user", |record| add_user(event, record));
            let agent = (event.user_agent(), event.client());
            record.group("user_agent", |record| add_agent(agent, record));
            record.field("message", event.message());
            record.group("qlik_sense", |record| add_rest(event, record));
        }
        Event::Undecoded(event) => {
            let error = event.error();
            record.group("error", |record| add_reason(error, record));
            record.group("qlik_sense", |record| {
                record.group("error", |record| add_place(error, record));
            });
        }
        Event::Derived(event) => derived::fill(event, record),
    }
    record.group("observer", |record| {
        // The Qlik Sense proxy as the machine that saw what happened. The address is not that of the
        // user, which is why it is no `source.ip`.
        record.field("ip", sender(event).map(Value::ListOfAddress));
    });
    record.field("labels", tags.if_any());
}

pub(super) fn fill_plugin<'a, D: Fields>(
    event: &'a PluginEvent<'a, D>,
    tags: &'a Tags,
    record: &mut Record<'a>,
) {
    record.field("@timestamp", event.timestamp);
    record.group("ecs", add_version);
    record.group("event", |record| {
        record.field("kind", "event");
        record.field("module", SOURCE_TYPE);
        record.field("dataset", "qlik_sense.plugin");
    });
    record.group("log", |record| record.field("level", event.level));
    record.field("message", event.message);
    record.field("labels", tags.if_any());
    record.group("qlik_sense", |record| {
        record.group("plugin", |record| event.details.add_to(record));
    });
}

fn sender(event: &Event) -> Option<IpAddr> {
    event.arrival().and_then(|arrival| arrival.sender)
}

fn add_version<'a>(record: &mut impl Fill<'a>) {
    record.field("version", ECS_VERSION);
}

/// `event`: what happened, in words that are the same for all sources.
fn add_categories<'a>(event: &'a Event, record: &mut impl Fill<'a>) {
    let dataset = match event {
        Event::User(event) => {
            let kind = event.kind();
            let (category, types) = categories(kind);
            record.field("kind", "event");
            record.field("category", category);
            record.field("type", types);
            record.field("action", kind.name());
            record.field("created", ingest_timestamp(event));
            record.field("sequence", event.sequence());
            match kind {
                Kind::Session(_) => "qlik_sense.session",
                Kind::Connection(_) => "qlik_sense.connection",
            }
        }
        Event::Undecoded(event) => {
            record.field("kind", "pipeline_error");
            record.field("original", event.raw());
            "qlik_sense.undecoded"
        }
        Event::Derived(event) => {
            derived::add_categories(event, record);
            derived::dataset(event)
        }
    };
    record.field("module", SOURCE_TYPE);
    record.field("dataset", dataset);
}

/// `event.category` and `event.type` of a kind of event.
const fn categories(kind: Kind) -> (&'static [&'static str], &'static [&'static str]) {
    match kind {
        Kind::Session(SessionAction::Start) => (SESSION, &["start"]),
        Kind::Session(SessionAction::Stop) => (SESSION, &["end"]),
        Kind::Session(SessionAction::Other) => (SESSION, &["info"]),
        Kind::Connection(ConnectionAction::Open) => (NETWORK, &["connection", "start"]),
        Kind::Connection(ConnectionAction::Close) => (NETWORK, &["connection", "end"]),
        Kind::Connection(ConnectionAction::Other) => (NETWORK, &["connection", "info"]),
    }
}

/// `host`: the Qlik Sense node, and where it is not told, the address that the datagram came from.
/// Never absent: Vector's source would put its own machine there.
fn add_host<'a>(event: &'a Event, record: &mut impl Fill<'a>) {
    let host = match event {
        Event::User(event) => event.host(),
        Event::Undecoded(_) => None,
        Event::Derived(event) => event.subject.host.as_deref(),
    };
    match host {
        Some(host) => record.field("name", host),
        None => record.field("name", sender(event)),
    }
}

fn add_user<'a>(event: &'a UserEvent, record: &mut impl Fill<'a>) {
    record.field("id", event.user());
    record.field("domain", event.user_directory());
    record.field("name", event.user_id());
}

/// `user_agent`: its text, where there is one, and what it names.
fn add_agent<'a>(
    (original, client): (Option<&'a str>, Option<&'a UserAgent>),
    record: &mut impl Fill<'a>,
) {
    record.field("original", original);
    let Some(client) = client else { return };
    record.field("name", client.browser_name.as_deref());
    record.field("version", client.browser_version.as_deref());
    record.group("os", |record| {
        record.field("name", client.os_name);
        record.field("version", client.os_version.as_deref());
    });
}

/// `error`: why a payload could not be decoded.
fn add_reason<'a>(error: DecodeError, record: &mut impl Fill<'a>) {
    record.field("code", error.code.as_str());
    record.field("message", error);
}

/// `qlik_sense`: what ECS has no field for.
fn add_rest<'a>(event: &'a UserEvent, record: &mut impl Fill<'a>) {
    record.field("command", event.qlik_command());
    record.field("origin", event.origin());
    record.field("context", event.context());
    record.field("virtual_proxy", event.virtual_proxy());
    record.field("app_id", event.app_id());
    record.field("app_name", event.app_name());
    record.field("session_id", event.session_id());
    record.field("result", event.result());
    record.group("unreadable", |record| add_unreadable(event, record));
}

/// `qlik_sense.error`: where in `event.original` the error is.
fn add_place<'a>(error: DecodeError, record: &mut impl Fill<'a>) {
    record.field("field", error.field.map(Field::as_str));
    record.field("offset", error.offset);
}
