//! The clocks of the nodes: they are right, in central Europe, and keep winter time all year.

use std::time::Duration;

use chrono::{DateTime, FixedOffset, Utc};

const EAST_OF_UTC_SECONDS: i32 = 3_600;

/// An instant as the nodes' clocks show it.
pub(super) fn local(time: DateTime<Utc>) -> DateTime<FixedOffset> {
    in_zone(time, EAST_OF_UTC_SECONDS)
}

/// An instant as shown by clocks that are this many seconds ahead of UTC.
pub(super) fn in_zone(time: DateTime<Utc>, east_of_utc_seconds: i32) -> DateTime<FixedOffset> {
    FixedOffset::east_opt(east_of_utc_seconds)
        .map_or(time.fixed_offset(), |zone| time.with_timezone(&zone))
}

/// A span in whole milliseconds, as the day counts its times.
pub(super) fn milliseconds(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}
