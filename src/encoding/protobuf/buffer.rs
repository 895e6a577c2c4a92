//! The bytes of protobuf messages: varints, lengths, and what stands before a value.

/// Key of field 1, length-delimited: the logs of a `LogArray`, the items of arrays and maps, and the
/// key of a map's entry.
pub(super) const FIRST: u8 = 0x0A;
/// Key of field 2, length-delimited: the value of a log and of a map's entry.
pub(super) const SECOND: u8 = 0x12;

/// The memory that the first value takes, in bytes.
const LEAST_MEMORY: usize = 4 << 10;

/// What is written, from front to back.
///
/// Room is made once for a value and all that stands before it, not byte by byte. The memory behind
/// the end is kept, also between frames.
#[derive(Debug, Default)]
pub(in crate::encoding) struct Buffer {
    memory: Vec<u8>,
    end: usize,
    /// Text that is made while it is written.
    pub(super) text: String,
}

impl Buffer {
    pub(in crate::encoding) const fn len(&self) -> usize {
        self.end
    }

    pub(in crate::encoding) fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.memory[..self.end]
    }

    pub(in crate::encoding) fn truncate(&mut self, length: usize) {
        self.end = self.end.min(length);
    }

    /// Room for `length` bytes at the end.
    pub(in crate::encoding) fn extend(&mut self, length: usize) -> &mut [u8] {
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
pub(in crate::encoding) enum Slot<'k> {
    /// A `Log` of a `LogArray`, which holds the value.
    Log,
    /// An entry of a map, with its key.
    Entry(&'k str),
    /// An item of an array.
    Item,
}

impl Slot<'_> {
    /// The bytes of what stands before a value of `length` bytes.
    pub(super) const fn bytes_before(self, length: usize) -> usize {
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
    pub(super) fn put(self, cursor: &mut Cursor<'_>, length: usize) {
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
pub(super) const fn delimited(length: usize) -> usize {
    1 + varint_bytes(length as u64) + length
}

/// The bytes that a number takes as a varint: seven bits each.
pub(in crate::encoding) const fn varint_bytes(number: u64) -> usize {
    let bits = 64 - (number | 1).leading_zeros() as usize;
    bits.div_ceil(7)
}

/// Fills the room that was made for a value.
pub(in crate::encoding) struct Cursor<'b> {
    room: &'b mut [u8],
    at: usize,
}

impl<'b> Cursor<'b> {
    pub(in crate::encoding) const fn new(room: &'b mut [u8]) -> Self {
        Self { room, at: 0 }
    }

    #[inline]
    pub(in crate::encoding) fn put<const N: usize>(&mut self, bytes: [u8; N]) {
        self.put_slice(&bytes);
    }

    #[inline]
    pub(super) fn put_slice(&mut self, bytes: &[u8]) {
        let end = self.at + bytes.len();
        self.room[self.at..end].copy_from_slice(bytes);
        self.at = end;
    }

    #[inline]
    pub(super) fn put_length(&mut self, length: usize) {
        self.put_varint(length as u64);
    }

    /// Writes a number seven bits at a time, the lowest first.
    #[inline]
    pub(in crate::encoding) fn put_varint(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.put([number as u8 | 0x80]);
            number >>= 7;
        }
        self.put([number as u8]);
    }
}
