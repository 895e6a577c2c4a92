//! A `serde` serializer for Vector's protobuf `event.Value`.
//!
//! Numbers are those of Vector's `event.proto`. In short: a value is a message with one field that
//! says its kind, a map is a repeated message of key and value, and each message stands behind its
//! length. Lengths are known before they are written, except for those of maps and arrays: room for
//! the likely length is left, and the content is moved in the rare case that it needs another.

mod buffer;
mod compound;
mod fields;
mod value;

use std::fmt::{self, Display};

use serde::ser;

pub(super) use self::{
    buffer::{Buffer, Cursor, Slot, varint_bytes},
    fields::FieldsWriter,
    value::ValueSerializer,
};

/// A value has no form in the format.
#[derive(Debug)]
pub(super) struct Error(String);

impl Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
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
