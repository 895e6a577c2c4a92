//! What only the extended appender sends: Qlik's own time, a row number, the proxy session and a result.

use chrono::{DateTime, Utc};

use super::text::Span;
use crate::wire::{Frame, parse_time};

/// The four fields. What cannot be read is kept as it came.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Extension {
    pub(super) timestamp: Option<DateTime<Utc>>,
    pub(super) sequence: Option<u32>,
    pub(super) session_id: Span,
    pub(super) result: Span,
    unreadable_timestamp: Span,
    unreadable_sequence: Span,
}

/// The parts of an extended payload that are there but are not what they should be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Unreadable<'a> {
    /// No time with its distance from UTC, or one that no output format has: they go from 1677 to 2262.
    pub timestamp: Option<&'a str>,
    /// No whole number from 0 to 4,294,967,295.
    pub sequence: Option<&'a str>,
}

impl Unreadable<'_> {
    /// Whether there is nothing of the kind, as in all events of a node that works.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.timestamp.is_none() && self.sequence.is_none()
    }
}

impl Extension {
    /// None where the payload has none of the four.
    pub(super) fn of(payload: &str, frame: &Frame<'_>) -> Option<Self> {
        let fields = [
            frame.timestamp,
            frame.sequence,
            frame.session_id,
            frame.result,
        ];
        if fields == [None; 4] {
            return None;
        }
        let timestamp = frame.timestamp.and_then(time);
        let sequence = frame.sequence.and_then(row_number);
        let part = |text| Span::of(payload, text);
        Some(Self {
            timestamp,
            sequence,
            session_id: part(frame.session_id),
            result: part(frame.result),
            unreadable_timestamp: part(frame.timestamp.filter(|_| timestamp.is_none())),
            unreadable_sequence: part(frame.sequence.filter(|_| sequence.is_none())),
        })
    }

    /// The same with other texts, in another payload, and without what cannot be read.
    pub(super) fn with_texts(
        &self,
        session_id: Option<&str>,
        result: Option<&str>,
        payload: &mut String,
    ) -> Self {
        Self {
            session_id: Span::push(payload, session_id),
            result: Span::push(payload, result),
            unreadable_timestamp: Span::ABSENT,
            unreadable_sequence: Span::ABSENT,
            ..*self
        }
    }

    pub(super) fn unreadable<'p>(&self, payload: &'p str) -> Unreadable<'p> {
        Unreadable {
            timestamp: self.unreadable_timestamp.get(payload),
            sequence: self.unreadable_sequence.get(payload),
        }
    }
}

fn row_number(text: &str) -> Option<u32> {
    let digits = text.trim();
    // `parse` would take a sign too.
    let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| digits.parse().ok()).flatten()
}

/// A time that every codec can write. Binary ones count nanoseconds in 64 bits.
fn time(text: &str) -> Option<DateTime<Utc>> {
    parse_time(text.trim()).filter(|time| time.timestamp_nanos_opt().is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(timestamp: &str, sequence: &str) -> (Option<Extension>, String) {
        let payload = format!("/qlik-sense-session/2/;h;{timestamp};{sequence};;;c;d;u;o;x;m");
        let frame = Frame::parse(&payload).expect("twelve fields");
        (Extension::of(&payload, &frame), payload)
    }

    #[test]
    fn what_cannot_be_read_is_kept() {
        let time = "20211109T153726.028+0200";
        let rows = [
            (time, "17", true, Some(17), None, None),
            (
                " 20211109T153726.028+0200 ",
                " 0 ",
                true,
                Some(0),
                None,
                None,
            ),
            (
                "yesterday",
                "9999",
                false,
                Some(9_999),
                Some("yesterday"),
                None,
            ),
            // Real times, but beyond what 64 bits of nanoseconds hold.
            (
                "99991231T235959.000+0000",
                "",
                false,
                None,
                Some("99991231T235959.000+0000"),
                None,
            ),
            (
                "00010101T000000.000+0000",
                "1",
                false,
                Some(1),
                Some("00010101T000000.000+0000"),
                None,
            ),
            (time, "%rownum", true, None, None, Some("%rownum")),
            (time, "-1", true, None, None, Some("-1")),
            (time, "+1", true, None, None, Some("+1")),
            (time, "4294967296", true, None, None, Some("4294967296")),
        ];
        for (timestamp, sequence, has_time, number, bad_time, bad_number) in rows {
            let (extension, payload) = read(timestamp, sequence);
            let extension = extension.expect("an extension");
            assert_eq!(extension.timestamp.is_some(), has_time, "{timestamp}");
            assert_eq!(extension.sequence, number, "{sequence}");
            let expected = Unreadable {
                timestamp: bad_time,
                sequence: bad_number,
            };
            assert_eq!(
                extension.unreadable(&payload),
                expected,
                "{timestamp} {sequence}"
            );
        }
        assert_eq!(rows.len(), 9);
    }

    #[test]
    fn nothing_takes_no_room() {
        assert_eq!(read("", "(null)").0, None);
    }
}
