//! Vector's protobuf `event.Value`.
//!
//! Numbers are those of Vector's `event.proto`. In short: a value is a message with one field that
//! says its kind, a map is a repeated message of key and value, and each message stands behind its
//! length. Lengths are known before they are written, except for those of maps and arrays: room for
//! the likely length is left, and the content is moved in the rare case that it needs another.

mod buffer;
mod header;
mod value;

pub(super) use self::{
    buffer::{Buffer, Cursor, varint_bytes},
    value::{Fields, FieldsWriter},
};
