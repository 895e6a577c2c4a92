//! Fields that are present but unreadable.

use crate::payload::Span;

/// The parts of a payload that were sent where a time, a number or an id should be and cannot be read as such. The
/// event comes through without them. A node that does not know a converter of an appender sends something else in its
/// place.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Unreadable<'a> {
    text: &'a str,
    fields: &'a [(&'static str, Span)],
}

impl<'a> Unreadable<'a> {
    pub(super) const fn new(text: &'a str, fields: &'a [(&'static str, Span)]) -> Self {
        Self { text, fields }
    }

    /// Whether there is nothing of the kind, as in all events of a node that works.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.iter().next().is_none()
    }

    /// What was sent for a field, by its name in the schema `default`.
    #[must_use]
    pub fn get(self, name: &str) -> Option<&'a str> {
        let mut all = self.iter();
        all.find(|(field, _)| *field == name).map(|(_, text)| text)
    }

    /// Every such field by its name in the schema `default`, with what was sent for it, in the order of the payload.
    pub fn iter(self) -> impl Iterator<Item = (&'static str, &'a str)> {
        let fields = self.fields.iter();
        fields.filter_map(move |(name, span)| Some((*name, span.get(self.text)?)))
    }
}
