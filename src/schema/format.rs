//! What a codec implements so that a schema can write fields in it.

use std::fmt::Debug;

use super::{Constant, Value};

/// The parts of a format that are prepared when the configuration is read: the names of fields, and fields that are the
/// same in every event.
pub trait Format {
    /// The name of a field, as the format writes it.
    type Key: Debug + Send + Sync;
    /// Consecutive fields that are the same in every event.
    type Fixed: Debug + Send + Sync;

    /// The order of the fields of a map.
    const ORDER: Order = Order::Schema;

    /// Prepares the name of a field.
    fn key(name: &str) -> Self::Key;

    /// Prepares fields that are the same in every event.
    fn fixed(fields: &[(&'static str, Constant)]) -> Self::Fixed;
}

/// The order of the fields of a map in a format.
#[derive(Debug, Clone, Copy)]
pub enum Order {
    /// As in the schema.
    Schema,
    /// By name.
    Ascending,
    /// By name, the last one first, except that fields stay together that share a condition, or are the same in every
    /// event.
    Descending,
}

/// Takes the fields of an event one by one, in order, and writes them in a format.
///
/// A value that the format cannot represent is remembered and reported when the event is complete, so that single
/// fields need no check.
pub trait Writer<F: Format> {
    /// The state of a group until it ends.
    type Group;

    /// Writes fields that are the same in every event.
    fn write_fixed(&mut self, fixed: &F::Fixed);

    /// Writes a field whose value is text.
    fn write_text(&mut self, key: &F::Key, text: &str);

    /// Writes a field, unless its value is absent.
    fn write(&mut self, key: &F::Key, value: Value<'_>);

    /// Begins a field that contains the fields that follow.
    fn begin_group(&mut self, key: &F::Key) -> Self::Group;

    /// Ends such a field, and removes it if it is empty.
    fn end_group(&mut self, key: &F::Key, group: Self::Group);
}
