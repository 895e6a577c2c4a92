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
    host::runtime::{control::WorkerCounters, queue::Queue, worker::Sink},
    pipeline::UndecodedPolicy,
    schema::Layout,
    transform::OutputBuffer,
};

/// The queue space that an event takes beyond the bytes of its datagram, for its fields and the additions of
/// transforms.
const EVENT_BYTES: usize = 512;

/// Why events that still wait are lost.
const ENDED: &str = "Vector had not taken them when it ended the source";

/// The most events in a batch, unless more were received at once. It is the size of Vector's own batches.
const MAX_EVENTS: u64 = 1_000;

/// A batch of events, and the counts since the previous batch.
#[derive(Debug)]
pub struct Batch<V: HostValue = OwnedValue> {
    /// The total length of the datagrams, in bytes.
    pub bytes: u64,
    /// How many events or datagrams the options dropped: events of excluded users, datagrams from refused senders or
    /// over their rate limit, and undecoded payloads with `undecoded = "drop"`.
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

    /// Whether there are no events.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The events in order, in the configured schema. Each is converted to a value when it is requested.
    ///
    /// The result is an error if the event's time is out of range, because a clock is off by centuries.
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

/// Counts that are not yet in a batch.
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

    /// Waits for the next batch, which may have no events. `None` once the source has ended and everything has been
    /// taken.
    pub async fn next(&mut self) -> Option<Batch<V>> {
        poll_fn(|context| self.poll_next(context)).await
    }

    /// Ends the source if it has not ended, drops and counts what still waits, and waits for the final report, for a
    /// few seconds at most.
    ///
    /// # Errors
    ///
    /// [`LinkedError`] if the source had ended by itself.
    pub fn conclude(self) -> Result<(), LinkedError> {
        self.queue.break_off(0, ENDED);
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
        self.queue.break_off(0, ENDED);
        // The reason for its end is not needed here.
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

/// Adds a worker's events to the queue, one batch of datagrams at a time.
#[derive(Debug)]
pub(super) struct BatchSink {
    queue: Arc<Queue<VecDeque<Vec<Event>>>>,
    worker: usize,
    received: Arc<Received>,
    undecoded: UndecodedPolicy,
    /// The bytes and dropped events that have already been passed on.
    passed_on: Option<(u64, u64)>,
    /// The bytes of the next events.
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
            passed_on: None,
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
        let passed_on = self.passed_on.replace(now).unwrap_or(now);
        self.bytes += now.0 - passed_on.0;
        self.received.add(self.bytes, now.1 - passed_on.1);
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
        // If the queue has dropped the frame, the events are still here.
        events.drain();
        Ok(())
    }
}
