//! The fields that only the extended appender sends: Qlik's own time, a row number, the proxy session and a result.

use chrono::{DateTime, Utc};

use super::grammar;
use crate::payload::{number, span::Span, time, unreadable::UnreadableFields};

/// The four fields. Unreadable values are kept as sent.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Extension {
    pub(super) timestamp: Option<DateTime<Utc>>,
    pub(super) sequence: Option<u32>,
    pub(super) session_id: Span,
    pub(super) result: Span,
    pub(super) unreadable: UnreadableFields,
}

impl Extension {
    /// `None` if all four are absent.
    pub(super) fn of(payload: &str, fields: &grammar::Extension<'_>) -> Option<Self> {
        if *fields == grammar::Extension::default() {
            return None;
        }
        let mut unreadable = UnreadableFields::default();
        let timestamp = unreadable.read(payload, "timestamp", fields.timestamp, time::read);
        let sequence = unreadable.read(payload, "sequence", fields.sequence, number::row);
        Some(Self {
            timestamp,
            sequence,
            session_id: Span::of(payload, fields.session_id),
            result: Span::of(payload, fields.result),
            unreadable,
        })
    }
}
