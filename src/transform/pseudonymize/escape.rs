//! Escapes in text: percent-encoding and HTML's character references.

use encoding_rs::WINDOWS_1252;
use memchr::memchr2;

/// A text with its escapes decoded once; `None` if it has none.
///
/// - `%F6` is a byte; bytes are UTF-8, or else windows-1252.
/// - `%u00F6` is a character, as JavaScript's `escape` writes it.
/// - `&#246;` and `&#xF6;` are characters, and so are `&amp;` and `&nbsp;`, the two that hide others.
pub(super) fn unescaped(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let mut place = memchr2(b'%', b'&', bytes)?;
    let mut plain = bytes[..place].to_vec();
    let mut any = false;
    while let Some(&byte) = bytes.get(place) {
        let escape = match byte {
            b'%' => percent(&text[place..]),
            b'&' => reference(&text[place..]),
            _ => None,
        };
        match escape {
            Some((Plain::Byte(byte), length)) => {
                plain.push(byte);
                place += length;
            }
            Some((Plain::Character(character), length)) => {
                plain.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                place += length;
            }
            None => {
                plain.push(byte);
                place += 1;
            }
        }
        any |= escape.is_some();
    }
    any.then(|| read(&plain))
}

/// The meaning of an escape.
#[derive(Clone, Copy)]
enum Plain {
    Byte(u8),
    Character(char),
}

/// The meaning of the escape at the start of a text, and its length.
fn percent(text: &str) -> Option<(Plain, usize)> {
    if text.starts_with("%u") {
        let unit = number(text.get(2..6)?, 16)?;
        // Half of a surrogate pair is not a letter, and neither is its replacement.
        let character = char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER);
        return Some((Plain::Character(character), 6));
    }
    let byte = u8::try_from(number(text.get(1..3)?, 16)?).ok()?;
    Some((Plain::Byte(byte), 3))
}

/// Like [`percent`], for character references. The `;` may be missing, as in browsers.
fn reference(text: &str) -> Option<(Plain, usize)> {
    for (name, character) in [("&amp", '&'), ("&nbsp", ' ')] {
        if let Some(rest) = text.strip_prefix(name) {
            let end = usize::from(rest.starts_with(';'));
            return Some((Plain::Character(character), name.len() + end));
        }
    }
    let digits = text.strip_prefix("&#")?;
    let (digits, radix) = match digits.strip_prefix(['x', 'X']) {
        Some(digits) => (digits, 16),
        None => (digits, 10),
    };
    let start = text.len() - digits.len();
    let is_digit = |character: char| character.is_digit(radix);
    let end = digits.find(|character| !is_digit(character));
    let end = end.unwrap_or(digits.len());
    let character = char::from_u32(number(&digits[..end], radix)?)?;
    let semicolon = usize::from(digits[end..].starts_with(';'));
    Some((Plain::Character(character), start + end + semicolon))
}

/// The number of these digits, without a sign, if it has at most 32 bits.
fn number(digits: &str, radix: u32) -> Option<u32> {
    let is_digit = |character: char| character.is_digit(radix);
    digits
        .chars()
        .all(is_digit)
        .then(|| u32::from_str_radix(digits, radix).ok())?
}

fn read(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.push_str(&WINDOWS_1252.decode_without_bom_handling(chunk.invalid()).0);
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn escapes_are_decoded_once() {
        let rows = [
            ("", None),
            ("a b", None),
            ("100 %", None),
            ("%", None),
            ("%4", None),
            ("%4g", None),
            ("%+1", None),
            ("%u00f", None),
            ("&", None),
            ("&#;", None),
            ("&#x;", None),
            ("&#1114112;", None),
            ("&#99999999999;", None),
            ("a&b", None),
            ("a%40b", Some("a@b")),
            ("%C3%B6", Some("ö")),
            ("%c3%b6", Some("ö")),
            ("%F6", Some("ö")),
            ("%F6%C3%B6", Some("öö")),
            ("%8A", Some("Š")),
            ("%u00F6", Some("ö")),
            ("%uD83D", Some("\u{FFFD}")),
            ("%2540", Some("%40")),
            ("ö%20ö", Some("ö ö")),
            ("&#246;", Some("ö")),
            ("&#xF6;", Some("ö")),
            ("&#246x", Some("öx")),
            ("&amp;#246;", Some("&#246;")),
            ("a&nbsp;b", Some("a b")),
            ("%%41", Some("%A")),
        ];
        for (text, expected) in rows {
            assert_eq!(unescaped(text).as_deref(), expected, "{text}");
        }
    }
    proptest! {
        #[test]
        fn any_text_has_no_more_bytes_without_its_escapes(
            pieces in prop::collection::vec(
                prop_oneof![Just("%"), Just("%u"), Just("&#"), Just("&#x"), Just("&amp"), Just("é"), Just("80"), Just("f6"), Just(";"), Just("g")],
                0..20,
            ),
        ) {
            let text = pieces.concat();
            if let Some(plain) = unescaped(&text) {
                prop_assert!(plain.len() <= text.len(), "{text} {plain}");
                prop_assert_ne!(plain, text);
            }
        }
    }
}
