//! Event to named fields: the only place that knows the names of the output.
//!
//! A schema is one file with one function: it fills a [`Record`] with the fields of an event, in order,
//! each with its name and its value or its absence. A record is a `serde` value, which every codec can
//! write, so schemas and codecs combine without knowing each other. [`Layout`] adds what the
//! configuration says: tags, and fields to leave out.

mod butler_sos;
mod default;
mod dropped;
mod ecs;
mod layout;
mod plugin;
mod record;
mod role;
mod tags;
mod timestamp;
mod value;

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize, Serializer};

use self::dropped::Dropped;
pub(crate) use self::value::ipv4_text;
pub use self::{
    layout::{Layout, UnknownField},
    plugin::{PluginEvent, PluginView},
    record::{Fields, Fill, Record},
    role::Role,
    tags::{TagError, Tags},
    timestamp::{TIMESTAMP_TOKEN, Timestamp},
    value::Value,
};
use crate::event::Event;

/// The value of `source_type` in every event and diagnostic.
pub const SOURCE_TYPE: &str = "qlik_sense";

/// The names and the arrangement of the output's fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Schema {
    /// Flat fields in snake_case.
    #[default]
    Default,
    /// Elastic Common Schema 8.
    Ecs,
    /// What Butler SOS publishes over MQTT.
    ButlerSos,
}

impl Schema {
    /// Every schema.
    pub const ALL: [Self; 3] = [Self::Default, Self::Ecs, Self::ButlerSos];

    /// The name in options, for example `default`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Ecs => "ecs",
            Self::ButlerSos => "butler_sos",
        }
    }

    /// The names of all fields, those within a field with its name and a dot before theirs.
    #[must_use]
    pub const fn fields(self) -> &'static [&'static str] {
        match self {
            Self::Default => default::FIELDS,
            Self::Ecs => ecs::FIELDS,
            Self::ButlerSos => butler_sos::FIELDS,
        }
    }

    /// An event as this schema shows it, without tags and with every field.
    #[must_use]
    pub const fn view(self, event: &Event) -> View<'_> {
        View {
            schema: self,
            event,
            tags: Tags::NONE,
            dropped: None,
        }
    }
}

impl fmt::Display for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// There is no schema of that name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected one of the schemas `default`, `ecs` and `butler_sos`")]
pub struct UnknownSchema;

impl FromStr for Schema {
    type Err = UnknownSchema;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|schema| schema.as_str() == name)
            .ok_or(UnknownSchema)
    }
}

/// An event as a schema shows it: a `serde` map from field names to values.
///
/// ```
/// use qlik_sense_events::{decoding::{LogNamespace, QlikSenseDeserializer}, schema::Schema};
///
/// let datagram = "/proxy-connection/;n1;Open connection;LAB;goran;;/app/x;".into();
/// let events = QlikSenseDeserializer::default().parse(datagram, LogNamespace::Legacy)?;
/// let json = serde_json::to_value(Schema::Default.view(&events[0]))?;
/// assert_eq!(json["action"], "open");
/// assert_eq!(json["user"], r"LAB\goran");
/// assert!(json.get("origin").is_none());
/// # Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    schema: Schema,
    event: &'a Event,
    tags: &'a Tags,
    dropped: Option<&'a Dropped>,
}

impl<'a> View<'a> {
    /// When it happened; 1970 where that is not known.
    #[must_use]
    pub fn timestamp(&self) -> Timestamp {
        Timestamp(self.event.timestamp().unwrap_or_default())
    }

    /// Whether no field is left out.
    pub(crate) const fn has_all_fields(&self) -> bool {
        self.dropped.is_none()
    }

    /// Shows the fields that the event has, also those that are left out elsewhere.
    #[inline]
    pub(crate) fn fill(&self, fields: &mut impl Fill<'a>) {
        match self.schema {
            Schema::Default => default::fill(self.event, self.tags, fields),
            Schema::Ecs => ecs::fill(self.event, self.tags, fields),
            Schema::ButlerSos => butler_sos::fill(self.event, self.tags, fields),
        }
    }
}

impl Serialize for View<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut record = Record::without(self.dropped);
        self.fill(&mut record);
        record.serialize(serializer)
    }
}
