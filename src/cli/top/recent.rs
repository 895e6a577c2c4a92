//! Counts of the last few seconds or minutes.

use std::collections::VecDeque;

/// Counts of the last few seconds or minutes.
#[derive(Debug)]
pub struct Recent {
    /// The counts, the newest last.
    counts: VecDeque<u64>,
    /// The second or minute of the newest.
    newest: Option<i64>,
}

impl Recent {
    /// Counts for this many seconds or minutes.
    pub fn new(length: usize) -> Self {
        Self {
            counts: std::iter::repeat_n(0, length).collect(),
            newest: None,
        }
    }

    /// Counts one at a time, unless it is older than the counts that are kept.
    pub fn count(&mut self, time: i64) {
        let newest = *self.newest.get_or_insert(time);
        if time > newest {
            self.advance(time);
        }
        let behind = self.newest.unwrap_or(time).saturating_sub(time);
        let place = usize::try_from(behind)
            .ok()
            .and_then(|behind| self.counts.len().checked_sub(behind + 1));
        if let Some(count) = place.and_then(|place| self.counts.get_mut(place)) {
            *count += 1;
        }
    }

    fn advance(&mut self, time: i64) {
        let steps = time.saturating_sub(self.newest.unwrap_or(time));
        for _ in 0..steps.clamp(0, self.counts.len() as i64) {
            self.counts.pop_front();
            self.counts.push_back(0);
        }
        self.newest = Some(time);
    }

    /// The counts up to a time, the oldest first.
    pub fn until(&mut self, time: i64) -> impl Iterator<Item = u64> {
        if self.newest.is_some_and(|newest| newest < time) {
            self.advance(time);
        }
        self.counts.iter().copied()
    }
}
