//! The clocks of the nodes. They are right, are in central Europe, and show winter time all year.

use std::time::Duration;

use chrono::{DateTime, FixedOffset, Utc};

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

/// A duration in whole milliseconds, the unit of times of the day.
pub(super) fn milliseconds(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}
