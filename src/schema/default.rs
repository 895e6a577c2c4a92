//! The schema `default`: flat fields in snake_case.

use std::net::IpAddr;

use serde::{Serialize, Serializer, ser::Error as _};
use uuid::Uuid;

use super::{Fields, SOURCE_TYPE, Timestamp, Visitor, serialize};
use crate::{
    event::{Event, Undecoded, UserEvent},
    wire::DecodeError,
};

pub(super) fn visit<V: Visitor>(event: &Event, visitor: &mut V) -> Result<(), V::Error> {
    let timestamp = event.arrival().map(|arrival| Timestamp(arrival.timestamp));
    visitor.field("timestamp", timestamp.as_ref())?;
    visitor.field("source_type", Some(SOURCE_TYPE))?;
    visitor.field("event", Some(event.name()))?;
    match event {
        Event::User(event) => visit_user(event, visitor)?,
        Event::Undecoded(event) => visit_undecoded(event, visitor)?,
    }
    let sender = event.arrival().and_then(|arrival| arrival.sender);
    visitor.field("sender", sender.map(Address).as_ref())
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
    visitor.field("user_agent", event.user_agent())?;
    let client = event.client();
    visitor.field("browser_name", client.and_then(|c| c.browser_name))?;
    visitor.field(
        "browser_version",
        client.and_then(|c| c.browser_version.as_deref()),
    )?;
    visitor.field("os_name", client.and_then(|c| c.os_name))?;
    visitor.field("os_version", client.and_then(|c| c.os_version.as_deref()))
}

fn visit_undecoded<V: Visitor>(event: &Undecoded, visitor: &mut V) -> Result<(), V::Error> {
    // The payload's own host cannot be told; the sender is the next best answer to "which node".
    let sender = event.arrival().and_then(|arrival| arrival.sender);
    visitor.field("host", sender.map(Address).as_ref())?;
    visitor.field("error", Some(&ErrorView(event.error())))?;
    visitor.field("raw", Some(event.raw()))
}

/// A guid in its usual form, made on the stack.
struct Guid(Uuid);

impl Serialize for Guid {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut text = Uuid::encode_buffer();
        serializer.serialize_str(self.0.hyphenated().encode_lower(&mut text))
    }
}

/// An address as text. IPv4 is nearly every event's, and `Display` takes longer for it than
/// all other fields together.
struct Address(IpAddr);

impl Serialize for Address {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let IpAddr::V4(address) = self.0 else {
            return serializer.collect_str(&self.0);
        };
        let mut text = [0; "255.255.255.255.".len()];
        let mut length = 0;
        let mut put = |byte| {
            text[length] = byte;
            length += 1;
        };
        for octet in address.octets() {
            if octet >= 100 {
                put(b'0' + octet / 100);
            }
            if octet >= 10 {
                put(b'0' + octet / 10 % 10);
            }
            put(b'0' + octet % 10);
            put(b'.');
        }
        let text = str::from_utf8(&text[..length - 1]).map_err(S::Error::custom)?;
        serializer.serialize_str(text)
    }
}

/// `{ code, field, offset }`.
struct ErrorView(DecodeError);

impl Fields for ErrorView {
    fn visit<V: Visitor>(&self, visitor: &mut V) -> Result<(), V::Error> {
        visitor.field("code", Some(&self.0.code))?;
        visitor.field("field", self.0.field.as_ref())?;
        visitor.field("offset", Some(&self.0.offset))
    }
}

impl Serialize for ErrorView {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serialize(self, serializer)
    }
}
