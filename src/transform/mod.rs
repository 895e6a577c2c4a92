//! Event to no, one or several events.
//!
//! The names, the argument order and the meaning are those of vector-lib's function transforms, so
//! that an adapter for a custom Vector has nothing to do but delegate.

pub mod app_names;
pub mod blacklist;
pub(crate) mod case;
pub mod performance;
pub mod pseudonymize;
pub mod sessions;
pub(crate) mod text_file;
mod wildcard;

pub use self::{
    app_names::{AppNames, AppNamesConfig, AppTable},
    blacklist::{Blacklist, BlacklistConfig},
    performance::{Performance, PerformanceConfig},
    pseudonymize::{Pseudonymize, PseudonymizeConfig},
    sessions::{Sessions, SessionsConfig},
};
use crate::event::Event;

/// A transform that looks at one event at a time and keeps no others waiting.
pub trait FunctionTransform: Clone + Send + Sync {
    /// Pushes what becomes of `event` to `output`: nothing, the event, or others in its place.
    fn transform(&mut self, output: &mut OutputBuffer, event: Event);
}

/// Where transforms put their events. Reused between datagrams, so that it costs no allocation.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct OutputBuffer(Vec<Event>);

impl OutputBuffer {
    /// A buffer with room for `capacity` events before it grows.
    #[must_use]
    pub fn with_capacity(capacity: usize) -> Self {
        Self(Vec::with_capacity(capacity))
    }

    /// Adds an event at the end.
    pub fn push(&mut self, event: Event) {
        self.0.push(event);
    }

    /// How many events there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The events, in the order in which they were pushed.
    pub fn iter(&self) -> std::slice::Iter<'_, Event> {
        self.0.iter()
    }

    /// The events that were pushed after the first `start`, to be changed where they are.
    pub fn after(&mut self, start: usize) -> &mut [Event] {
        self.0.get_mut(start..).unwrap_or_default()
    }

    /// Takes the events out and leaves the room that they had.
    pub fn drain(&mut self) -> std::vec::Drain<'_, Event> {
        self.0.drain(..)
    }

    /// Forgets the events and keeps the memory for others.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// The events as a vector.
    #[must_use]
    pub fn into_events(self) -> Vec<Event> {
        self.0
    }
}

impl<'a> IntoIterator for &'a OutputBuffer {
    type Item = &'a Event;
    type IntoIter = std::slice::Iter<'a, Event>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}
