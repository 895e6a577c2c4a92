//! A field as a schema arranges it: its name there, and where its value comes from.

use super::{Details, PluginEvent, Value};
use crate::event::EventKind;

/// A field in a schema's list for a kind of event. A dot in its name puts it within a field of the name before it;
/// neighbours that are within the same field come out together.
#[derive(Debug)]
pub(super) struct Entry<S: 'static> {
    pub(super) name: &'static str,
    pub(super) source: Source<S>,
    /// Asked once for neighbours that have the same, before any of them is asked for its value.
    pub(super) condition: Option<Condition<S>>,
}

/// What most events can be known not to have, without a look at each of the fields in question.
#[derive(Debug)]
pub(super) struct Condition<S: 'static> {
    /// Which one it is: functions cannot be compared.
    pub(super) name: &'static str,
    pub(super) holds: fn(&S) -> bool,
}

/// Where the value of a field comes from.
#[derive(Debug)]
pub(super) enum Source<S: 'static> {
    /// The same in every event.
    Constant(Value<'static>),
    /// The same in every event of a kind.
    Kind(fn(EventKind) -> Value<'static>),
    /// Text of the event.
    Text(fn(&S) -> Option<&str>),
    /// Another value of the event.
    Value(fn(&S) -> Value<'_>),
    /// The tags of the layout; none at all where there are none.
    Tags,
    /// The tags of the layout, be it an empty map.
    TagsEvenIfNone,
    /// Further fields, which only the event knows.
    Details(fn(&S) -> &Details),
}

impl<S> Entry<S> {
    pub(super) const fn new(name: &'static str, source: Source<S>) -> Self {
        Self {
            name,
            source,
            condition: None,
        }
    }

    /// The same, asked for only where a condition holds.
    pub(super) const fn only_if(self, condition: Option<Condition<S>>) -> Self {
        Self { condition, ..self }
    }

    pub(super) const fn constant(name: &'static str, text: &'static str) -> Self {
        Self::new(name, Source::Constant(Value::Text(text)))
    }

    pub(super) const fn by_kind(
        name: &'static str,
        value: fn(EventKind) -> Value<'static>,
    ) -> Self {
        Self::new(name, Source::Kind(value))
    }

    pub(super) const fn text(name: &'static str, text: fn(&S) -> Option<&str>) -> Self {
        Self::new(name, Source::Text(text))
    }

    pub(super) const fn value(name: &'static str, value: fn(&S) -> Value<'_>) -> Self {
        Self::new(name, Source::Value(value))
    }

    pub(super) const fn tags(name: &'static str) -> Self {
        Self::new(name, Source::Tags)
    }

    pub(super) const fn tags_even_if_none(name: &'static str) -> Self {
        Self::new(name, Source::TagsEvenIfNone)
    }

    /// The same by another name.
    pub(super) const fn named(self, name: &'static str) -> Self {
        Self { name, ..self }
    }
}

impl Entry<PluginEvent> {
    /// The details, within a field of this name, or beside the others where it is empty.
    pub(super) const fn details(name: &'static str) -> Self {
        Self::new(name, Source::Details(|event| &event.details))
    }
}

// Derived, these would ask for the same of `S`.
impl<S> Clone for Entry<S> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<S> Copy for Entry<S> {}

impl<S> Clone for Source<S> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<S> Copy for Source<S> {}

impl<S> Clone for Condition<S> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<S> Copy for Condition<S> {}
