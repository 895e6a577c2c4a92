//! Events as values of the published `vrl` crate.

use chrono::{DateTime, Utc};
use vrl::value::{KeyString, Value};

use super::{HostValue, Text};

/// Objects, bytes, numbers and timestamps.
///
/// ```
/// use qlik_sense_events::{
///     decoding::{LogNamespace, QlikSenseDeserializer},
///     encoding::HostValues,
///     schema::Layout,
/// };
/// use vrl::value::Value;
///
/// let datagram = "/proxy-session/;n1;Stop session;LAB;goran;;;".into();
/// let events = QlikSenseDeserializer::default().parse(datagram, LogNamespace::Legacy)?;
/// let value: Value = HostValues::new(&Layout::default()).value_of(&events[0])?;
/// assert_eq!(value.as_object().expect("an object")["action"], "stop".into());
/// # Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
/// ```
impl HostValue for Value {
    type Name = KeyString;

    fn text(text: Text<'_>) -> Self {
        Self::Bytes(text.into_bytes())
    }

    fn integer(number: i64) -> Self {
        Self::Integer(number)
    }

    fn float(number: f64) -> Self {
        Self::from_f64_or_zero(number)
    }

    fn boolean(value: bool) -> Self {
        Self::Boolean(value)
    }

    fn timestamp(time: DateTime<Utc>) -> Self {
        Self::Timestamp(time)
    }

    fn array(values: Vec<Self>) -> Self {
        Self::Array(values)
    }

    fn object(fields: Vec<(KeyString, Self)>) -> Self {
        Self::Object(fields.into_iter().collect())
    }
}
