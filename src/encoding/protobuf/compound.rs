//! Maps and arrays, whose length is known at their end.

use std::fmt::{self, Display, Write as _};

use serde::{Serialize, ser};

use super::{
    Error,
    buffer::{Buffer, Cursor, Slot, delimited, varint_bytes},
    unsupported,
    value::ValueSerializer,
};

/// The length that room is left for: lengths of 128 to 16,383 take two bytes.
const LIKELY_LENGTH: usize = 512;

/// A map or an array whose length is known at its end.
pub(in crate::encoding) struct Compound<'b, 'k> {
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

impl<'b, 'k> Compound<'b, 'k> {
    /// Leaves room for what stands before the content. `key` is that of a map or of an array.
    pub(super) fn new(buffer: &'b mut Buffer, slot: Slot<'k>, key: u8) -> Self {
        let start = buffer.len();
        let header = header_bytes(slot, LIKELY_LENGTH);
        buffer.extend(header);
        Self {
            buffer,
            slot,
            key,
            start,
            content: start + header,
            entry: String::new(),
        }
    }

    pub(super) fn finish(self) {
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
