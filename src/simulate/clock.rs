//! The clocks of the nodes. They are right, are in central Europe, and show winter time all year.

use std::{ops::Range, time::Duration};

use chrono::{DateTime, FixedOffset, Utc};

use crate::schema::Timestamp;

const EAST_OF_UTC_SECONDS: i32 = 3_600;

/// The local time on the nodes' clocks.
pub(super) fn local(time: DateTime<Utc>) -> DateTime<FixedOffset> {
    in_zone(time, EAST_OF_UTC_SECONDS)
}

/// The local time on clocks that are this many seconds ahead of UTC.
pub(super) fn in_zone(time: DateTime<Utc>, east_of_utc_seconds: i32) -> DateTime<FixedOffset> {
    FixedOffset::east_opt(east_of_utc_seconds)
        .map_or(time.fixed_offset(), |zone| time.with_timezone(&zone))
}

/// What separates year, month, day, hour, minute, second and millisecond.
type Separators = [&'static str; 6];

/// As in `20260131T090000.000`.
pub(super) const COMPACT: Separators = ["", "", "T", "", "", "."];

/// As in `2026-01-31 09:00:00,000`, the format of `%date`.
pub(super) const DATE: Separators = ["-", "-", " ", ":", ":", ","];

/// Year, month, day, hour, minute, second and millisecond in RFC 3339.
const PARTS: [Range<usize>; 7] = [0..4, 5..7, 8..10, 11..13, 14..16, 17..19, 20..23];

/// A time to the millisecond, for years with four digits. `chrono` parses a format for each time, which takes as long as
/// writing the rest of a datagram.
pub(super) fn digits(time: DateTime<FixedOffset>, separators: Separators) -> String {
    // What the clock shows, without its zone.
    let shown = Timestamp(time.naive_local().and_utc()).rfc_3339();
    let shown = str::from_utf8(&shown).unwrap_or_default();
    let [first, others @ ..] = PARTS.map(|part| shown.get(part).unwrap_or_default());
    let mut text = String::with_capacity(32);
    text.push_str(first);
    for (part, separator) in others.iter().zip(separators) {
        text.push_str(separator);
        text.push_str(part);
    }
    text
}

/// The offset from UTC, with a separator between hours and minutes.
pub(super) fn offset(time: DateTime<FixedOffset>, separator: &str) -> String {
    let seconds = time.offset().local_minus_utc();
    let minutes = seconds.unsigned_abs() / 60;
    let sign = if seconds < 0 { '-' } else { '+' };
    format!("{sign}{:02}{separator}{:02}", minutes / 60, minutes % 60)
}

/// A duration in whole milliseconds, the unit of times of the day.
pub(super) fn milliseconds(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn text_is_that_of_chrono(nanoseconds: i64, minutes_east in -720..=720) {
            let time = in_zone(DateTime::from_timestamp_nanos(nanoseconds), minutes_east * 60);
            let expected = time.format("%Y%m%dT%H%M%S%.3f%z").to_string();
            prop_assert_eq!(digits(time, COMPACT) + &offset(time, ""), expected);
            let expected = time.format("%Y-%m-%d %H:%M:%S,%3f%:z").to_string();
            prop_assert_eq!(digits(time, DATE) + &offset(time, ":"), expected);
        }
    }

    #[test]
    fn a_leap_second_is_written_as_second_60() {
        let time = "2016-12-31T23:59:60.25Z".parse().expect("a time");
        assert_eq!(digits(local(time), COMPACT), "20170101T005960.250");
    }
}
