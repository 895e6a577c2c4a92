//! The codec `json`: one JSON object per line.
//!
//! Names are quoted in advance. Hardly any text needs escapes; a check of several bytes at a time finds those that do.
//! `serde_json` writes them, and all rare values.

use std::{io::Write as _, net::IpAddr, ops::Range};

use uuid::fmt::Hyphenated;

use super::EncodeError;
use crate::schema::{Constant, Format, Layout, Planned, Plans, Value, Writer, ipv4_text};

/// Objects, one per line.
#[derive(Debug)]
pub(super) struct Json {
    lines: Vec<u8>,
    plans: Plans<Fields>,
    /// The text before and after each object on its line.
    around: [&'static str; 2],
}

impl Json {
    /// The objects of a layout; `around` has the text before and after each.
    pub(super) fn new(layout: &Layout, around: [&'static str; 2]) -> Self {
        Self {
            lines: Vec::new(),
            plans: layout.plans(),
            around,
        }
    }

    pub(super) fn push(&mut self, event: &impl Planned) -> Result<(), EncodeError> {
        let start = self.lines.len();
        let [before, behind] = self.around;
        self.lines.extend_from_slice(before.as_bytes());
        self.lines.push(b'{');
        let mut writer = FieldsWriter::new(&mut self.lines);
        self.plans.write(event, &mut writer);
        writer.end_object();
        let failed = writer.failed;
        self.lines.extend_from_slice(behind.as_bytes());
        self.lines.push(b'\n');
        failed.map_or(Ok(()), |error| {
            self.lines.truncate(start);
            Err(error)
        })
    }

    pub(super) const fn len(&self) -> usize {
        self.lines.len()
    }

    pub(super) fn frame(&self) -> &[u8] {
        &self.lines
    }

    pub(super) fn exchange(&mut self, memory: &mut Vec<u8>) -> Range<usize> {
        std::mem::swap(memory, &mut self.lines);
        self.clear();
        0..memory.len()
    }

    pub(super) fn clear(&mut self) {
        self.lines.clear();
    }
}

/// Entries of an object: each preceded by its quoted name and followed by a comma.
#[derive(Debug)]
struct Fields;

impl Format for Fields {
    type Key = Box<[u8]>;
    type Fixed = Box<[u8]>;

    fn key(name: &str) -> Self::Key {
        let mut key = Vec::new();
        let mut writer = FieldsWriter::new(&mut key);
        writer.escaped(name);
        key.push(b':');
        key.into()
    }

    fn fixed(fields: &[(&'static str, Constant)]) -> Self::Fixed {
        let mut bytes = Vec::new();
        Constant::write_all(fields, &mut FieldsWriter::new(&mut bytes));
        bytes.into()
    }
}

struct FieldsWriter<'b> {
    out: &'b mut Vec<u8>,
    /// The error of the first field that could not be written.
    failed: Option<EncodeError>,
}

impl<'b> FieldsWriter<'b> {
    const fn new(out: &'b mut Vec<u8>) -> Self {
        Self { out, failed: None }
    }

    /// Ends an object by removing the comma after its last field.
    fn end_object(&mut self) {
        match self.out.last_mut() {
            Some(last) if *last == b',' => *last = b'}',
            _ => self.out.push(b'}'),
        }
    }

    /// Writes text that needs no escapes.
    #[inline]
    fn plain(&mut self, text: &[u8]) {
        self.out.push(b'"');
        self.out.extend_from_slice(text);
        self.out.extend_from_slice(b"\",");
    }

    #[inline(never)]
    fn text(&mut self, text: &str) {
        if needs_escapes(text.as_bytes()) {
            self.escaped(text);
            self.out.push(b',');
        } else {
            self.plain(text.as_bytes());
        }
    }

    #[cold]
    fn escaped(&mut self, text: &str) {
        // Text can always be written as JSON, and writing to memory cannot fail.
        let _ = serde_json::to_writer(&mut *self.out, text);
    }

    #[inline(never)]
    fn value(&mut self, value: Value<'_>) {
        // `Display` would take longer than all other fields together.
        match value {
            Value::Absent => self.out.extend_from_slice(b"null,"),
            Value::Text(text) => self.text(text),
            Value::User(user)
                if !needs_escapes(user.directory.as_bytes())
                    && !needs_escapes(user.id.as_bytes()) =>
            {
                self.out.push(b'"');
                self.out.extend_from_slice(user.directory.as_bytes());
                self.out.extend_from_slice(b"\\\\");
                self.out.extend_from_slice(user.id.as_bytes());
                self.out.extend_from_slice(b"\",");
            }
            Value::Guid(guid) => {
                let mut text = [0; Hyphenated::LENGTH];
                guid.hyphenated().encode_lower(&mut text);
                self.plain(&text);
            }
            Value::Address(IpAddr::V4(address)) => {
                let (text, length) = ipv4_text(address);
                self.plain(&text[..length]);
            }
            Value::Timestamp(time) if time.is_writable() => self.plain(&time.rfc_3339()),
            Value::Timestamp(_) => {
                self.failed.get_or_insert(EncodeError::Time);
            }
            Value::Unsigned(number) => {
                // Writing to memory cannot fail.
                let _ = write!(self.out, "{number},");
            }
            other => {
                if serde_json::to_writer(&mut *self.out, &other).is_err() {
                    self.failed.get_or_insert(EncodeError::Number);
                }
                self.out.push(b',');
            }
        }
    }
}

impl Writer<Fields> for FieldsWriter<'_> {
    type Group = usize;

    #[inline]
    fn write_fixed(&mut self, fixed: &Box<[u8]>) {
        self.out.extend_from_slice(fixed);
    }

    #[inline]
    fn write_text(&mut self, key: &Box<[u8]>, text: &str) {
        self.out.extend_from_slice(key);
        self.text(text);
    }

    #[inline]
    fn write(&mut self, key: &Box<[u8]>, value: Value<'_>) {
        if value.is_present() {
            self.out.extend_from_slice(key);
            self.value(value);
        }
    }

    fn begin_group(&mut self, key: &Box<[u8]>) -> usize {
        let start = self.out.len();
        self.out.extend_from_slice(key);
        self.out.push(b'{');
        start
    }

    fn end_group(&mut self, key: &Box<[u8]>, start: usize) {
        if self.out.len() == start + key.len() + 1 {
            self.out.truncate(start);
        } else {
            self.end_object();
            self.out.push(b',');
        }
    }
}

/// Whether a byte needs an escape in a JSON string.
const fn is_special(byte: u8) -> bool {
    byte < b' ' || byte == b'"' || byte == b'\\'
}

/// Whether any byte is special. The loop reads all words, without an early exit, so that the compiler can process
/// several at once.
#[inline]
fn needs_escapes(text: &[u8]) -> bool {
    let Some(last) = text.last_chunk() else {
        return text.iter().any(|byte| is_special(*byte));
    };
    let (words, _) = text.as_chunks::<8>();
    let found = words
        .iter()
        .fold(0, |found, word| found | special_in_word(word));
    found | special_in_word(last) != 0
}

/// Zero if no byte of a word is special. Otherwise the highest bit is set in each special byte, and possibly in others.
#[inline]
const fn special_in_word(word: &[u8; 8]) -> u64 {
    const LOW: u64 = u64::MAX / 0xFF;
    let word = u64::from_le_bytes(*word);
    let quotes = word ^ (LOW * b'"' as u64);
    let backslashes = word ^ (LOW * b'\\' as u64);
    // Subtracting sets the highest bit only of a byte that was smaller or had the bit before.
    let below_space = word.wrapping_sub(LOW * b' ' as u64) & !word;
    let is_quote = quotes.wrapping_sub(LOW) & !quotes;
    let is_backslash = backslashes.wrapping_sub(LOW) & !backslashes;
    (below_space | is_quote | is_backslash) & (LOW << 7)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn words_have_special_bytes_exactly_if_their_bytes_do(text in prop::collection::vec(any::<u8>(), 0..40)) {
            let expected = text.iter().any(|byte| is_special(*byte));
            prop_assert_eq!(needs_escapes(&text), expected);
        }

        #[test]
        fn text_without_special_bytes_needs_no_escapes(text in "[^\\x00-\\x1F\"\\\\]{0,100}") {
            prop_assert!(!needs_escapes(text.as_bytes()));
        }
    }

    #[test]
    fn a_special_byte_is_found_at_any_position() {
        let mut special = 0;
        for byte in 0..=u8::MAX {
            for length in 1..40 {
                for place in 0..length {
                    let mut text = vec![b'x'; length];
                    text[place] = byte;
                    assert_eq!(
                        needs_escapes(&text),
                        is_special(byte),
                        "{byte} at {place} of {length}"
                    );
                }
            }
            special += u32::from(is_special(byte));
        }
        assert_eq!(special, 34);
    }
}
