//! Values that many users and sessions share, stored once.

use std::{
    hash::{Hash, Hasher},
    sync::Arc,
};

use foldhash::quality::RandomState;
use hashbrown::{Equivalent, HashSet};
use uuid::Uuid;

use crate::event::{FollowedApp, UserAgent};

/// The number of values at which unused ones are removed.
const SWEEP: usize = 1_024;

/// A set of shared values. It grows only with those in use.
#[derive(Debug)]
struct Interner<T: ?Sized> {
    values: HashSet<Arc<T>, RandomState>,
    sweep_at: usize,
}

impl<T: ?Sized + Hash + Eq> Interner<T> {
    fn new() -> Self {
        Self {
            values: HashSet::with_hasher(RandomState::default()),
            sweep_at: SWEEP,
        }
    }

    /// The value that equals `wanted`, created by `make` if there is none.
    fn intern<Q>(&mut self, wanted: &Q, make: impl FnOnce() -> Arc<T>) -> Arc<T>
    where
        Q: ?Sized + Hash + Equivalent<Arc<T>>,
    {
        if let Some(known) = self.values.get(wanted) {
            return Arc::clone(known);
        }
        if self.values.len() >= self.sweep_at {
            self.values.retain(|value| Arc::strong_count(value) > 1);
            self.sweep_at = (2 * self.values.len()).max(SWEEP);
        }
        let value = make();
        self.values.insert(Arc::clone(&value));
        value
    }
}

/// All shared values.
#[derive(Debug)]
pub(super) struct Interned {
    texts: Interner<str>,
    homes: Interner<Home>,
    endpoints: Interner<Endpoint>,
    apps: Interner<App>,
}

impl Interned {
    pub(super) fn new() -> Self {
        Self {
            texts: Interner::new(),
            homes: Interner::new(),
            endpoints: Interner::new(),
            apps: Interner::new(),
        }
    }

    pub(super) fn text(&mut self, text: &str) -> Arc<str> {
        self.texts.intern(text, || text.into())
    }

    pub(super) fn home(&mut self, home: HomeRef<'_>, place: impl FnOnce() -> u8) -> Arc<Home> {
        self.homes.intern(&home, || {
            let mut text = |text: &str| self.texts.intern(text, || text.into());
            Arc::new(Home {
                host: home.host.map(&mut text),
                directory: home.directory.map(&mut text),
                place: place(),
            })
        })
    }

    pub(super) fn endpoint(&mut self, endpoint: EndpointRef<'_>) -> Arc<Endpoint> {
        self.endpoints.intern(&endpoint, || {
            Arc::new(Endpoint {
                user_agent: endpoint.user_agent.into(),
                client: Arc::clone(endpoint.client),
                virtual_proxy: endpoint.virtual_proxy.map(Arc::from),
            })
        })
    }

    pub(super) fn app(&mut self, app: AppRef<'_>) -> Arc<App> {
        self.apps.intern(&app, || {
            Arc::new(App {
                id: app.id,
                name: app.name.cloned(),
                path: app.path.into(),
            })
        })
    }
}

/// Where a user is from: a Qlik node and a directory, spelt as in their first event.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Home {
    pub(super) host: Option<Arc<str>>,
    pub(super) directory: Option<Arc<str>>,
    /// The index of the node among those counted by name.
    pub(super) place: u8,
}

/// A [`Home`] that may not be stored yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct HomeRef<'a> {
    pub(super) host: Option<&'a str>,
    pub(super) directory: Option<&'a str>,
}

impl Home {
    fn borrowed(&self) -> HomeRef<'_> {
        HomeRef {
            host: self.host.as_deref(),
            directory: self.directory.as_deref(),
        }
    }
}

impl Hash for Home {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.borrowed().hash(state);
    }
}

impl Equivalent<Arc<Home>> for HomeRef<'_> {
    fn equivalent(&self, home: &Arc<Home>) -> bool {
        *self == home.borrowed()
    }
}

/// Where a session is used from. Another browser or another virtual proxy means another session.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Endpoint {
    /// The user agent's text; empty if it is too long to be kept.
    pub(super) user_agent: Box<str>,
    pub(super) client: Arc<UserAgent>,
    pub(super) virtual_proxy: Option<Arc<str>>,
}

/// An [`Endpoint`] that may not be stored yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct EndpointRef<'a> {
    pub(super) user_agent: &'a str,
    pub(super) client: &'a Arc<UserAgent>,
    pub(super) virtual_proxy: Option<&'a str>,
}

impl Endpoint {
    fn borrowed(&self) -> EndpointRef<'_> {
        EndpointRef {
            user_agent: &self.user_agent,
            client: &self.client,
            virtual_proxy: self.virtual_proxy.as_deref(),
        }
    }
}

/// The text of the user agent identifies the client.
impl Hash for EndpointRef<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.user_agent, self.virtual_proxy).hash(state);
    }
}

impl Hash for Endpoint {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.borrowed().hash(state);
    }
}

impl Equivalent<Arc<Endpoint>> for EndpointRef<'_> {
    fn equivalent(&self, endpoint: &Arc<Endpoint>) -> bool {
        *self == endpoint.borrowed()
    }
}

/// What a connection is open to: an app, or another path.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct App {
    pub(super) id: Option<Uuid>,
    pub(super) name: Option<Arc<str>>,
    /// The path without its query; empty if there is an id.
    pub(super) path: Box<str>,
}

/// An [`App`] that may not be stored yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct AppRef<'a> {
    pub(super) id: Option<Uuid>,
    pub(super) name: Option<&'a Arc<str>>,
    pub(super) path: &'a str,
}

impl App {
    pub(super) fn borrowed(&self) -> AppRef<'_> {
        AppRef {
            id: self.id,
            name: self.name.as_ref(),
            path: &self.path,
        }
    }
}

impl AppRef<'_> {
    /// `None` if it is not a published app.
    pub(super) fn followed(&self) -> Option<FollowedApp> {
        Some(FollowedApp {
            id: self.id?,
            name: self.name.cloned(),
        })
    }
}

/// Few apps share an id, and few paths a name.
impl Hash for AppRef<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match self.id {
            Some(id) => state.write(id.as_bytes()),
            None => state.write(self.path.as_bytes()),
        }
    }
}

impl Hash for App {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.borrowed().hash(state);
    }
}

impl Equivalent<Arc<App>> for AppRef<'_> {
    fn equivalent(&self, app: &Arc<App>) -> bool {
        *self == app.borrowed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_values_are_shared_and_unused_ones_are_freed() {
        let mut interned = Interned::new();
        let kept = interned.text("kept");
        for number in 0..100_000 {
            interned.text(&number.to_string());
            assert!(interned.texts.values.len() <= SWEEP);
        }
        assert!(Arc::ptr_eq(&kept, &interned.text("kept")));
    }

    #[test]
    fn values_that_differ_in_anything_are_not_shared() {
        let mut interned = Interned::new();
        let home = |host, directory| HomeRef { host, directory };
        let first = interned.home(home(Some("n1"), Some("LAB")), || 1);
        let again = interned.home(home(Some("n1"), Some("LAB")), || panic!("it is known"));
        assert!(Arc::ptr_eq(&first, &again));
        for (host, directory) in [(Some("n1"), None), (Some("n2"), Some("LAB")), (None, None)] {
            let other = interned.home(home(host, directory), || 2);
            assert_eq!(
                (other.host.as_deref(), other.directory.as_deref()),
                (host, directory)
            );
        }
        let (name, id) = (Arc::from("Sales"), Some(Uuid::from_u128(1)));
        let app = |id, name, path| AppRef { id, name, path };
        let first = interned.app(app(id, Some(&name), ""));
        assert!(Arc::ptr_eq(&first, &interned.app(app(id, Some(&name), ""))));
        for other in [
            app(id, None, ""),
            app(None, Some(&name), ""),
            app(None, None, "/hub"),
        ] {
            assert_eq!(interned.app(other).borrowed(), other);
        }
        let clients =
            ["Firefox/128.0", "Chrome/126.0"].map(|text| Arc::new(UserAgent::parse(text)));
        let endpoint = |user_agent, client: usize, virtual_proxy| EndpointRef {
            user_agent,
            client: &clients[client],
            virtual_proxy,
        };
        let first = interned.endpoint(endpoint("", 0, None));
        assert!(Arc::ptr_eq(
            &first,
            &interned.endpoint(endpoint("", 0, None))
        ));
        for other in [
            endpoint("", 1, None),
            endpoint("", 0, Some("sales")),
            endpoint("Firefox/128.0", 0, None),
        ] {
            assert_eq!(interned.endpoint(other).borrowed(), other);
        }
    }
}
