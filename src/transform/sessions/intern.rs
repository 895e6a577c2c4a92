//! Values that many sessions have in common, kept once.

use std::{collections::HashSet, hash::Hash, sync::Arc};

use uuid::Uuid;

use crate::event::UserAgent;

/// So many values are kept before those that nobody holds any more are looked for.
const SWEEP: usize = 1_024;

/// A set of shared values. It grows with those that are held and no further.
#[derive(Debug)]
pub(super) struct Interner<T: ?Sized> {
    values: HashSet<Arc<T>>,
    sweep_at: usize,
}

impl<T: ?Sized + Hash + Eq> Interner<T> {
    pub(super) fn new() -> Self {
        Self {
            values: HashSet::new(),
            sweep_at: SWEEP,
        }
    }

    /// The one that equals `value`, which it is itself from now on where there was none.
    pub(super) fn intern(&mut self, value: Arc<T>) -> Arc<T> {
        if let Some(known) = self.values.get(&value) {
            return Arc::clone(known);
        }
        if self.values.len() >= self.sweep_at {
            self.values.retain(|value| Arc::strong_count(value) > 1);
            self.sweep_at = (2 * self.values.len()).max(SWEEP);
        }
        self.values.insert(Arc::clone(&value));
        value
    }
}

/// From where a session is used. Another browser or another virtual proxy is another session.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Origin {
    /// The user agent's text; empty where it is too long to be kept.
    pub(super) user_agent: Box<str>,
    pub(super) client: Option<Arc<UserAgent>>,
    pub(super) virtual_proxy: Option<Box<str>>,
}

/// What a connection is open to: an app, or another path.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct App {
    pub(super) id: Option<Uuid>,
    pub(super) name: Option<Arc<str>>,
    /// The path without its query; empty where there is an id.
    pub(super) path: Box<str>,
}

/// All that is kept once.
#[derive(Debug)]
pub(super) struct Interned {
    pub(super) texts: Interner<str>,
    pub(super) origins: Interner<Origin>,
    pub(super) apps: Interner<App>,
}

impl Interned {
    pub(super) fn new() -> Self {
        Self {
            texts: Interner::new(),
            origins: Interner::new(),
            apps: Interner::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equals_are_one_and_what_nobody_holds_goes() {
        let mut texts = Interner::<str>::new();
        let kept = texts.intern("kept".into());
        for number in 0..100_000 {
            texts.intern(format!("{number}").into());
            assert!(texts.values.len() <= SWEEP);
        }
        assert!(Arc::ptr_eq(&kept, &texts.intern("kept".into())));
    }
}
