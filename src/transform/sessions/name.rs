//! The user of an event, ignoring case.

use std::hash::{BuildHasher, Hasher};

use foldhash::quality::RandomState;

use crate::transform::case::{Key, fold_into};

/// Separates node, directory and id for hashing. No field of a payload can contain it.
const SEPARATOR: u8 = b';';

/// The bytes of a name that is put together on the stack.
const SHORT: usize = 96;

/// A user of a Qlik node. Absent parts are empty.
#[derive(Debug, Clone, Copy)]
pub(super) struct Name<'a> {
    pub(super) host: &'a str,
    pub(super) directory: &'a str,
    pub(super) id: &'a str,
}

impl Name<'_> {
    /// Equal for the same user, in any case.
    pub(super) fn hash(&self, hasher: &RandomState) -> u64 {
        let mut hasher = hasher.build_hasher();
        let parts = [self.host, self.directory, self.id];
        let mut short = [0; SHORT];
        if let Some(key) = short.get_mut(..self.len() + parts.len()) {
            let mut rest = &mut *key;
            for part in parts {
                let (place, after) = rest.split_at_mut(part.len() + 1);
                place[..part.len()].copy_from_slice(part.as_bytes());
                place[part.len()] = SEPARATOR;
                rest = after;
            }
            if key.is_ascii() {
                key.make_ascii_lowercase();
                hasher.write(key);
                return hasher.finish();
            }
        }
        let mut key = Key::new();
        for part in parts {
            fold_into(&mut key, part);
            key.push(SEPARATOR);
        }
        hasher.write(&key);
        hasher.finish()
    }

    pub(super) fn is(&self, other: &Self) -> bool {
        same(self.id, other.id)
            && same(self.directory, other.directory)
            && same(self.host, other.host)
    }

    /// The length of all parts, in bytes.
    pub(super) const fn len(&self) -> usize {
        self.host.len() + self.directory.len() + self.id.len()
    }
}

/// Nearly all names are spelt as before, or are ASCII and need no folding.
pub(super) fn same(one: &str, other: &str) -> bool {
    if one == other {
        return true;
    }
    if one.is_ascii() && other.is_ascii() {
        return one.eq_ignore_ascii_case(other);
    }
    let [mut folded, mut of_other] = [Key::new(), Key::new()];
    fold_into(&mut folded, one);
    fold_into(&mut of_other, other);
    folded == of_other
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: &str = "a-node-whose-name-is-longer-than-what-is-put-together-on-the-stack-and-that-is-\
                        rather-a-lot-of-letters-for-a-node";

    #[test]
    fn case_makes_no_other_user_and_everything_else_does() {
        let hasher = RandomState::default();
        let name = |host, directory, id| Name {
            host,
            directory,
            id,
        };
        let rows = [
            (name("n1", "LAB", "goran"), name("N1", "lab", "Goran"), true),
            (
                name("n1", "LAB", "jörgen"),
                name("n1", "LAB", "JÖRGEN"),
                true,
            ),
            (
                name("n1", "LAB", "straße"),
                name("n1", "LAB", "STRASSE"),
                true,
            ),
            (
                name("n1", "LAB", "\u{212a}ai"),
                name("n1", "LAB", "kai"),
                true,
            ),
            (name("", "", "goran"), name("", "", "goran"), true),
            (name(LONG, "LAB", "goran"), name(LONG, "LAB", "GORAN"), true),
            (
                name("n1", "LAB", "goran"),
                name("n2", "LAB", "goran"),
                false,
            ),
            (
                name("n1", "LAB", "goran"),
                name("n1", "LA", "Bgoran"),
                false,
            ),
            (name("n1", "LAB", "goran"), name("n1", "", "goran"), false),
            (
                name("n1", "LAB", "jörgen"),
                name("n1", "LAB", "jorgen"),
                false,
            ),
        ];
        for (one, other, expected) in rows {
            assert_eq!(one.is(&other), expected, "{one:?} {other:?}");
            let same_hash = one.hash(&hasher) == other.hash(&hasher);
            assert_eq!(same_hash, expected, "{one:?} {other:?}");
        }
        assert_eq!(rows.len(), 10);
    }
}
