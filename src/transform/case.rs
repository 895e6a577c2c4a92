//! Compares users like Active Directory, which ignores case.

use smallvec::SmallVec;
use unicase::UniCase;

/// The size of a key that is built on the stack, in bytes.
const SHORT: usize = 64;

/// A name in the form used for comparison, on the stack if it is of usual length. As bytes, because no comparison needs
/// text.
pub(crate) type Key = SmallVec<[u8; SHORT]>;

/// Appends text in Unicode's full case folding (`Jörgen`, `JÖRGEN`; `ß`, `SS`).
///
/// ASCII, which is nearly everything, needs no table, and neither do the letters of Western Europe.
pub(crate) fn fold_into(key: &mut Key, text: &str) {
    let is_ascii = text.is_ascii();
    if !is_ascii && text.bytes().any(|byte| byte > LAST_OF_LATIN_1) {
        key.extend_from_slice(UniCase::unicode(text).to_folded_case().as_bytes());
        return;
    }
    let start = key.len();
    key.extend_from_slice(text.as_bytes());
    let folded = &mut key[start..];
    folded.make_ascii_lowercase();
    if !is_ascii {
        fold_latin_1(folded);
    }
}

/// The first byte, in UTF-8, of the last characters of Latin-1, U+00C0 to U+00FF.
const LAST_OF_LATIN_1: u8 = 0xC3;

/// Folds the non-ASCII characters of a text in Latin-1, in UTF-8, where folding changes no length.
fn fold_latin_1(text: &mut [u8]) {
    for place in 1..text.len() {
        let folded = match [text[place - 1], text[place]] {
            [LAST_OF_LATIN_1, 0x9F] => *b"ss",
            // For all but the sign ×, the lower case is 0x20 higher.
            [LAST_OF_LATIN_1, letter @ (0x80..=0x96 | 0x98..=0x9E)] => {
                [LAST_OF_LATIN_1, letter | 0x20]
            }
            // The sign µ becomes the Greek letter.
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
    fn every_character_is_folded_as_unicode_defines() {
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
