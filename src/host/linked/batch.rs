//! Batches of events from the workers, which must not wait, to the host, which may.

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

/// The queue space of an event beyond the bytes of its datagram: its fields, and additions by transforms.
const EVENT_BYTES: usize = 512;

/// The most events in a batch, unless more were received at once: the size of Vector's own batches.
const MAX_EVENTS: u64 = 1_000;

/// A batch of events, and the counts since the previous batch.
#[derive(Debug)]
pub struct Batch<V: HostValue = OwnedValue> {
    /// The total length of the datagrams, in bytes.
    pub bytes: u64,
    /// What the options dropped: events of excluded users, datagrams of refused senders or over their rate limit,
    /// undecoded payloads with `undecoded = "drop"`.
    pub dropped: u64,
    events: Vec<Vec<Event>>,
    values: Arc<HostValues<V>>,
}

impl<V: HostValue> Batch<V> {
    /// The number of events.
    #[must_use]
    pub fn len(&self) -> usize {
        self.events.iter().map(Vec::len).sum()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The remaining events, in order, in the schema; each is converted to a value when it is requested.
    ///
    /// An event is an error if its time is out of range, because a clock is off by centuries.
    pub fn values(&self) -> impl Iterator<Item = Result<V, EncodeError>> {
        let events = self.events.iter().flatten();
        events.map(|event| self.values.value_of(event))
    }
}

/// The batches of a source, in the order in which they were received. Dropping this ends the source; whatever still
/// waits is dropped and counted.
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

    /// Waits for the next batch, which may have no events. `None` when the source has ended and everything was taken.
    pub async fn next(&mut self) -> Option<Batch<V>> {
        poll_fn(|context| self.poll_next(context)).await
    }

    /// Ends the source, if it has not ended, drops and counts what still waits, and waits for the final report, at
    /// most for some seconds.
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
        // The reason for its end is not needed.
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

/// Puts the events of a worker into the queue, one batch of datagrams at a time.
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
        // A replacement worker continues the counts of the previous one, and reports them before it starts.
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
