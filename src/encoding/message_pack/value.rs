//! One value: text, a number, a time, or the beginning of a map or an array.

use std::fmt::Display;

use chrono::DateTime;
use serde::{Serialize, Serializer, ser};

use super::{
    Error,
    compound::{Compound, Kind},
    write,
};
use crate::schema::{TIMESTAMP_TOKEN, Timestamp};

/// What became of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Written {
    /// It stands at the end of the buffer.
    Value,
    /// It is the record's own time, which is not repeated: nothing was written.
    RecordTime,
}

/// Where a value stands.
#[derive(Debug, Clone, Copy)]
pub(super) enum Place {
    /// It is the record, which happened then (nanoseconds since 1970).
    Record(i64),
    /// It is the first field of the record that happened then: the record's own time, where the schema has one.
    FirstField(i64),
    /// It is further within.
    Inner,
}

/// Writes one value at the end of a buffer.
pub(super) struct ValueSerializer<'b> {
    out: &'b mut Vec<u8>,
    place: Place,
    /// The number that follows is a time, in nanoseconds.
    is_timestamp: bool,
}

impl<'b> ValueSerializer<'b> {
    /// Writes a record that happened then.
    pub(super) const fn record(out: &'b mut Vec<u8>, nanoseconds: i64) -> Self {
        Self::new(out, Place::Record(nanoseconds))
    }

    pub(super) const fn new(out: &'b mut Vec<u8>, place: Place) -> Self {
        Self {
            out,
            place,
            is_timestamp: false,
        }
    }

    fn timestamp(self, nanoseconds: i64) -> Result<Written, Error> {
        if matches!(self.place, Place::FirstField(time) if time == nanoseconds) {
            return Ok(Written::RecordTime);
        }
        let text = Timestamp(DateTime::from_timestamp_nanos(nanoseconds)).rfc_3339();
        write::text(self.out, str::from_utf8(&text).map_err(ser::Error::custom)?)?;
        Ok(Written::Value)
    }

    /// A map or an array within a map of one entry, under the variant's name.
    fn variant(self, variant: &str, kind: Kind, length: usize) -> Result<Compound<'b>, Error> {
        write::Header::map(self.out, Some(1)).set(self.out, 1)?;
        write::text(self.out, variant)?;
        Ok(Compound::new(self.out, kind, Some(length), Place::Inner))
    }
}

impl<'b> Serializer for ValueSerializer<'b> {
    type Ok = Written;
    type Error = Error;
    type SerializeSeq = Compound<'b>;
    type SerializeTuple = Compound<'b>;
    type SerializeTupleStruct = Compound<'b>;
    type SerializeTupleVariant = Compound<'b>;
    type SerializeMap = Compound<'b>;
    type SerializeStruct = Compound<'b>;
    type SerializeStructVariant = Compound<'b>;

    fn is_human_readable(&self) -> bool {
        false
    }

    fn serialize_bool(self, value: bool) -> Result<Written, Error> {
        self.out
            .push(if value { write::TRUE } else { write::FALSE });
        Ok(Written::Value)
    }

    fn serialize_i8(self, value: i8) -> Result<Written, Error> {
        self.serialize_i64(value.into())
    }

    fn serialize_i16(self, value: i16) -> Result<Written, Error> {
        self.serialize_i64(value.into())
    }

    fn serialize_i32(self, value: i32) -> Result<Written, Error> {
        self.serialize_i64(value.into())
    }

    fn serialize_i64(self, value: i64) -> Result<Written, Error> {
        if self.is_timestamp {
            return self.timestamp(value);
        }
        write::signed(self.out, value);
        Ok(Written::Value)
    }

    fn serialize_u8(self, value: u8) -> Result<Written, Error> {
        self.serialize_u64(value.into())
    }

    fn serialize_u16(self, value: u16) -> Result<Written, Error> {
        self.serialize_u64(value.into())
    }

    fn serialize_u32(self, value: u32) -> Result<Written, Error> {
        self.serialize_u64(value.into())
    }

    fn serialize_u64(self, value: u64) -> Result<Written, Error> {
        write::unsigned(self.out, value);
        Ok(Written::Value)
    }

    fn serialize_f32(self, value: f32) -> Result<Written, Error> {
        self.serialize_f64(value.into())
    }

    fn serialize_f64(self, value: f64) -> Result<Written, Error> {
        write::float(self.out, value);
        Ok(Written::Value)
    }

    fn serialize_char(self, value: char) -> Result<Written, Error> {
        self.serialize_str(value.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, value: &str) -> Result<Written, Error> {
        write::text(self.out, value)?;
        Ok(Written::Value)
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<Written, Error> {
        write::bytes(self.out, value)?;
        Ok(Written::Value)
    }

    fn serialize_none(self) -> Result<Written, Error> {
        self.serialize_unit()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Written, Error> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<Written, Error> {
        self.out.push(write::NIL);
        Ok(Written::Value)
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<Written, Error> {
        self.serialize_unit()
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<Written, Error> {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        mut self,
        name: &'static str,
        value: &T,
    ) -> Result<Written, Error> {
        self.is_timestamp = name == TIMESTAMP_TOKEN;
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<Written, Error> {
        write::Header::map(self.out, Some(1)).set(self.out, 1)?;
        write::text(self.out, variant)?;
        value.serialize(Self::new(self.out, Place::Inner))
    }

    fn serialize_seq(self, length: Option<usize>) -> Result<Compound<'b>, Error> {
        Ok(Compound::new(self.out, Kind::Array, length, Place::Inner))
    }

    fn serialize_tuple(self, length: usize) -> Result<Compound<'b>, Error> {
        self.serialize_seq(Some(length))
    }

    fn serialize_tuple_struct(self, _: &'static str, length: usize) -> Result<Compound<'b>, Error> {
        self.serialize_seq(Some(length))
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        length: usize,
    ) -> Result<Compound<'b>, Error> {
        self.variant(variant, Kind::Array, length)
    }

    fn serialize_map(self, length: Option<usize>) -> Result<Compound<'b>, Error> {
        let place = match self.place {
            Place::Record(time) => Place::FirstField(time),
            Place::FirstField(_) | Place::Inner => Place::Inner,
        };
        Ok(Compound::new(self.out, Kind::Map, length, place))
    }

    fn serialize_struct(self, _: &'static str, length: usize) -> Result<Compound<'b>, Error> {
        self.serialize_map(Some(length))
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        length: usize,
    ) -> Result<Compound<'b>, Error> {
        self.variant(variant, Kind::Map, length)
    }

    fn collect_str<T: Display + ?Sized>(self, value: &T) -> Result<Written, Error> {
        write::displayed(self.out, value)?;
        Ok(Written::Value)
    }
}
