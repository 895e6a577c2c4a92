//! An address, and the workers that share it.

use std::{
    net::{SocketAddr, UdpSocket},
    sync::Arc,
};

use super::{queue::Queue, worker::Control};
use crate::{
    host::metrics::Totals,
    source::{kernel_drops, receive_buffer_bytes},
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
