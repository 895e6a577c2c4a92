//! The schema `ecs`: [Elastic Common Schema](https://www.elastic.co/docs/reference/ecs) 8, nested.
//!
//! What the schema has no field for is under `qlik_sense`. Categories and types are those that ECS
//! allows together; `tests/ecs.rs` holds them and the types of all fields to its tables.

mod derived;

use std::net::IpAddr;

use super::{
    Fields, PluginEvent, SOURCE_TYPE, Tags, Timestamp, Visitor,
    default::{AsSent, ingest_timestamp},
    values::{Address, Guid},
};
use crate::{
    event::{ConnectionAction, Event, Kind, SessionAction, Undecoded, UserEvent},
    wire::DecodeError,
};

/// The version of ECS that the events keep to.
const ECS_VERSION: &str = "8.17.0";

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

pub(super) fn visit<V: Visitor>(
    event: &Event,
    tags: &Tags,
    visitor: &mut V,
) -> Result<(), V::Error> {
    visitor.field("@timestamp", event.timestamp().map(Timestamp).as_ref())?;
    visitor.group("ecs", &Version)?;
    visitor.group("event", &Categories(event))?;
    visitor.group("host", &Host(event))?;
    match event {
        Event::User(event) => {
            visitor.group("user", &User(event))?;
            visitor.group("user_agent", &Agent(event))?;
            visitor.field("message", event.message())?;
            visitor.group("qlik_sense", &Rest(event))?;
        }
        Event::Undecoded(event) => {
            visitor.group("error", &Reason(event.error()))?;
            visitor.group("qlik_sense", &UndecodedRest(event))?;
        }
        Event::Derived(event) => derived::visit(event, visitor)?,
    }
    visitor.group("observer", &Observer(sender(event)))?;
    visitor.field("labels", tags.if_any())
}

pub(super) fn visit_plugin<D: Fields, V: Visitor>(
    event: &PluginEvent<'_, D>,
    tags: &Tags,
    visitor: &mut V,
) -> Result<(), V::Error> {
    visitor.field("@timestamp", Some(&event.timestamp))?;
    visitor.group("ecs", &Version)?;
    visitor.group("event", &PluginCategories)?;
    visitor.group("log", &Level(event.level))?;
    visitor.field("message", Some(event.message))?;
    visitor.field("labels", tags.if_any())?;
    visitor.group("qlik_sense", &Plugin(&event.details))
}

fn sender(event: &Event) -> Option<IpAddr> {
    event.arrival().and_then(|arrival| arrival.sender)
}

struct Version;

impl Fields for Version {
    fn visit<V: Visitor>(&self, visitor: &mut V) -> Result<(), V::Error> {
        visitor.field("version", Some(ECS_VERSION))
    }
}

/// `event`: what happened, in words that are the same for all sources.
struct Categories<'a>(&'a Event);

impl Fields for Categories<'_> {
    fn visit<V: Visitor>(&self, visitor: &mut V) -> Result<(), V::Error> {
        let dataset = match self.0 {
            Event::User(event) => match event.kind() {
                Kind::Session(_) => "qlik_sense.session",
                Kind::Connection(_) => "qlik_sense.connection",
            },
            Event::Undecoded(_) => "qlik_sense.undecoded",
            Event::Derived(event) => derived::dataset(event),
        };
        match self.0 {
            Event::User(event) => {
                let (category, types, action) = categories(event.kind());
                visitor.field("kind", Some("event"))?;
                visitor.field("category", Some(category))?;
                visitor.field("type", Some(types))?;
                visitor.field("action", Some(action))?;
                visitor.field("created", ingest_timestamp(event).as_ref())?;
                visitor.field("sequence", event.sequence().as_ref())?;
            }
            Event::Undecoded(event) => {
                visitor.field("kind", Some("pipeline_error"))?;
                visitor.field("original", event.raw())?;
            }
            Event::Derived(event) => derived::visit_categories(event, visitor)?,
        }
        visitor.field("module", Some(SOURCE_TYPE))?;
        visitor.field("dataset", Some(dataset))
    }
}

/// `event.category`, `event.type` and `event.action` of a kind of event.
const fn categories(
    kind: Kind,
) -> (
    &'static [&'static str],
    &'static [&'static str],
    &'static str,
) {
    const SESSION: &[&str] = &["session"];
    const NETWORK: &[&str] = &["network"];
    match kind {
        Kind::Session(SessionAction::Start) => (SESSION, &["start"], "session_start"),
        Kind::Session(SessionAction::Stop) => (SESSION, &["end"], "session_stop"),
        Kind::Session(SessionAction::Other) => (SESSION, &["info"], "session_other"),
        Kind::Connection(ConnectionAction::Open) => {
            (NETWORK, &["connection", "start"], "connection_open")
        }
        Kind::Connection(ConnectionAction::Close) => {
            (NETWORK, &["connection", "end"], "connection_close")
        }
        Kind::Connection(ConnectionAction::Other) => {
            (NETWORK, &["connection", "info"], "connection_other")
        }
    }
}

/// `host`: the Qlik Sense node, and where it is not told, the address that the datagram came from.
/// Never absent: Vector's source would put its own machine there.
struct Host<'a>(&'a Event);

impl Fields for Host<'_> {
    fn visit<V: Visitor>(&self, visitor: &mut V) -> Result<(), V::Error> {
        let host = match self.0 {
            Event::User(event) => event.host(),
            Event::Undecoded(_) => None,
            Event::Derived(event) => event.subject.host.as_deref(),
        };
        match host {
            Some(host) => visitor.field("name", Some(host)),
            None => visitor.field("name", sender(self.0).map(Address).as_ref()),
        }
    }
}

struct User<'a>(&'a UserEvent);

impl Fields for User<'_> {
    fn visit<V: Visitor>(&self, visitor: &mut V) -> Result<(), V::Error> {
        visitor.display("id", self.0.user())?;
        visitor.field("domain", self.0.user_directory())?;
        visitor.field("name", self.0.user_id())
    }
}

struct Agent<'a>(&'a UserEvent);

impl Fields for Agent<'_> {
    fn visit<V: Visitor>(&self, visitor: &mut V) -> Result<(), V::Error> {
        let client = self.0.client();
        visitor.field("original", self.0.user_agent())?;
        visitor.field("name", client.and_then(|c| c.browser_name))?;
        visitor.field("version", client.and_then(|c| c.browser_version.as_deref()))?;
        visitor.group("os", &System(self.0))
    }
}

struct System<'a>(&'a UserEvent);

impl Fields for System<'_> {
    fn visit<V: Visitor>(&self, visitor: &mut V) -> Result<(), V::Error> {
        let client = self.0.client();
        visitor.field("name", client.and_then(|c| c.os_name))?;
        visitor.field("version", client.and_then(|c| c.os_version.as_deref()))
    }
}

/// `error`: why a payload could not be decoded.
struct Reason(DecodeError);

impl Fields for Reason {
    fn visit<V: Visitor>(&self, visitor: &mut V) -> Result<(), V::Error> {
        visitor.field("code", Some(&self.0.code))?;
        visitor.display("message", Some(self.0))
    }
}

/// `observer`: the Qlik Sense proxy as the machine that saw what happened. The address is not that of
/// the user, which is why it is no `source.ip`.
struct Observer(Option<IpAddr>);

impl Fields for Observer {
    fn visit<V: Visitor>(&self, visitor: &mut V) -> Result<(), V::Error> {
        let addresses = self.0.map(|address| [Address(address)]);
        visitor.field("ip", addresses.as_ref())
    }
}

/// `qlik_sense`: what ECS has no field for.
struct Rest<'a>(&'a UserEvent);

impl Fields for Rest<'_> {
    fn visit<V: Visitor>(&self, visitor: &mut V) -> Result<(), V::Error> {
        visitor.field("command", self.0.qlik_command())?;
        visitor.field("origin", self.0.origin())?;
        visitor.field("context", self.0.context())?;
        visitor.field("virtual_proxy", self.0.virtual_proxy())?;
        visitor.field("app_id", self.0.app_id().map(Guid).as_ref())?;
        visitor.field("app_name", self.0.app_name())?;
        visitor.field("session_id", self.0.session_id())?;
        visitor.field("result", self.0.result())?;
        visitor.group("unreadable", &AsSent(self.0.unreadable()))
    }
}

struct UndecodedRest<'a>(&'a Undecoded);

impl Fields for UndecodedRest<'_> {
    fn visit<V: Visitor>(&self, visitor: &mut V) -> Result<(), V::Error> {
        visitor.group("error", &Place(self.0.error()))
    }
}

/// `qlik_sense.error`: where in `event.original` the error is.
struct Place(DecodeError);

impl Fields for Place {
    fn visit<V: Visitor>(&self, visitor: &mut V) -> Result<(), V::Error> {
        visitor.field("field", self.0.field.as_ref())?;
        visitor.field("offset", Some(&self.0.offset))
    }
}

/// `event` of an event about the plugin.
struct PluginCategories;

impl Fields for PluginCategories {
    fn visit<V: Visitor>(&self, visitor: &mut V) -> Result<(), V::Error> {
        visitor.field("kind", Some("event"))?;
        visitor.field("module", Some(SOURCE_TYPE))?;
        visitor.field("dataset", Some("qlik_sense.plugin"))
    }
}

struct Level<'a>(&'a str);

impl Fields for Level<'_> {
    fn visit<V: Visitor>(&self, visitor: &mut V) -> Result<(), V::Error> {
        visitor.field("level", Some(self.0))
    }
}

/// `qlik_sense.plugin`: the details of an event about the plugin.
struct Plugin<'a, D>(&'a D);

impl<D: Fields> Fields for Plugin<'_, D> {
    fn visit<V: Visitor>(&self, visitor: &mut V) -> Result<(), V::Error> {
        visitor.group("plugin", self.0)
    }
}
