//! Users as they are compared: Active Directory ignores case.

use smallvec::SmallVec;
use unicase::UniCase;

/// The bytes of a key that is put together on the stack.
const SHORT: usize = 64;

/// Names as they are compared, on the stack at their usual length. Bytes, because nothing that
/// compares them asks for text.
pub(crate) type Key = SmallVec<[u8; SHORT]>;

/// Adds text without its case, by Unicode's full case folding (`Jörgen`, `JÖRGEN`; `ß`, `SS`).
///
/// Every character is folded by itself, so ASCII, which is nearly all, needs no table; and neither do the
/// letters of Western Europe.
pub(crate) fn fold_into(key: &mut Key, text: &str) {
    let start = key.len();
    if text.is_ascii() {
        key.extend_from_slice(text.as_bytes());
    } else {
        for run in text.split_inclusive(|c: char| !c.is_ascii()) {
            let (ascii, rest) = run.split_at(run.bytes().take_while(u8::is_ascii).count());
            key.extend_from_slice(ascii.as_bytes());
            match *rest.as_bytes() {
                [] => {}
                [LATIN_1, letter] => fold_latin_1_into(key, letter),
                _ => key.extend_from_slice(UniCase::unicode(rest).to_folded_case().as_bytes()),
            }
        }
    }
    key[start..].make_ascii_lowercase();
}

/// The first byte of U+00C0 to U+00FF, the letters of Latin-1, in UTF-8.
const LATIN_1: u8 = 0xC3;

/// Adds a letter of Latin-1 by its second byte. All but the sign × have their lower case 0x20 behind them, and
/// ß is two letters.
fn fold_latin_1_into(key: &mut Key, letter: u8) {
    match letter {
        0x9F => key.extend_from_slice(b"ss"),
        0x80..=0x9E if letter != 0x97 => key.extend_from_slice(&[LATIN_1, letter | 0x20]),
        _ => key.extend_from_slice(&[LATIN_1, letter]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_character_is_folded_as_unicode_says() {
        let mut folded = 0;
        for character in '\0'..=char::MAX {
            let text = format!("x{character}Y");
            let mut key = Key::new();
            fold_into(&mut key, &text);
            let expected = UniCase::unicode(text).to_folded_case();
            assert_eq!(&key[..], expected.as_bytes(), "{character:?}");
            folded += 1;
        }
        assert_eq!(folded, 0x11_0000 - 0x800);
    }
}
