//! Values in memory to those of vrl, for those who use that crate as it is published.

use vrl::value::{KeyString, Value};

use super::{FieldName, OwnedValue};

/// Objects, bytes, numbers, and times that are times.
///
/// ```
/// use qlik_sense_events::encoding::OwnedValue;
/// use vrl::value::Value;
///
/// let value = Value::from(OwnedValue::Array(vec![OwnedValue::Text("start".into())]));
/// assert_eq!(value.as_array_unwrap()[0], "start".into());
/// ```
impl From<OwnedValue> for Value {
    fn from(value: OwnedValue) -> Self {
        match value {
            OwnedValue::Text(text) => Self::Bytes(text.into()),
            OwnedValue::Integer(number) => Self::Integer(number),
            OwnedValue::Float(number) => Self::from_f64_or_zero(number),
            OwnedValue::Boolean(value) => Self::Boolean(value),
            OwnedValue::Timestamp(time) => Self::Timestamp(time),
            OwnedValue::Array(values) => Self::Array(values.into_iter().map(Self::from).collect()),
            OwnedValue::Object(fields) => Self::Object(fields.into_iter().map(entry).collect()),
        }
    }
}

fn entry((name, value): (FieldName, OwnedValue)) -> (KeyString, Value) {
    (KeyString::from(&*name), value.into())
}
