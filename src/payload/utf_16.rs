//! UTF-16, which can only be recognised at the start of a text.

use std::ops::Range;

use encoding_rs::{Encoding, UTF_16BE, UTF_16LE};
use smallvec::SmallVec;

/// The two byte orders of UTF-16.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Utf16 {
    /// What .NET calls `unicode`, and what PowerShell writes with `>`.
    LittleEndian,
    /// What .NET calls `bigEndianUnicode` or `unicodeFFFE`.
    BigEndian,
}

impl Utf16 {
    /// The byte order of a text that starts with a byte order mark, or whose first two characters have one zero byte
    /// each, like the ASCII characters that every payload starts with. Such bytes are also valid UTF-8, so check this
    /// first; no UTF-8 payload has NULs between its letters.
    #[must_use]
    #[inline]
    pub const fn recognise(bytes: &[u8]) -> Option<Self> {
        match *bytes {
            // Nearly all other texts start like this, so this is checked first.
            [1..=0x7F, 1..=0xFF, ..] => None,
            [0xFF, 0xFE, ..] => Some(Self::LittleEndian),
            [0xFE, 0xFF, ..] => Some(Self::BigEndian),
            [first, 0, second, 0, ..] if first != 0 && second != 0 => Some(Self::LittleEndian),
            [0, first, 0, second, ..] if first != 0 && second != 0 => Some(Self::BigEndian),
            _ => None,
        }
    }

    /// The character in two bytes, or half of one.
    #[must_use]
    pub const fn unit(self, bytes: [u8; 2]) -> u16 {
        match self {
            Self::LittleEndian => u16::from_le_bytes(bytes),
            Self::BigEndian => u16::from_be_bytes(bytes),
        }
    }

    /// The text of bytes in this byte order, without a byte order mark; `None` if they are malformed.
    #[must_use]
    pub fn decode(self, bytes: &[u8]) -> Option<String> {
        let bytes = bytes.strip_prefix(&self.byte_order_mark()).unwrap_or(bytes);
        let text = self
            .encoding()
            .decode_without_bom_handling_and_without_replacement(bytes)?;
        Some(text.into_owned())
    }

    pub(super) fn encoding(self) -> &'static Encoding {
        match self {
            Self::LittleEndian => UTF_16LE,
            Self::BigEndian => UTF_16BE,
        }
    }

    /// The two bytes at the start of a text that indicate this byte order.
    #[must_use]
    pub const fn byte_order_mark(self) -> [u8; 2] {
        match self {
            Self::LittleEndian => [0xFF, 0xFE],
            Self::BigEndian => [0xFE, 0xFF],
        }
    }

    /// The number of bytes of white space and byte order marks at the start.
    pub(super) fn leading_blank_bytes(self, bytes: &[u8]) -> usize {
        let is_blank = |pair: &&[u8; 2]| {
            char::from_u32(self.unit(**pair).into())
                .is_some_and(|c| c.is_ascii_whitespace() || c == '\u{FEFF}')
        };
        2 * bytes.as_chunks().0.iter().take_while(is_blank).count()
    }

    /// The newlines that a byte `\n` may belong to: one in this encoding, and the single-byte LF or CRLF that a relay
    /// puts between datagrams.
    pub(super) fn newlines(self, bytes: &[u8], place: usize) -> [Option<Range<usize>>; 2] {
        let before = place.checked_sub(1).map(|before| bytes[before]);
        let is_even = place.is_multiple_of(2);
        let own = match self {
            Self::LittleEndian if is_even && bytes.get(place + 1) == Some(&0) => {
                Some(place..place + 2)
            }
            Self::BigEndian if !is_even && before == Some(0) => Some(place - 1..place + 1),
            _ => None,
        };
        let single = (is_even || before == Some(b'\r')).then_some(place..place + 1);
        [own, single]
    }

    /// The start of the text after a byte order mark, in UTF-8: at most `most` characters, as far as they are ASCII
    /// letters, punctuation, blanks or marks. A payload starts with these, and because line ends are not among them, no
    /// byte is read for two events.
    pub(super) fn beginning(self, bytes: &[u8], most: usize) -> SmallVec<[u8; 64]> {
        let bytes = bytes.strip_prefix(&self.byte_order_mark()).unwrap_or(bytes);
        let mut beginning = SmallVec::new();
        for pair in bytes.as_chunks().0.iter().take(most) {
            match self.unit(*pair) {
                unit @ 0x20..=0x7E => beginning.push(unit as u8),
                0xFEFF => beginning.extend_from_slice("\u{FEFF}".as_bytes()),
                _ => break,
            }
        }
        beginning
    }
}
