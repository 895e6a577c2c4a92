//! The fields of an event as JSON, written as they come.
//!
//! What `serde_json` writes of a record, this writes in a third of the time: names are constants that need no
//! escapes, and nearly no text needs any, which is found out several bytes at a time. What is left to
//! `serde_json` is text that does, and every value that is rare.

use std::net::IpAddr;

use serde::Serialize;
use uuid::fmt::Hyphenated;

use crate::schema::{Fill, Value, ipv4_text};

/// Writes fields into an object that has been begun.
pub(super) struct FieldsWriter<'b> {
    out: &'b mut Vec<u8>,
    /// The first field that could not be written.
    failed: Option<serde_json::Error>,
}

impl<'b> FieldsWriter<'b> {
    /// Writes an object with the fields that `fill` adds.
    ///
    /// # Errors
    ///
    /// When a value has no form in JSON.
    pub(super) fn write_object(
        out: &'b mut Vec<u8>,
        fill: impl FnOnce(&mut Self),
    ) -> Result<(), serde_json::Error> {
        out.push(b'{');
        let mut writer = Self { out, failed: None };
        fill(&mut writer);
        writer.end();
        writer.failed.map_or(Ok(()), Err)
    }

    /// Ends an object. Every field is followed by a comma, and the last one's is not wanted.
    fn end(&mut self) {
        match self.out.last_mut() {
            Some(last) if *last == b',' => *last = b'}',
            _ => self.out.push(b'}'),
        }
    }

    #[inline(always)]
    fn name(&mut self, name: &'static str) {
        self.out.push(b'"');
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(b"\":");
    }

    /// Writes text that needs no escapes.
    #[inline(always)]
    fn plain(&mut self, text: &[u8]) {
        self.out.push(b'"');
        self.out.extend_from_slice(text);
        self.out.extend_from_slice(b"\",");
    }

    #[inline(never)]
    fn text(&mut self, text: &str) {
        if needs_escapes(text.as_bytes()) {
            self.value(&Value::Text(text));
        } else {
            self.plain(text.as_bytes());
        }
    }

    #[inline(never)]
    fn value(&mut self, value: &Value<'_>) {
        // `Display` and its like take longer than all other fields together.
        match *value {
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
            Value::Timestamp(time) if time.0.timestamp_nanos_opt().is_some() => {
                self.plain(&time.rfc_3339());
            }
            _ => self.any(value),
        }
    }

    #[inline(never)]
    fn any(&mut self, value: &Value<'_>) {
        let mut serializer = serde_json::Serializer::new(&mut *self.out);
        if let Err(error) = value.serialize(&mut serializer) {
            self.failed.get_or_insert(error);
        }
        self.out.push(b',');
    }
}

impl<'a> Fill<'a> for FieldsWriter<'_> {
    #[inline(always)]
    fn field(&mut self, name: &'static str, value: impl Into<Value<'a>>) {
        match value.into() {
            Value::Absent => {}
            Value::Text(text) => {
                self.name(name);
                self.text(text);
            }
            value => {
                self.name(name);
                self.value(&value);
            }
        }
    }

    fn group(&mut self, name: &'static str, fill: impl FnOnce(&mut Self)) {
        let start = self.out.len();
        self.name(name);
        self.out.push(b'{');
        let content = self.out.len();
        fill(self);
        if self.out.len() == content {
            self.out.truncate(start);
        } else {
            self.end();
            self.out.push(b',');
        }
    }
}

/// Whether a byte cannot stand in a JSON string as it is.
const fn is_special(byte: u8) -> bool {
    byte < b' ' || byte == b'"' || byte == b'\\'
}

/// Whether any byte is special. All words are looked at, with no end before theirs, so that the compiler can look
/// at several at once.
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

/// Zero where no byte of a word is special: the highest bit of a byte is set where it is, and perhaps in others then.
#[inline]
const fn special_in_word(word: &[u8; 8]) -> u64 {
    const LOW: u64 = u64::MAX / 0xFF;
    let word = u64::from_le_bytes(*word);
    let quotes = word ^ (LOW * b'"' as u64);
    let backslashes = word ^ (LOW * b'\\' as u64);
    // Subtracting takes the highest bit only where a byte was less, or had the bit before.
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
        fn words_show_what_bytes_show(text in prop::collection::vec(any::<u8>(), 0..40)) {
            let expected = text.iter().any(|byte| is_special(*byte));
            prop_assert_eq!(needs_escapes(&text), expected);
        }

        #[test]
        fn plain_text_needs_none(text in "[^\\x00-\\x1F\"\\\\]{0,100}") {
            prop_assert!(!needs_escapes(text.as_bytes()));
        }
    }

    #[test]
    fn one_byte_is_enough_wherever_it_is() {
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
