//! The queues of all connections to the output, for what concerns them together.

use std::{num::NonZeroUsize, sync::Arc};

use super::{
    frame_bytes::FrameBytes,
    queue::{Contents, Full, Queue},
};
use crate::config::QueueConfig;

/// One queue for each connection to the output, at least one.
#[derive(Debug)]
pub struct Queues<C = FrameBytes>(Vec<Arc<Queue<C>>>);

impl<C: Contents> Queues<C> {
    /// Empty queues for the frames of `workers` workers, each with the same share of the room.
    #[must_use]
    pub fn new(config: QueueConfig, workers: usize, connections: NonZeroUsize) -> Self {
        let queue = |_| Arc::new(Queue::share(config, workers, connections));
        Self((0..connections.get()).map(queue).collect())
    }

    /// The queues, in the order of the connections.
    #[must_use]
    pub fn all(&self) -> &[Arc<Queue<C>>] {
        &self.0
    }

    /// [`Queue::close`] of all.
    pub fn close(&self) {
        self.0.iter().for_each(|queue| queue.close());
    }

    /// [`Queue::break_off`] of all, when it is not known how much of the frames that were taken last has been written.
    pub fn break_off(&self, because: &str) {
        self.0.iter().for_each(|queue| queue.break_off(0, because));
    }

    /// [`Queue::offer_metrics`]: the first connection carries them.
    pub fn offer_metrics(&self, frame: &[u8], records: u64, is_last: bool) -> bool {
        self.0[0].offer_metrics(frame, records, is_last)
    }

    /// Why the first of them that broke did so.
    #[must_use]
    pub fn broken_because(&self) -> Option<String> {
        self.0.iter().find_map(|queue| queue.broken_because())
    }

    /// The number of waiting events.
    #[must_use]
    pub fn events(&self) -> u64 {
        self.0.iter().map(|queue| queue.events()).sum()
    }

    /// The number of events of a worker that were dropped.
    #[must_use]
    pub fn dropped(&self, worker: usize) -> u64 {
        self.0.iter().map(|queue| queue.dropped(worker)).sum()
    }

    /// The number of events of all workers that were dropped.
    #[must_use]
    pub fn all_dropped(&self) -> u64 {
        self.0.iter().map(|queue| queue.all_dropped()).sum()
    }

    /// How many of these were dropped because there was no room, rather than because the output broke or ended.
    #[must_use]
    pub fn overflowed(&self) -> u64 {
        self.0.iter().map(|queue| queue.overflowed()).sum()
    }

    /// A limit that was reached when one of the queues last dropped something because there was no room.
    #[must_use]
    pub fn last_full(&self) -> Full {
        let mut reached = self.0.iter().map(|queue| queue.last_full());
        reached
            .find(|full| *full != Full::Never)
            .unwrap_or_default()
    }
}

impl<C> Clone for Queues<C> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<C> From<Arc<Queue<C>>> for Queues<C> {
    /// For a host with one output.
    fn from(queue: Arc<Queue<C>>) -> Self {
        Self(vec![queue])
    }
}
