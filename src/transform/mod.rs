//! Turns one event into none, one or several.
//!
//! Names, argument order and meaning are those of vector-lib's function transforms, so that an adapter for a custom
//! Vector only needs to delegate.

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

/// A transform that processes one event at a time and holds no others back.
pub trait FunctionTransform: Clone + Send + Sync {
    /// Pushes the result for `event` to `output`: nothing, the event, or others instead.
    fn transform(&mut self, output: &mut OutputBuffer, event: Event);
}

/// Collects the events of transforms. Reused between datagrams, so that it costs no allocation.
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

    /// The number of events.
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

    /// The events after the first `start`, mutably.
    pub fn after(&mut self, start: usize) -> &mut [Event] {
        self.0.get_mut(start..).unwrap_or_default()
    }

    /// Drains the events and keeps the capacity.
    pub fn drain(&mut self) -> std::vec::Drain<'_, Event> {
        self.0.drain(..)
    }

    /// Clears the events and keeps the memory.
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
