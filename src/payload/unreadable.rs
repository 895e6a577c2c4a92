//! Fields that are present but unreadable: kept as sent, so that nothing is lost.

use super::span::Span;

/// The text that was sent, by field name. Usually empty, and then it needs no allocation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct UnreadableFields(pub(super) Vec<(&'static str, Span)>);

impl UnreadableFields {
    /// Reads a field of `payload`. A value that cannot be read is kept.
    #[inline]
    pub(super) fn read<T>(
        &mut self,
        payload: &str,
        name: &'static str,
        field: Option<&str>,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let field = field?;
        let value = read(field);
        if value.is_none() {
            self.0.push((name, Span::of(payload, Some(field))));
        }
        value
    }
}
