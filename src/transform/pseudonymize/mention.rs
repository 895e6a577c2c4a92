//! Whether text names a user, however it is written.

use std::borrow::Cow;

use memchr::memmem;
use smallvec::SmallVec;

use super::escape::unescaped;
use crate::transform::case::{Key, fold_into};

/// How often escapes are undone before a text counts as one that may name anybody. A path that goes through
/// two proxies and a log-in page is escaped three times.
const MAX_UNESCAPED: usize = 8;

/// What stands around a word.
const SEPARATOR: u8 = b' ';

/// The names of a user, to be looked for in texts.
///
/// A text has a name where it has the name's words one after the other, as whole words and in any case:
/// whatever is no letter or digit only separates words, so `jane doe` is in `jane+doe` and in
/// `"Jane_Doe"`. Names and texts are looked at as they are and with their escapes undone, once and again.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// Words with a separator around each.
    names: SmallVec<[Key; 4]>,
}

impl Names {
    /// Adds a name, and what of it names the user by itself: `jane.doe` of `jane.doe@acme.example` and of
    /// `ACME\jane.doe`, and what remains of a name in a path when the query is cut off. Without a letter or a
    /// digit it names nobody.
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

    /// Whether a text has one of the names.
    pub(super) fn are_in(&self, text: &str) -> bool {
        self.are_in_part(text, |text| text)
    }

    /// Whether a part of a text has one of the names. What is the part is asked again each time that escapes
    /// were undone.
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

/// The words of a text without their case, with a [`SEPARATOR`] around each.
fn words(text: &str) -> Key {
    let mut folded = Key::new();
    fold_into(&mut folded, text);
    let mut words = Key::new();
    words.push(SEPARATOR);
    // Text that is folded is text.
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
    fn names_match_whole_words_in_any_case() {
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
    fn escapes_in_text_and_name() {
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
    fn what_names_the_user_by_itself() {
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
    fn what_is_escaped_too_often_may_name_anybody() {
        let text = format!("%{}41", "25".repeat(MAX_UNESCAPED - 1));
        assert!(!mentions(&text, "goran"));
        assert!(mentions(&format!("%25{}", &text[1..]), "goran"));
    }

    #[test]
    fn what_is_a_part_is_asked_after_each_time() {
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
