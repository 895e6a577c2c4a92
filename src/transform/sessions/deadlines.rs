//! Who has to be looked at next: an ordered queue with one entry a user.

use std::collections::BTreeSet;

use super::clock::Moment;

/// Users by their deadlines. An entry may be early, because a deadline that moves away is only
/// noticed when it comes; it is never late.
#[derive(Debug, Clone, Default)]
pub(super) struct Deadlines(BTreeSet<(Moment, u32)>);

impl Deadlines {
    pub(super) fn insert(&mut self, deadline: Moment, slot: u32) {
        self.0.insert((deadline, slot));
    }

    pub(super) fn remove(&mut self, deadline: Moment, slot: u32) {
        self.0.remove(&(deadline, slot));
    }

    /// The user whose entry is first.
    pub(super) fn first(&self) -> Option<(Moment, u32)> {
        self.0.first().copied()
    }

    /// The first user whose entry is due.
    pub(super) fn due(&self, now: Moment) -> Option<u32> {
        let (deadline, slot) = self.first()?;
        (deadline <= now).then_some(slot)
    }
}
