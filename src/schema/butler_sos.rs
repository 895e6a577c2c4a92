//! The schema `butler_sos`: the JSON of a user event that [Butler SOS](https://butler-sos.ptarmiganlabs.com)
//! 15 publishes over MQTT, key for key, for what reads it already.
//!
//! Butler SOS writes empty text where a field is absent, and always has `tags`. Apps whose name is not
//! known are `<unknown app name>`. It publishes nothing of what it cannot decode and no time: undecoded
//! payloads have the keys that they can fill, and `error`. It does not follow sessions either: derived
//! events have a `messageType` of their own, the keys that they can fill, and keys of their own in the
//! same spelling.

mod derived;

use super::{
    Fields, PluginEvent, Tags, Visitor,
    default::Reason,
    values::{Address, Guid},
};
use crate::event::{Event, Kind, UserAgent, UserEvent};

/// Every field.
pub(super) const FIELDS: &[&str] = &[
    "messageType",
    "host",
    "command",
    "userDir",
    "userId",
    "origin",
    "context",
    "message",
    "tags",
    "appId",
    "appName",
    "uaBrowserName",
    "uaBrowserMajorVersion",
    "uaOsName",
    "uaOsVersion",
    "error",
    "error.code",
    "error.field",
    "error.offset",
    "sessionId",
    "start",
    "startSeen",
    "connections",
    "openConnections",
    "apps",
    "appNames",
    "openApps",
    "openAppNames",
    "end",
    "endSeen",
    "endReason",
    "pairing",
    "durationSecs",
];

pub(super) fn visit<V: Visitor>(
    event: &Event,
    tags: &Tags,
    visitor: &mut V,
) -> Result<(), V::Error> {
    match event {
        Event::User(event) => visit_user(event, tags, visitor),
        Event::Undecoded(event) => {
            let sender = event.arrival().and_then(|arrival| arrival.sender);
            visitor.field("messageType", Some("undecoded"))?;
            visitor.field("host", sender.map(Address).as_ref())?;
            visitor.field("message", event.raw())?;
            visitor.field("tags", Some(tags))?;
            visitor.group("error", &Reason(event.error()))
        }
        Event::Derived(event) => derived::visit(event, tags, visitor),
    }
}

pub(super) fn visit_plugin<D: Fields, V: Visitor>(
    event: &PluginEvent<'_, D>,
    tags: &Tags,
    visitor: &mut V,
) -> Result<(), V::Error> {
    visitor.field("messageType", Some("plugin"))?;
    visitor.field("message", Some(event.message))?;
    visitor.field("tags", Some(tags))?;
    visitor.field("timestamp", Some(&event.timestamp))?;
    visitor.field("level", Some(event.level))?;
    event.details.visit(visitor)
}

fn visit_user<V: Visitor>(event: &UserEvent, tags: &Tags, visitor: &mut V) -> Result<(), V::Error> {
    let message_type = match event.kind() {
        Kind::Session(_) => "qseow-proxy-session",
        Kind::Connection(_) => "qseow-proxy-connection",
    };
    visitor.field("messageType", Some(message_type))?;
    visitor.field("host", or_empty(event.host()))?;
    visitor.field("command", or_empty(event.qlik_command()))?;
    visitor.field("userDir", or_empty(event.user_directory()))?;
    visitor.field("userId", or_empty(event.user_id()))?;
    visitor.field("origin", or_empty(event.origin()))?;
    visitor.field("context", or_empty(event.context()))?;
    visitor.field("message", or_empty(event.message()))?;
    visitor.field("tags", Some(tags))?;
    let app_id = event.app_id();
    visitor.field("appId", app_id.map(Guid).as_ref())?;
    let app_name = event.app_name().unwrap_or("<unknown app name>");
    visitor.field("appName", app_id.map(|_| app_name))?;
    visit_client(event.client(), visitor)
}

fn visit_client<V: Visitor>(client: Option<&UserAgent>, visitor: &mut V) -> Result<(), V::Error> {
    let version = client.and_then(|c| c.browser_version.as_deref());
    visitor.field("uaBrowserName", client.and_then(|c| c.browser_name))?;
    visitor.field("uaBrowserMajorVersion", version.and_then(major))?;
    visitor.field("uaOsName", client.and_then(|c| c.os_name))?;
    visitor.field("uaOsVersion", client.and_then(|c| c.os_version.as_deref()))
}

/// Butler SOS has text where Qlik Sense has none.
fn or_empty(text: Option<&str>) -> Option<&str> {
    Some(text.unwrap_or_default())
}

/// The digits that a version begins with.
fn major(version: &str) -> Option<&str> {
    let digits = version.bytes().take_while(u8::is_ascii_digit).count();
    (digits > 0).then_some(&version[..digits])
}
