//! The fields of an event, written as they come.
//!
//! What [`ValueSerializer`] writes of a record, this writes without the record. It is a part of every schema's
//! functions, where names are constants: each field is a few moves, which is why most of it is inlined.

use std::net::{IpAddr, Ipv4Addr};

use serde::Serialize;
use uuid::{Uuid, fmt::Hyphenated};

use super::{
    Error,
    buffer::{Buffer, RAW_BYTES, Slot},
    compound::{Header, MAP},
    value::ValueSerializer,
};
use crate::{
    event::User,
    schema::{Fill, Timestamp, Value, ipv4_text},
};

/// Writes fields into the map of a log, or of a field that has fields of its own.
pub(in crate::encoding) struct FieldsWriter<'b> {
    buffer: &'b mut Buffer,
    /// The first field that could not be written.
    failed: Option<Error>,
}

impl<'b> FieldsWriter<'b> {
    /// Writes a log with the fields that `fill` adds.
    ///
    /// # Errors
    ///
    /// When a value has no form in the format.
    pub(in crate::encoding) fn write_log(
        buffer: &'b mut Buffer,
        fill: impl FnOnce(&mut Self),
    ) -> Result<(), Error> {
        let header = Header::reserve(buffer, Slot::Log);
        let mut writer = Self {
            buffer,
            failed: None,
        };
        fill(&mut writer);
        header.write(writer.buffer, Slot::Log, MAP);
        writer.failed.map_or(Ok(()), Err)
    }

    /// Directory and id.
    #[inline(never)]
    fn write_user(&mut self, name: &'static str, user: User<'_>) {
        let parts = [user.directory, "\\", user.id];
        if !self.buffer.short_text_of(name, parts) {
            self.write_value(name, &Value::User(user));
        }
    }

    #[inline(never)]
    fn write_timestamp(&mut self, name: &'static str, time: Timestamp) {
        let (seconds, nanos) = (time.0.timestamp(), time.0.timestamp_subsec_nanos());
        // What is not an ordinary time is looked at more closely: leap seconds, and years that have no form.
        if i32::try_from(seconds >> 2).is_ok() && nanos < 1_000_000_000 {
            ValueSerializer::new(self.buffer, Slot::Entry(name)).timestamp(seconds, nanos.into());
        } else {
            self.write_value(name, &Value::Timestamp(time));
        }
    }

    #[inline(never)]
    fn write_guid(&mut self, name: &'static str, guid: Uuid) {
        let mut text = [0; Hyphenated::LENGTH];
        guid.hyphenated().encode_lower(&mut text);
        self.buffer.entry(name, RAW_BYTES, &text);
    }

    #[inline(never)]
    fn write_address(&mut self, name: &'static str, address: Ipv4Addr) {
        let (text, length) = ipv4_text(address);
        self.buffer.entry(name, RAW_BYTES, &text[..length]);
    }

    #[inline(never)]
    fn write_value(&mut self, name: &'static str, value: &Value<'_>) {
        let slot = Slot::Entry(name);
        if let Err(error) = value.serialize(ValueSerializer::new(self.buffer, slot)) {
            self.failed.get_or_insert(error);
        }
    }
}

impl<'a> Fill<'a> for FieldsWriter<'_> {
    #[inline(always)]
    fn field(&mut self, name: &'static str, value: impl Into<Value<'a>>) {
        match value.into() {
            Value::Absent => {}
            Value::Text(text) => self.buffer.text(name, text),
            Value::User(user) => self.write_user(name, user),
            Value::Timestamp(time) => self.write_timestamp(name, time),
            Value::Guid(guid) => self.write_guid(name, guid),
            Value::Address(IpAddr::V4(address)) => self.write_address(name, address),
            value => self.write_value(name, &value),
        }
    }

    fn group(&mut self, name: &'static str, fill: impl FnOnce(&mut Self)) {
        let slot = Slot::Entry(name);
        let start = self.buffer.len();
        let header = Header::reserve(self.buffer, slot);
        let content = self.buffer.len();
        fill(self);
        if self.buffer.len() == content {
            self.buffer.truncate(start);
        } else {
            header.write(self.buffer, slot, MAP);
        }
    }
}
