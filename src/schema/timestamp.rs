//! Times as the formats represent them, or as RFC 3339 text.

use chrono::{DateTime, Datelike, Timelike, Utc};
use serde::{Serialize, Serializer, ser::Error as _};

/// A point in time, to the nanosecond, from 1677-09-21 to 2262-04-11.
///
/// Text formats get RFC 3339 in UTC with nine decimals, `2026-01-31T09:00:00.000000000Z`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timestamp(pub DateTime<Utc>);

impl Timestamp {
    /// Whether every format can represent it. Only a clock that is wrong by centuries gives a time that is not.
    #[must_use]
    pub fn is_writable(self) -> bool {
        // Only the first and the last second need a look at the nanoseconds.
        const SECONDS: i64 = i64::MAX / 1_000_000_000;
        let seconds = self.0.timestamp();
        (-SECONDS..SECONDS).contains(&seconds) || self.0.timestamp_nanos_opt().is_some()
    }

    /// RFC 3339 in UTC with nine decimals.
    pub(crate) fn rfc_3339(self) -> [u8; 30] {
        rfc_3339(self.0)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if !self.is_writable() {
            return Err(S::Error::custom(
                "the time is outside the range 1677-09-21 to 2262-04-11; check the clock",
            ));
        }
        let text = rfc_3339(self.0);
        serializer.serialize_str(str::from_utf8(&text).map_err(S::Error::custom)?)
    }
}

/// RFC 3339 with nine decimals, for years with four digits. `chrono` takes ten times as long, mostly to pad numbers.
fn rfc_3339(time: DateTime<Utc>) -> [u8; 30] {
    let mut text = *b"0000-00-00T00:00:00.000000000Z";
    // `chrono` represents a leap second as a second of more than 10^9 nanoseconds.
    let leap_second = time.nanosecond() / 1_000_000_000;
    let mut put = |place: std::ops::Range<usize>, mut number: u32| {
        for digit in text[place].iter_mut().rev() {
            *digit = b'0' + (number % 10) as u8;
            number /= 10;
        }
    };
    put(0..4, time.year().unsigned_abs());
    put(5..7, time.month());
    put(8..10, time.day());
    put(11..13, time.hour());
    put(14..16, time.minute());
    put(17..19, time.second() + leap_second);
    put(20..29, time.nanosecond() % 1_000_000_000);
    text
}

#[cfg(test)]
mod tests {
    use chrono::SecondsFormat;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn text_is_that_of_chrono(nanoseconds: i64) {
            let time = DateTime::from_timestamp_nanos(nanoseconds);
            let expected = time.to_rfc3339_opts(SecondsFormat::Nanos, true);
            prop_assert_eq!(rfc_3339(time), expected.as_bytes());
        }
    }

    #[test]
    fn a_leap_second_is_written_as_second_60() {
        let time = "2016-12-31T23:59:60.25Z".parse().expect("a time");
        assert_eq!(&rfc_3339(time), b"2016-12-31T23:59:60.250000000Z");
    }
}
