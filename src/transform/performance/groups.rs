//! The current groups, found by their key, and evicted in the order in which they were last used.

use std::hash::BuildHasher;

use foldhash::quality::RandomState;
use hashbrown::HashTable;

use super::group::{Group, Key};

/// The slots of the groups, at most this many.
#[derive(Debug, Default)]
pub(super) struct Groups {
    table: HashTable<usize>,
    slots: Vec<Slot>,
    /// Places that are free.
    free: Vec<usize>,
    /// The place that was used last, and the one that was not used for longest.
    newest: Option<usize>,
    oldest: Option<usize>,
    hasher: RandomState,
}

/// A place, between the one that was used just before it and the one just after.
#[derive(Debug)]
struct Slot {
    group: Option<Group>,
    hash: u64,
    older: Option<usize>,
    newer: Option<usize>,
}

impl Groups {
    pub(super) fn len(&self) -> usize {
        self.table.len()
    }

    /// The hash of a key, which is asked for once.
    pub(super) fn hash(&self, key: &Key<'_>) -> u64 {
        self.hasher.hash_one(key)
    }

    /// The group with this key, which is used now.
    pub(super) fn get(&mut self, hash: u64, key: &Key<'_>) -> Option<&mut Group> {
        let slots = &self.slots;
        let is_it = |place: &usize| {
            let group = slots[*place].group.as_ref();
            group.is_some_and(|group| group.has(key))
        };
        let place = *self.table.find(hash, is_it)?;
        self.unlink(place);
        self.link(place);
        self.slots[place].group.as_mut()
    }

    /// Adds a group whose key none has.
    pub(super) fn insert(&mut self, hash: u64, group: Group) {
        let slot = Slot {
            group: Some(group),
            hash,
            older: None,
            newer: None,
        };
        let place = match self.free.pop() {
            Some(place) => {
                self.slots[place] = slot;
                place
            }
            None => {
                self.slots.push(slot);
                self.slots.len() - 1
            }
        };
        let slots = &self.slots;
        self.table
            .insert_unique(hash, place, |place| slots[*place].hash);
        self.link(place);
    }

    /// Takes out the group that was not used for longest.
    pub(super) fn pop(&mut self) -> Option<Group> {
        self.take(self.oldest?)
    }

    /// Takes out the group with this key.
    pub(super) fn remove(&mut self, hash: u64, key: &Key<'_>) -> Option<Group> {
        self.get(hash, key)?;
        self.take(self.newest?)
    }

    fn take(&mut self, place: usize) -> Option<Group> {
        self.unlink(place);
        let hash = self.slots[place].hash;
        if let Ok(entry) = self.table.find_entry(hash, |it| *it == place) {
            entry.remove();
        }
        self.free.push(place);
        self.slots[place].group.take()
    }

    /// Makes a place the one that was used last.
    fn link(&mut self, place: usize) {
        self.slots[place].older = self.newest;
        self.slots[place].newer = None;
        match self.newest {
            Some(newest) => self.slots[newest].newer = Some(place),
            None => self.oldest = Some(place),
        }
        self.newest = Some(place);
    }

    fn unlink(&mut self, place: usize) {
        let Slot { older, newer, .. } = self.slots[place];
        match older {
            Some(older) => self.slots[older].newer = newer,
            None => self.oldest = newer,
        }
        match newer {
            Some(newer) => self.slots[newer].older = older,
            None => self.newest = older,
        }
    }
}
