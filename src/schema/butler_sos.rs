//! The schema `butler_sos`: the JSON of a user event that [Butler SOS](https://butler-sos.ptarmiganlabs.com)
//! 15 publishes over MQTT, key for key, for what reads it already.
//!
//! Butler SOS writes empty text where a field is absent, and always has `tags`. Apps whose name is not
//! known are `<unknown app name>`. It publishes nothing of what it cannot decode and no time: undecoded
//! payloads have the keys that they can fill, and `error`. It does not follow sessions either: derived
//! events have a `messageType` of their own, the keys that they can fill, and keys of their own in the
//! same spelling.

mod derived;

use super::{Fields, Fill, PluginEvent, Record, Tags, default::add_reason};
use crate::{
    event::{Event, UserAgent, UserEvent},
    wire::Family,
};

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

pub(super) fn fill<'a>(event: &'a Event, tags: &'a Tags, record: &mut impl Fill<'a>) {
    match event {
        Event::User(event) => add_user_event(event, tags, record),
        Event::Undecoded(event) => {
            let sender = event.arrival().and_then(|arrival| arrival.sender);
            record.field("messageType", "undecoded");
            record.field("host", sender);
            record.field("message", event.raw());
            record.field("tags", tags);
            record.group("error", |record| add_reason(event.error(), record));
        }
        Event::Derived(event) => derived::fill(event, tags, record),
    }
}

pub(super) fn fill_plugin<'a, D: Fields>(
    event: &'a PluginEvent<'a, D>,
    tags: &'a Tags,
    record: &mut Record<'a>,
) {
    record.field("messageType", "plugin");
    record.field("message", event.message);
    record.field("tags", tags);
    record.field("timestamp", event.timestamp);
    record.field("level", event.level);
    event.details.add_to(record);
}

fn add_user_event<'a>(event: &'a UserEvent, tags: &'a Tags, record: &mut impl Fill<'a>) {
    let message_type = match event.family() {
        Family::Session => "qseow-proxy-session",
        Family::Connection => "qseow-proxy-connection",
    };
    record.field("messageType", message_type);
    record.field("host", event.host().unwrap_or_default());
    record.field("command", event.qlik_command().unwrap_or_default());
    record.field("userDir", event.user_directory().unwrap_or_default());
    record.field("userId", event.user_id().unwrap_or_default());
    record.field("origin", event.origin().unwrap_or_default());
    record.field("context", event.context().unwrap_or_default());
    record.field("message", event.message().unwrap_or_default());
    record.field("tags", tags);
    let app_id = event.app_id();
    record.field("appId", app_id);
    let app_name = event.app_name().unwrap_or("<unknown app name>");
    record.field("appName", app_id.map(|_| app_name));
    add_client(event.client(), record);
}

fn add_client<'a>(client: Option<&'a UserAgent>, record: &mut impl Fill<'a>) {
    let Some(client) = client else { return };
    let version = client.browser_version.as_deref();
    record.field("uaBrowserName", client.browser_name.as_deref());
    record.field("uaBrowserMajorVersion", version.and_then(major));
    record.field("uaOsName", client.os_name);
    record.field("uaOsVersion", client.os_version.as_deref());
}

/// The digits that a version begins with.
fn major(version: &str) -> Option<&str> {
    let digits = version.bytes().take_while(u8::is_ascii_digit).count();
    (digits > 0).then_some(&version[..digits])
}
