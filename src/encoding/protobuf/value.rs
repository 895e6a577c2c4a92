//! The fields of an event as entries of a map.

use std::net::{IpAddr, Ipv4Addr};

use uuid::{Uuid, fmt::Hyphenated};

use super::{
    buffer::{Buffer, Cursor, Key, MOST_VARINT_BYTES, RAW_BYTES, Slot, varint_bytes},
    header::{ARRAY, Header, MAP},
};
use crate::{
    encoding::EncodeError,
    schema::{Constant, Format, Order, Timestamp, Value, Writer, ipv4_text},
};

/// Keys of `event.Value`'s fields: number times eight, plus the wire type.
mod kind {
    pub(super) const TIMESTAMP: u8 = 0x12;
    pub(super) const INTEGER: u8 = 0x20;
    pub(super) const FLOAT: u8 = 0x29;
    pub(super) const BOOLEAN: u8 = 0x30;
}

/// Key of `google.protobuf.Timestamp.seconds`.
const SECONDS: u8 = 0x08;
/// Key of `google.protobuf.Timestamp.nanos`.
const NANOS: u8 = 0x10;

/// Entries of a map.
#[derive(Debug)]
pub(in crate::encoding) struct Fields;

impl Format for Fields {
    type Key = Key;
    type Fixed = Box<[u8]>;

    /// Vector inserts them one by one into a sorted map, and finds the place of a name soonest if it is before all others.
    const ORDER: Order = Order::Descending;

    fn key(name: &str) -> Self::Key {
        Key::new(name)
    }

    fn fixed(fields: &[(&'static str, Constant)]) -> Self::Fixed {
        let mut buffer = Buffer::default();
        Constant::write_all(fields, &mut FieldsWriter::new(&mut buffer));
        (&*buffer.bytes_mut()).into()
    }
}

/// Writes fields into the map of a log, or of a field that contains fields.
pub(in crate::encoding) struct FieldsWriter<'b> {
    buffer: &'b mut Buffer,
    /// The error of the first field that could not be written.
    failed: Option<EncodeError>,
}

impl<'b> FieldsWriter<'b> {
    const fn new(buffer: &'b mut Buffer) -> Self {
        Self {
            buffer,
            failed: None,
        }
    }

    /// Writes a log with the fields that `write` writes.
    ///
    /// # Errors
    ///
    /// When a value has no form in the format.
    #[inline]
    pub(in crate::encoding) fn write_log(
        buffer: &'b mut Buffer,
        write: impl FnOnce(&mut Self),
    ) -> Result<(), EncodeError> {
        let header = Header::of_log(buffer);
        let mut writer = Self::new(buffer);
        write(&mut writer);
        header.write_log(writer.buffer);
        writer.failed.map_or(Ok(()), Err)
    }

    fn fail(&mut self, error: EncodeError) {
        self.failed.get_or_insert(error);
    }

    /// Writes values that few events have.
    #[inline(never)]
    fn write_rare(&mut self, key: &Key, value: Value<'_>) {
        match value {
            Value::Unsigned(number) => match i64::try_from(number) {
                Ok(number) => self.varint(key, kind::INTEGER, number.cast_unsigned()),
                Err(_) => self.fail(EncodeError::Number),
            },
            Value::Integer(number) => self.varint(key, kind::INTEGER, number.cast_unsigned()),
            Value::Float(number) if number.is_nan() => self.fail(EncodeError::Number),
            Value::Float(number) => {
                let mut value = [kind::FLOAT; 1 + size_of::<f64>()];
                value[1..].copy_from_slice(&number.to_le_bytes());
                self.buffer.entry_of_number(key, &value);
            }
            Value::Boolean(value) => self.varint(key, kind::BOOLEAN, value.into()),
            Value::List(list) => {
                let header = Header::of_entry(self.buffer, key);
                for value in list.iter() {
                    value.with_text(|text| {
                        self.buffer
                            .delimited(Slot::Item, RAW_BYTES, text.as_bytes());
                    });
                }
                header.write_entry(self.buffer, key, ARRAY);
            }
            Value::Map(map) => {
                let header = Header::of_entry(self.buffer, key);
                for (name, value) in map.iter() {
                    self.text(&Key::new(name), value);
                }
                header.write_entry(self.buffer, key, MAP);
            }
            text => text.with_text(|text| self.text(key, text)),
        }
    }

    /// Like [`Writer::write_text`], which is part of the walk through the steps of a plan.
    #[inline(never)]
    fn text(&mut self, key: &Key, text: &str) {
        self.buffer.entry(key, RAW_BYTES, text.as_bytes());
    }

    fn varint(&mut self, key: &Key, kind: u8, number: u64) {
        let mut value = [kind; 1 + MOST_VARINT_BYTES];
        Cursor::new(&mut value[1..]).put_varint(number);
        self.buffer
            .entry_of_number(key, &value[..1 + varint_bytes(number)]);
    }

    /// `google.protobuf.Timestamp`: whole seconds, and nanoseconds that are never negative.
    fn timestamp(&mut self, key: &Key, time: Timestamp) {
        if !time.is_writable() {
            self.fail(EncodeError::Time);
            return;
        }
        // `chrono` represents a leap second as a second of more than 10^9 nanoseconds.
        let nanos = i64::from(time.0.timestamp_subsec_nanos());
        let seconds = time.0.timestamp() + nanos / 1_000_000_000;
        let nanos = nanos % 1_000_000_000;
        let mut content = [0; 2 * (1 + MOST_VARINT_BYTES)];
        let content_bytes = content.len();
        let mut cursor = Cursor::new(&mut content);
        for (key, number) in [(SECONDS, seconds), (NANOS, nanos)] {
            if number != 0 {
                cursor.put([key]);
                cursor.put_varint(number.cast_unsigned());
            }
        }
        let length = content_bytes - cursor.rest_bytes();
        self.buffer.entry(key, kind::TIMESTAMP, &content[..length]);
    }

    fn guid(&mut self, key: &Key, guid: Uuid) {
        let mut text = [0; Hyphenated::LENGTH];
        guid.hyphenated().encode_lower(&mut text);
        self.buffer.entry(key, RAW_BYTES, &text);
    }

    fn address(&mut self, key: &Key, address: Ipv4Addr) {
        let (text, length) = ipv4_text(address);
        self.buffer.entry(key, RAW_BYTES, &text[..length]);
    }
}

impl Writer<Fields> for FieldsWriter<'_> {
    type Group = Header;

    #[inline]
    fn write_fixed(&mut self, fixed: &Box<[u8]>) {
        self.buffer.put_slice(fixed);
    }

    #[inline(always)]
    fn write_text(&mut self, key: &Key, text: &str) {
        self.buffer.entry(key, RAW_BYTES, text.as_bytes());
    }

    #[inline(always)]
    fn write(&mut self, key: &Key, value: Value<'_>) {
        match value {
            Value::Absent => {}
            Value::Text(text) => self.text(key, text),
            Value::User(user) => self.buffer.entry_of_user(key, user),
            Value::Timestamp(time) => self.timestamp(key, time),
            Value::Guid(guid) => self.guid(key, guid),
            Value::Address(IpAddr::V4(address)) => self.address(key, address),
            value => self.write_rare(key, value),
        }
    }

    fn begin_group(&mut self, key: &Key) -> Header {
        Header::of_entry(self.buffer, key)
    }

    fn end_group(&mut self, key: &Key, group: Header) {
        if group.is_empty(self.buffer) {
            group.take_back(self.buffer);
        } else {
            group.write_entry(self.buffer, key, MAP);
        }
    }
}
