//! The codec `native_json`: Vector's own JSON for events, one a line.

use serde::Serialize;

use super::{EncodeError, json::Json};
use crate::schema::View;

#[derive(Debug, Default)]
pub(super) struct NativeJson(Json);

/// A log event, as Vector's `Event` is written by `serde`.
#[derive(Serialize)]
struct Log<'a, T: ?Sized> {
    log: &'a T,
}

impl NativeJson {
    pub(super) fn push<T: Serialize + ?Sized>(&mut self, record: &T) -> Result<(), EncodeError> {
        self.0.push(&Log { log: record })
    }

    /// As [`Self::push`], for an event.
    pub(super) fn push_view(&mut self, view: &View<'_>) -> Result<(), EncodeError> {
        self.0.push_view(["{\"log\":", "}"], view)
    }

    pub(super) const fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn frame(&self) -> &[u8] {
        self.0.frame()
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}
