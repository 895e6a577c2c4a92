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

/// A key and a value that are together this short leave all lengths of their entry in one byte.
const SHORT: usize = 0x7F - 4;

/// The memory that the first value takes, in bytes.
const LEAST_MEMORY: usize = 4 << 10;

/// What is written, from front to back.
///
/// Room is made once for a value and all that stands before it, not byte by byte. The memory behind
/// the end is kept, also between frames.
#[derive(Debug, Default)]
pub(super) struct Buffer {
    memory: Vec<u8>,
    end: usize,
    /// Text that is made while it is written.
    text: String,
}

impl Buffer {
    pub(super) const fn len(&self) -> usize {
        self.end
    }

    pub(super) fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.memory[..self.end]
    }

    pub(super) fn truncate(&mut self, length: usize) {
        self.end = self.end.min(length);
    }

    /// Room for `length` bytes at the end.
    pub(super) fn extend(&mut self, length: usize) -> &mut [u8] {
        let start = self.end;
        self.end += length;
        if self.end > self.memory.len() {
            self.grow();
        }
        &mut self.memory[start..self.end]
    }

    #[cold]
    fn grow(&mut self) {
        let length = self.end.next_power_of_two().max(LEAST_MEMORY);
        self.memory.resize(length, 0);
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
    /// The bytes of what stands before a value of `length` bytes.
    const fn bytes_before(self, length: usize) -> usize {
        let value = 1 + varint_bytes(length as u64);
        match self {
            Slot::Log => 1 + varint_bytes((value + length) as u64) + value,
            Slot::Entry(key) => {
                let key = delimited(key.len());
                1 + varint_bytes((key + value + length) as u64) + key + value
            }
            Slot::Item => value,
        }
    }

    /// Writes what stands before a value of `length` bytes.
    #[inline]
    fn put(self, cursor: &mut Cursor<'_>, length: usize) {
        cursor.put([FIRST]);
        match self {
            Slot::Log => {
                cursor.put_length(delimited(length));
                cursor.put([SECOND]);
            }
            Slot::Entry(key) => {
                cursor.put_length(delimited(key.len()) + delimited(length));
                cursor.put([FIRST]);
                cursor.put_length(key.len());
                cursor.put_slice(key.as_bytes());
                cursor.put([SECOND]);
            }
            Slot::Item => {}
        }
        cursor.put_length(length);
    }
}

/// The bytes of a length-delimited field with one byte of key and `length` bytes of content.
const fn delimited(length: usize) -> usize {
    1 + varint_bytes(length as u64) + length
}

/// The bytes that a number takes as a varint: seven bits each.
pub(super) const fn varint_bytes(number: u64) -> usize {
    let bits = 64 - (number | 1).leading_zeros() as usize;
    bits.div_ceil(7)
}

/// Fills the room that was made for a value.
pub(super) struct Cursor<'b> {
    room: &'b mut [u8],
    at: usize,
}

impl<'b> Cursor<'b> {
    pub(super) const fn new(room: &'b mut [u8]) -> Self {
        Self { room, at: 0 }
    }

    #[inline]
    pub(super) fn put<const N: usize>(&mut self, bytes: [u8; N]) {
        self.put_slice(&bytes);
    }

    #[inline]
    fn put_slice(&mut self, bytes: &[u8]) {
        let end = self.at + bytes.len();
        self.room[self.at..end].copy_from_slice(bytes);
        self.at = end;
    }

    #[inline]
    fn put_length(&mut self, length: usize) {
        self.put_varint(length as u64);
    }

    /// Writes a number seven bits at a time, the lowest first.
    #[inline]
    pub(super) fn put_varint(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.put([number as u8 | 0x80]);
            number >>= 7;
        }
        self.put([number as u8]);
    }
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

    /// Room for a value of `length` bytes, behind what stands before it.
    fn room(self, length: usize) -> Cursor<'b> {
        match self.slot {
            Slot::Entry(key) if key.len() + length <= SHORT => self.short_room(key, length),
            slot => {
                let before = slot.bytes_before(length);
                let mut cursor = Cursor::new(self.buffer.extend(before + length));
                slot.put(&mut cursor, length);
                cursor
            }
        }
    }

    /// As [`Self::room`], for an entry whose lengths all take one byte; they need no computing.
    #[inline]
    fn short_room(self, key: &str, length: usize) -> Cursor<'b> {
        let mut cursor = Cursor::new(self.buffer.extend(6 + key.len() + length));
        let (key_bytes, bytes) = (key.len() as u8, length as u8);
        cursor.put([FIRST, 4 + key_bytes + bytes, FIRST, key_bytes]);
        cursor.put_slice(key.as_bytes());
        cursor.put([SECOND, bytes]);
        cursor
    }

    #[inline]
    fn delimited(self, key: u8, content: &[u8]) {
        let length = 2 + content.len();
        match self.slot {
            Slot::Entry(name) if name.len() + length <= SHORT => {
                let mut cursor = self.short_room(name, length);
                cursor.put([key, content.len() as u8]);
                cursor.put_slice(content);
            }
            _ => self.delimited_of_any_length(key, content),
        }
    }

    #[inline(never)]
    fn delimited_of_any_length(self, key: u8, content: &[u8]) {
        let mut cursor = self.room(delimited(content.len()));
        cursor.put([key]);
        cursor.put_length(content.len());
        cursor.put_slice(content);
    }

    fn varint(self, key: u8, number: u64) {
        let mut cursor = self.room(1 + varint_bytes(number));
        cursor.put([key]);
        cursor.put_varint(number);
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
        let mut cursor = self.room(delimited(length));
        cursor.put([key::TIMESTAMP]);
        cursor.put_length(length);
        for (key, number) in fields.into_iter().filter(|(_, number)| *number != 0) {
            cursor.put([key]);
            cursor.put_varint(number.cast_unsigned());
        }
    }

    fn compound(self, key: u8) -> Compound<'b, 'k> {
        let start = self.buffer.len();
        let header = header_bytes(self.slot, LIKELY_LENGTH);
        self.buffer.extend(header);
        Compound {
            buffer: self.buffer,
            slot: self.slot,
            key,
            start,
            content: start + header,
            entry: String::new(),
        }
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

/// The bytes of what stands before the content of a map or an array: the slot, a key, a length.
const fn header_bytes(slot: Slot<'_>, length: usize) -> usize {
    let header = 1 + varint_bytes(length as u64);
    slot.bytes_before(header + length) + header
}

impl Compound<'_, '_> {
    fn finish(self) {
        let Self { content, slot, .. } = self;
        let end = self.buffer.len();
        let length = end - content;
        let place = self.start + header_bytes(slot, length);
        if place != content {
            self.buffer.extend(place.saturating_sub(content));
            let bytes = self.buffer.bytes_mut();
            bytes.copy_within(content..end, place);
            self.buffer.truncate(place + length);
        }
        let mut header = Cursor::new(&mut self.buffer.bytes_mut()[self.start..place]);
        slot.put(&mut header, delimited(length));
        header.put([self.key]);
        header.put_length(length);
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
        let mut cursor = self.room(9);
        cursor.put([key::FLOAT]);
        cursor.put(value.to_le_bytes());
        Ok(())
    }

    fn serialize_char(self, value: char) -> Result<(), Error> {
        self.serialize_str(value.encode_utf8(&mut [0; 4]))
    }

    #[inline]
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
        ValueSerializer::new(self.buffer, self.slot).delimited(key::RAW_BYTES, text.as_bytes());
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
