//! Whether text names a user.

use memchr::memmem;
use percent_encoding::percent_decode_str;

use crate::transform::case::{Key, fold_into};

/// Whether text holds a name as a whole word, in any case, as it is or with percent-encoding undone.
pub(super) fn mentions(text: &str, name: &str) -> bool {
    let mut folded_name = Key::new();
    fold_into(&mut folded_name, name);
    if folded_name.is_empty() {
        return false;
    }
    let holds = |text: &str| {
        let mut folded = Key::new();
        fold_into(&mut folded, text);
        let mut places = memmem::find_iter(&folded, &*folded_name);
        places.any(|start| is_word(&folded, start, start + folded_name.len()))
    };
    holds(text) || text.contains('%') && holds(&percent_decode_str(text).decode_utf8_lossy())
}

/// Whether no letter or digit touches a part of a text. A byte of a longer character counts as a letter.
fn is_word(text: &[u8], start: usize, end: usize) -> bool {
    let is_letter = |byte: &u8| byte.is_ascii_alphanumeric() || !byte.is_ascii();
    let before = start.checked_sub(1).and_then(|place| text.get(place));
    !before.is_some_and(is_letter) && !text.get(end).is_some_and(is_letter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words() {
        let rows = [
            ("/users/goran", "goran", true),
            ("/users/GORAN/x", "Goran", true),
            ("/users/goran2", "goran", false),
            ("/users/x%5Cgoran", "goran", true),
            ("/users/g%6Fran", "goran", true),
            ("/users/J%C3%B6rgen", "jÖrgen", true),
            ("/users/Jörgen", "JÖRGEN", true),
            ("/app/x", "a", false),
            ("goran_b, goran", "goran", true),
            ("goranö", "goran", false),
            ("/x", "", false),
            ("/a@b.example/", "a@b.example", true),
        ];
        for (text, name, expected) in rows {
            assert_eq!(mentions(text, name), expected, "{text} {name}");
        }
    }
}
