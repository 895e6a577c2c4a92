//! What a user event says to the tracker.

use std::{
    hash::{BuildHasher, Hasher},
    sync::Arc,
};

use chrono::{DateTime, Utc};
use foldhash::fast::FixedState;
use memchr::memchr2;
use uuid::Uuid;

use super::intern::{App, AppRef, Origin, OriginRef};
use crate::event::{UserAgent, UserEvent};

/// The longest text that is kept of a user agent, a path, a virtual proxy or a session's id, in
/// bytes. What is longer is kept as absent, or cut where it is only compared.
const MAX_TEXT: usize = 512;

/// A user event as the tracker sees it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sign<'a> {
    /// When it happened: Qlik's own time where the payload has it, else the arrival.
    pub(super) at: DateTime<Utc>,
    pub(super) session_id: Option<&'a str>,
    pub(super) user_agent: Option<&'a str>,
    pub(super) client: Option<&'a Arc<UserAgent>>,
    pub(super) virtual_proxy: Option<&'a str>,
    pub(super) app_id: Option<Uuid>,
    pub(super) app_name: Option<&'a Arc<str>>,
    /// The context's path, without its query.
    pub(super) path: &'a str,
    /// Whether the payload has a row number, so that no two events have the same payload.
    pub(super) has_sequence: bool,
    /// Tells payloads apart.
    pub(super) fingerprint: u32,
}

impl<'a> Sign<'a> {
    pub(super) fn of(event: &'a UserEvent, arrival: DateTime<Utc>) -> Self {
        let context = event.context().unwrap_or_default();
        let path = &context[..memchr2(b'?', b'#', context.as_bytes()).unwrap_or(context.len())];
        let short = |text: &&str| text.len() <= MAX_TEXT;
        Self {
            at: event.qlik_timestamp().unwrap_or(arrival),
            session_id: event.session_id().filter(short),
            has_sequence: event.sequence().is_some(),
            user_agent: event.user_agent().filter(short),
            client: event.shared_client(),
            virtual_proxy: event.virtual_proxy().filter(short),
            app_id: event.app_id(),
            app_name: event.shared_app_name(),
            path: &path[..path.floor_char_boundary(MAX_TEXT)],
            fingerprint: fingerprint(event.payload()),
        }
    }

    pub(super) fn origin(&self) -> Option<OriginRef<'a>> {
        Some(OriginRef {
            user_agent: self.user_agent.unwrap_or_default(),
            client: self.client?,
            virtual_proxy: self.virtual_proxy,
        })
    }

    /// Whether it is from the very same agent and virtual proxy.
    pub(super) fn comes_from(&self, origin: &Origin) -> bool {
        self.client.is_some_and(|client| origin.client == *client)
            && *origin.user_agent == *self.user_agent.unwrap_or_default()
            && self.is_of_proxy(origin)
    }

    pub(super) fn is_of_proxy(&self, origin: &Origin) -> bool {
        origin.virtual_proxy.as_deref() == self.virtual_proxy
    }

    /// Whether nothing speaks against the same browser. Its agent changes when it is updated.
    pub(super) fn is_of_browser(&self, origin: &Origin) -> bool {
        self.client
            .is_none_or(|client| may_be_same_browser(client, &origin.client))
    }

    pub(super) fn app(&self) -> AppRef<'a> {
        AppRef {
            id: self.app_id,
            name: self.app_name,
            path: if self.app_id.is_some() { "" } else { self.path },
        }
    }

    pub(super) fn is_about(&self, app: &App) -> bool {
        app.id == self.app_id && (app.id.is_some() || *app.path == *self.path)
    }
}

/// Whether two agents may be of one browser: what both tell of browser and system is the same, whatever
/// the versions.
fn may_be_same_browser(one: &UserAgent, other: &UserAgent) -> bool {
    let may_be =
        |one: Option<&str>, other: Option<&str>| one.is_none() || other.is_none() || one == other;
    may_be(one.browser_name.as_deref(), other.browser_name.as_deref())
        && may_be(system(one), system(other))
}

/// The name of the system, the same for a tablet whether or not it asks for the desktop site: iPads then
/// call themselves macOS, and Android tablets Linux.
fn system(client: &UserAgent) -> Option<&'static str> {
    match client.os_name? {
        "iOS" => Some("macOS"),
        "Android" => Some("Linux"),
        name => Some(name),
    }
}

/// The same for the same payload in every run, because the tracker's output depends on its input
/// alone. A collision costs one event that is taken for a repetition.
fn fingerprint(payload: &str) -> u32 {
    let mut hasher = FixedState::default().build_hasher();
    hasher.write(payload.as_bytes());
    let hash = hasher.finish();
    (hash ^ hash >> 32) as u32
}
