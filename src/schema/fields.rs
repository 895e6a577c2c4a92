//! From a list of fields, some of them absent, to a `serde` value that says how many there are.

use std::{convert::Infallible, fmt::Display};

use serde::{Serialize, Serializer, ser::SerializeStruct};

/// Something with named fields, visited in order.
pub trait Fields {
    /// Shows every field to `visitor`, the absent ones too.
    ///
    /// # Errors
    ///
    /// What the visitor fails with.
    fn visit<V: Visitor>(&self, visitor: &mut V) -> Result<(), V::Error>;
}

/// What is done with the fields of something.
pub trait Visitor {
    /// Why a field cannot be taken.
    type Error;

    /// Takes a field: its name and its value, or none where it is absent.
    ///
    /// # Errors
    ///
    /// When the field cannot be taken.
    fn field<T: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        value: Option<&T>,
    ) -> Result<(), Self::Error>;

    /// Takes a field whose value is text that is only made while it is written.
    ///
    /// # Errors
    ///
    /// When the field cannot be taken.
    fn display<T: Display>(
        &mut self,
        name: &'static str,
        value: Option<T>,
    ) -> Result<(), Self::Error> {
        self.field(name, value.map(Displayed).as_ref())
    }

    /// Takes a field that has fields of its own. It is absent where they all are.
    ///
    /// # Errors
    ///
    /// When the field cannot be taken.
    fn group<F: Fields>(&mut self, name: &'static str, fields: &F) -> Result<(), Self::Error> {
        let present = count(fields);
        let group = Group { fields, present };
        self.field(name, (present > 0).then_some(&group))
    }
}

/// Writes the fields that are present, as a struct with exactly that many: formats such as
/// MessagePack put the number first.
///
/// # Errors
///
/// What the serializer fails with.
pub fn serialize<F: Fields, S: Serializer>(fields: &F, serializer: S) -> Result<S::Ok, S::Error> {
    write(fields, count(fields), serializer)
}

fn write<F: Fields, S: Serializer>(
    fields: &F,
    present: usize,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let mut writer = Writer(serializer.serialize_struct("", present)?);
    fields.visit(&mut writer)?;
    writer.0.end()
}

/// How many fields are present.
fn count<F: Fields>(fields: &F) -> usize {
    let mut count = Count(0);
    match fields.visit(&mut count) {
        Ok(()) => count.0,
    }
}

struct Count(usize);

impl Visitor for Count {
    type Error = Infallible;

    fn field<T: Serialize + ?Sized>(
        &mut self,
        _: &'static str,
        value: Option<&T>,
    ) -> Result<(), Self::Error> {
        self.0 += usize::from(value.is_some());
        Ok(())
    }
}

struct Writer<S>(S);

impl<S: SerializeStruct> Visitor for Writer<S> {
    type Error = S::Error;

    fn field<T: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        value: Option<&T>,
    ) -> Result<(), Self::Error> {
        match value {
            Some(value) => self.0.serialize_field(name, value),
            None => Ok(()),
        }
    }
}

struct Displayed<T>(T);

impl<T: Display> Serialize for Displayed<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

/// The value of a field that has fields of its own, which were counted already.
struct Group<'a, F> {
    fields: &'a F,
    present: usize,
}

impl<F: Fields> Serialize for Group<'_, F> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        write(self.fields, self.present, serializer)
    }
}
