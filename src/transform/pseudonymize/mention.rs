//! Finds out whether text names a user, in whatever spelling.

use std::borrow::Cow;

use memchr::memmem;
use smallvec::SmallVec;

use super::escape::unescaped;
use crate::transform::case::{Key, fold_into};

/// How many times escapes are decoded before a text counts as one that may name anybody. A path that passes through two
/// proxies and a login page is escaped three times.
const MAX_UNESCAPED: usize = 8;

/// The byte before and after each word.
const SEPARATOR: u8 = b' ';

/// The names of a user, to be found in texts.
///
/// A text contains a name if it contains the name's words one after the other, as whole words, ignoring case.
/// Everything except letters and digits only separates words, so `jane doe` is in `jane+doe` and in `"Jane_Doe"`. Names
/// and texts are compared as they are, and with their escapes decoded once, twice and so on.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// The words of each name, with a separator before and after each word.
    names: SmallVec<[Key; 4]>,
}

impl Names {
    /// Adds a name and its parts that identify the user on their own: `jane.doe` in `jane.doe@acme.example` and in
    /// `ACME\jane.doe`, and the rest of a name in a path whose query was cut off. A name without letters and digits is
    /// ignored.
    pub(super) fn add(&mut self, name: &str) {
        self.add_whole(name);
        for end in ['@', '?', '#'] {
            if let Some((before, _)) = name.split_once(end) {
                self.add_whole(before);
            }
        }
        if let Some((_, after)) = name.rsplit_once('\\') {
            self.add_whole(after);
        }
    }

    fn add_whole(&mut self, name: &str) {
        let mut name = Cow::Borrowed(name);
        for _ in 0..=MAX_UNESCAPED {
            let words = words(&name);
            if words.len() > 1 && !self.names.contains(&words) {
                self.names.push(words);
            }
            match unescaped(&name) {
                Some(once) => name = Cow::Owned(once),
                None => break,
            }
        }
    }

    /// Whether a text contains one of the names.
    pub(super) fn are_in(&self, text: &str) -> bool {
        self.are_in_part(text, |text| text)
    }

    /// Whether a part of a text contains one of the names. `part` selects the part again after each decoding of
    /// escapes.
    pub(super) fn are_in_part(&self, text: &str, part: fn(&str) -> &str) -> bool {
        let mut text = Cow::Borrowed(part(text));
        for _ in 0..=MAX_UNESCAPED {
            let words = words(&text);
            let has = |name: &Key| memmem::find(&words, name).is_some();
            if self.names.iter().any(has) {
                return true;
            }
            match unescaped(&text) {
                Some(once) => text = Cow::Owned(part(&once).to_owned()),
                None => return false,
            }
        }
        true
    }
}

/// The words of a text, with case folded and a [`SEPARATOR`] before and after each.
fn words(text: &str) -> Key {
    let mut folded = Key::new();
    fold_into(&mut folded, text);
    let mut words = Key::new();
    words.push(SEPARATOR);
    // Folded text is valid UTF-8.
    let text = std::str::from_utf8(&folded).unwrap_or_default();
    for word in text.split(|character: char| !character.is_alphanumeric()) {
        if !word.is_empty() {
            words.extend_from_slice(word.as_bytes());
            words.push(SEPARATOR);
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mentions(text: &str, id: &str) -> bool {
        let mut names = Names::default();
        names.add(id);
        names.are_in(text)
    }

    #[test]
    fn names_match_whole_words_ignoring_case() {
        let rows = [
            ("/users/goran", "goran", true),
            ("/users/GORAN/x", "Goran", true),
            ("/users/goran2", "goran", false),
            ("/users/Jörgen", "JÖRGEN", true),
            ("/app/x", "a", false),
            ("goran_b, goran", "goran", true),
            ("goranö", "goran", false),
            ("/a@b.example/", "a@b.example", true),
            ("/jane/doe/", "jane.doe", true),
            ("/jane/of/doe/", "jane.doe", false),
            ("/x", "", false),
            ("/-", "-", false),
            ("", "goran", false),
        ];
        for (text, id, expected) in rows {
            assert_eq!(mentions(text, id), expected, "{text} {id}");
        }
    }

    #[test]
    fn names_are_found_despite_escapes_in_text_or_name() {
        let rows = [
            ("/users/x%5Cgoran", "goran", true),
            ("/users/g%6Fran", "goran", true),
            ("/users/J%C3%B6rgen", "jÖrgen", true),
            ("/users/J%F6rgen", "jÖrgen", true),
            ("/users/jane.doe%2540acme", "jane.doe@acme", true),
            ("/users/jane+doe", "jane doe", true),
            ("/users/jane@acme", "jane%40acme", true),
            ("/users/100%41", "100%41", true),
            ("/users/g%6fran2", "goran", false),
        ];
        for (text, id, expected) in rows {
            assert_eq!(mentions(text, id), expected, "{text} {id}");
        }
    }

    #[test]
    fn a_part_that_identifies_the_user_is_a_name_too() {
        for id in [
            r"ACME\jane.doe",
            "jane.doe@acme",
            "jane.doe#1",
            "jane.doe?x",
        ] {
            assert!(mentions("/users/jane.doe/home", id), "{id}");
            assert!(!mentions("/users/jane/acme", id), "{id}");
        }
    }

    #[test]
    fn a_text_that_is_escaped_too_often_may_name_anybody() {
        let text = format!("%{}41", "25".repeat(MAX_UNESCAPED - 1));
        assert!(!mentions(&text, "goran"));
        assert!(mentions(&format!("%25{}", &text[1..]), "goran"));
    }

    #[test]
    fn the_part_is_selected_again_after_each_decoding() {
        let mut names = Names::default();
        names.add("goran");
        let in_part = |text: &str| {
            let part: fn(&str) -> &str = |text| &text[..text.find('?').unwrap_or(text.len())];
            names.are_in_part(text, part)
        };
        assert!(in_part("/goran%3F"));
        assert!(!in_part("/x%3Fgoran"));
        assert!(!in_part("/x%253Fgoran"));
        assert!(!in_part("/x?goran"));
    }
}
