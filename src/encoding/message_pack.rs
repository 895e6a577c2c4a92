//! Fluent Bit's records: MessagePack, each with its time next to its fields.
//!
//! A record is `[[time, {}], {fields}]`; records follow each other without a separator. The time is Fluent Bit's [event
//! time](https://github.com/fluent/fluentd/wiki/Forward-Protocol-Specification-v1.5#eventtime-ext-format), to the
//! nanosecond. The empty map is the record's metadata.

use std::{net::IpAddr, ops::Range};

use rmp::encode;
use uuid::fmt::Hyphenated;

use super::EncodeError;
use crate::schema::{
    Constant, Format, Layout, Planned, Plans, Timestamp, Value, Writer, ipv4_text,
};

/// `[[`, then the extension type of the time: 8 bytes of type 0.
const BEFORE_TIME: [u8; 4] = [0x92, 0x92, 0xD7, 0x00];
/// The record's metadata: none.
const NO_METADATA: u8 = 0x80;
/// A map whose number of entries takes two bytes.
const MAP_16: u8 = 0xDE;

#[derive(Debug)]
pub(super) struct MessagePack {
    records: Vec<u8>,
    plans: Plans<Fields>,
}

impl MessagePack {
    pub(super) fn new(layout: &Layout) -> Self {
        Self {
            records: Vec::new(),
            plans: layout.plans(),
        }
    }

    pub(super) fn push(&mut self, event: &impl Planned) -> Result<(), EncodeError> {
        let start = self.records.len();
        let time = event.timestamp();
        let (seconds, below_second) = event_time(time);
        self.records.extend_from_slice(&BEFORE_TIME);
        self.records.extend_from_slice(&seconds.to_be_bytes());
        self.records.extend_from_slice(&below_second.to_be_bytes());
        self.records.push(NO_METADATA);
        let is_kept = time.0.timestamp() == i64::from(seconds);
        let mut writer = FieldsWriter::new(&mut self.records, is_kept.then_some(time));
        let map = writer.begin_map();
        self.plans.write(event, &mut writer);
        writer.end_map(map);
        let failed = writer.failed;
        failed.map_or(Ok(()), |error| {
            self.records.truncate(start);
            Err(error)
        })
    }

    pub(super) const fn len(&self) -> usize {
        self.records.len()
    }

    pub(super) fn frame(&self) -> &[u8] {
        &self.records
    }

    pub(super) fn exchange(&mut self, memory: &mut Vec<u8>) -> Range<usize> {
        std::mem::swap(memory, &mut self.records);
        self.clear();
        0..memory.len()
    }

    pub(super) fn clear(&mut self) {
        self.records.clear();
    }
}

/// Seconds and nanoseconds since 1970. A time that Fluent Bit cannot represent becomes the nearest one that it can; it
/// also stays among the fields, because it is not the record's time then.
fn event_time(time: Timestamp) -> (u32, u32) {
    let seconds = time.0.timestamp();
    match u32::try_from(seconds) {
        Ok(seconds) => (seconds, time.0.timestamp_subsec_nanos().min(999_999_999)),
        Err(_) if seconds < 0 => (0, 0),
        Err(_) => (u32::MAX, 999_999_999),
    }
}

/// Entries of a map.
#[derive(Debug)]
struct Fields;

/// Entries that are the same in every record, and their number.
#[derive(Debug)]
struct Fixed {
    bytes: Box<[u8]>,
    entries: u16,
}

impl Format for Fields {
    type Key = Box<[u8]>;
    type Fixed = Fixed;

    fn key(name: &str) -> Self::Key {
        let mut key = Vec::new();
        text(&mut key, name);
        key.into()
    }

    fn fixed(fields: &[(&'static str, Constant)]) -> Self::Fixed {
        let mut bytes = Vec::new();
        let mut writer = FieldsWriter::new(&mut bytes, None);
        Constant::write_all(fields, &mut writer);
        let entries = writer.entries;
        Fixed {
            bytes: bytes.into(),
            entries,
        }
    }
}

struct FieldsWriter<'b> {
    out: &'b mut Vec<u8>,
    /// Entries of the map that is being written.
    entries: u16,
    /// The record's time, until the field with that time has been skipped: Fluent Bit's outputs add it under the name
    /// that their destination expects.
    time: Option<Timestamp>,
    /// The error of the first field that could not be written.
    failed: Option<EncodeError>,
}

/// A map that was begun: its position, and the number of entries of the enclosing map.
struct Map {
    start: usize,
    outer: u16,
}

impl<'b> FieldsWriter<'b> {
    const fn new(out: &'b mut Vec<u8>, time: Option<Timestamp>) -> Self {
        Self {
            out,
            entries: 0,
            time,
            failed: None,
        }
    }

    fn begin_map(&mut self) -> Map {
        let start = self.out.len();
        self.out.extend_from_slice(&[MAP_16, 0, 0]);
        let outer = std::mem::take(&mut self.entries);
        Map { start, outer }
    }

    fn end_map(&mut self, map: Map) {
        let number = self.entries.to_be_bytes();
        self.out[map.start + 1..map.start + 3].copy_from_slice(&number);
        self.entries = map.outer;
    }

    #[inline(never)]
    fn value(&mut self, value: Value<'_>) {
        match value {
            Value::User(user) => {
                let length = user.directory.len() + 1 + user.id.len();
                text_length(self.out, length);
                self.out.extend_from_slice(user.directory.as_bytes());
                self.out.push(b'\\');
                self.out.extend_from_slice(user.id.as_bytes());
            }
            Value::Timestamp(time) if time.is_writable() => plain(self.out, &time.rfc_3339()),
            Value::Timestamp(_) => {
                self.failed.get_or_insert(EncodeError::Time);
            }
            Value::Unsigned(number) => written(encode::write_uint(self.out, number)),
            Value::Integer(number) => written(encode::write_sint(self.out, number)),
            Value::Float(number) => written(encode::write_f64(self.out, number)),
            Value::Boolean(value) => written(encode::write_bool(self.out, value)),
            Value::Guid(guid) => {
                let mut form = [0; Hyphenated::LENGTH];
                text(self.out, guid.hyphenated().encode_lower(&mut form));
            }
            Value::Address(IpAddr::V4(address)) => {
                let (form, length) = ipv4_text(address);
                plain(self.out, &form[..length]);
            }
            Value::List(list) => {
                let values = number(list.iter().count());
                written(encode::write_array_len(self.out, values));
                for value in list.iter() {
                    value.with_text(|value| text(self.out, value));
                }
            }
            Value::Map(map) => {
                written(encode::write_map_len(self.out, number(map.len())));
                for (name, value) in map.iter() {
                    text(self.out, name);
                    text(self.out, value);
                }
            }
            value => value.with_text(|value| text(self.out, value)),
        }
    }
}

impl Writer<Fields> for FieldsWriter<'_> {
    type Group = Map;

    #[inline]
    fn write_fixed(&mut self, fixed: &Fixed) {
        self.out.extend_from_slice(&fixed.bytes);
        self.entries += fixed.entries;
    }

    #[inline]
    fn write_text(&mut self, key: &Box<[u8]>, value: &str) {
        self.out.extend_from_slice(key);
        text(self.out, value);
        self.entries += 1;
    }

    #[inline]
    fn write(&mut self, key: &Box<[u8]>, value: Value<'_>) {
        match value {
            Value::Absent => {}
            // Only the first field is the record's own time; the end of a session may be equal to it.
            Value::Timestamp(time) if self.entries == 0 && self.time == Some(time) => {
                self.time = None;
            }
            value => {
                self.out.extend_from_slice(key);
                self.value(value);
                self.entries += 1;
            }
        }
    }

    fn begin_group(&mut self, key: &Box<[u8]>) -> Map {
        self.time = None;
        self.out.extend_from_slice(key);
        self.begin_map()
    }

    fn end_group(&mut self, key: &Box<[u8]>, group: Map) {
        if self.entries == 0 {
            self.out.truncate(group.start - key.len());
            self.entries = group.outer;
        } else {
            self.end_map(group);
            self.entries += 1;
        }
    }
}

fn text(out: &mut Vec<u8>, text: &str) {
    written(encode::write_str(out, text));
}

/// Writes text that is ASCII only.
fn plain(out: &mut Vec<u8>, text: &[u8]) {
    text_length(out, text.len());
    out.extend_from_slice(text);
}

fn text_length(out: &mut Vec<u8>, length: usize) {
    written(encode::write_str_len(out, number(length)));
}

/// A length as MessagePack writes it. None exceeds it: a datagram has at most 64 KiB.
fn number(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

/// Writing to memory cannot fail.
fn written<T, E>(_: Result<T, E>) {}

#[cfg(test)]
mod tests {
    use rmpv::Value as Read;

    use super::*;
    use crate::schema::{Details, PluginEvent, Schema, Tags};

    fn record_at(time: Timestamp) -> Vec<u8> {
        let mut details = Details::default();
        details.add("number", 1_u64);
        let event = PluginEvent {
            timestamp: time,
            level: "info",
            message: "x".into(),
            details,
        };
        let mut records = MessagePack::new(&Layout::new(Schema::Default, Tags::default()));
        records.push(&event).expect("a record");
        records.frame().to_vec()
    }

    #[test]
    fn a_time_outside_the_range_of_the_host_stays_among_the_fields() {
        for (time, expected, is_kept) in [
            (
                "2026-01-31T09:00:00.123456789Z",
                *b"\x69\x7D\xC4\x90\x07\x5B\xCD\x15",
                true,
            ),
            ("1970-01-01T00:00:00Z", [0; 8], true),
            ("1969-12-31T23:59:59Z", [0; 8], false),
            (
                "2106-02-07T06:28:16Z",
                *b"\xFF\xFF\xFF\xFF\x3B\x9A\xC9\xFF",
                false,
            ),
        ] {
            let record = record_at(Timestamp(time.parse().expect("a time")));
            assert_eq!(record[4..12], expected, "{time}");
            let Ok(Read::Array(record)) = rmpv::decode::read_value(&mut &*record) else {
                panic!("{time}");
            };
            let fields = &record[1];
            assert_eq!(fields["timestamp"].is_nil(), is_kept, "{time}: {fields}");
            assert_eq!(fields["number"].as_u64(), Some(1), "{time}");
        }
    }
}
