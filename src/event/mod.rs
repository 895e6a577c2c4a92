//! [`Frame`](crate::wire::Frame) to typed event.
//!
//! An [`Event`] is either a [`UserEvent`], which says that a user started or stopped a session or
//! opened or closed a connection, or an [`Undecoded`] payload with the reason. Both know when and
//! from where they arrived, if their host said so.
//!
//! Another payload family of Qlik Sense joins here as one more variant of [`Event`].

mod arrival;
mod extension;
mod kind;
mod text;
mod undecoded;
mod user_agent;
mod user_event;

use chrono::{DateTime, Utc};

pub use self::{
    arrival::Arrival,
    extension::Unreadable,
    kind::{ConnectionAction, Kind, SessionAction},
    undecoded::Undecoded,
    user_agent::{DEFAULT_CACHE_BYTES, MAX_PARSED_BYTES, UserAgent, UserAgentCache},
    user_event::{User, UserEvent},
};

/// What one payload says, or why it says nothing.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// A session or connection event of a user.
    User(UserEvent),
    /// A payload that could not be decoded, with the reason.
    Undecoded(Undecoded),
}

impl Event {
    /// When and from where the datagram arrived; none until the host has said so.
    #[must_use]
    pub const fn arrival(&self) -> Option<Arrival> {
        match self {
            Self::User(event) => event.arrival,
            Self::Undecoded(event) => event.arrival,
        }
    }

    /// When it happened: Qlik's own time where it was sent and can be read, otherwise that of arrival.
    #[must_use]
    pub fn timestamp(&self) -> Option<DateTime<Utc>> {
        match self {
            Self::User(event) => event.timestamp(),
            Self::Undecoded(event) => event.arrival.map(|arrival| arrival.timestamp),
        }
    }

    /// Notes when and from where the datagram arrived.
    pub const fn set_arrival(&mut self, arrival: Arrival) {
        match self {
            Self::User(event) => event.arrival = Some(arrival),
            Self::Undecoded(event) => event.arrival = Some(arrival),
        }
    }

    /// The value of the output's `event` field: `session`, `connection` or `undecoded`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::User(event) => event.kind.event(),
            Self::Undecoded(_) => "undecoded",
        }
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
