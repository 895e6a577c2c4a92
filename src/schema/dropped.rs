//! Fields that are left out of the output.

use serde::Serialize;

use super::{Fields, Visitor};

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
    const NONE: &'static Self = &Self {
        bits: 0,
        names: Vec::new(),
        within: Vec::new(),
    };

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

    #[inline]
    fn contains(&self, name: &'static str) -> bool {
        self.bits & bit(name) != 0 && self.names.iter().any(|dropped| dropped == name)
    }

    fn within(&self, name: &str) -> &Self {
        let mut within = self.within.iter();
        within
            .find(|(known, _)| known == name)
            .map_or(Self::NONE, |(_, dropped)| dropped)
    }
}

/// Shows a visitor the fields that are not left out.
pub(super) struct Without<'a, V> {
    pub(super) dropped: &'a Dropped,
    pub(super) visitor: &'a mut V,
}

impl<V: Visitor> Visitor for Without<'_, V> {
    type Error = V::Error;

    #[inline]
    fn field<T: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        value: Option<&T>,
    ) -> Result<(), V::Error> {
        if self.dropped.contains(name) {
            return Ok(());
        }
        self.visitor.field(name, value)
    }

    fn group<F: Fields>(&mut self, name: &'static str, fields: &F) -> Result<(), V::Error> {
        if self.dropped.contains(name) {
            return Ok(());
        }
        let dropped = self.dropped.within(name);
        self.visitor.group(name, &Remaining { dropped, fields })
    }
}

/// The fields of a group that are not left out.
struct Remaining<'a, F> {
    dropped: &'a Dropped,
    fields: &'a F,
}

impl<F: Fields> Fields for Remaining<'_, F> {
    fn visit<V: Visitor>(&self, visitor: &mut V) -> Result<(), V::Error> {
        let dropped = self.dropped;
        self.fields.visit(&mut Without { dropped, visitor })
    }
}
