//! Maps and arrays, entry by entry.

use serde::{Serialize, ser};

use super::{
    Error,
    value::{Place, ValueSerializer, Written},
    write::{self, Header},
};

#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    Map,
    Array,
}

/// A map or an array that is being written.
pub(super) struct Compound<'b> {
    out: &'b mut Vec<u8>,
    header: Header,
    entries: usize,
    /// Where the next value stands.
    place: Place,
    /// Where the entry begins whose name was written last.
    entry: usize,
}

impl<'b> Compound<'b> {
    /// Begins with at most so many entries, where that is known.
    pub(super) fn new(out: &'b mut Vec<u8>, kind: Kind, most: Option<usize>, place: Place) -> Self {
        let header = match kind {
            Kind::Map => Header::map(out, most),
            Kind::Array => Header::array(out, most),
        };
        let entry = out.len();
        Self {
            out,
            header,
            entries: 0,
            place,
            entry,
        }
    }

    fn value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        // Only the first field can be the record's own time: a summary's `end` may be the same moment.
        let place = std::mem::replace(&mut self.place, Place::Inner);
        match value.serialize(ValueSerializer::new(self.out, place))? {
            Written::Value => self.entries += 1,
            Written::RecordTime => self.out.truncate(self.entry),
        }
        Ok(())
    }

    fn field<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) -> Result<(), Error> {
        self.entry = self.out.len();
        write::text(self.out, name)?;
        self.value(value)
    }

    fn finish(self) -> Result<Written, Error> {
        self.header.set(self.out, self.entries)?;
        Ok(Written::Value)
    }
}

impl ser::SerializeMap for Compound<'_> {
    type Ok = Written;
    type Error = Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Error> {
        self.entry = self.out.len();
        key.serialize(ValueSerializer::new(self.out, Place::Inner))?;
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.value(value)
    }

    fn end(self) -> Result<Written, Error> {
        self.finish()
    }
}

/// Structs and arrays differ only in whether an entry has a name.
macro_rules! named {
    ($($of:ident),*) => { $(
        impl ser::$of for Compound<'_> {
            type Ok = Written;
            type Error = Error;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                name: &'static str,
                value: &T,
            ) -> Result<(), Error> {
                self.field(name, value)
            }

            fn end(self) -> Result<Written, Error> {
                self.finish()
            }
        }
    )* };
}

macro_rules! unnamed {
    ($($of:ident::$put:ident),*) => { $(
        impl ser::$of for Compound<'_> {
            type Ok = Written;
            type Error = Error;

            fn $put<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
                self.value(value)
            }

            fn end(self) -> Result<Written, Error> {
                self.finish()
            }
        }
    )* };
}

named!(SerializeStruct, SerializeStructVariant);
unnamed!(
    SerializeSeq::serialize_element,
    SerializeTuple::serialize_element,
    SerializeTupleStruct::serialize_field,
    SerializeTupleVariant::serialize_field
);
