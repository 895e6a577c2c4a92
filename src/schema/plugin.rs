//! What the plugin says about itself, in the schema of its events.

use serde::{Serialize, Serializer};

use super::{Fields, Record, Schema, Tags, Timestamp, butler_sos, default, ecs};

/// An event about the plugin itself: `event: "plugin"` in the schema `default`.
#[derive(Debug, Clone, Copy)]
pub struct PluginEvent<'a, D> {
    /// When it was said.
    pub timestamp: Timestamp,
    /// `info`, `warn` or `error`.
    pub level: &'a str,
    /// What happened.
    pub message: &'a str,
    /// Numbers and names beyond the message.
    pub details: D,
}

/// An event about the plugin as a layout shows it: a `serde` map from field names to values.
///
/// It has the tags. Fields that are left out are those of user events, so it has all of its own.
#[derive(Debug, Clone, Copy)]
pub struct PluginView<'a, D> {
    pub(super) schema: Schema,
    pub(super) tags: &'a Tags,
    pub(super) event: &'a PluginEvent<'a, D>,
}

impl<D: Fields> Serialize for PluginView<'_, D> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (event, tags, mut record) = (self.event, self.tags, Record::default());
        match self.schema {
            Schema::Default => default::fill_plugin(event, tags, &mut record),
            Schema::Ecs => ecs::fill_plugin(event, tags, &mut record),
            Schema::ButlerSos => butler_sos::fill_plugin(event, tags, &mut record),
        }
        record.serialize(serializer)
    }
}
