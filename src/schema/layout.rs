//! The layout of a host's output: a schema, tags, and dropped fields.

use std::sync::Arc;

use super::{
    Format, Schema, Tags, TagsByHost, View,
    plan::{Arrangement, Plan},
    plans::{Planned, Plans},
    view::Names,
};
use crate::event::{Event, EventKind};

/// A schema with the tags of every event and without the dropped fields.
///
/// Built once from the configuration; clones share it.
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
    tags_by_host: TagsByHost,
    dropped: Vec<String>,
    names: Arc<Plans<Names>>,
}

/// The schema has no field with the name that was to be dropped.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{field}` is not a field of the schema `{schema}`; its fields are {}",
    schema.fields().join(", ")
)]
pub struct UnknownField {
    /// The name as given.
    pub field: String,
    /// The schema.
    pub schema: Schema,
}

impl Layout {
    /// A schema with these tags on every event.
    #[must_use]
    pub fn new(schema: Schema, tags: Tags) -> Self {
        let (tags_by_host, dropped) = (TagsByHost::default(), Vec::new());
        let arrangement = Arrangement {
            tags: &tags,
            tags_by_host: &tags_by_host,
            dropped: &dropped,
        };
        let names = Arc::new(compile(schema, arrangement));
        Self {
            schema,
            tags,
            tags_by_host,
            dropped,
            names,
        }
    }

    /// The same layout with additional tags on the events of single nodes; they take precedence over the general ones.
    /// Events about the plugin itself belong to no node.
    #[must_use]
    pub fn with_tags_by_host(mut self, tags_by_host: TagsByHost) -> Self {
        if !tags_by_host.is_empty() {
            self.tags_by_host = tags_by_host;
            self.names = Arc::new(self.plans());
        }
        self
    }

    /// The same layout without the fields of these names. A name is one of [`Schema::fields`]: `user_id`, or
    /// `error.code` for a nested field. Events about the plugin itself keep all fields.
    ///
    /// # Errors
    ///
    /// [`UnknownField`] if the schema has no field with such a name.
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

    /// An event in this layout.
    #[must_use]
    pub fn view<'a, E: Planned>(&'a self, event: &'a E) -> View<'a, E> {
        View {
            event,
            plan: event.plan(&self.names),
        }
    }

    /// The plans for writing events in a format.
    pub(crate) fn plans<F: Format>(&self) -> Plans<F> {
        compile(
            self.schema,
            Arrangement {
                tags: &self.tags,
                tags_by_host: &self.tags_by_host,
                dropped: &self.dropped,
            },
        )
    }
}

impl Default for Layout {
    fn default() -> Self {
        Self::new(Schema::default(), Tags::default())
    }
}

impl PartialEq for Layout {
    fn eq(&self, other: &Self) -> bool {
        (self.schema, &self.tags) == (other.schema, &other.tags)
            && self.tags_by_host == other.tags_by_host
            && self.dropped == other.dropped
    }
}

impl Eq for Layout {}

fn compile<F: Format>(schema: Schema, arrangement: Arrangement<'_>) -> Plans<F> {
    let events = EventKind::ALL.iter().map(|&kind| {
        let entries = schema.entries(kind);
        Plan::compile(&entries, Some(kind), Some(Event::host), arrangement)
    });
    // Only fields of events can be dropped.
    let arrangement = Arrangement {
        dropped: &[],
        ..arrangement
    };
    Plans {
        events: events.collect(),
        plugin: Plan::compile(&schema.plugin_entries(), None, None, arrangement),
    }
}
