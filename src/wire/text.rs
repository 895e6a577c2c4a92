//! A datagram's bytes as text.
//!
//! The appender sends UTF-8 when `encoding=utf-8` is set. Without it .NET Framework sends the ANSI
//! code page of the machine, with `encoding=unicode` it sends UTF-16LE. None of them is announced.

use std::{borrow::Cow, fmt, str::FromStr};

use encoding_rs::{DecoderResult, Encoding, UTF_8, UTF_16LE, WINDOWS_1252};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::error::{DecodeError, ErrorCode};

const UTF_8_MARK: &[u8] = b"\xEF\xBB\xBF";
const UTF_16LE_MARK: &[u8] = b"\xFF\xFE";

/// The encoding of datagrams that are neither UTF-8 nor UTF-16LE. Default: windows-1252.
///
/// Named by any label of the [WHATWG Encoding Standard](https://encoding.spec.whatwg.org/), without
/// regard to case: `windows-1252`, `windows-1250`, `shift_jis`, … With `utf-8` such datagrams are
/// not guessed at and become `invalid_encoding`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct FallbackEncoding(&'static Encoding);

impl FallbackEncoding {
    /// The standard's name of the encoding, for example `windows-1252`.
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

/// The label names no encoding that can be used.
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

/// Decodes a datagram: UTF-8 as it is, UTF-16LE where it is recognised, otherwise `fallback`.
///
/// Nothing is trimmed and nothing is replaced. UTF-8 costs no copy.
///
/// # Errors
///
/// [`ErrorCode::InvalidEncoding`], with the text as far as it can be shown (malformed places as
/// U+FFFD), when the bytes are not valid in the encoding that was chosen.
pub fn decode(
    bytes: &[u8],
    fallback: FallbackEncoding,
) -> Result<Cow<'_, str>, (DecodeError, String)> {
    if is_utf_16le(bytes) {
        return transcode(without_stray_byte(bytes), UTF_16LE);
    }
    match simdutf8::basic::from_utf8(bytes) {
        Ok(text) => Ok(Cow::Borrowed(text)),
        Err(_) => transcode(bytes, fallback.0),
    }
}

/// Decodes the beginning of a datagram that was cut at some byte, without the character that the
/// cut went through. Never fails: malformed places become U+FFFD.
#[must_use]
pub fn decode_beginning(bytes: &[u8], fallback: FallbackEncoding) -> Cow<'_, str> {
    let whole = match std::str::from_utf8(bytes) {
        Err(error) if error.error_len().is_none() => error.valid_up_to(),
        _ => bytes.len(),
    };
    decode(&bytes[..whole], fallback).unwrap_or_else(|(_, text)| Cow::Owned(text))
}

/// Without a byte order mark UTF-16LE shows by the zero high bytes of its ASCII characters. Such
/// bytes are valid UTF-8 too, so this is asked first; no UTF-8 payload has NULs between its letters.
fn is_utf_16le(bytes: &[u8]) -> bool {
    bytes.starts_with(UTF_16LE_MARK)
        || matches!(bytes, [first, 0, second, 0, ..] if *first != 0 && *second != 0)
}

/// A relay that ends a UTF-16 datagram with a single-byte line end or NUL leaves an odd length.
fn without_stray_byte(bytes: &[u8]) -> &[u8] {
    match bytes {
        [rest @ .., b'\r' | b'\n' | 0] if rest.len() % 2 == 0 => rest,
        _ => bytes,
    }
}

fn transcode<'b>(
    bytes: &'b [u8],
    encoding: &'static Encoding,
) -> Result<Cow<'b, str>, (DecodeError, String)> {
    let bytes = bytes
        .strip_prefix(UTF_16LE_MARK)
        .filter(|_| encoding == UTF_16LE)
        .or_else(|| {
            bytes
                .strip_prefix(UTF_8_MARK)
                .filter(|_| encoding != UTF_16LE)
        })
        .unwrap_or(bytes);
    if let Some(text) = encoding.decode_without_bom_handling_and_without_replacement(bytes) {
        return Ok(text);
    }
    let offset = valid_prefix(bytes, encoding);
    let (text, _) = encoding.decode_without_bom_handling(bytes);
    let error = DecodeError::new(ErrorCode::InvalidEncoding, None, offset);
    Err((error, text.into_owned()))
}

/// How many bytes of UTF-8 the well-formed beginning of malformed input gives.
fn valid_prefix(bytes: &[u8], encoding: &'static Encoding) -> usize {
    if encoding == UTF_8 {
        return std::str::from_utf8(bytes).map_or_else(|error| error.valid_up_to(), str::len);
    }
    let mut decoder = encoding.new_decoder_without_bom_handling();
    let mut text = String::with_capacity(
        decoder
            .max_utf8_buffer_length_without_replacement(bytes.len())
            .unwrap_or(bytes.len()),
    );
    match decoder.decode_to_string_without_replacement(bytes, &mut text, true) {
        (
            DecoderResult::InputEmpty | DecoderResult::OutputFull | DecoderResult::Malformed(..),
            _,
        ) => text.len(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utf_16le(text: &str) -> Vec<u8> {
        text.encode_utf16().flat_map(u16::to_le_bytes).collect()
    }

    fn decoded(bytes: &[u8]) -> Result<String, (DecodeError, String)> {
        decode(bytes, FallbackEncoding::default()).map(Cow::into_owned)
    }

    #[test]
    fn every_encoding_gives_the_same_text() {
        let text = "/qseow-proxy-session/;h;Start session;LAB;Jörgen;;;";
        let windows_1252 = WINDOWS_1252.encode(text).0;
        let mut marked = UTF_16LE_MARK.to_vec();
        marked.extend(utf_16le(text));
        let mut stray = utf_16le(text);
        stray.push(b'\n');
        let rows: [&[u8]; 5] = [
            text.as_bytes(),
            &windows_1252,
            &utf_16le(text),
            &marked,
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
    fn malformed_utf_16_is_an_error_with_its_place() {
        let mut bytes = utf_16le("/q;ö");
        bytes.extend(0xD800_u16.to_le_bytes());
        bytes.extend(utf_16le("x"));
        let (error, text) = decoded(&bytes).expect_err("a lone surrogate");
        assert_eq!(error.code, ErrorCode::InvalidEncoding);
        assert_eq!(error.offset, "/q;ö".len());
        assert_eq!(text, "/q;ö\u{FFFD}x");
    }

    #[test]
    fn utf_8_as_fallback_means_no_guess() {
        let fallback = "UTF-8".parse().expect("a label");
        let (error, text) = decode(b"ab\xF6c", fallback).expect_err("not UTF-8");
        assert_eq!((error.offset, &*text), (2, "ab\u{FFFD}c"));
    }

    #[test]
    fn labels_are_checked() {
        for label in ["windows-1250", "LATIN1", "shift_jis", "utf8"] {
            assert!(label.parse::<FallbackEncoding>().is_ok(), "{label}");
        }
        for label in ["", "utf-16le", "utf-16", "iso-2022-kr", "klingon"] {
            assert!(label.parse::<FallbackEncoding>().is_err(), "{label}");
        }
    }
}
