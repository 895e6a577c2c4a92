//! Event to named fields: the only place that knows the names of the output.
//!
//! Each schema is one file with the ordered list of fields for each kind of event. Most of the fields are rows of the
//! table in `field.rs`, which says what a field is and where its value comes from. When the configuration is read, the
//! list, with the tags and without the dropped fields ([`Layout`]), becomes a plan for each format (`plan.rs`). To
//! write an event, a codec only follows the steps of its plan.

mod butler_sos;
mod default;
mod ecs;
mod entry;
mod event_id;
mod field;
mod format;
mod layout;
mod plan;
mod plans;
mod plugin;
mod role;
mod tags;
mod timestamp;
mod value;
mod view;

use std::{fmt, str::FromStr, sync::LazyLock};

use serde::{Deserialize, Serialize};

use self::entry::{Entry, Source};
pub use self::{
    field::{FIELDS, Field, FieldType},
    format::{Format, Order, Writer},
    layout::{Layout, UnknownField},
    plan::Constant,
    plans::Planned,
    plugin::{Detail, Details, PluginEvent},
    role::Role,
    tags::{HostError, TagError, Tags, TagsByHost},
    timestamp::Timestamp,
    value::{List, Map, Value},
    view::View,
};
pub(crate) use self::{plans::Plans, value::ipv4_text};
use crate::event::{Event, EventKind};

/// The value of `source_type` in every event and diagnostic.
pub const SOURCE_TYPE: &str = "qlik_sense";

/// The names and the structure of the output's fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Schema {
    /// Flat fields in snake_case.
    #[default]
    Default,
    /// Elastic Common Schema 8.
    Ecs,
    /// The JSON that Butler SOS publishes over MQTT.
    ButlerSos,
}

impl Schema {
    /// Every schema.
    pub const ALL: &'static [Self] = &[Self::Default, Self::Ecs, Self::ButlerSos];

    /// The name in options, for example `default`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Ecs => "ecs",
            Self::ButlerSos => "butler_sos",
        }
    }

    /// The names of all fields; those of nested fields start with the outer name and a dot.
    #[must_use]
    pub fn fields(self) -> &'static [&'static str] {
        static NAMES: LazyLock<Vec<Vec<&str>>> =
            LazyLock::new(|| Schema::ALL.iter().copied().map(Schema::names).collect());
        &NAMES[self as usize]
    }

    fn names(self) -> Vec<&'static str> {
        let entries = EventKind::ALL.iter().flat_map(|kind| self.entries(*kind));
        let mut names = Vec::new();
        for name in entries.map(|entry| entry.name) {
            let dots = name.match_indices('.').map(|(dot, _)| dot);
            for end in dots.chain([name.len()]) {
                if !names.contains(&&name[..end]) {
                    names.push(&name[..end]);
                }
            }
        }
        names
    }

    /// The fields of a kind of event, in order.
    fn entries(self, kind: EventKind) -> Vec<Entry<Event>> {
        match self {
            Self::Default => default::entries(kind),
            Self::Ecs => ecs::entries(kind),
            Self::ButlerSos => butler_sos::entries(kind),
        }
    }

    /// The fields of an event about the plugin itself, in order.
    fn plugin_entries(self) -> Vec<Entry<PluginEvent>> {
        match self {
            Self::Default => default::plugin_entries(),
            Self::Ecs => ecs::plugin_entries(),
            Self::ButlerSos => butler_sos::plugin_entries(),
        }
    }

    /// An event as this schema shows it, without tags and with every field.
    #[must_use]
    pub fn view(self, event: &Event) -> View<'_> {
        static LAYOUTS: LazyLock<Vec<Layout>> = LazyLock::new(|| {
            let schemas = Schema::ALL.iter();
            schemas
                .map(|schema| Layout::new(*schema, Tags::default()))
                .collect()
        });
        LAYOUTS[self as usize].view(event)
    }
}

impl fmt::Display for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// No schema has this name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected one of the schemas `default`, `ecs` and `butler_sos`")]
pub struct UnknownSchema;

impl FromStr for Schema {
    type Err = UnknownSchema;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .iter()
            .copied()
            .find(|schema| schema.as_str() == name)
            .ok_or(UnknownSchema)
    }
}
