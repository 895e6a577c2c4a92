//! What was received, from the workers, which must not wait, to the host, which may.

use std::{
    collections::VecDeque,
    future::poll_fn,
    io,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
};

use super::{Life, LinkedError};
use crate::{
    encoding::{EncodeError, HostValue, HostValues, OwnedValue},
    event::Event,
    host::runtime::{
        queue::Queue,
        worker::{Sink, WorkerCounters},
    },
    pipeline::UndecodedPolicy,
    schema::Layout,
    transform::OutputBuffer,
};

/// What an event takes of the queue beyond the bytes of its datagram: its fields, and what a transform added.
const EVENT_BYTES: usize = 512;

/// As many events as a batch has at most, unless more than these were received at once: what Vector hands on in one
/// piece.
const MAX_EVENTS: u64 = 1_000;

/// Events that waited together, and what was received since the batch before it.
#[derive(Debug)]
pub struct Batch<V: HostValue = OwnedValue> {
    /// How long all datagrams were, in bytes.
    pub bytes: u64,
    /// What went no further because the options say so: events of excluded users, datagrams of refused
    /// senders or over their rate, undecoded payloads that are to be dropped.
    pub dropped: u64,
    events: Vec<Vec<Event>>,
    values: Arc<HostValues<V>>,
}

impl<V: HostValue> Batch<V> {
    /// How many events there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.events.iter().map(Vec::len).sum()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The events of the others, in order, as the schema shows them; each is made a value when it is asked for.
    ///
    /// An event is an error when it has a time that no host can have, by a clock that is centuries away.
    pub fn values(&self) -> impl Iterator<Item = Result<V, EncodeError>> {
        let events = self.events.iter().flatten();
        events.map(|event| self.values.value_of(event))
    }
}

/// The batches of a source, in the order in which they were received. Dropped, the source ends, and what still waits
/// is dropped and counted.
#[derive(Debug)]
pub struct Batches<V: HostValue = OwnedValue> {
    queue: Arc<Queue<VecDeque<Vec<Event>>>>,
    received: Arc<Received>,
    values: Arc<HostValues<V>>,
    life: Arc<Life>,
}

/// What was received and not told yet.
#[derive(Debug, Default)]
pub(super) struct Received {
    bytes: AtomicU64,
    dropped: AtomicU64,
}

impl<V: HostValue> Batches<V> {
    pub(super) fn new(
        queue: Arc<Queue<VecDeque<Vec<Event>>>>,
        received: Arc<Received>,
        layout: &Layout,
        life: Arc<Life>,
    ) -> Self {
        Self {
            queue,
            received,
            values: Arc::new(HostValues::new(layout)),
            life,
        }
    }

    /// Waits for the next batch, which may have no events. None when the source has ended and everything was
    /// taken.
    pub async fn next(&mut self) -> Option<Batch<V>> {
        poll_fn(|context| self.poll_next(context)).await
    }

    /// Ends the source, if it has not ended, drops and counts what still waits, and has what was counted in all
    /// reported, which it waits for, at most for some seconds.
    ///
    /// # Errors
    ///
    /// [`LinkedError`] when the source has ended by itself.
    pub fn conclude(self) -> Result<(), LinkedError> {
        self.queue.break_off(0);
        self.life.conclude()
    }

    fn poll_next(&self, context: &Context<'_>) -> Poll<Option<Batch<V>>> {
        let polled = self.queue.poll_take(context, MAX_EVENTS);
        let (bytes, dropped) = self.received.take();
        let events = match polled {
            Poll::Ready(Some(events)) => events,
            _ if bytes > 0 => Vec::new(),
            Poll::Ready(None) => return Poll::Ready(None),
            Poll::Pending => return Poll::Pending,
        };
        Poll::Ready(Some(Batch {
            bytes,
            dropped,
            events,
            values: Arc::clone(&self.values),
        }))
    }
}

impl<V: HostValue> Drop for Batches<V> {
    fn drop(&mut self) {
        self.queue.break_off(0);
        // Nobody asks why it has ended.
        let _ = self.life.conclude();
    }
}

impl Received {
    fn add(&self, bytes: u64, dropped: u64) {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.dropped.fetch_add(dropped, Ordering::Relaxed);
    }

    fn take(&self) -> (u64, u64) {
        let take = |number: &AtomicU64| number.swap(0, Ordering::Relaxed);
        (take(&self.bytes), take(&self.dropped))
    }
}

/// Puts the events of a worker into the queue, a batch of datagrams at a time.
#[derive(Debug)]
pub(super) struct BatchSink {
    queue: Arc<Queue<VecDeque<Vec<Event>>>>,
    worker: usize,
    received: Arc<Received>,
    undecoded: UndecodedPolicy,
    /// What has been told in bytes and dropped.
    told: Option<(u64, u64)>,
    /// The bytes of the events that come next.
    bytes: u64,
}

impl BatchSink {
    pub(super) const fn new(
        queue: Arc<Queue<VecDeque<Vec<Event>>>>,
        worker: usize,
        received: Arc<Received>,
        undecoded: UndecodedPolicy,
    ) -> Self {
        Self {
            queue,
            worker,
            received,
            undecoded,
            told: None,
            bytes: 0,
        }
    }
}

impl Sink for BatchSink {
    fn counted(&mut self, counters: &WorkerCounters) {
        let undecoded = match self.undecoded {
            UndecodedPolicy::Forward => 0,
            UndecodedPolicy::Drop => counters.pipeline.undecoded_events(),
        };
        let dropped =
            counters.refused + counters.over_rate + counters.pipeline.excluded + undecoded;
        let now = (counters.received_bytes, dropped);
        // A worker in the place of another goes on counting where that has ended, and says so before it begins.
        let told = self.told.replace(now).unwrap_or(now);
        self.bytes += now.0 - told.0;
        self.received.add(self.bytes, now.1 - told.1);
    }

    fn take(&mut self, events: &mut OutputBuffer) -> io::Result<()> {
        let bytes = std::mem::take(&mut self.bytes);
        if events.is_empty() {
            if bytes > 0 {
                self.queue.wake();
            }
            return Ok(());
        }
        let count = events.len();
        let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
        let bytes = bytes.saturating_add(count * EVENT_BYTES);
        let add = |frames: &mut VecDeque<_>| frames.push_back(events.drain().collect());
        self.queue.push_frame(self.worker, bytes, count as u64, add);
        // What the queue has dropped is still there.
        events.drain();
        Ok(())
    }
}
