//! The user of an event, ignoring case.

use std::hash::{BuildHasher, Hasher};

use foldhash::quality::RandomState;

use crate::transform::case::{Key, fold_into};

/// Separates node, directory and id for hashing. No field of a payload contains it.
const SEPARATOR: u8 = b';';

/// The longest name that is assembled on the stack, in bytes. Nearly all fit.
const SHORT: usize = 64;

/// A user of a Qlik node. Absent parts are empty.
#[derive(Debug, Clone, Copy)]
pub(super) struct Name<'a> {
    pub(super) host: &'a str,
    pub(super) directory: &'a str,
    pub(super) id: &'a str,
}

/// The hash of a name, cut to 32 bits because each of a hundred thousand users keeps one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct NameHash(u32);

impl NameHash {
    /// The hash in 64 bits, twice the same half: a hash table looks at the first and the last bits.
    pub(super) const fn whole(self) -> u64 {
        (self.0 as u64) << u32::BITS | self.0 as u64
    }
}

impl Name<'_> {
    /// Equal for the same user, ignoring case.
    pub(super) fn hash(&self, hasher: &RandomState) -> NameHash {
        let mut hasher = hasher.build_hasher();
        let mut short = [0; SHORT];
        match self.join(&mut short) {
            // The whole array: the compiler knows its length, so this takes only a few instructions.
            Some(length) if short.is_ascii() => {
                short.make_ascii_lowercase();
                hasher.write(&short[..length]);
            }
            _ => hasher.write(&self.folded()),
        }
        NameHash(hasher.finish() as u32)
    }

    /// Joins the parts of the name. Returns the length; `None` if it does not fit.
    #[inline]
    fn join(&self, short: &mut [u8; SHORT]) -> Option<usize> {
        let mut length = 0;
        for part in [self.host, self.directory, self.id] {
            let (place, rest) = short.get_mut(length..)?.split_at_mut_checked(part.len())?;
            place.copy_from_slice(part.as_bytes());
            *rest.first_mut()? = SEPARATOR;
            length += part.len() + 1;
        }
        Some(length)
    }

    /// Not inlined, so that the common case needs no stack space for it.
    #[inline(never)]
    fn folded(&self) -> Key {
        let mut key = Key::new();
        for part in [self.host, self.directory, self.id] {
            fold_into(&mut key, part);
            key.push(SEPARATOR);
        }
        key
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

/// Whether two names are the same, ignoring case. Nearly all are spelt the same way.
#[inline]
pub(super) fn same(one: &str, other: &str) -> bool {
    one == other || same_folded(one, other)
}

/// Not inlined, so that the common case needs no stack space for it.
#[inline(never)]
fn same_folded(one: &str, other: &str) -> bool {
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
