//! How the output of a host looks: a schema, tags, and fields that are left out.

use super::{PluginEvent, PluginView, Schema, Tags, View, dropped::Dropped};
use crate::event::Event;

/// A schema with the tags on every event and without the fields that are not wanted.
///
/// Made once from the configuration; showing an event costs no allocation. Every worker has a clone.
///
/// ```
/// use qlik_sense_events::{
///     decoding::{LogNamespace, QlikSenseDeserializer},
///     schema::{Layout, Schema, Tags},
/// };
///
/// let layout = Layout::new(Schema::Default, Tags::default()).without(&["message", "user"])?;
/// let datagram = "/proxy-session/;n1;Stop session;LAB;goran;;/hub;Stop session for user".into();
/// let events = QlikSenseDeserializer::default().parse(datagram, LogNamespace::Legacy)?;
/// let json = serde_json::to_value(layout.view(&events[0]))?;
/// assert_eq!(json["user_id"], "goran");
/// assert!(json.get("user").is_none() && json.get("message").is_none());
/// # Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Layout {
    schema: Schema,
    tags: Tags,
    dropped: Option<Dropped>,
}

/// A field that is to be left out is none of the schema.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected fields of the schema `{schema}`, and `{field}` is none; its fields are {}",
    schema.fields().join(", ")
)]
pub struct UnknownField {
    /// The name that was given.
    pub field: String,
    /// The schema.
    pub schema: Schema,
}

impl Layout {
    /// A schema with these tags on everything.
    #[must_use]
    pub const fn new(schema: Schema, tags: Tags) -> Self {
        Self {
            schema,
            tags,
            dropped: None,
        }
    }

    /// The same without the fields of these names. A name is one of [`Schema::fields`]: `user_id`, or
    /// `error.code` for a field within a field.
    ///
    /// # Errors
    ///
    /// [`UnknownField`] when the schema has no field of such a name.
    pub fn without(mut self, fields: &[impl AsRef<str>]) -> Result<Self, UnknownField> {
        for field in fields {
            let (field, schema) = (field.as_ref(), self.schema);
            if !schema.fields().contains(&field) {
                let field = field.to_owned();
                return Err(UnknownField { field, schema });
            }
            self.dropped.get_or_insert_with(Dropped::default).add(field);
        }
        Ok(self)
    }

    /// An event as this layout shows it.
    #[must_use]
    pub const fn view<'a>(&'a self, event: &'a Event) -> View<'a> {
        View {
            schema: self.schema,
            event,
            tags: &self.tags,
            dropped: self.dropped.as_ref(),
        }
    }

    /// An event about the plugin as this layout shows it.
    #[must_use]
    pub const fn plugin<'a, D>(&'a self, event: &'a PluginEvent<'a, D>) -> PluginView<'a, D> {
        PluginView {
            schema: self.schema,
            tags: &self.tags,
            event,
        }
    }
}
