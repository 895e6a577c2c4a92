//! Events that Qlik Sense does not send but that follow from those it sends: sessions and connections with their start
//! and end.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::{EventKind, Family, User, UserAgent};
use crate::payload::Fields;

/// An event that the transform `sessions` derives from several user events.
#[derive(Debug, Clone, PartialEq)]
pub struct Derived {
    /// When it was created: the arrival of the event that caused it, or the host's clock.
    pub timestamp: DateTime<Utc>,
    /// Whose session or connection it is.
    pub subject: Subject,
    /// What happened to it.
    pub kind: DerivedKind,
}

/// The Qlik node and the user, spelt as in their first event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// The Qlik node.
    pub host: Option<Arc<str>>,
    /// The user's directory.
    pub user_directory: Option<Arc<str>>,
    /// The user's id in the directory.
    pub user_id: Arc<str>,
}

impl Subject {
    /// Directory and id as Qlik writes them; `None` if the directory is absent.
    #[must_use]
    pub fn user(&self) -> Option<User<'_>> {
        Some(User {
            directory: self.user_directory.as_deref()?,
            id: &self.user_id,
        })
    }
}

/// The content of a derived event.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum DerivedKind {
    /// A session has ended.
    SessionSummary(FollowedSession, Ended),
    /// A connection has ended.
    ConnectionSummary(FollowedConnection, Ended),
    /// A session is open; sent at intervals.
    SessionSnapshot(FollowedSession),
}

impl Derived {
    /// How long it lasted, or has lasted until now; never negative.
    #[must_use]
    pub fn duration(&self) -> TimeDelta {
        let start = self.kind.start();
        match self.kind.ended() {
            Some(ended) => ended.duration_since(start),
            None => (self.timestamp - start).max(TimeDelta::zero()),
        }
    }
}

impl Fields for Derived {
    fn family(&self) -> Option<Family> {
        None
    }

    fn kind(&self) -> EventKind {
        match &self.kind {
            DerivedKind::SessionSummary(..) => EventKind::SessionSummary,
            DerivedKind::ConnectionSummary(..) => EventKind::ConnectionSummary,
            DerivedKind::SessionSnapshot(_) => EventKind::SessionSnapshot,
        }
    }

    fn host<'t>(&'t self, _: &'t str) -> Option<&'t str> {
        self.subject.host.as_deref()
    }

    fn user_directory<'t>(&'t self, _: &'t str) -> Option<&'t str> {
        self.subject.user_directory.as_deref()
    }

    fn user_id<'t>(&'t self, _: &'t str) -> Option<&'t str> {
        Some(&self.subject.user_id)
    }

    fn session_id<'t>(&'t self, _: &'t str) -> Option<&'t str> {
        self.kind.session_id()
    }

    fn virtual_proxy<'t>(&'t self, _: &'t str) -> Option<&'t str> {
        self.kind.virtual_proxy()
    }

    fn app_id(&self) -> Option<Uuid> {
        self.kind.app().map(|app| app.id)
    }

    fn sent_app_name<'t>(&'t self, _: &'t str) -> Option<&'t str> {
        self.kind.app()?.name.as_deref()
    }

    fn client(&self) -> Option<&Arc<UserAgent>> {
        self.kind.shared_client()
    }
}

impl DerivedKind {
    /// When it started.
    #[must_use]
    pub const fn start(&self) -> DateTime<Utc> {
        match self {
            Self::SessionSummary(session, _) | Self::SessionSnapshot(session) => session.start,
            Self::ConnectionSummary(connection, _) => connection.start,
        }
    }

    /// Whether its start was seen.
    #[must_use]
    pub const fn start_seen(&self) -> bool {
        match self {
            Self::SessionSummary(session, _) | Self::SessionSnapshot(session) => session.start_seen,
            Self::ConnectionSummary(connection, _) => connection.start_seen,
        }
    }

    /// How it ended; `None` while it is open.
    #[must_use]
    pub const fn ended(&self) -> Option<&Ended> {
        match self {
            Self::SessionSummary(_, ended) | Self::ConnectionSummary(_, ended) => Some(ended),
            Self::SessionSnapshot(_) => None,
        }
    }

    /// The proxy session's id.
    #[must_use]
    pub fn session_id(&self) -> Option<&str> {
        match self {
            Self::SessionSummary(session, _) | Self::SessionSnapshot(session) => {
                session.session_id.as_deref()
            }
            Self::ConnectionSummary(connection, _) => connection.session_id.as_deref(),
        }
    }

    /// The prefix of the virtual proxy.
    #[must_use]
    pub fn virtual_proxy(&self) -> Option<&str> {
        match self {
            Self::SessionSummary(session, _) | Self::SessionSnapshot(session) => {
                session.virtual_proxy.as_deref()
            }
            Self::ConnectionSummary(connection, _) => connection.virtual_proxy.as_deref(),
        }
    }

    /// The app of a connection, if it is a published one.
    const fn app(&self) -> Option<&FollowedApp> {
        match self {
            Self::ConnectionSummary(connection, _) => connection.app.as_ref(),
            _ => None,
        }
    }

    const fn shared_client(&self) -> Option<&Arc<UserAgent>> {
        match self {
            Self::SessionSummary(session, _) | Self::SessionSnapshot(session) => {
                session.client.as_ref()
            }
            Self::ConnectionSummary(connection, _) => connection.client.as_ref(),
        }
    }
}

/// What is known of a session.
#[derive(Debug, Clone, PartialEq)]
pub struct FollowedSession {
    /// The proxy session's id; only the extended appender sends it.
    pub session_id: Option<Arc<str>>,
    /// The prefix of the virtual proxy, from the first connection.
    pub virtual_proxy: Option<Arc<str>>,
    /// The browser and system, from the first connection.
    pub client: Option<Arc<UserAgent>>,
    /// When it started: the time of its `Start session`, or of the first event that showed it.
    pub start: DateTime<Utc>,
    /// Whether its `Start session` was seen.
    pub start_seen: bool,
    /// Whether an event showed it. Otherwise only its proxy's list shows it.
    pub event_seen: bool,
    /// The number of connections opened so far.
    pub connections: u32,
    /// The number of them that are open.
    pub open_connections: u32,
    /// The apps opened so far, each once, in the order of first opening, at most
    /// [`MAX_APPS`](crate::transform::sessions::MAX_APPS).
    pub apps: Vec<FollowedApp>,
    /// The apps open now, each once.
    pub open_apps: Vec<FollowedApp>,
}

/// An app that was opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FollowedApp {
    /// The app's id.
    pub id: Uuid,
    /// Its name, if the transform `app_names` knows it.
    pub name: Option<Arc<str>>,
}

/// What is known of a connection.
#[derive(Debug, Clone, PartialEq)]
pub struct FollowedConnection {
    /// The id of its proxy session; only the extended appender sends it.
    pub session_id: Option<Arc<str>>,
    /// The prefix of the virtual proxy.
    pub virtual_proxy: Option<Arc<str>>,
    /// The app, if it is a published one.
    pub app: Option<FollowedApp>,
    /// The browser and system.
    pub client: Option<Arc<UserAgent>>,
    /// When it was opened; the time of its end if its `Open connection` was not seen.
    pub start: DateTime<Utc>,
    /// Whether its `Open connection` was seen.
    pub start_seen: bool,
}

/// How a session or connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ended {
    /// The time of its `Stop session` or `Close connection`, or of the last event that showed it.
    /// Never before its start.
    pub end: DateTime<Utc>,
    /// Why it counts as ended.
    pub reason: EndReason,
    /// How start and end were matched; `None` if one of them was not seen.
    pub pairing: Option<Pairing>,
}

impl Ended {
    /// Whether the end itself was seen: `Stop session` or `Close connection`.
    #[must_use]
    pub const fn end_seen(&self) -> bool {
        matches!(self.reason, EndReason::Stop | EndReason::Close)
    }

    /// The time from `start` to the end, never negative.
    #[must_use]
    pub fn duration_since(&self, start: DateTime<Utc>) -> TimeDelta {
        (self.end - start).max(TimeDelta::zero())
    }
}

/// Why a session or connection counts as ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndReason {
    /// `Stop session`.
    Stop,
    /// `Close connection`.
    Close,
    /// The connection's session ended without a `Close connection`.
    SessionEnd,
    /// No event showed it for so long that its end must have been lost.
    Expired,
    /// More of them started than a user can have, so the end of one must have been lost.
    Displaced,
    /// There were more users than can be followed.
    Evicted,
    /// Two answers of its proxy in a row did not list it.
    NotListed,
}

impl EndReason {
    /// Every reason.
    pub const ALL: &'static [Self] = &[
        Self::Stop,
        Self::Close,
        Self::SessionEnd,
        Self::Expired,
        Self::Displaced,
        Self::Evicted,
        Self::NotListed,
    ];

    /// The value of the output's `end_reason` field.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Close => "close",
            Self::SessionEnd => "session_end",
            Self::Expired => "expired",
            Self::Displaced => "displaced",
            Self::Evicted => "evicted",
            Self::NotListed => "not_listed",
        }
    }
}

/// How a start and an end were matched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pairing {
    /// By the session id.
    Exact,
    /// There was only one candidate.
    Single,
    /// There were several candidates; a rule chose one.
    Ambiguous,
}

impl Pairing {
    /// The value of the output's `pairing` field.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Single => "single",
            Self::Ambiguous => "ambiguous",
        }
    }
}
