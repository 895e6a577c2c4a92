//! A `serde` serializer for Vector's protobuf `event.Value`.
//!
//! Numbers are those of Vector's `event.proto`. In short: a value is a message with one field that
//! says its kind, a map is a repeated message of key and value, and each message stands behind its
//! length. Lengths are known before they are written, except for those of maps and arrays: room for
//! the likely length is left, and the content is moved in the rare case that it needs another.

use std::fmt::{self, Display, Write as _};

use serde::{
    Serialize, Serializer,
    ser::{self, Impossible},
};

use crate::schema::TIMESTAMP_TOKEN;

/// Keys of `event.Value`'s fields: number times eight, plus the wire type.
mod key {
    pub(super) const RAW_BYTES: u8 = 0x0A;
    pub(super) const TIMESTAMP: u8 = 0x12;
    pub(super) const INTEGER: u8 = 0x20;
    pub(super) const FLOAT: u8 = 0x29;
    pub(super) const BOOLEAN: u8 = 0x30;
    pub(super) const MAP: u8 = 0x3A;
    pub(super) const ARRAY: u8 = 0x42;
    pub(super) const NULL: u8 = 0x48;
}

/// Key of field 1, length-delimited: the logs of a `LogArray`, the items of arrays and maps, and the
/// key of a map's entry.
const FIRST: u8 = 0x0A;
/// Key of field 2, length-delimited: the value of a log and of a map's entry.
const SECOND: u8 = 0x12;
/// Key of `google.protobuf.Timestamp.seconds`.
const SECONDS: u8 = 0x08;
/// Key of `google.protobuf.Timestamp.nanos`.
const NANOS: u8 = 0x10;

/// The length that room is left for: lengths of 128 to 16,383 take two bytes.
const LIKELY_LENGTH: usize = 512;

/// What is written, and memory that is reused while writing.
#[derive(Debug)]
pub(super) struct Buffer {
    pub(super) bytes: Vec<u8>,
    header: Vec<u8>,
    text: String,
}

impl Buffer {
    pub(super) const fn new(bytes: Vec<u8>) -> Self {
        Self {
            bytes,
            header: Vec::new(),
            text: String::new(),
        }
    }
}

/// Where a value stands, and so what is written before it.
#[derive(Clone, Copy)]
pub(super) enum Slot<'k> {
    /// A `Log` of a `LogArray`, which holds the value.
    Log,
    /// An entry of a map, with its key.
    Entry(&'k str),
    /// An item of an array.
    Item,
}

impl Slot<'_> {
    /// Writes what stands before a value of `length` bytes.
    fn put(self, bytes: &mut Vec<u8>, length: usize) {
        match self {
            Slot::Log => {
                bytes.push(FIRST);
                put_length(bytes, delimited(length));
                bytes.push(SECOND);
            }
            Slot::Entry(key) => {
                bytes.push(FIRST);
                put_length(bytes, delimited(key.len()) + delimited(length));
                bytes.push(FIRST);
                put_length(bytes, key.len());
                bytes.extend_from_slice(key.as_bytes());
                bytes.push(SECOND);
            }
            Slot::Item => bytes.push(FIRST),
        }
        put_length(bytes, length);
    }
}

/// The bytes of a length-delimited field with one byte of key and `length` bytes of content.
const fn delimited(length: usize) -> usize {
    1 + varint_bytes(length as u64) + length
}

/// The bytes that a number takes as a varint: seven bits each.
const fn varint_bytes(number: u64) -> usize {
    let bits = 64 - (number | 1).leading_zeros() as usize;
    bits.div_ceil(7)
}

fn put_length(bytes: &mut Vec<u8>, length: usize) {
    put_varint(bytes, length as u64);
}

/// Writes a number seven bits at a time, the lowest first.
pub(super) fn put_varint(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

/// A value has no form in the format.
#[derive(Debug)]
pub(super) struct Error(String);

impl Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Error {}

impl ser::Error for Error {
    fn custom<T: Display>(message: T) -> Self {
        Self(message.to_string())
    }
}

/// Writes one value into its slot.
pub(super) struct ValueSerializer<'b, 'k> {
    buffer: &'b mut Buffer,
    slot: Slot<'k>,
    /// The number that follows is a time, in nanoseconds.
    is_timestamp: bool,
}

impl<'b, 'k> ValueSerializer<'b, 'k> {
    pub(super) const fn new(buffer: &'b mut Buffer, slot: Slot<'k>) -> Self {
        Self {
            buffer,
            slot,
            is_timestamp: false,
        }
    }

    fn delimited(self, key: u8, content: &[u8]) {
        let bytes = &mut self.buffer.bytes;
        self.slot.put(bytes, delimited(content.len()));
        bytes.push(key);
        put_length(bytes, content.len());
        bytes.extend_from_slice(content);
    }

    fn varint(self, key: u8, number: u64) {
        let bytes = &mut self.buffer.bytes;
        self.slot.put(bytes, 1 + varint_bytes(number));
        bytes.push(key);
        put_varint(bytes, number);
    }

    /// `google.protobuf.Timestamp`: whole seconds, and nanoseconds that are never negative.
    fn timestamp(self, nanoseconds: i64) {
        let seconds = nanoseconds.div_euclid(1_000_000_000);
        let nanos = nanoseconds.rem_euclid(1_000_000_000);
        let fields = [(SECONDS, seconds), (NANOS, nanos)];
        let length = fields
            .iter()
            .filter(|(_, number)| *number != 0)
            .map(|(_, number)| 1 + varint_bytes(number.cast_unsigned()))
            .sum();
        let bytes = &mut self.buffer.bytes;
        self.slot.put(bytes, delimited(length));
        bytes.push(key::TIMESTAMP);
        put_length(bytes, length);
        for (key, number) in fields.into_iter().filter(|(_, number)| *number != 0) {
            bytes.push(key);
            put_varint(bytes, number.cast_unsigned());
        }
    }

    fn compound(self, key: u8) -> Compound<'b, 'k> {
        let start = self.buffer.bytes.len();
        let compound = Compound {
            buffer: self.buffer,
            slot: self.slot,
            key,
            start,
            content: 0,
            entry: String::new(),
        };
        compound.begin()
    }
}

/// A map or an array whose length is known at its end.
pub(super) struct Compound<'b, 'k> {
    buffer: &'b mut Buffer,
    slot: Slot<'k>,
    key: u8,
    /// Where the slot begins, and where the content does behind the room for its header.
    start: usize,
    content: usize,
    /// The key of the entry that comes next, where keys come by themselves.
    entry: String,
}

impl Compound<'_, '_> {
    fn begin(mut self) -> Self {
        self.make_header(LIKELY_LENGTH);
        self.content = self.start + self.buffer.header.len();
        self.buffer.bytes.resize(self.content, 0);
        self
    }

    fn make_header(&mut self, length: usize) {
        let header = &mut self.buffer.header;
        header.clear();
        self.slot.put(header, delimited(length));
        header.push(self.key);
        put_length(header, length);
    }

    fn finish(mut self) {
        let length = self.buffer.bytes.len() - self.content;
        self.make_header(length);
        let Buffer { bytes, header, .. } = self.buffer;
        let place = self.start + header.len();
        if place > self.content {
            bytes.resize(place + length, 0);
        }
        if place != self.content {
            bytes.copy_within(self.content..self.content + length, place);
            bytes.truncate(place + length);
        }
        bytes[self.start..place].copy_from_slice(header);
    }

    fn put<T: Serialize + ?Sized>(&mut self, slot: Slot<'_>, value: &T) -> Result<(), Error> {
        value.serialize(ValueSerializer::new(self.buffer, slot))
    }
}

impl<'b, 'k> Serializer for ValueSerializer<'b, 'k> {
    type Ok = ();
    type Error = Error;
    type SerializeSeq = Compound<'b, 'k>;
    type SerializeTuple = Compound<'b, 'k>;
    type SerializeTupleStruct = Compound<'b, 'k>;
    type SerializeTupleVariant = Impossible<(), Error>;
    type SerializeMap = Compound<'b, 'k>;
    type SerializeStruct = Compound<'b, 'k>;
    type SerializeStructVariant = Impossible<(), Error>;

    fn is_human_readable(&self) -> bool {
        false
    }

    fn serialize_bool(self, value: bool) -> Result<(), Error> {
        self.varint(key::BOOLEAN, u64::from(value));
        Ok(())
    }

    fn serialize_i8(self, value: i8) -> Result<(), Error> {
        self.serialize_i64(value.into())
    }

    fn serialize_i16(self, value: i16) -> Result<(), Error> {
        self.serialize_i64(value.into())
    }

    fn serialize_i32(self, value: i32) -> Result<(), Error> {
        self.serialize_i64(value.into())
    }

    fn serialize_i64(self, value: i64) -> Result<(), Error> {
        if self.is_timestamp {
            self.timestamp(value);
        } else {
            self.varint(key::INTEGER, value.cast_unsigned());
        }
        Ok(())
    }

    fn serialize_u8(self, value: u8) -> Result<(), Error> {
        self.serialize_i64(value.into())
    }

    fn serialize_u16(self, value: u16) -> Result<(), Error> {
        self.serialize_i64(value.into())
    }

    fn serialize_u32(self, value: u32) -> Result<(), Error> {
        self.serialize_i64(value.into())
    }

    fn serialize_u64(self, value: u64) -> Result<(), Error> {
        let value = i64::try_from(value).map_err(|_| unsupported("a number above 2^63 - 1"))?;
        self.serialize_i64(value)
    }

    fn serialize_f32(self, value: f32) -> Result<(), Error> {
        self.serialize_f64(value.into())
    }

    fn serialize_f64(self, value: f64) -> Result<(), Error> {
        if value.is_nan() {
            return Err(unsupported("a number that is NaN"));
        }
        let bytes = &mut self.buffer.bytes;
        self.slot.put(bytes, 9);
        bytes.push(key::FLOAT);
        bytes.extend_from_slice(&value.to_le_bytes());
        Ok(())
    }

    fn serialize_char(self, value: char) -> Result<(), Error> {
        self.serialize_str(value.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, value: &str) -> Result<(), Error> {
        self.delimited(key::RAW_BYTES, value.as_bytes());
        Ok(())
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<(), Error> {
        self.delimited(key::RAW_BYTES, value);
        Ok(())
    }

    fn collect_str<T: Display + ?Sized>(self, value: &T) -> Result<(), Error> {
        let mut text = std::mem::take(&mut self.buffer.text);
        text.clear();
        let written = write!(text, "{value}");
        self.slot.put(&mut self.buffer.bytes, delimited(text.len()));
        self.buffer.bytes.push(key::RAW_BYTES);
        put_length(&mut self.buffer.bytes, text.len());
        self.buffer.bytes.extend_from_slice(text.as_bytes());
        self.buffer.text = text;
        written.map_err(|_| unsupported("a value that cannot be displayed"))
    }

    fn serialize_none(self) -> Result<(), Error> {
        self.varint(key::NULL, 0);
        Ok(())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Error> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), Error> {
        self.serialize_none()
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Error> {
        self.serialize_none()
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<(), Error> {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        value.serialize(Self {
            is_timestamp: name == TIMESTAMP_TOKEN,
            ..self
        })
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        let mut compound = self.compound(key::MAP);
        compound.put(Slot::Entry(variant), value)?;
        compound.finish();
        Ok(())
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Compound<'b, 'k>, Error> {
        Ok(self.compound(key::ARRAY))
    }

    fn serialize_tuple(self, _: usize) -> Result<Compound<'b, 'k>, Error> {
        Ok(self.compound(key::ARRAY))
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Compound<'b, 'k>, Error> {
        Ok(self.compound(key::ARRAY))
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, Error> {
        Err(unsupported("an enum variant with several values"))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Compound<'b, 'k>, Error> {
        Ok(self.compound(key::MAP))
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Compound<'b, 'k>, Error> {
        Ok(self.compound(key::MAP))
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, Error> {
        Err(unsupported("an enum variant with fields"))
    }
}

fn unsupported(what: &str) -> Error {
    Error(format!("{what} has no form in it"))
}

impl ser::SerializeStruct for Compound<'_, '_> {
    type Ok = ();
    type Error = Error;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        key: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        self.put(Slot::Entry(key), value)
    }

    fn end(self) -> Result<(), Error> {
        self.finish();
        Ok(())
    }
}

impl ser::SerializeMap for Compound<'_, '_> {
    type Ok = ();
    type Error = Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Error> {
        // serde_json knows which keys are text; any other key is refused by it.
        self.entry = match serde_json::to_value(key) {
            Ok(serde_json::Value::String(key)) => key,
            _ => return Err(unsupported("a map key that is not text")),
        };
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        let key = std::mem::take(&mut self.entry);
        self.put(Slot::Entry(&key), value)
    }

    fn end(self) -> Result<(), Error> {
        self.finish();
        Ok(())
    }
}

impl ser::SerializeSeq for Compound<'_, '_> {
    type Ok = ();
    type Error = Error;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.put(Slot::Item, value)
    }

    fn end(self) -> Result<(), Error> {
        self.finish();
        Ok(())
    }
}

impl ser::SerializeTuple for Compound<'_, '_> {
    type Ok = ();
    type Error = Error;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.put(Slot::Item, value)
    }

    fn end(self) -> Result<(), Error> {
        self.finish();
        Ok(())
    }
}

impl ser::SerializeTupleStruct for Compound<'_, '_> {
    type Ok = ();
    type Error = Error;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.put(Slot::Item, value)
    }

    fn end(self) -> Result<(), Error> {
        self.finish();
        Ok(())
    }
}
