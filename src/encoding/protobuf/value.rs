//! One value: text, a number, a time, or the beginning of a map or an array.

use std::fmt::{Display, Write as _};

use serde::{Serialize, Serializer, ser::Impossible};

use super::{
    Error,
    buffer::{Buffer, Cursor, MOST_VARINT_BYTES, RAW_BYTES, Slot, varint_bytes},
    compound::{ARRAY, Compound, MAP},
    unsupported,
};
use crate::schema::TIMESTAMP_TOKEN;

/// Keys of `event.Value`'s fields: number times eight, plus the wire type.
mod key {
    pub(in crate::encoding) const TIMESTAMP: u8 = 0x12;
    pub(in crate::encoding) const INTEGER: u8 = 0x20;
    pub(in crate::encoding) const FLOAT: u8 = 0x29;
    pub(in crate::encoding) const BOOLEAN: u8 = 0x30;
    pub(in crate::encoding) const NULL: u8 = 0x48;
}

/// Key of `google.protobuf.Timestamp.seconds`.
const SECONDS: u8 = 0x08;
/// Key of `google.protobuf.Timestamp.nanos`.
const NANOS: u8 = 0x10;

/// Writes one value into its slot.
pub(in crate::encoding) struct ValueSerializer<'b, 'k> {
    buffer: &'b mut Buffer,
    slot: Slot<'k>,
    /// The number that follows is a time, in nanoseconds.
    is_timestamp: bool,
}

impl<'b, 'k> ValueSerializer<'b, 'k> {
    pub(in crate::encoding) const fn new(buffer: &'b mut Buffer, slot: Slot<'k>) -> Self {
        Self {
            buffer,
            slot,
            is_timestamp: false,
        }
    }

    #[inline(always)]
    fn delimited(self, key: u8, content: &[u8]) {
        match self.slot {
            Slot::Entry(name) => self.buffer.entry(name, key, content),
            slot => self.buffer.delimited(slot, key, content),
        }
    }

    fn varint(self, key: u8, number: u64) {
        let mut cursor = self.buffer.room(self.slot, 1 + varint_bytes(number));
        cursor.put([key]);
        cursor.put_varint(number);
    }

    /// `google.protobuf.Timestamp`: whole seconds, and nanoseconds that are never negative.
    pub(super) fn timestamp(self, seconds: i64, nanos: i64) {
        let mut content = [0; 2 * (1 + MOST_VARINT_BYTES)];
        let content_bytes = content.len();
        let mut cursor = Cursor::new(&mut content);
        for (key, number) in [(SECONDS, seconds), (NANOS, nanos)] {
            if number != 0 {
                cursor.put([key]);
                cursor.put_varint(number.cast_unsigned());
            }
        }
        let length = content_bytes - cursor.rest_bytes();
        self.delimited(key::TIMESTAMP, &content[..length]);
    }

    fn compound(self, key: u8) -> Compound<'b, 'k> {
        Compound::new(self.buffer, self.slot, key)
    }
}

impl<'b, 'k> Serializer for ValueSerializer<'b, 'k> {
    type Ok = ();
    type Error = Error;
    type SerializeSeq = Compound<'b, 'k>;
    type SerializeTuple = Compound<'b, 'k>;
    type SerializeTupleStruct = Compound<'b, 'k>;
    type SerializeTupleVariant = Impossible<(), Error>;
    type SerializeMap = Compound<'b, 'k>;
    type SerializeStruct = Compound<'b, 'k>;
    type SerializeStructVariant = Impossible<(), Error>;

    fn is_human_readable(&self) -> bool {
        false
    }

    fn serialize_bool(self, value: bool) -> Result<(), Error> {
        self.varint(key::BOOLEAN, u64::from(value));
        Ok(())
    }

    fn serialize_i8(self, value: i8) -> Result<(), Error> {
        self.serialize_i64(value.into())
    }

    fn serialize_i16(self, value: i16) -> Result<(), Error> {
        self.serialize_i64(value.into())
    }

    fn serialize_i32(self, value: i32) -> Result<(), Error> {
        self.serialize_i64(value.into())
    }

    fn serialize_i64(self, value: i64) -> Result<(), Error> {
        if self.is_timestamp {
            let seconds = value.div_euclid(1_000_000_000);
            self.timestamp(seconds, value.rem_euclid(1_000_000_000));
        } else {
            self.varint(key::INTEGER, value.cast_unsigned());
        }
        Ok(())
    }

    fn serialize_u8(self, value: u8) -> Result<(), Error> {
        self.serialize_i64(value.into())
    }

    fn serialize_u16(self, value: u16) -> Result<(), Error> {
        self.serialize_i64(value.into())
    }

    fn serialize_u32(self, value: u32) -> Result<(), Error> {
        self.serialize_i64(value.into())
    }

    fn serialize_u64(self, value: u64) -> Result<(), Error> {
        let value = i64::try_from(value).map_err(|_| unsupported("a number above 2^63 - 1"))?;
        self.serialize_i64(value)
    }

    fn serialize_f32(self, value: f32) -> Result<(), Error> {
        self.serialize_f64(value.into())
    }

    fn serialize_f64(self, value: f64) -> Result<(), Error> {
        if value.is_nan() {
            return Err(unsupported("a number that is NaN"));
        }
        let mut cursor = self.buffer.room(self.slot, 9);
        cursor.put([key::FLOAT]);
        cursor.put(value.to_le_bytes());
        Ok(())
    }

    fn serialize_char(self, value: char) -> Result<(), Error> {
        self.serialize_str(value.encode_utf8(&mut [0; 4]))
    }

    #[inline]
    fn serialize_str(self, value: &str) -> Result<(), Error> {
        self.delimited(RAW_BYTES, value.as_bytes());
        Ok(())
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<(), Error> {
        self.delimited(RAW_BYTES, value);
        Ok(())
    }

    fn collect_str<T: Display + ?Sized>(self, value: &T) -> Result<(), Error> {
        let mut text = std::mem::take(&mut self.buffer.text);
        text.clear();
        let written = write!(text, "{value}");
        ValueSerializer::new(self.buffer, self.slot).delimited(RAW_BYTES, text.as_bytes());
        self.buffer.text = text;
        written.map_err(|_| unsupported("a value that cannot be displayed"))
    }

    fn serialize_none(self) -> Result<(), Error> {
        self.varint(key::NULL, 0);
        Ok(())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Error> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), Error> {
        self.serialize_none()
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Error> {
        self.serialize_none()
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<(), Error> {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        value.serialize(Self {
            is_timestamp: name == TIMESTAMP_TOKEN,
            ..self
        })
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        let mut compound = self.compound(MAP);
        compound.put(Slot::Entry(variant), value)?;
        compound.finish();
        Ok(())
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Compound<'b, 'k>, Error> {
        Ok(self.compound(ARRAY))
    }

    fn serialize_tuple(self, _: usize) -> Result<Compound<'b, 'k>, Error> {
        Ok(self.compound(ARRAY))
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Compound<'b, 'k>, Error> {
        Ok(self.compound(ARRAY))
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

    fn serialize_map(self, _: Option<usize>) -> Result<Compound<'b, 'k>, Error> {
        Ok(self.compound(MAP))
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Compound<'b, 'k>, Error> {
        Ok(self.compound(MAP))
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
