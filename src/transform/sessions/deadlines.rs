//! Which user is due next: an ordered queue with one entry per user.

use std::collections::BTreeSet;

use super::clock::Moment;

/// Users by their deadlines. An entry may be too early, because a postponed deadline is only noticed when the entry
/// is due; it is never too late.
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
