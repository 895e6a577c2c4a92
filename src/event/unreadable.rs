//! Fields that are present but unreadable.

use crate::payload::Span;

/// The parts of a payload that cannot be read as the time, number or id that they should be. The event has no values
/// for these fields. A node sends other text if it does not support a converter of its appender.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Unreadable<'a> {
    text: &'a str,
    fields: &'a [(&'static str, Span)],
}

impl<'a> Unreadable<'a> {
    pub(super) const fn new(text: &'a str, fields: &'a [(&'static str, Span)]) -> Self {
        Self { text, fields }
    }

    /// Whether there are none, as in all events of a node that works.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.iter().next().is_none()
    }

    /// The text that was sent for a field, by its name in the schema `default`.
    #[must_use]
    pub fn get(self, name: &str) -> Option<&'a str> {
        let mut all = self.iter();
        all.find(|(field, _)| *field == name).map(|(_, text)| text)
    }

    /// The text of each such field by its name in the schema `default`, in the order of the payload.
    pub fn iter(self) -> impl Iterator<Item = (&'static str, &'a str)> {
        let fields = self.fields.iter();
        fields.filter_map(move |(name, span)| Some((*name, span.get(self.text)?)))
    }
}
