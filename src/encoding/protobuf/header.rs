//! The headers of logs, maps and arrays, whose length is known only at their end.

use super::buffer::{Buffer, Cursor, FIRST, Key, Slot, delimited, varint_bytes};

/// The length that a header has space for: lengths of 128 to 16,383 take two bytes.
const LIKELY_LENGTH: usize = 512;

/// Key of `event.Value`'s field for a map.
pub(super) const MAP: u8 = 0x3A;
/// Key of `event.Value`'s field for an array.
pub(super) const ARRAY: u8 = 0x42;

/// The space for a header. It is as long as the likely length of the content requires.
#[derive(Clone, Copy)]
pub(in crate::encoding) struct Header {
    start: usize,
    content: usize,
}

/// The size of a key of one byte and a length.
const fn key_and_length_bytes(length: usize) -> usize {
    1 + varint_bytes(length as u64)
}

/// The size of the header of an entry that is a map or an array.
const fn entry_header_bytes(key: &Key, length: usize) -> usize {
    let value = key_and_length_bytes(length);
    Slot::Entry(key).bytes_before(value + length) + value
}

impl Header {
    /// For a `Log` of a `LogArray`.
    ///
    /// Its fields are entries of the map `Log.fields`, as Vector itself writes them. `Log.value` could have the same
    /// map, but it is a message of its own in another one, and takes Vector longer to read.
    pub(super) fn of_log(buffer: &mut Buffer) -> Self {
        Self::reserve(buffer, key_and_length_bytes(LIKELY_LENGTH))
    }

    /// For a map or an array that is an entry of a map: the header of the entry, a key and a length.
    pub(super) fn of_entry(buffer: &mut Buffer, key: &Key) -> Self {
        Self::reserve(buffer, entry_header_bytes(key, LIKELY_LENGTH))
    }

    fn reserve(buffer: &mut Buffer, bytes: usize) -> Self {
        let start = buffer.len();
        buffer.extend(bytes);
        Self {
            start,
            content: buffer.len(),
        }
    }

    /// Whether nothing has been written after it.
    pub(super) const fn is_empty(&self, buffer: &Buffer) -> bool {
        buffer.len() == self.content
    }

    /// Removes it, with everything that was written after it.
    pub(super) fn take_back(self, buffer: &mut Buffer) {
        buffer.truncate(self.start);
    }

    /// Writes that of a log. Its content ends at the end of the buffer.
    pub(super) fn write_log(self, buffer: &mut Buffer) {
        let length = buffer.len() - self.content;
        let mut header = self.resize(buffer, key_and_length_bytes(length));
        header.put([FIRST]);
        header.put_length(length);
    }

    /// Writes that of an entry. Its content ends at the end of the buffer; `kind` is that of a map or an array.
    pub(super) fn write_entry(self, buffer: &mut Buffer, key: &Key, kind: u8) {
        let length = buffer.len() - self.content;
        let mut header = self.resize(buffer, entry_header_bytes(key, length));
        Slot::Entry(key).put(&mut header, delimited(length));
        header.put([kind]);
        header.put_length(length);
    }

    /// Gives it this size, for which the content is moved if it is not the likely one.
    fn resize(self, buffer: &mut Buffer, bytes: usize) -> Cursor<'_> {
        let Self { start, content } = self;
        let (place, end) = (start + bytes, buffer.len());
        if place != content {
            buffer.extend(place.saturating_sub(content));
            buffer.bytes_mut().copy_within(content..end, place);
            buffer.truncate(place + end - content);
        }
        Cursor::new(&mut buffer.bytes_mut()[start..place])
    }
}
