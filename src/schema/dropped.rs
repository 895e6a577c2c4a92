//! Fields that are left out of the output.

/// Names of fields that are left out, and within which fields others are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Dropped {
    /// A bit for each name. Nearly every other name has another bit, so that it need not be compared.
    bits: u64,
    names: Vec<String>,
    within: Vec<(String, Self)>,
}

/// The bit of a name. Names of a schema are constants, and so is this for them.
const fn bit(name: &str) -> u64 {
    let bytes = name.as_bytes();
    let (mut hash, mut place) = (0, 0);
    while place < bytes.len() {
        hash = (hash * 31 + bytes[place] as u32) & 0xFFFF;
        place += 1;
    }
    1 << (hash & 63)
}

impl Dropped {
    /// Leaves out a field: `user`, or `error.code` for a field within a field.
    pub(super) fn add(&mut self, path: &str) {
        match path.split_once('.') {
            None => {
                self.bits |= bit(path);
                self.names.push(path.to_owned());
            }
            Some((name, rest)) => {
                let known = self.within.iter().position(|(known, _)| known == name);
                let place = known.unwrap_or_else(|| {
                    self.within.push((name.to_owned(), Self::default()));
                    self.within.len() - 1
                });
                self.within[place].1.add(rest);
            }
        }
    }

    /// Whether a field is left out whole.
    #[inline]
    pub(super) fn contains(&self, name: &'static str) -> bool {
        self.bits & bit(name) != 0 && self.names.iter().any(|dropped| dropped == name)
    }

    /// What is left out of a field.
    pub(super) fn within(&self, name: &str) -> Option<&Self> {
        let mut within = self.within.iter();
        within
            .find(|(known, _)| known == name)
            .map(|(_, dropped)| dropped)
    }
}
