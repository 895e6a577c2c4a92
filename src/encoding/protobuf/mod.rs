//! Vector's protobuf `event.Value`.
//!
//! Field numbers are those of Vector's `event.proto`. In short: a value is a message with one field, which determines
//! its kind; a map is a repeated message of key and value; and the length of each message comes before it. Lengths are
//! known before they are written, except for those of maps and arrays: space for the likely length is reserved, and the
//! content is moved in the rare case that it needs another.

mod buffer;
mod header;
mod value;

pub(super) use self::{
    buffer::{Buffer, Cursor, varint_bytes},
    value::{Fields, FieldsWriter},
};
