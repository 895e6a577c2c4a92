//! Events as `serde` maps, for formats that the codecs do not have.

use serde::{Serialize, Serializer, ser::SerializeMap};

use super::{
    Constant, Details, Format, Planned, Timestamp,
    plan::{Plan, Step},
    plugin::Detail,
};
use crate::event::Event;

/// An event in a layout: a `serde` map from field names to values.
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
#[derive(Debug)]
pub struct View<'a, E: 'static = Event> {
    pub(super) event: &'a E,
    pub(super) plan: &'a Plan<Names, E>,
}

impl<E: Planned> View<'_, E> {
    /// When it happened; 1970 if unknown.
    #[must_use]
    pub fn timestamp(&self) -> Timestamp {
        self.event.timestamp()
    }
}

impl<E> Serialize for View<'_, E> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (steps, event) = (self.plan.steps(), self.event);
        Level { steps, event }.serialize(serializer)
    }
}

/// The fields of an event by name.
#[derive(Debug)]
pub(super) struct Names;

impl Format for Names {
    type Key = Box<str>;
    type Fixed = Box<[(&'static str, Constant)]>;

    fn key(name: &str) -> Self::Key {
        name.into()
    }

    fn fixed(fields: &[(&'static str, Constant)]) -> Self::Fixed {
        fields.into()
    }
}

/// The fields of an event, or of a nested field.
struct Level<'a, S: 'static> {
    steps: &'a [Step<Names, S>],
    event: &'a S,
}

impl<S> Level<'_, S> {
    /// The steps except those whose condition does not hold.
    fn asked(&self) -> impl Iterator<Item = &Step<Names, S>> {
        let mut left_out = 0;
        self.steps.iter().filter(move |step| {
            if left_out > 0 {
                left_out -= 1;
                return false;
            }
            if let Step::If(holds, count) = step
                && !holds(self.event)
            {
                left_out = *count;
            }
            true
        })
    }

    /// The number of fields. Formats such as MessagePack write it before the first one.
    fn count(&self) -> usize {
        let event = self.event;
        let steps = self.asked();
        steps
            .map(|step| match step {
                Step::Fixed(fields) => fields.len(),
                Step::FixedByHost(fixed) => fixed.of(event).map_or(0, |fields| fields.len()),
                Step::Text(_, text) => text(event).is_some().into(),
                Step::Value(_, value) => value(event).is_present().into(),
                Step::If(..) => 0,
                Step::Group(_, steps) => usize::from(Level { steps, event }.count() > 0),
                Step::Details(details) => details(event).iter().count(),
            })
            .sum()
    }
}

impl<E> Serialize for Level<'_, E> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.count()))?;
        self.add_to(&mut map)?;
        map.end()
    }
}

impl<E> Level<'_, E> {
    fn add_to<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        let event = self.event;
        for step in self.asked() {
            match step {
                Step::Fixed(fields) => add_fixed(fields, map)?,
                Step::FixedByHost(fixed) => {
                    if let Some(fields) = fixed.of(event) {
                        add_fixed(fields, map)?;
                    }
                }
                Step::Text(name, text) => {
                    if let Some(text) = text(event) {
                        map.serialize_entry(name, text)?;
                    }
                }
                Step::Value(name, value) => {
                    let value = value(event);
                    if value.is_present() {
                        map.serialize_entry(name, &value)?;
                    }
                }
                Step::If(..) => {}
                Step::Group(name, steps) => {
                    let level = Level { steps, event };
                    if level.count() > 0 {
                        map.serialize_entry(name, &level)?;
                    }
                }
                Step::Details(details) => {
                    for (name, detail) in details(event).iter() {
                        map.serialize_entry(name, detail)?;
                    }
                }
            }
        }
        Ok(())
    }
}

fn add_fixed<M: SerializeMap>(
    fields: &[(&'static str, Constant)],
    map: &mut M,
) -> Result<(), M::Error> {
    fields
        .iter()
        .try_for_each(|(name, constant)| map.serialize_entry(name, constant))
}

impl Serialize for Constant {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Value(value) => value.serialize(serializer),
            Self::Tags(tags) => tags.serialize(serializer),
            Self::Group(fields) => {
                serializer.collect_map(fields.iter().map(|(name, constant)| (name, constant)))
            }
        }
    }
}

impl Serialize for Detail {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Number(number) => number.serialize(serializer),
            Self::Float(number) => number.serialize(serializer),
            Self::Text(text) => text.serialize(serializer),
            Self::Group(details) => details.serialize(serializer),
        }
    }
}

impl Serialize for Details {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}
