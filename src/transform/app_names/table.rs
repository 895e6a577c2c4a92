//! Names by ids, in the form for look-ups.

use std::{collections::HashMap, sync::Arc};

use foldhash::fast::RandomState;
use uuid::Uuid;

/// App names by id. Immutable; clones share it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AppTable(Arc<HashMap<Uuid, Arc<str>, RandomState>>);

impl AppTable {
    /// The name of an app, if it is known.
    #[must_use]
    pub fn get(&self, id: Uuid) -> Option<&str> {
        self.0.get(&id).map(|name| &**name)
    }

    pub(super) fn shared(&self, id: Uuid) -> Option<Arc<str>> {
        self.0.get(&id).map(Arc::clone)
    }

    /// The number of apps.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A table with the names of both; for apps in both, with the names of this one.
    #[must_use]
    pub fn or(&self, other: &Self) -> Self {
        if other.is_empty() {
            return self.clone();
        }
        if self.is_empty() {
            return other.clone();
        }
        let entries = other.0.iter().chain(self.0.iter());
        let entries = entries.map(|(id, name)| (*id, Arc::clone(name)));
        Self(Arc::new(entries.collect()))
    }
}

impl FromIterator<(Uuid, Arc<str>)> for AppTable {
    /// If an app has several names, the last one is kept.
    fn from_iter<I: IntoIterator<Item = (Uuid, Arc<str>)>>(entries: I) -> Self {
        Self(Arc::new(entries.into_iter().collect()))
    }
}

impl From<HashMap<Uuid, Arc<str>, RandomState>> for AppTable {
    fn from(entries: HashMap<Uuid, Arc<str>, RandomState>) -> Self {
        Self(Arc::new(entries))
    }
}
