//! An address, the workers that share it, and what they have counted together.

use std::{
    net::{SocketAddr, UdpSocket},
    sync::Arc,
};

use super::{queue::Queue, worker::Control};
use crate::{
    event::Kind,
    pipeline::{Counters, LostByHost},
    schema::{Fields, Fill, Record},
    source::{Refusals, kernel_drops, receive_buffer_bytes},
    wire::ErrorCode,
};

/// An address that is listened on.
#[derive(Debug)]
pub struct Listener {
    /// The address.
    pub address: SocketAddr,
    /// Its workers.
    pub workers: Vec<ListenerWorker>,
}

/// A worker as its listener sees it.
#[derive(Debug)]
pub struct ListenerWorker {
    /// The worker's number in the queue.
    pub number: usize,
    /// A handle on its socket.
    pub socket: UdpSocket,
    /// Datagrams that the system had dropped at the socket before this run: a socket that was handed
    /// over is older.
    pub dropped_before: u64,
    /// What it has counted, and what it can be told.
    pub control: Arc<Control>,
}

/// What was counted at an address: everything that was received is in exactly one of the others.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Totals {
    /// Datagrams that were received.
    pub received_datagrams: u64,
    /// Their length in bytes.
    pub received_bytes: u64,
    /// Datagrams of senders on no list.
    pub refused: u64,
    /// The same by the senders' networks.
    pub refusals: Refusals,
    /// Datagrams over the rate of their sender.
    pub over_rate: u64,
    /// What became of the others.
    pub pipeline: Counters,
    /// Events and undecoded payloads that a full queue dropped.
    pub dropped: u64,
    /// Datagrams that the system dropped during this run before they were received; none where it
    /// does not say.
    pub kernel_dropped: Option<u64>,
    /// Datagrams that were lost on their way, by the Qlik node that sent them.
    pub lost_by_host: LostByHost,
    /// The receive buffers' size in bytes, as the system granted it.
    pub receive_buffer_bytes: usize,
}

impl Listener {
    /// What was counted at this address up to now.
    #[must_use]
    pub fn totals(&self, queue: &Queue) -> Totals {
        let mut totals = Totals::default();
        for worker in &self.workers {
            let counters = worker.control.counters();
            totals.received_datagrams += counters.received_datagrams;
            totals.received_bytes += counters.received_bytes;
            totals.refused += counters.refused;
            totals.refusals.add(&worker.control.refusals());
            totals.over_rate += counters.over_rate;
            totals.pipeline = [totals.pipeline, counters.pipeline].into_iter().sum();
            totals.dropped += queue.dropped(worker.number);
            totals.lost_by_host.add(&worker.control.lost_by_host());
            if let Some(drops) = kernel_drops(&worker.socket) {
                *totals.kernel_dropped.get_or_insert(0) +=
                    drops.saturating_sub(worker.dropped_before);
            }
            totals.receive_buffer_bytes += receive_buffer_bytes(&worker.socket).unwrap_or(0);
        }
        totals
    }
}

impl Fields for Totals {
    fn add_to<'a>(&'a self, record: &mut Record<'a>) {
        let pipeline = &self.pipeline;
        record.field("datagrams", self.received_datagrams);
        record.field("bytes", self.received_bytes);
        record.field("events", pipeline.events());
        record.group("events_by_kind", |record| {
            for kind in Kind::ALL {
                record.field(kind.name(), above_zero(pipeline.events_of(kind)));
            }
        });
        record.field("excluded", pipeline.excluded);
        record.field("undecoded", pipeline.undecoded_events());
        record.group("undecoded_by_code", |record| {
            for code in ErrorCode::ALL {
                record.field(code.as_str(), above_zero(pipeline.undecoded_by(code)));
            }
        });
        record.field("refused", self.refused);
        record.field("over_rate", self.over_rate);
        record.field("dropped", self.dropped);
        record.field("kernel_dropped", self.kernel_dropped);
        record.field("lost", pipeline.lost);
        record.field("lost_by_host", self.lost_by_host.as_map());
    }
}

fn above_zero(number: u64) -> Option<u64> {
    (number > 0).then_some(number)
}
