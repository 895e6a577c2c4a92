//! The bytes of protobuf messages: varints, lengths, and what stands before a value.

/// Key of field 1, length-delimited: the logs of a `LogArray`, the items of arrays and maps, and the
/// key of a map's entry.
pub(super) const FIRST: u8 = 0x0A;
/// Key of field 2, length-delimited: the value of a log and of a map's entry.
pub(super) const SECOND: u8 = 0x12;

/// Key of `event.Value`'s field for text.
pub(super) const RAW_BYTES: u8 = 0x0A;

/// A name and a content that are together so short leave all lengths of their entry in one byte.
pub(super) const SHORT: usize = 0x7F - 6;
/// The bytes that a number takes at most as a varint.
pub(super) const MOST_VARINT_BYTES: usize = 10;

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
        let (_, room) = self.memory.split_at_mut(start);
        &mut room[..length]
    }

    /// Writes a map's entry whose value is text.
    #[inline(always)]
    pub(super) fn text(&mut self, name: &'static str, text: &str) {
        self.entry_with(name, RAW_BYTES, text.as_bytes());
    }

    /// Writes a map's entry whose value is of the kind `key` and has a length.
    #[inline(never)]
    pub(super) fn entry(&mut self, name: &str, key: u8, content: &[u8]) {
        self.entry_with(name, key, content);
    }

    #[inline(always)]
    fn entry_with(&mut self, name: &str, key: u8, content: &[u8]) {
        let bytes = content.len();
        if name.len() + bytes > SHORT {
            self.long_entry(name, key, content);
            return;
        }
        self.short_entry(name, key, bytes).put_slice(content);
    }

    /// Room for a content of so many bytes, behind what stands before it in an entry of which all lengths take one
    /// byte.
    #[inline(always)]
    fn short_entry(&mut self, name: &str, key: u8, bytes: usize) -> Cursor<'_> {
        let name_bytes = name.len();
        let mut cursor = Cursor::new(self.extend(8 + name_bytes + bytes));
        let entry_bytes = (6 + name_bytes + bytes) as u8;
        cursor.put([FIRST, entry_bytes, FIRST, name_bytes as u8]);
        cursor.put_slice(name.as_bytes());
        cursor.put([SECOND, 2 + bytes as u8, key, bytes as u8]);
        cursor
    }

    /// Writes a map's entry whose value is the text that `parts` are together, if it is short.
    pub(super) fn short_text_of(&mut self, name: &str, parts: [&str; 3]) -> bool {
        let bytes = parts[0].len() + parts[1].len() + parts[2].len();
        let is_short = name.len() + bytes <= SHORT;
        if is_short {
            let mut cursor = self.short_entry(name, RAW_BYTES, bytes);
            for part in parts {
                cursor.put_slice(part.as_bytes());
            }
        }
        is_short
    }

    #[inline(never)]
    fn long_entry(&mut self, name: &str, key: u8, content: &[u8]) {
        let (name_bytes, bytes) = (name.len(), content.len());
        if name_bytes < 0x80 && (0x80..0x3F00).contains(&bytes) {
            // All lengths but that of the name take two bytes.
            let mut cursor = Cursor::new(self.extend(11 + name_bytes + bytes));
            let entry = two_bytes(8 + name_bytes + bytes);
            cursor.put([FIRST, entry[0], entry[1], FIRST, name_bytes as u8]);
            cursor.put_slice(name.as_bytes());
            let (value, length) = (two_bytes(3 + bytes), two_bytes(bytes));
            cursor.put([SECOND, value[0], value[1], key, length[0], length[1]]);
            cursor.put_slice(content);
            return;
        }
        self.delimited(Slot::Entry(name), key, content);
    }

    /// Writes a value of the kind `key` that has a length, whatever that is and wherever the value stands.
    #[inline(never)]
    pub(super) fn delimited(&mut self, slot: Slot<'_>, key: u8, content: &[u8]) {
        let mut cursor = self.room(slot, delimited(content.len()));
        cursor.put([key]);
        cursor.put_length(content.len());
        cursor.put_slice(content);
    }

    /// Room for a value of `length` bytes, behind what stands before it.
    pub(super) fn room(&mut self, slot: Slot<'_>, length: usize) -> Cursor<'_> {
        let before = slot.bytes_before(length);
        let mut cursor = Cursor::new(self.extend(before + length));
        slot.put(&mut cursor, length);
        cursor
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

/// A number from 0x80 to 0x3FFF as a varint.
pub(super) const fn two_bytes(number: usize) -> [u8; 2] {
    [number as u8 | 0x80, (number >> 7) as u8]
}

/// The bytes that a number takes as a varint: seven bits each.
pub(in crate::encoding) const fn varint_bytes(number: u64) -> usize {
    match number {
        0..0x80 => 1,
        0x80..0x4000 => 2,
        _ => (64 - number.leading_zeros() as usize).div_ceil(7),
    }
}

/// Fills the room that was made for a value, from front to back.
pub(in crate::encoding) struct Cursor<'b> {
    rest: &'b mut [u8],
}

impl<'b> Cursor<'b> {
    pub(in crate::encoding) const fn new(room: &'b mut [u8]) -> Self {
        Self { rest: room }
    }

    /// How many bytes there is still room for.
    pub(super) const fn rest_bytes(&self) -> usize {
        self.rest.len()
    }

    #[inline]
    pub(in crate::encoding) fn put<const N: usize>(&mut self, bytes: [u8; N]) {
        let (room, rest) = std::mem::take(&mut self.rest).split_at_mut(N);
        room.copy_from_slice(&bytes);
        self.rest = rest;
    }

    #[inline]
    pub(super) fn put_slice(&mut self, bytes: &[u8]) {
        let (room, rest) = std::mem::take(&mut self.rest).split_at_mut(bytes.len());
        copy(room, bytes);
        self.rest = rest;
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

/// Copies as many bytes as both have. Names and most texts are so short that the call of `memcpy` would take
/// longer than the copy.
#[inline(always)]
fn copy(to: &mut [u8], from: &[u8]) {
    let bytes = from.len();
    if (4..=32).contains(&bytes) {
        if bytes <= 8 {
            copy_ends::<4>(to, from);
        } else if bytes <= 16 {
            copy_ends::<8>(to, from);
        } else {
            copy_ends::<16>(to, from);
        }
    } else {
        to.copy_from_slice(from);
    }
}

/// Copies the first and the last `N` bytes, which are all where there are at most twice as many.
#[inline(always)]
fn copy_ends<const N: usize>(to: &mut [u8], from: &[u8]) {
    if let (Some(to), Some(from)) = (to.first_chunk_mut::<N>(), from.first_chunk()) {
        *to = *from;
    }
    if let (Some(to), Some(from)) = (to.last_chunk_mut::<N>(), from.last_chunk()) {
        *to = *from;
    }
}
