//! Times that stay times where the format has them, and are RFC 3339 text where it has not.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Serialize, Serializer, ser::Error as _};

/// The name under which a [`Timestamp`] shows itself to serializers of binary formats.
///
/// Such a serializer receives a newtype struct of this name around an `i64`, the nanoseconds since
/// 1970-01-01T00:00:00Z, and writes its own kind of timestamp.
pub const TIMESTAMP_TOKEN: &str = "$qlik_sense_events::Timestamp";

/// A point in time, to the nanosecond, from 1677-09-21 to 2262-04-11.
///
/// Formats for people get RFC 3339 in UTC with nine decimals, `2026-01-31T09:00:00.000000000Z`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timestamp(pub DateTime<Utc>);

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let nanoseconds = self.0.timestamp_nanos_opt().ok_or_else(|| {
            S::Error::custom("the time is not between 1677-09-21 and 2262-04-11; check the clock")
        })?;
        if serializer.is_human_readable() {
            serializer.serialize_str(&self.0.to_rfc3339_opts(SecondsFormat::Nanos, true))
        } else {
            serializer.serialize_newtype_struct(TIMESTAMP_TOKEN, &nanoseconds)
        }
    }
}
