//! A payload that could not be decoded. It goes on as an event, so that nothing is lost.

use super::Arrival;
use crate::wire::DecodeError;

/// A payload that could not be decoded, with the reason and the text as it came.
#[derive(Debug, Clone, PartialEq)]
pub struct Undecoded {
    pub(super) arrival: Option<Arrival>,
    error: DecodeError,
    raw: Option<Box<str>>,
}

impl Undecoded {
    pub(crate) fn new(error: DecodeError, raw: &str) -> Self {
        Self {
            arrival: None,
            error,
            raw: Some(raw.into()),
        }
    }

    /// When and from where the datagram arrived; none until the host has said so.
    #[must_use]
    pub const fn arrival(&self) -> Option<Arrival> {
        self.arrival
    }

    /// What is wrong, and where in [`Undecoded::raw`].
    #[must_use]
    pub const fn error(&self) -> DecodeError {
        self.error
    }

    /// The payload as text: whole, but for [`TooLarge`](crate::wire::ErrorCode::TooLarge), where it
    /// is what the limit left. Bytes that are no text in the sender's encoding are U+FFFD. None where it
    /// was [dropped](Self::drop_raw).
    #[must_use]
    pub fn raw(&self) -> Option<&str> {
        self.raw.as_deref()
    }

    /// Forgets the payload, which may name a user anywhere.
    pub fn drop_raw(&mut self) {
        self.raw = None;
    }
}
