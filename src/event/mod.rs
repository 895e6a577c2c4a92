//! [`Frame`](crate::wire::Frame) to typed event.
//!
//! An [`Event`] is either a [`UserEvent`], which says that a user started or stopped a session or
//! opened or closed a connection, or an [`Undecoded`] payload with the reason. Both know when and
//! from where they arrived, if their host said so.
//!
//! Another payload family of Qlik Sense joins here as one more variant of [`Event`].

mod arrival;
mod derived;
mod event_kind;
mod extension;
mod kind;
mod text;
mod undecoded;
mod user_agent;
mod user_event;

use chrono::{DateTime, Utc};

pub use self::{
    arrival::Arrival,
    derived::{
        Derived, DerivedKind, EndReason, Ended, FollowedApp, FollowedConnection, FollowedSession,
        Pairing, Subject,
    },
    event_kind::EventKind,
    extension::Unreadable,
    kind::{ConnectionAction, Kind, SessionAction},
    undecoded::Undecoded,
    user_agent::{DEFAULT_CACHE_BYTES, MAX_PARSED_BYTES, UserAgent, UserAgentCache},
    user_event::{User, UserEvent},
};
pub(crate) use user_event::Texts;

/// What one payload says, or why it says nothing.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// A session or connection event of a user.
    User(UserEvent),
    /// A payload that could not be decoded, with the reason.
    Undecoded(Undecoded),
    /// What follows from several user events: a session or connection as a whole.
    Derived(Box<Derived>),
}

impl Event {
    /// When and from where the datagram arrived; none until the host has said so.
    #[must_use]
    pub const fn arrival(&self) -> Option<Arrival> {
        match self {
            Self::User(event) => event.arrival,
            Self::Undecoded(event) => event.arrival,
            Self::Derived(event) => Some(Arrival::local(event.timestamp)),
        }
    }

    /// When it happened: Qlik's own time where it was sent and can be read, otherwise that of arrival.
    #[must_use]
    pub fn timestamp(&self) -> Option<DateTime<Utc>> {
        match self {
            Self::User(event) => event.timestamp(),
            Self::Undecoded(event) => event.arrival.map(|arrival| arrival.timestamp),
            Self::Derived(event) => Some(event.timestamp),
        }
    }

    /// Notes when and from where the datagram arrived.
    pub const fn set_arrival(&mut self, arrival: Arrival) {
        match self {
            Self::User(event) => event.arrival = Some(arrival),
            Self::Undecoded(event) => event.arrival = Some(arrival),
            Self::Derived(event) => event.timestamp = arrival.timestamp,
        }
    }

    /// The kind of event.
    #[must_use]
    pub const fn kind(&self) -> EventKind {
        EventKind::of(self)
    }
}

impl From<UserEvent> for Event {
    fn from(event: UserEvent) -> Self {
        Self::User(event)
    }
}

impl From<Undecoded> for Event {
    fn from(event: Undecoded) -> Self {
        Self::Undecoded(event)
    }
}

impl From<Derived> for Event {
    fn from(event: Derived) -> Self {
        Self::Derived(Box::new(event))
    }
}
