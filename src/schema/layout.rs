//! How the output of a host looks: a schema, tags, and fields that are left out.

use std::sync::Arc;

use super::{
    Format, Schema, Tags, View,
    plan::{Arrangement, Plan},
    plans::{Planned, Plans},
    view::Names,
};
use crate::event::EventKind;

/// A schema with the tags on every event and without the fields that are not wanted.
///
/// Made once from the configuration; a clone shares it.
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
#[derive(Debug, Clone)]
pub struct Layout {
    schema: Schema,
    tags: Tags,
    dropped: Vec<String>,
    names: Arc<Plans<Names>>,
}

/// The schema has no field of the name that is to be left out.
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
    pub fn new(schema: Schema, tags: Tags) -> Self {
        let dropped = Vec::new();
        let names = Arc::new(compile(schema, &tags, &dropped));
        Self {
            schema,
            tags,
            dropped,
            names,
        }
    }

    /// The same without the fields of these names. A name is one of [`Schema::fields`]: `user_id`, or
    /// `error.code` for a field within a field. Events about the plugin itself keep all fields.
    ///
    /// # Errors
    ///
    /// [`UnknownField`] when the schema has no field of such a name.
    pub fn without(mut self, fields: &[impl AsRef<str>]) -> Result<Self, UnknownField> {
        for field in fields {
            let (field, schema) = (field.as_ref().to_owned(), self.schema);
            if !schema.fields().contains(&&*field) {
                return Err(UnknownField { field, schema });
            }
            self.dropped.push(field);
        }
        self.names = Arc::new(self.plans());
        Ok(self)
    }

    /// An event as this layout shows it.
    #[must_use]
    pub fn view<'a, E: Planned>(&'a self, event: &'a E) -> View<'a, E> {
        View {
            event,
            plan: event.plan(&self.names),
        }
    }

    /// How events are written in a format.
    pub(crate) fn plans<F: Format>(&self) -> Plans<F> {
        compile(self.schema, &self.tags, &self.dropped)
    }
}

impl Default for Layout {
    fn default() -> Self {
        Self::new(Schema::default(), Tags::default())
    }
}

impl PartialEq for Layout {
    fn eq(&self, other: &Self) -> bool {
        (self.schema, &self.tags, &self.dropped) == (other.schema, &other.tags, &other.dropped)
    }
}

impl Eq for Layout {}

fn compile<F: Format>(schema: Schema, tags: &Tags, dropped: &[String]) -> Plans<F> {
    let events = EventKind::ALL.iter().map(|&kind| {
        let arrangement = Arrangement { tags, dropped };
        Plan::compile(&schema.entries(kind), Some(kind), arrangement)
    });
    // Fields that are left out are those of events.
    let arrangement = Arrangement { tags, dropped: &[] };
    Plans {
        events: events.collect(),
        plugin: Plan::compile(&schema.plugin_entries(), None, arrangement),
    }
}
