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
/// ASCII, which is nearly all, needs no table, and neither do the letters of Western Europe.
pub(crate) fn fold_into(key: &mut Key, text: &str) {
    if text.bytes().any(|byte| byte > LAST_OF_LATIN_1) {
        key.extend_from_slice(UniCase::unicode(text).to_folded_case().as_bytes());
        return;
    }
    let start = key.len();
    key.extend_from_slice(text.as_bytes());
    let folded = &mut key[start..];
    folded.make_ascii_lowercase();
    if !text.is_ascii() {
        fold_latin_1(folded);
    }
}

/// The first byte in UTF-8 of the last characters of Latin-1, U+00C0 to U+00FF.
const LAST_OF_LATIN_1: u8 = 0xC3;

/// Folds what is not ASCII of a text in Latin-1, in UTF-8, where none of it changes its length.
fn fold_latin_1(text: &mut [u8]) {
    for place in 1..text.len() {
        let folded = match [text[place - 1], text[place]] {
            [LAST_OF_LATIN_1, 0x9F] => *b"ss",
            // All but the sign × have their lower case 0x20 behind them.
            [LAST_OF_LATIN_1, letter @ (0x80..=0x96 | 0x98..=0x9E)] => {
                [LAST_OF_LATIN_1, letter | 0x20]
            }
            // The sign µ is the Greek letter.
            [0xC2, 0xB5] => [0xCE, 0xBC],
            _ => continue,
        };
        text[place - 1..=place].copy_from_slice(&folded);
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
