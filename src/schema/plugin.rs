//! Diagnostics of the plugin, as events next to those of Qlik Sense.

use std::borrow::Cow;

use super::{Entry, Timestamp, Value};

/// An event about the plugin itself: `event: "plugin"` in the schema `default`.
#[derive(Debug, Clone, PartialEq)]
pub struct PluginEvent {
    /// When it was created.
    pub timestamp: Timestamp,
    /// `info`, `warn` or `error`.
    pub level: &'static str,
    /// What happened.
    pub message: String,
    /// Numbers and names beyond the message.
    pub details: Details,
}

/// Names with numbers, texts or nested details, in order.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Details(Vec<(Cow<'static, str>, Detail)>);

/// The value of one of the [`Details`].
#[derive(Debug, Clone, PartialEq)]
pub enum Detail {
    /// A number.
    Number(u64),
    /// A number with decimals.
    Float(f64),
    /// Text.
    Text(String),
    /// Nested details.
    Group(Details),
}

impl Details {
    /// Adds a detail.
    pub fn add(&mut self, name: impl Into<Cow<'static, str>>, detail: impl Into<Detail>) {
        self.0.push((name.into(), detail.into()));
    }

    /// Adds a detail if it is present.
    pub fn add_any(&mut self, name: &'static str, detail: Option<impl Into<Detail>>) {
        if let Some(detail) = detail {
            self.add(name, detail);
        }
    }

    /// Adds numbers by name, without those that are zero; adds nothing if all are.
    pub fn add_counts<N: Into<Cow<'static, str>>>(
        &mut self,
        name: &'static str,
        counts: impl IntoIterator<Item = (N, u64)>,
    ) {
        let mut group = Self::default();
        for (name, count) in counts.into_iter().filter(|(_, count)| *count > 0) {
            group.add(name, count);
        }
        if !group.0.is_empty() {
            self.add(name, group);
        }
    }

    /// Appends other details.
    pub fn extend(&mut self, others: impl IntoIterator<Item = Self>) {
        self.0
            .extend(others.into_iter().flat_map(|details| details.0));
    }

    /// Every detail with its name, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Detail)> {
        self.0.iter().map(|(name, detail)| (&**name, detail))
    }
}

impl From<u64> for Detail {
    fn from(number: u64) -> Self {
        Self::Number(number)
    }
}

impl From<f64> for Detail {
    fn from(number: f64) -> Self {
        Self::Float(number)
    }
}

impl From<usize> for Detail {
    fn from(number: usize) -> Self {
        Self::Number(number as u64)
    }
}

impl From<String> for Detail {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<Details> for Detail {
    fn from(details: Details) -> Self {
        Self::Group(details)
    }
}

pub(super) const TIMESTAMP: Entry<PluginEvent> =
    Entry::value("timestamp", |event| event.timestamp.into());
pub(super) const LEVEL: Entry<PluginEvent> = Entry::value("level", |event| event.level.into());
pub(super) const MESSAGE: Entry<PluginEvent> =
    Entry::value("message", |event| Value::Text(&event.message));
