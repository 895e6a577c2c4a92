//! Events as values in memory, for a host that has value types of its own.
//!
//! The host implements how its values are made. So this crate need not match the version of any crate of the host, and
//! each value is made only once.

use std::{marker::PhantomData, net::IpAddr};

use bytes::Bytes;
use uuid::fmt::Hyphenated;

use super::{EncodeError, HostValue, Text, host_value::Payload};
use crate::{
    event::Event,
    schema::{Constant, Format, Layout, Order, Plans, Value, Writer, ipv4_text},
};

/// Makes a host's values from events in a layout.
///
/// ```
/// use chrono::DateTime;
/// use qlik_sense_events::{
///     decoding::{LogNamespace, QlikSenseDeserializer},
///     encoding::{HostValues, OwnedValue},
///     event::Arrival,
///     schema::Layout,
/// };
///
/// let datagram = "/proxy-session/;n1;Stop session;LAB;goran;;;".into();
/// let mut events = QlikSenseDeserializer::default().parse(datagram, LogNamespace::Legacy)?;
/// events[0].set_arrival(Arrival::local(DateTime::UNIX_EPOCH));
/// let value: OwnedValue = HostValues::new(&Layout::default()).value_of(&events[0])?;
/// assert_eq!(value.get("action"), Some(&OwnedValue::Text("stop".into())));
/// assert_eq!(value.get("timestamp"), Some(&OwnedValue::Timestamp(DateTime::UNIX_EPOCH)));
/// # Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
/// ```
#[derive(Debug)]
pub struct HostValues<V: HostValue> {
    plans: Plans<Values<V>>,
}

impl<V: HostValue> HostValues<V> {
    /// For events in this layout.
    #[must_use]
    pub fn new(layout: &Layout) -> Self {
        Self {
            plans: layout.plans(),
        }
    }

    /// An event as an object.
    ///
    /// # Errors
    ///
    /// [`EncodeError`] if a value cannot be represented: a time that is centuries away, a number of 2^63 or more, or
    /// one that is NaN.
    pub fn value_of(&self, event: &Event) -> Result<V, EncodeError> {
        let mut writer = FieldsWriter::new(event.text(), USUAL_FIELDS);
        self.plans.write(event, &mut writer);
        match writer.failed {
            None => Ok(V::object(writer.fields)),
            Some(error) => Err(error),
        }
    }
}

/// Nearly all events have at most this many fields.
const USUAL_FIELDS: usize = 32;

/// The values of a host as a format.
#[derive(Debug)]
struct Values<V>(PhantomData<V>);

impl<V: HostValue> Format for Values<V> {
    type Key = Box<str>;
    type Fixed = Box<[(V::Name, V)]>;

    const ORDER: Order = Order::Ascending;

    fn key(name: &str) -> Box<str> {
        name.into()
    }

    fn fixed(fields: &[(&'static str, Constant)]) -> Self::Fixed {
        let mut writer = FieldsWriter::<V>::new("", fields.len());
        Constant::write_all(fields, &mut writer);
        writer.fields.into()
    }
}

struct FieldsWriter<'e, V: HostValue> {
    fields: Vec<(V::Name, V)>,
    payload: &'e str,
    /// The copy of the payload that its parts share.
    shared: Option<Bytes>,
    /// The error of the first value that cannot be represented.
    failed: Option<EncodeError>,
}

impl<'e, V: HostValue> FieldsWriter<'e, V> {
    fn new(payload: &'e str, fields: usize) -> Self {
        Self {
            fields: Vec::with_capacity(fields),
            payload,
            shared: None,
            failed: None,
        }
    }

    fn push(&mut self, name: &str, value: V) {
        self.fields.push((name.into(), value));
    }

    fn text(&mut self, text: &str) -> V {
        let payload = Payload {
            text: self.payload,
            shared: &mut self.shared,
        };
        V::text(Text::found(text, payload))
    }

    /// The host's value for a field; `None` if the field is absent.
    fn value(&mut self, value: Value<'_>) -> Result<Option<V>, EncodeError> {
        let made = |text: String| V::text(Text::made(text));
        Ok(Some(match value {
            Value::Absent => return Ok(None),
            Value::Text(text) => self.text(text),
            Value::User(user) => made([user.directory, "\\", user.id].concat()),
            Value::Timestamp(time) if time.is_writable() => V::timestamp(time.0),
            Value::Timestamp(_) => return Err(EncodeError::Time),
            Value::Unsigned(number) => {
                V::integer(i64::try_from(number).map_err(|_| EncodeError::Number)?)
            }
            Value::Integer(number) => V::integer(number),
            Value::Float(number) if number.is_nan() => return Err(EncodeError::Number),
            Value::Float(number) => V::float(number),
            Value::Boolean(value) => V::boolean(value),
            Value::Guid(guid) => {
                let mut text = [0; Hyphenated::LENGTH];
                made(guid.hyphenated().encode_lower(&mut text).to_owned())
            }
            Value::Address(IpAddr::V4(address)) => {
                let (text, length) = ipv4_text(address);
                made(String::from_utf8_lossy(&text[..length]).into_owned())
            }
            Value::Address(address) => made(address.to_string()),
            Value::Reason(error) => made(error.to_string()),
            Value::List(list) => {
                let values = list
                    .iter()
                    .filter_map(|value| self.value(value).transpose());
                V::array(values.collect::<Result<_, _>>()?)
            }
            Value::Map(map) => {
                let mut fields: Vec<(&str, &str)> = map.iter().collect();
                fields.sort_unstable();
                let fields = fields.into_iter();
                V::object(
                    fields
                        .map(|(name, text)| (name.into(), self.text(text)))
                        .collect(),
                )
            }
        }))
    }
}

impl<V: HostValue> Writer<Values<V>> for FieldsWriter<'_, V> {
    /// The fields of the enclosing object.
    type Group = Vec<(V::Name, V)>;

    fn write_fixed(&mut self, fixed: &Box<[(V::Name, V)]>) {
        self.fields.extend_from_slice(fixed);
    }

    fn write_text(&mut self, key: &Box<str>, text: &str) {
        let text = self.text(text);
        self.push(key, text);
    }

    fn write(&mut self, key: &Box<str>, value: Value<'_>) {
        match self.value(value) {
            Ok(Some(value)) => self.push(key, value),
            Ok(None) => {}
            Err(error) => {
                self.failed.get_or_insert(error);
            }
        }
    }

    fn begin_group(&mut self, _: &Box<str>) -> Self::Group {
        std::mem::take(&mut self.fields)
    }

    fn end_group(&mut self, key: &Box<str>, outer: Self::Group) {
        let fields = std::mem::replace(&mut self.fields, outer);
        if !fields.is_empty() {
            self.push(key, V::object(fields));
        }
    }
}
