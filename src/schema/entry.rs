//! A field in the arrangement of a schema: its name there, and where its value comes from.

use super::{Details, PluginEvent, Value};
use crate::event::EventKind;

/// A field in a schema's list for a kind of event. A dot in its name nests it in the field before the dot; neighbours
/// in the same field are written together.
#[derive(Debug)]
pub(super) struct Entry<S: 'static> {
    pub(super) name: &'static str,
    pub(super) source: Source<S>,
    /// Evaluated once for neighbours with the same condition, before their values.
    pub(super) condition: Option<Condition<S>>,
}

/// A condition that most events do not meet, so that several fields need not be evaluated.
#[derive(Debug)]
pub(super) struct Condition<S: 'static> {
    /// The identity of the condition, because functions cannot be compared.
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
    /// The tags of the layout; absent if there are none.
    Tags,
    /// The tags of the layout, even if they are an empty map.
    TagsEvenIfNone,
    /// Further fields that only the event knows.
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

    /// The same entry, evaluated only if a condition holds.
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

    /// The same entry under another name.
    pub(super) const fn named(self, name: &'static str) -> Self {
        Self { name, ..self }
    }
}

impl Entry<PluginEvent> {
    /// The details, in a field of this name, or next to the others if it is empty.
    pub(super) const fn details(name: &'static str) -> Self {
        Self::new(name, Source::Details(|event| &event.details))
    }
}

// A derived implementation would require `S: Clone` too.
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
