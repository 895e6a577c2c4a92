//! `serde` values to vrl's values, for those who link this crate into their own Vector.

use std::{collections::BTreeMap, fmt::Display};

use bytes::Bytes;
use chrono::DateTime;
use serde::{
    Serialize, Serializer,
    ser::{self, Impossible},
};
use vrl::value::{KeyString, Value};

use super::EncodeError;
use crate::schema::TIMESTAMP_TOKEN;

/// A record as a vrl value: objects, bytes, numbers, and times that are times.
///
/// ```
/// use chrono::DateTime;
/// use qlik_sense_events::{
///     decoding::{LogNamespace, QlikSenseDeserializer},
///     encoding::to_vrl,
///     event::Arrival,
///     schema::Schema,
/// };
/// use vrl::value::Value;
///
/// let datagram = "/proxy-session/;n1;Stop session;LAB;goran;;;".into();
/// let mut events = QlikSenseDeserializer::default().parse(datagram, LogNamespace::Legacy)?;
/// events[0].set_arrival(Arrival::local(DateTime::UNIX_EPOCH));
/// let value = to_vrl(&Schema::Default.view(&events[0]))?;
/// let fields = value.as_object().unwrap();
/// assert!(fields["timestamp"].is_timestamp());
/// assert_eq!(fields["action"], Value::from("stop"));
/// # Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
/// ```
///
/// # Errors
///
/// [`EncodeError::Vrl`] when a value has no form in vrl: a NaN, a number above 2^63 - 1, a key that
/// is not text.
pub fn to_vrl<T: Serialize + ?Sized>(record: &T) -> Result<Value, EncodeError> {
    record
        .serialize(ValueSerializer::default())
        .map_err(|error| EncodeError::Vrl(error.0))
}

#[derive(Debug)]
struct Error(String);

impl Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Error {}

impl ser::Error for Error {
    fn custom<T: Display>(message: T) -> Self {
        Self(message.to_string())
    }
}

fn unsupported(what: &str) -> Error {
    Error(format!("{what} has no form in it"))
}

#[derive(Default)]
struct ValueSerializer {
    /// The number that follows is a time, in nanoseconds.
    is_timestamp: bool,
}

fn value<T: Serialize + ?Sized>(value: &T) -> Result<Value, Error> {
    value.serialize(ValueSerializer::default())
}

impl Serializer for ValueSerializer {
    type Ok = Value;
    type Error = Error;
    type SerializeSeq = Array;
    type SerializeTuple = Array;
    type SerializeTupleStruct = Array;
    type SerializeTupleVariant = Impossible<Value, Error>;
    type SerializeMap = Object;
    type SerializeStruct = Object;
    type SerializeStructVariant = Impossible<Value, Error>;

    fn is_human_readable(&self) -> bool {
        false
    }

    fn serialize_bool(self, value: bool) -> Result<Value, Error> {
        Ok(Value::Boolean(value))
    }

    fn serialize_i8(self, value: i8) -> Result<Value, Error> {
        self.serialize_i64(value.into())
    }

    fn serialize_i16(self, value: i16) -> Result<Value, Error> {
        self.serialize_i64(value.into())
    }

    fn serialize_i32(self, value: i32) -> Result<Value, Error> {
        self.serialize_i64(value.into())
    }

    fn serialize_i64(self, value: i64) -> Result<Value, Error> {
        Ok(if self.is_timestamp {
            Value::Timestamp(DateTime::from_timestamp_nanos(value))
        } else {
            Value::Integer(value)
        })
    }

    fn serialize_u8(self, value: u8) -> Result<Value, Error> {
        self.serialize_i64(value.into())
    }

    fn serialize_u16(self, value: u16) -> Result<Value, Error> {
        self.serialize_i64(value.into())
    }

    fn serialize_u32(self, value: u32) -> Result<Value, Error> {
        self.serialize_i64(value.into())
    }

    fn serialize_u64(self, value: u64) -> Result<Value, Error> {
        i64::try_from(value)
            .map(Value::Integer)
            .map_err(|_| unsupported("a number above 2^63 - 1"))
    }

    fn serialize_f32(self, value: f32) -> Result<Value, Error> {
        self.serialize_f64(value.into())
    }

    fn serialize_f64(self, value: f64) -> Result<Value, Error> {
        if value.is_nan() {
            return Err(unsupported("a number that is NaN"));
        }
        Ok(Value::from_f64_or_zero(value))
    }

    fn serialize_char(self, value: char) -> Result<Value, Error> {
        self.serialize_str(value.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, value: &str) -> Result<Value, Error> {
        self.serialize_bytes(value.as_bytes())
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<Value, Error> {
        Ok(Value::Bytes(Bytes::copy_from_slice(value)))
    }

    fn serialize_none(self) -> Result<Value, Error> {
        Ok(Value::Null)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Value, Error> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<Value, Error> {
        Ok(Value::Null)
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<Value, Error> {
        Ok(Value::Null)
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<Value, Error> {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<Value, Error> {
        value.serialize(Self {
            is_timestamp: name == TIMESTAMP_TOKEN,
        })
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        content: &T,
    ) -> Result<Value, Error> {
        let entry = (variant.into(), value(content)?);
        Ok(Value::Object(BTreeMap::from([entry])))
    }

    fn serialize_seq(self, length: Option<usize>) -> Result<Array, Error> {
        Ok(Array(Vec::with_capacity(length.unwrap_or(0))))
    }

    fn serialize_tuple(self, length: usize) -> Result<Array, Error> {
        self.serialize_seq(Some(length))
    }

    fn serialize_tuple_struct(self, _: &'static str, length: usize) -> Result<Array, Error> {
        self.serialize_seq(Some(length))
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, Error> {
        Err(unsupported("an enum variant with several values"))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Object, Error> {
        Ok(Object::default())
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Object, Error> {
        Ok(Object::default())
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, Error> {
        Err(unsupported("an enum variant with fields"))
    }
}

struct Array(Vec<Value>);

impl Array {
    fn push<T: Serialize + ?Sized>(&mut self, item: &T) -> Result<(), Error> {
        self.0.push(value(item)?);
        Ok(())
    }
}

impl ser::SerializeSeq for Array {
    type Ok = Value;
    type Error = Error;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, item: &T) -> Result<(), Error> {
        self.push(item)
    }

    fn end(self) -> Result<Value, Error> {
        Ok(Value::Array(self.0))
    }
}

impl ser::SerializeTuple for Array {
    type Ok = Value;
    type Error = Error;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, item: &T) -> Result<(), Error> {
        self.push(item)
    }

    fn end(self) -> Result<Value, Error> {
        Ok(Value::Array(self.0))
    }
}

impl ser::SerializeTupleStruct for Array {
    type Ok = Value;
    type Error = Error;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, item: &T) -> Result<(), Error> {
        self.push(item)
    }

    fn end(self) -> Result<Value, Error> {
        Ok(Value::Array(self.0))
    }
}

#[derive(Default)]
struct Object {
    entries: BTreeMap<KeyString, Value>,
    key: String,
}

impl ser::SerializeMap for Object {
    type Ok = Value;
    type Error = Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Error> {
        match value(key)? {
            Value::Bytes(key) => {
                self.key = String::from_utf8_lossy(&key).into_owned();
                Ok(())
            }
            _ => Err(unsupported("a map key that is not text")),
        }
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, content: &T) -> Result<(), Error> {
        let key = std::mem::take(&mut self.key);
        self.entries.insert(key.into(), value(content)?);
        Ok(())
    }

    fn end(self) -> Result<Value, Error> {
        Ok(Value::Object(self.entries))
    }
}

impl ser::SerializeStruct for Object {
    type Ok = Value;
    type Error = Error;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        content: &T,
    ) -> Result<(), Error> {
        self.entries.insert(name.into(), value(content)?);
        Ok(())
    }

    fn end(self) -> Result<Value, Error> {
        Ok(Value::Object(self.entries))
    }
}
