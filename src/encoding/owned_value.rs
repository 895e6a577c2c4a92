//! Events as values in memory, for a host that takes them as they are and has types of its own for them.
//!
//! They are nobody's types but ours, so that no version of a host's crate is ours to match: the host's side, which
//! is compiled beside it, turns them into its own.

use std::{net::IpAddr, ops::Deref, sync::Arc};

use chrono::{DateTime, Utc};
use uuid::fmt::Hyphenated;

use super::EncodeError;
use crate::schema::{Constant, Format, Layout, Planned, Plans, Value, Writer, ipv4_text};

/// A value that owns what it has: what a field of an event is, or a whole event, which is an object.
///
/// There are no others: a host has a form for each.
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
    /// Yes or no.
    Boolean(bool),
    /// A time, from 1677-09-21 to 2262-04-11.
    Timestamp(DateTime<Utc>),
    /// Several values, in order.
    Array(Vec<Self>),
    /// Fields with their names, in order, each name once.
    Object(Vec<(FieldName, Self)>),
}

/// The name of a field. A clone shares the text: it is made once, when the layout is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldName(Arc<str>);

impl Deref for FieldName {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for FieldName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self)
    }
}

/// Makes values of events, as a layout shows them.
///
/// ```
/// use chrono::DateTime;
/// use qlik_sense_events::{
///     decoding::{LogNamespace, QlikSenseDeserializer},
///     encoding::{OwnedValue, OwnedValues},
///     event::Arrival,
///     schema::Layout,
/// };
///
/// let datagram = "/proxy-session/;n1;Stop session;LAB;goran;;;".into();
/// let mut events = QlikSenseDeserializer::default().parse(datagram, LogNamespace::Legacy)?;
/// events[0].set_arrival(Arrival::local(DateTime::UNIX_EPOCH));
/// let value = OwnedValues::new(&Layout::default()).value_of(&events[0])?;
/// assert_eq!(value.get("action"), Some(&OwnedValue::Text("stop".into())));
/// assert_eq!(value.get("timestamp"), Some(&OwnedValue::Timestamp(DateTime::UNIX_EPOCH)));
/// # Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
/// ```
#[derive(Debug)]
pub struct OwnedValues {
    plans: Plans<Owned>,
}

impl OwnedValues {
    /// For events that look as the layout says.
    #[must_use]
    pub fn new(layout: &Layout) -> Self {
        Self {
            plans: layout.plans(),
        }
    }

    /// An event, or what the plugin says about itself, as an object.
    ///
    /// # Errors
    ///
    /// [`EncodeError`] when a value has no form: a time that is centuries away, a number of 2^63 or more, one
    /// that is NaN.
    pub fn value_of(&self, event: &impl Planned) -> Result<OwnedValue, EncodeError> {
        let mut writer = FieldsWriter {
            fields: Vec::with_capacity(USUAL_FIELDS),
            failed: None,
        };
        self.plans.write(event, &mut writer);
        match writer.failed {
            None => Ok(OwnedValue::Object(writer.fields)),
            Some(error) => Err(error),
        }
    }
}

/// As many fields as most events have at most.
const USUAL_FIELDS: usize = 24;

impl OwnedValue {
    /// A field of an object. None for another value, or without such a field.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Self> {
        let Self::Object(fields) = self else {
            return None;
        };
        let mut fields = fields.iter();
        fields
            .find(|(known, _)| **known == *name)
            .map(|(_, value)| value)
    }

    /// What a field's value is; none where there is none.
    fn of(value: Value<'_>) -> Result<Option<Self>, EncodeError> {
        Ok(Some(match value {
            Value::Absent => return Ok(None),
            Value::Text(text) => Self::Text(text.to_owned()),
            Value::User(user) => Self::Text([user.directory, "\\", user.id].concat()),
            Value::Timestamp(time) if time.is_writable() => Self::Timestamp(time.0),
            Value::Timestamp(_) => return Err(EncodeError::Time),
            Value::Unsigned(number) => {
                Self::Integer(i64::try_from(number).map_err(|_| EncodeError::Number)?)
            }
            Value::Integer(number) => Self::Integer(number),
            Value::Float(number) if number.is_nan() => return Err(EncodeError::Number),
            Value::Float(number) => Self::Float(number),
            Value::Boolean(value) => Self::Boolean(value),
            Value::Guid(guid) => {
                let mut text = [0; Hyphenated::LENGTH];
                Self::Text(guid.hyphenated().encode_lower(&mut text).to_owned())
            }
            Value::Address(IpAddr::V4(address)) => {
                let (text, length) = ipv4_text(address);
                Self::Text(String::from_utf8_lossy(&text[..length]).into_owned())
            }
            Value::Address(address) => Self::Text(address.to_string()),
            Value::Reason(error) => Self::Text(error.to_string()),
            Value::List(list) => {
                let values = list.iter().filter_map(|value| Self::of(value).transpose());
                Self::Array(values.collect::<Result<_, _>>()?)
            }
            Value::Map(map) => {
                let text =
                    |(name, value): (&str, &str)| (Owned::key(name), Self::Text(value.to_owned()));
                Self::Object(map.iter().map(text).collect())
            }
        }))
    }
}

#[derive(Debug)]
struct Owned;

impl Format for Owned {
    type Key = FieldName;
    type Fixed = Box<[(FieldName, OwnedValue)]>;

    fn key(name: &str) -> FieldName {
        FieldName(name.into())
    }

    fn fixed(fields: &[(&'static str, Constant)]) -> Self::Fixed {
        let mut writer = FieldsWriter {
            fields: Vec::new(),
            failed: None,
        };
        Constant::write_all(fields, &mut writer);
        writer.fields.into()
    }
}

struct FieldsWriter {
    fields: Vec<(FieldName, OwnedValue)>,
    /// Why the first value that has no form has none.
    failed: Option<EncodeError>,
}

impl Writer<Owned> for FieldsWriter {
    /// The fields of the object around it.
    type Group = Vec<(FieldName, OwnedValue)>;

    fn write_fixed(&mut self, fixed: &Box<[(FieldName, OwnedValue)]>) {
        self.fields.extend_from_slice(fixed);
    }

    fn write_text(&mut self, key: &FieldName, text: &str) {
        let text = OwnedValue::Text(text.to_owned());
        self.fields.push((key.clone(), text));
    }

    fn write(&mut self, key: &FieldName, value: Value<'_>) {
        match OwnedValue::of(value) {
            Ok(Some(value)) => self.fields.push((key.clone(), value)),
            Ok(None) => {}
            Err(error) => {
                self.failed.get_or_insert(error);
            }
        }
    }

    fn begin_group(&mut self, _: &FieldName) -> Self::Group {
        std::mem::take(&mut self.fields)
    }

    fn end_group(&mut self, key: &FieldName, outer: Self::Group) {
        let fields = std::mem::replace(&mut self.fields, outer);
        if !fields.is_empty() {
            self.fields.push((key.clone(), OwnedValue::Object(fields)));
        }
    }
}
