//! The bytes of protobuf messages: varints, lengths, and the headers of values.

use crate::event::User;

/// Key of field 1, length-delimited: the logs of a `LogArray`, the fields of a log, the items of arrays and maps, and
/// the key of a map's entry.
pub(super) const FIRST: u8 = 0x0A;
/// Key of field 2, length-delimited: the value of a map's entry.
const SECOND: u8 = 0x12;

/// Key of `event.Value`'s field for text.
pub(super) const RAW_BYTES: u8 = 0x0A;

/// All lengths in an entry take one byte if its header and content together are at most this long.
const SHORT: usize = 0x7F + 2;
/// The largest size of a number as a varint, in bytes.
pub(super) const MOST_VARINT_BYTES: usize = 10;

/// The memory that the first value allocates, in bytes.
const LEAST_MEMORY: usize = 4 << 10;

/// Collects what is written, from front to back.
///
/// Space is reserved once for a value and its header, not byte by byte. Unused memory after the end is kept, also
/// between frames.
#[derive(Debug, Default)]
pub(in crate::encoding) struct Buffer {
    memory: Vec<u8>,
    end: usize,
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

    /// Continues, empty, with other memory, and returns its own in exchange. Both keep their content, so that nothing
    /// needs to be initialised again.
    pub(in crate::encoding) fn exchange(&mut self, memory: &mut Vec<u8>) {
        std::mem::swap(memory, &mut self.memory);
        self.end = 0;
    }

    /// Reserves `length` bytes at the end.
    pub(in crate::encoding) fn extend(&mut self, length: usize) -> &mut [u8] {
        let start = self.end;
        self.end += length;
        if self.end > self.memory.len() {
            self.grow();
        }
        let (_, room) = self.memory.split_at_mut(start);
        &mut room[..length]
    }

    /// Writes a map entry whose value is of the kind `kind` and has a length.
    #[inline(always)]
    pub(super) fn entry(&mut self, key: &Key, kind: u8, content: &[u8]) {
        match self.short_entry(key, kind, content.len()) {
            Some(room) => room.copy_from_slice(content),
            None => self.long_entry(key, kind, content),
        }
    }

    /// Writes the header of an entry whose lengths all take one byte, and reserves this many bytes for its content.
    /// `None` if a length takes more, or if there is not enough memory yet.
    #[inline(always)]
    fn short_entry(&mut self, key: &Key, kind: u8, bytes: usize) -> Option<&mut [u8]> {
        let start = usize::from(key.short?);
        if start + bytes > SHORT {
            return None;
        }
        let room = self.memory.get_mut(self.end..)?;
        // Two moves copy all of it; the rest is overwritten next.
        *room.first_chunk_mut()? = key.head;
        room[1] = (start + bytes - 2) as u8;
        let content = room.get_mut(start - 3..start + bytes)?;
        let (lengths, content) = content.split_first_chunk_mut()?;
        *lengths = [2 + bytes as u8, kind, bytes as u8];
        self.end += start + bytes;
        Some(content)
    }

    /// Writes a map entry whose value is a user's directory and id.
    pub(super) fn entry_of_user(&mut self, key: &Key, user: User<'_>) {
        let (directory, id) = (user.directory.as_bytes(), user.id.as_bytes());
        let bytes = directory.len() + 1 + id.len();
        if let Some(room) = self.short_entry(key, RAW_BYTES, bytes)
            && let Some((before, behind)) = room.split_at_mut_checked(directory.len())
            && let Some((separator, behind)) = behind.split_first_mut()
        {
            before.copy_from_slice(directory);
            *separator = b'\\';
            behind.copy_from_slice(id);
        } else {
            self.long_entry(key, RAW_BYTES, user.to_string().as_bytes());
        }
    }

    /// Writes a map entry whose value is a number: its kind and at most ten bytes.
    #[inline(never)]
    pub(super) fn entry_of_number(&mut self, key: &Key, value: &[u8]) {
        if self.short_number(key, value).is_none() {
            self.room(Slot::Entry(key), value.len()).put_slice(value);
        }
    }

    /// Like [`Buffer::short_entry`], for a value without a length of its own.
    fn short_number(&mut self, key: &Key, value: &[u8]) -> Option<()> {
        let start = usize::from(key.short?) - 2;
        let end = start + value.len();
        let room = self.memory.get_mut(self.end..)?;
        *room.first_chunk_mut()? = key.head;
        room[1] = (end - 2) as u8;
        room[start - 1] = value.len() as u8;
        room.get_mut(start..end)?.copy_from_slice(value);
        self.end += end;
        Some(())
    }

    #[inline(never)]
    fn long_entry(&mut self, key: &Key, kind: u8, content: &[u8]) {
        let (name, bytes) = (&*key.name, content.len());
        if (0x80..0x3F00).contains(&bytes) {
            // All lengths but that of the name take two bytes.
            let mut cursor = Cursor::new(self.extend(8 + name.len() + bytes));
            let entry = two_bytes(5 + name.len() + bytes);
            cursor.put([FIRST, entry[0], entry[1]]);
            cursor.put_slice(name);
            let (value, length) = (two_bytes(3 + bytes), two_bytes(bytes));
            cursor.put([value[0], value[1], kind, length[0], length[1]]);
            cursor.put_slice(content);
            return;
        }
        self.delimited(Slot::Entry(key), kind, content);
    }

    /// Writes a value of the kind `kind` that has a length, of any size and in any slot.
    #[inline(never)]
    pub(super) fn delimited(&mut self, slot: Slot<'_>, kind: u8, content: &[u8]) {
        let mut cursor = self.room(slot, delimited(content.len()));
        cursor.put([kind]);
        cursor.put_length(content.len());
        cursor.put_slice(content);
    }

    /// Writes bytes as they are.
    #[inline]
    pub(super) fn put_slice(&mut self, bytes: &[u8]) {
        Cursor::new(self.extend(bytes.len())).put_slice(bytes);
    }

    /// Writes the header of a value and reserves `length` bytes for it.
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

/// Where a value goes, which determines its header.
#[derive(Clone, Copy)]
pub(in crate::encoding) enum Slot<'k> {
    /// An entry of a map.
    Entry(&'k Key),
    /// An item of an array.
    Item,
}

/// The key of a map entry, in its encoded form.
#[derive(Debug)]
pub(in crate::encoding) struct Key {
    /// The length of the name, the name, and the key of the value.
    name: Box<[u8]>,
    /// The same, with the key and length of the entry before it and the lengths of a short value after it; the lengths
    /// are left open.
    head: [u8; HEAD],
    /// The number of bytes of the header of a short value; `None` if the name is too long for it.
    short: Option<u8>,
}

/// The space for the header of a short value, with a name of at most 25 bytes: as many bytes as two moves copy.
const HEAD: usize = 32;

impl Key {
    pub(super) fn new(name: &str) -> Self {
        let mut key = vec![0; delimited(name.len()) + 1];
        let mut cursor = Cursor::new(&mut key);
        cursor.put([FIRST]);
        cursor.put_length(name.len());
        cursor.put_slice(name.as_bytes());
        cursor.put([SECOND]);
        let mut head = [0; HEAD];
        let bytes = 2 + key.len() + 3;
        let short = (bytes <= HEAD).then(|| {
            head[0] = FIRST;
            head[2..2 + key.len()].copy_from_slice(&key);
            bytes as u8
        });
        Self {
            name: key.into(),
            head,
            short,
        }
    }
}

impl Slot<'_> {
    /// The size of the header of a value of `length` bytes.
    pub(super) const fn bytes_before(self, length: usize) -> usize {
        let value = 1 + varint_bytes(length as u64);
        match self {
            Slot::Entry(key) => {
                let within = key.name.len() + value - 1;
                1 + varint_bytes((within + length) as u64) + within
            }
            Slot::Item => value,
        }
    }

    /// Writes the header of a value of `length` bytes.
    #[inline]
    pub(super) fn put(self, cursor: &mut Cursor<'_>, length: usize) {
        cursor.put([FIRST]);
        match self {
            Slot::Entry(key) => {
                cursor.put_length(key.name.len() + delimited(length) - 1);
                cursor.put_slice(&key.name);
            }
            Slot::Item => {}
        }
        cursor.put_length(length);
    }
}

/// The size of a length-delimited field with one byte of key and `length` bytes of content.
pub(super) const fn delimited(length: usize) -> usize {
    1 + varint_bytes(length as u64) + length
}

/// A number from 0x80 to 0x3FFF as a varint.
const fn two_bytes(number: usize) -> [u8; 2] {
    [number as u8 | 0x80, (number >> 7) as u8]
}

/// The size of a number as a varint, of seven bits each.
pub(in crate::encoding) const fn varint_bytes(number: u64) -> usize {
    match number {
        0..0x80 => 1,
        0x80..0x4000 => 2,
        _ => (64 - number.leading_zeros() as usize).div_ceil(7),
    }
}

/// Fills the space that was reserved for a value, from front to back.
pub(in crate::encoding) struct Cursor<'b> {
    rest: &'b mut [u8],
}

impl<'b> Cursor<'b> {
    pub(in crate::encoding) const fn new(room: &'b mut [u8]) -> Self {
        Self { rest: room }
    }

    /// The number of bytes that are left.
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
        room.copy_from_slice(bytes);
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
