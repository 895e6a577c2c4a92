//! The current groups: found by their key, and evicted in order of last use.

use std::hash::BuildHasher;

use foldhash::quality::RandomState;
use hashbrown::HashTable;

use super::group::{Group, Key};

/// The slots of the groups, at most this many.
#[derive(Debug, Default)]
pub(super) struct Groups {
    table: HashTable<usize>,
    slots: Vec<Slot>,
    /// The free slots.
    free: Vec<usize>,
    /// The slots that were used last and longest ago.
    newest: Option<usize>,
    oldest: Option<usize>,
    hasher: RandomState,
}

/// A slot, linked to the one used just before it and the one used just after.
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

    /// The hash of a key, computed only once.
    pub(super) fn hash(&self, key: &Key<'_>) -> u64 {
        self.hasher.hash_one(key)
    }

    /// The group with this key, which becomes the last one used.
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

    /// Adds a group with a new key.
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

    /// Removes the group that was not used for longest.
    pub(super) fn pop(&mut self) -> Option<Group> {
        self.take(self.oldest?)
    }

    /// Removes the group with this key.
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

    /// Makes a slot the last one used.
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
