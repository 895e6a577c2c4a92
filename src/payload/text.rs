//! Converts the bytes of one event to text.
//!
//! The appender sends UTF-8 with `encoding=utf-8`, UTF-16 with `encoding=unicode`, and otherwise the ANSI code page of
//! the machine, the default of .NET Framework. Nothing in the datagram says which.

use std::{borrow::Cow, fmt, str::FromStr};

use encoding_rs::{DecoderResult, Encoding, WINDOWS_1252};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::{
    error::{DecodeError, ErrorCode},
    utf_16::Utf16,
};

const UTF_8_MARK: &[u8] = b"\xEF\xBB\xBF";

/// The encoding of events that are neither UTF-8 nor UTF-16. Default: windows-1252.
///
/// Named by any label of the [WHATWG Encoding Standard](https://encoding.spec.whatwg.org/), in any case:
/// `windows-1252`, `windows-1250`, `shift_jis`, … With `utf-8` nothing is guessed, and such events become
/// `invalid_encoding`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct FallbackEncoding(&'static Encoding);

impl FallbackEncoding {
    /// The encoding's name in that standard, for example `windows-1252`.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.0.name()
    }
}

impl Default for FallbackEncoding {
    fn default() -> Self {
        Self(WINDOWS_1252)
    }
}

impl fmt::Debug for FallbackEncoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FallbackEncoding({})", self.name())
    }
}

impl fmt::Display for FallbackEncoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The label names no usable encoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected the label of a single- or multi-byte encoding, such as windows-1252, windows-1250 or shift_jis"
)]
pub struct UnknownEncoding;

impl FromStr for FallbackEncoding {
    type Err = UnknownEncoding;

    fn from_str(label: &str) -> Result<Self, Self::Err> {
        // UTF-16 as a fallback would turn every stray byte of a UTF-8 sender into noise, and
        // "replacement" is the standard's name for encodings that must not be decoded.
        match Encoding::for_label_no_replacement(label.as_bytes()) {
            Some(encoding) if encoding.is_ascii_compatible() => Ok(Self(encoding)),
            _ => Err(UnknownEncoding),
        }
    }
}

impl Serialize for FallbackEncoding {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.name().to_ascii_lowercase())
    }
}

impl<'de> Deserialize<'de> for FallbackEncoding {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(de::Error::custom)
    }
}

/// Decodes one event, as [`pieces`](super::pieces) returns it: UTF-8 unchanged, UTF-16 if it is recognised, otherwise
/// `fallback`.
///
/// Nothing is trimmed. A truncated last character, as from a length limit, becomes U+FFFD and does not make the text
/// another encoding; nothing else is replaced. UTF-8 is not copied.
///
/// # Errors
///
/// [`ErrorCode::InvalidEncoding`], with the text as far as it can be shown (malformed places as U+FFFD), if the bytes
/// are not valid in the encoding that was chosen.
pub fn decode(
    bytes: &[u8],
    fallback: FallbackEncoding,
) -> Result<Cow<'_, str>, (DecodeError, String)> {
    if let Some(utf_16) = Utf16::recognise(bytes) {
        let mark = utf_16.byte_order_mark();
        let bytes = without_stray_byte(bytes.strip_prefix(&mark).unwrap_or(bytes));
        return transcode(bytes, utf_16.encoding());
    }
    match simdutf8::basic::from_utf8(bytes) {
        Ok(text) => Ok(Cow::Borrowed(text)),
        Err(_) => match cut_utf_8(bytes) {
            Some(text) => Ok(Cow::Owned(text)),
            None => transcode(bytes.strip_prefix(UTF_8_MARK).unwrap_or(bytes), fallback.0),
        },
    }
}

/// Decodes the beginning of a datagram that was cut at any byte. Never fails: malformed places become U+FFFD.
#[must_use]
pub fn decode_beginning(bytes: &[u8], fallback: FallbackEncoding) -> Cow<'_, str> {
    decode(bytes, fallback).unwrap_or_else(|(_, text)| Cow::Owned(text))
}

/// Removes the single-byte line end or NUL that some relays add to a UTF-16 datagram, which makes its length odd.
fn without_stray_byte(bytes: &[u8]) -> &[u8] {
    match bytes {
        [rest @ .., b'\r' | b'\n' | 0] if rest.len() % 2 == 0 => rest,
        _ => bytes,
    }
}

/// UTF-8 whose last character is truncated, possibly with a line end that a relay added.
fn cut_utf_8(bytes: &[u8]) -> Option<String> {
    let end = bytes.iter().rposition(|byte| !b"\r\n\0".contains(byte))? + 1;
    let (event, line_end) = bytes.split_at(end);
    let error = std::str::from_utf8(event).err()?;
    if error.error_len().is_some() {
        return None;
    }
    let whole = str::from_utf8(&event[..error.valid_up_to()]).ok()?;
    let line_end = str::from_utf8(line_end).ok()?;
    Some(format!("{whole}\u{FFFD}{line_end}"))
}

fn transcode<'b>(
    bytes: &'b [u8],
    encoding: &'static Encoding,
) -> Result<Cow<'b, str>, (DecodeError, String)> {
    if let Some(text) = encoding.decode_without_bom_handling_and_without_replacement(bytes) {
        return Ok(text);
    }
    let mut decoder = encoding.new_decoder_without_bom_handling();
    let longest = decoder.max_utf8_buffer_length_without_replacement(bytes.len());
    let mut text = String::with_capacity(longest.unwrap_or(bytes.len()));
    // Because more input may come, the decoder accepts an incomplete last character.
    match decoder.decode_to_string_without_replacement(bytes, &mut text, false) {
        (DecoderResult::InputEmpty, _) => Ok(Cow::Owned(text + "\u{FFFD}")),
        (DecoderResult::OutputFull | DecoderResult::Malformed(..), _) => {
            let error = DecodeError::new(ErrorCode::InvalidEncoding, None, text.len());
            let (shown, _) = encoding.decode_without_bom_handling(bytes);
            Err((error, shown.into_owned()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utf_16le(text: &str) -> Vec<u8> {
        text.encode_utf16().flat_map(u16::to_le_bytes).collect()
    }

    fn utf_16be(text: &str) -> Vec<u8> {
        text.encode_utf16().flat_map(u16::to_be_bytes).collect()
    }

    fn decoded(bytes: &[u8]) -> Result<String, (DecodeError, String)> {
        decode(bytes, FallbackEncoding::default()).map(Cow::into_owned)
    }

    #[test]
    fn every_encoding_gives_the_same_text() {
        let text = "/qseow-proxy-session/;h;Start session;LAB;Jörgen;;;";
        let windows_1252 = WINDOWS_1252.encode(text).0;
        let marked_le = utf_16le(&format!("\u{FEFF}{text}"));
        let marked_be = utf_16be(&format!("\u{FEFF}{text}"));
        let mut stray = utf_16le(text);
        stray.push(b'\n');
        let rows: [&[u8]; 7] = [
            text.as_bytes(),
            &windows_1252,
            &utf_16le(text),
            &utf_16be(text),
            &marked_le,
            &marked_be,
            &stray,
        ];
        for (row, bytes) in rows.iter().enumerate() {
            assert_eq!(decoded(bytes).as_deref(), Ok(text), "row {row}");
        }
    }

    #[test]
    fn windows_1252_takes_every_byte() {
        for byte in 0x80..=0xFF_u8 {
            assert!(decoded(&[b'a', byte, b';']).is_ok(), "byte {byte:#x}");
        }
    }

    #[test]
    fn a_truncated_last_character_becomes_one_replacement() {
        let rows: [(&[u8], &str); 8] = [
            (b"M\xC3\x9CNCHEN\xC3", "MÜNCHEN\u{FFFD}"),
            (b"M\xC3\x9C\xE2\x82\r\n\0", "MÜ\u{FFFD}\r\n\0"),
            (b"\xEF\xBB\xBFx\xF0\x9F\x98", "\u{FEFF}x\u{FFFD}"),
            (b"/\0q\0\xF6\0\xE5", "/qö\u{FFFD}"),
            (b"/\0q\0=\xD8", "/q\u{FFFD}"),
            (b"\xFE\xFF\0q\xD8=\xDE", "q\u{FFFD}"),
            // The truncated character is not the last one, so this is not UTF-8.
            (b"M\xC3\x9C\xC3;", "MÃœÃ;"),
            (b"M\xFCller", "Müller"),
        ];
        for (bytes, expected) in rows {
            assert_eq!(
                decoded(bytes).as_deref(),
                Ok(expected),
                "{}",
                bytes.escape_ascii()
            );
        }
        let shift_jis = "shift_jis".parse().expect("a label");
        let text = decode(b"\x93\xFA\x96", shift_jis);
        assert_eq!(text.as_deref(), Ok("日\u{FFFD}"));
    }

    #[test]
    fn malformed_utf_16_is_an_error_with_its_offset() {
        let mut bytes = utf_16le("/q;ö");
        bytes.extend(0xD800_u16.to_le_bytes());
        bytes.extend(utf_16le("x"));
        let (error, text) = decoded(&bytes).expect_err("a lone surrogate");
        assert_eq!(error.code, ErrorCode::InvalidEncoding);
        assert_eq!(error.offset, "/q;ö".len());
        assert_eq!(text, "/q;ö\u{FFFD}x");
    }

    #[test]
    fn with_utf_8_as_fallback_nothing_is_guessed() {
        let fallback = "UTF-8".parse().expect("a label");
        let (error, text) = decode(b"ab\xF6c", fallback).expect_err("not UTF-8");
        assert_eq!((error.offset, &*text), (2, "ab\u{FFFD}c"));
    }

    #[test]
    fn labels_of_other_encodings_are_rejected() {
        for label in ["windows-1250", "LATIN1", "shift_jis", "utf8"] {
            assert!(label.parse::<FallbackEncoding>().is_ok(), "{label}");
        }
        for label in ["", "utf-16le", "utf-16", "iso-2022-kr", "klingon"] {
            assert!(label.parse::<FallbackEncoding>().is_err(), "{label}");
        }
    }
}
