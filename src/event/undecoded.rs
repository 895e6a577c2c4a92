//! A payload that could not be decoded. It becomes an event, so that nothing is lost.

use crate::payload::{DecodeError, EventKind, Family, Fields};

/// Why a payload could not be decoded, and whether its text is still there.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct UndecodedPayload {
    pub(super) error: DecodeError,
    pub(super) has_raw: bool,
}

impl Fields for UndecodedPayload {
    fn family(&self) -> Option<Family> {
        None
    }

    fn kind(&self) -> EventKind {
        EventKind::Undecoded
    }
}

/// A payload that could not be decoded, with the reason and the text as it arrived.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Undecoded<'a> {
    text: &'a str,
    fields: &'a UndecodedPayload,
}

impl<'a> Undecoded<'a> {
    pub(super) const fn new(text: &'a str, fields: &'a UndecodedPayload) -> Self {
        Self { text, fields }
    }

    /// What is wrong, and where in [`Undecoded::raw`].
    #[must_use]
    pub const fn error(self) -> DecodeError {
        self.fields.error
    }

    /// The payload as text: whole, except for [`TooLarge`](crate::payload::ErrorCode::TooLarge), where it is cut at
    /// the limit. Bytes that are invalid in the sender's encoding are U+FFFD. `None` if it was [left
    /// out](super::Event::drop_raw).
    #[must_use]
    pub fn raw(self) -> Option<&'a str> {
        self.fields.has_raw.then_some(self.text)
    }
}
