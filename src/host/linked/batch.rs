//! What one worker has received at once, as values of vrl.

use std::{fmt, io};

use vrl::value::Value;

use crate::{
    encoding::OwnedValues,
    host::runtime::worker::{Sink, WorkerCounters},
    pipeline::UndecodedPolicy,
    schema::Layout,
    transform::OutputBuffer,
};

/// What was received at once.
#[derive(Debug, Default)]
pub struct Batch {
    /// How long all datagrams were, in bytes.
    pub bytes: u64,
    /// What went no further because the options say so: events of excluded users, datagrams of refused
    /// senders or over their rate, undecoded payloads that are to be dropped.
    pub dropped: u64,
    /// The events of the others, in order, as the schema shows them.
    pub events: Vec<Value>,
}

/// Makes batches of what a worker has received, and passes them on.
pub(super) struct Batches<F> {
    values: OwnedValues,
    undecoded: UndecodedPolicy,
    pass_on: F,
    next: Batch,
    /// What the batches so far had in bytes and dropped.
    told: (u64, u64),
}

impl<F> Batches<F> {
    pub(super) fn new(layout: &Layout, undecoded: UndecodedPolicy, pass_on: F) -> Self {
        Self {
            values: OwnedValues::new(layout),
            undecoded,
            pass_on,
            next: Batch::default(),
            told: (0, 0),
        }
    }
}

impl<F> fmt::Debug for Batches<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batches").finish_non_exhaustive()
    }
}

impl<F: FnMut(Batch) -> io::Result<()>> Sink for Batches<F> {
    fn counted(&mut self, counters: &WorkerCounters) {
        let undecoded = match self.undecoded {
            UndecodedPolicy::Forward => 0,
            UndecodedPolicy::Drop => counters.pipeline.undecoded_events(),
        };
        let dropped =
            counters.refused + counters.over_rate + counters.pipeline.excluded + undecoded;
        self.next.bytes = counters.received_bytes - self.told.0;
        self.next.dropped = dropped - self.told.1;
        self.told = (counters.received_bytes, dropped);
    }

    fn take(&mut self, events: &mut OutputBuffer) -> io::Result<()> {
        let mut batch = std::mem::take(&mut self.next);
        batch.events.reserve(events.len());
        for event in events.drain() {
            // Only a clock outside of 1677 to 2262 makes an event that is no value.
            let value = self
                .values
                .value_of(&event)
                .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
            batch.events.push(value.into());
        }
        (self.pass_on)(batch)
    }
}
