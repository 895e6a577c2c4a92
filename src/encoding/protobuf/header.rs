//! The headers of maps and arrays, whose length is known only at their end.

use super::buffer::{Buffer, Cursor, FIRST, SECOND, Slot, delimited, two_bytes, varint_bytes};

/// The length that a header has space for: lengths of 128 to 16,383 take two bytes.
const LIKELY_LENGTH: usize = 512;

/// Key of `event.Value`'s field for a map.
pub(super) const MAP: u8 = 0x3A;
/// Key of `event.Value`'s field for an array.
pub(super) const ARRAY: u8 = 0x42;

/// The space for the header of a map or an array: the header of its slot, a key and a length. It is as long as the
/// likely length of the content requires.
#[derive(Clone, Copy)]
pub(in crate::encoding) struct Header {
    start: usize,
    content: usize,
}

/// The size of the header of a map or an array.
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

    /// Whether nothing has been written after it.
    pub(super) const fn is_empty(&self, buffer: &Buffer) -> bool {
        buffer.len() == self.content
    }

    /// Removes it, with everything that was written after it.
    pub(super) fn take_back(self, buffer: &mut Buffer) {
        buffer.truncate(self.start);
    }

    /// Writes it before the content, which ends at the end of the buffer. `kind` is that of a map or an array.
    pub(super) fn write(self, buffer: &mut Buffer, slot: Slot<'_>, kind: u8) {
        let Self { start, content } = self;
        let end = buffer.len();
        let length = end - content;
        if matches!(slot, Slot::Log) && LIKELY_LENGTHS.contains(&length) {
            // All lengths take two bytes, so nothing else needs to be computed.
            let [log, value, length] = [6, 3, 0].map(|before| two_bytes(before + length));
            let header = &mut buffer.bytes_mut()[start..content];
            header.copy_from_slice(&[
                FIRST, log[0], log[1], SECOND, value[0], value[1], kind, length[0], length[1],
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
        header.put([kind]);
        header.put_length(length);
    }
}

/// Lengths that take two bytes, and for which the enclosing lengths do too.
const LIKELY_LENGTHS: std::ops::Range<usize> = 0x80..0x3FF0;
