//! Every kind of event that there is.

use super::{ConnectionAction, Derived, DerivedKind, Event, Kind, SessionAction};

/// The kind of an event: which fields it can have, and how it is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EventKind {
    /// A session or connection event of a user.
    User(Kind),
    /// A payload that could not be decoded.
    Undecoded,
    /// A session has ended.
    SessionSummary,
    /// A connection has ended.
    ConnectionSummary,
    /// A session is open.
    SessionSnapshot,
}

impl EventKind {
    /// Every kind, in the order of [`EventKind::index`].
    pub const ALL: &'static [Self] = &[
        Self::User(Kind::Session(SessionAction::Start)),
        Self::User(Kind::Session(SessionAction::Stop)),
        Self::User(Kind::Session(SessionAction::Other)),
        Self::User(Kind::Connection(ConnectionAction::Open)),
        Self::User(Kind::Connection(ConnectionAction::Close)),
        Self::User(Kind::Connection(ConnectionAction::Other)),
        Self::Undecoded,
        Self::SessionSummary,
        Self::ConnectionSummary,
        Self::SessionSnapshot,
    ];

    /// The kind of an event.
    #[must_use]
    #[inline]
    pub const fn of(event: &Event) -> Self {
        match event {
            Event::User(event) => Self::User(event.kind()),
            Event::Undecoded(_) => Self::Undecoded,
            Event::Derived(event) => Self::of_derived(event),
        }
    }

    const fn of_derived(event: &Derived) -> Self {
        match &event.kind {
            DerivedKind::SessionSummary(..) => Self::SessionSummary,
            DerivedKind::ConnectionSummary(..) => Self::ConnectionSummary,
            DerivedKind::SessionSnapshot(_) => Self::SessionSnapshot,
        }
    }

    /// The place of this kind in [`EventKind::ALL`].
    #[must_use]
    #[inline]
    pub const fn index(self) -> usize {
        match self {
            Self::User(kind) => kind.index(),
            Self::Undecoded => Kind::ALL.len(),
            Self::SessionSummary => Kind::ALL.len() + 1,
            Self::ConnectionSummary => Kind::ALL.len() + 2,
            Self::SessionSnapshot => Kind::ALL.len() + 3,
        }
    }

    /// Whether events of this kind follow from others: no datagram brings them.
    #[must_use]
    pub const fn is_derived(self) -> bool {
        matches!(
            self,
            Self::SessionSummary | Self::ConnectionSummary | Self::SessionSnapshot
        )
    }

    /// The value of the output's `event` field, for example `session`.
    #[must_use]
    pub const fn event(self) -> &'static str {
        match self {
            Self::User(kind) => kind.event(),
            Self::Undecoded => "undecoded",
            Self::SessionSummary => "session_summary",
            Self::ConnectionSummary => "connection_summary",
            Self::SessionSnapshot => "session_snapshot",
        }
    }

    /// The value of the output's `action` field, where there is one.
    #[must_use]
    pub const fn action(self) -> Option<&'static str> {
        match self {
            Self::User(kind) => Some(kind.action()),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_a_place_of_its_own() {
        for (place, kind) in EventKind::ALL.iter().enumerate() {
            assert_eq!(kind.index(), place, "{kind:?}");
        }
    }
}
