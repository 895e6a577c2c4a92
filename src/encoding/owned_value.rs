//! Values in memory that belong to no host, for tests and for programs that inspect events.

use chrono::{DateTime, Utc};

use super::{HostValue, Text};

/// An owned value: that of a field, or of a whole event, which is an object.
///
/// ```
/// use qlik_sense_events::encoding::OwnedValue;
///
/// /// As text that people read.
/// fn show(value: OwnedValue) -> String {
///     match value {
///         OwnedValue::Text(text) => text,
///         OwnedValue::Integer(number) => number.to_string(),
///         OwnedValue::Float(number) => number.to_string(),
///         OwnedValue::Boolean(value) => value.to_string(),
///         OwnedValue::Timestamp(time) => time.to_rfc3339(),
///         OwnedValue::Array(values) => values.into_iter().map(show).collect::<Vec<_>>().join(", "),
///         OwnedValue::Object(fields) => {
///             let fields = fields.into_iter().map(|(name, value)| format!("{name}: {}", show(value)));
///             fields.collect::<Vec<_>>().join(", ")
///         }
///     }
/// }
///
/// assert_eq!(show(OwnedValue::Array(vec![OwnedValue::Integer(1), OwnedValue::Boolean(true)])), "1, true");
/// ```
#[derive(Debug, Clone, PartialEq)]
pub enum OwnedValue {
    /// Text.
    Text(String),
    /// A number without decimals.
    Integer(i64),
    /// A number with decimals, never NaN.
    Float(f64),
    /// True or false.
    Boolean(bool),
    /// A time, from 1677-09-21 to 2262-04-11.
    Timestamp(DateTime<Utc>),
    /// Several values, in order.
    Array(Vec<Self>),
    /// Fields, each name once, sorted by name.
    Object(Vec<(String, Self)>),
}

impl OwnedValue {
    /// A field of an object. `None` for any other value, or if the object has no such field.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Self> {
        let Self::Object(fields) = self else {
            return None;
        };
        let place = fields.binary_search_by(|(known, _)| (**known).cmp(name));
        Some(&fields[place.ok()?].1)
    }
}

impl HostValue for OwnedValue {
    type Name = String;

    fn text(text: Text<'_>) -> Self {
        Self::Text(text.into_string())
    }

    fn integer(number: i64) -> Self {
        Self::Integer(number)
    }

    fn float(number: f64) -> Self {
        Self::Float(number)
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

    fn object(fields: Vec<(String, Self)>) -> Self {
        Self::Object(fields)
    }
}
