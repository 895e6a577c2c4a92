//! Maps and arrays, whose length is known at their end.

use std::fmt::{self, Display, Write as _};

use serde::{Serialize, ser};

use super::{
    Error,
    buffer::{Buffer, Cursor, FIRST, SECOND, Slot, delimited, two_bytes, varint_bytes},
    unsupported,
    value::ValueSerializer,
};

/// The length that room is left for: lengths of 128 to 16,383 take two bytes.
const LIKELY_LENGTH: usize = 512;

/// Key of `event.Value`'s field for a map.
pub(super) const MAP: u8 = 0x3A;
/// Key of `event.Value`'s field for an array.
pub(super) const ARRAY: u8 = 0x42;

/// Room for what stands before the content of a map or an array: the slot, a key, a length. Its own length is
/// that which the likely length of the content asks for.
#[derive(Clone, Copy)]
pub(super) struct Header {
    start: usize,
    content: usize,
}

/// The bytes of what stands before the content of a map or an array.
const fn header_bytes(slot: Slot<'_>, length: usize) -> usize {
    let header = 1 + varint_bytes(length as u64);
    slot.bytes_before(header + length) + header
}

impl Header {
    pub(super) fn reserve(buffer: &mut Buffer, slot: Slot<'_>) -> Self {
        let start = buffer.len();
        buffer.extend(header_bytes(slot, LIKELY_LENGTH));
        Self {
            start,
            content: buffer.len(),
        }
    }

    /// Writes it before the content, which ends where the buffer does. `key` is that of a map or of an array.
    pub(super) fn write(self, buffer: &mut Buffer, slot: Slot<'_>, key: u8) {
        let Self { start, content } = self;
        let end = buffer.len();
        let length = end - content;
        if matches!(slot, Slot::Log) && LIKELY_LENGTHS.contains(&length) {
            // All lengths take two bytes, and so there is no more to compute.
            let [log, value, length] = [6, 3, 0].map(|before| two_bytes(before + length));
            let header = &mut buffer.bytes_mut()[start..content];
            header.copy_from_slice(&[
                FIRST, log[0], log[1], SECOND, value[0], value[1], key, length[0], length[1],
            ]);
            return;
        }
        let place = start + header_bytes(slot, length);
        if place != content {
            buffer.extend(place.saturating_sub(content));
            let bytes = buffer.bytes_mut();
            bytes.copy_within(content..end, place);
            buffer.truncate(place + length);
        }
        let mut header = Cursor::new(&mut buffer.bytes_mut()[start..place]);
        slot.put(&mut header, delimited(length));
        header.put([key]);
        header.put_length(length);
    }
}

/// Lengths that take two bytes, and with which the lengths around them do as well.
const LIKELY_LENGTHS: std::ops::Range<usize> = 0x80..0x3FF0;

/// A map or an array whose length is known at its end.
pub(in crate::encoding) struct Compound<'b, 'k> {
    buffer: &'b mut Buffer,
    slot: Slot<'k>,
    key: u8,
    header: Header,
    /// The key of the entry that comes next, where keys come by themselves.
    entry: String,
}

impl<'b, 'k> Compound<'b, 'k> {
    /// Begins a map or an array, whose `key` it is.
    pub(super) fn new(buffer: &'b mut Buffer, slot: Slot<'k>, key: u8) -> Self {
        let header = Header::reserve(buffer, slot);
        Self {
            buffer,
            slot,
            key,
            header,
            entry: String::new(),
        }
    }

    pub(super) fn finish(self) {
        self.header.write(self.buffer, self.slot, self.key);
    }

    pub(super) fn put<T: Serialize + ?Sized>(
        &mut self,
        slot: Slot<'_>,
        value: &T,
    ) -> Result<(), Error> {
        value.serialize(ValueSerializer::new(self.buffer, slot))
    }
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
        // The memory of text that is displayed serves for keys too, so that a map costs no allocation.
        let mut entry = std::mem::take(&mut self.buffer.text);
        entry.clear();
        let written = write!(entry, "{}", Key(key));
        self.entry = entry;
        written.map_err(|_| unsupported("a map key that is not text or a number"))
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        let key = std::mem::take(&mut self.entry);
        let written = self.put(Slot::Entry(&key), value);
        self.buffer.text = key;
        written
    }

    fn end(self) -> Result<(), Error> {
        self.finish();
        Ok(())
    }
}

/// A map's key as text: `serde` writes what can be displayed, which is what can be a key in JSON.
struct Key<'a, T: ?Sized>(&'a T);

impl<T: Serialize + ?Sized> Display for Key<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.serialize(f)
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
