//! What the tracker takes from a user event.

use std::{
    hash::{BuildHasher, Hasher},
    sync::Arc,
};

use chrono::{DateTime, Utc};
use foldhash::fast::FixedState;
use memchr::memchr2;
use uuid::Uuid;

use super::intern::{App, AppRef, Endpoint, EndpointRef};
use crate::event::{Body, Event, EventKind, UserAgent};

/// The longest user agent, virtual proxy, session id or path to keep, in bytes. A longer one counts as absent, except a
/// path, which is truncated because it is only compared.
const MAX_TEXT: usize = 512;

/// What a user did with a session or a connection.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Activity<'a> {
    /// When it arrived. Sessions are timed by arrivals.
    pub arrival: DateTime<Utc>,
    /// When it happened: Qlik's own time if the payload has it, otherwise the arrival.
    pub timestamp: DateTime<Utc>,
    /// What the user did.
    pub kind: EventKind,
    /// The Qlik node.
    pub host: Option<&'a str>,
    /// The user's directory.
    pub user_directory: Option<&'a str>,
    /// The user's id in the directory.
    pub user_id: Option<&'a str>,
    /// The proxy session.
    pub session_id: Option<&'a str>,
    /// The browser's user agent.
    pub user_agent: Option<&'a str>,
    /// The browser and system that the user agent names.
    pub client: Option<&'a Arc<UserAgent>>,
    /// The prefix of the virtual proxy.
    pub virtual_proxy: Option<&'a str>,
    /// The app.
    pub app_id: Option<Uuid>,
    /// The app's name.
    pub app_name: Option<&'a Arc<str>>,
    /// The requested path; its query and fragment are ignored.
    pub path: &'a str,
    /// Whether the payload has a row number, which makes each payload unique.
    pub has_sequence: bool,
    /// Equal for equal payloads, to recognise repeated ones.
    pub fingerprint: u32,
}

impl<'a> Activity<'a> {
    /// What a user event says; `None` if the event is not about a session or connection, or has no arrival.
    #[must_use]
    pub fn of(event: &'a Event) -> Option<Self> {
        let Body::User(user_event) = event.body() else {
            return None;
        };
        let arrival = event.arrival()?.timestamp;
        Some(Self {
            arrival,
            timestamp: event.qlik_timestamp().unwrap_or(arrival),
            kind: event.kind(),
            host: event.host(),
            user_directory: event.user_directory(),
            user_id: event.user_id(),
            session_id: event.session_id(),
            user_agent: user_event.user_agent(),
            client: event.shared_client(),
            virtual_proxy: event.virtual_proxy(),
            app_id: event.app_id(),
            app_name: event.shared_app_name(),
            path: event.context().unwrap_or_default(),
            has_sequence: event.sequence().is_some(),
            fingerprint: fingerprint(event.text()),
        })
    }

    /// Removes texts that are too long to keep, the query of the path, and the whole path if the app says what is open.
    pub(super) fn bound(&mut self) {
        let short = |text: &&str| text.len() <= MAX_TEXT;
        self.session_id = self.session_id.filter(short);
        self.user_agent = self.user_agent.filter(short);
        self.virtual_proxy = self.virtual_proxy.filter(short);
        if self.app_id.is_some() {
            self.path = "";
        } else {
            let end = memchr2(b'?', b'#', self.path.as_bytes()).unwrap_or(self.path.len());
            let path = &self.path[..end];
            self.path = &path[..path.floor_char_boundary(MAX_TEXT)];
        }
    }

    pub(super) fn endpoint(&self) -> Option<EndpointRef<'a>> {
        Some(EndpointRef {
            user_agent: self.user_agent.unwrap_or_default(),
            client: self.client?,
            virtual_proxy: self.virtual_proxy,
        })
    }

    /// Whether user agent and virtual proxy are exactly the same.
    pub(super) fn comes_from(&self, endpoint: &Endpoint) -> bool {
        self.client.is_some_and(|client| endpoint.client == *client)
            && *endpoint.user_agent == *self.user_agent.unwrap_or_default()
            && self.is_of_proxy(endpoint)
    }

    pub(super) fn is_of_proxy(&self, endpoint: &Endpoint) -> bool {
        endpoint.virtual_proxy.as_deref() == self.virtual_proxy
    }

    /// Whether it may come from the same browser, whose user agent changes with every update.
    pub(super) fn is_of_browser(&self, endpoint: &Endpoint) -> bool {
        self.client
            .is_none_or(|client| may_be_same_browser(client, &endpoint.client))
    }

    pub(super) fn app(&self) -> AppRef<'a> {
        AppRef {
            id: self.app_id,
            name: self.app_name,
            path: self.path,
        }
    }

    pub(super) fn is_about(&self, app: &App) -> bool {
        app.id == self.app_id && (app.id.is_some() || *app.path == *self.path)
    }
}

/// Whether two user agents may belong to one browser: the names of browser and system are the same, or unknown.
/// Versions may differ.
fn may_be_same_browser(one: &UserAgent, other: &UserAgent) -> bool {
    let may_be =
        |one: Option<&str>, other: Option<&str>| one.is_none() || other.is_none() || one == other;
    may_be(one.browser_name.as_deref(), other.browser_name.as_deref())
        && may_be(system(one), system(other))
}

/// The name of the system. A tablet that requests the desktop site keeps its name here: iPads then claim to run macOS,
/// and Android tablets Linux.
fn system(client: &UserAgent) -> Option<&'static str> {
    match client.os_name? {
        "iOS" => Some("macOS"),
        "Android" => Some("Linux"),
        name => Some(name),
    }
}

/// Equal for equal payloads in every run, because the tracker's output depends on its input alone. On a collision, one
/// event is taken for a repetition.
fn fingerprint(payload: &str) -> u32 {
    let mut hasher = FixedState::default().build_hasher();
    hasher.write(payload.as_bytes());
    let hash = hasher.finish();
    (hash ^ hash >> 32) as u32
}
