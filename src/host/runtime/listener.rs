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
    /// What it has counted, and what it can be told.
    pub control: Arc<Control>,
    socket: Handle,
    dropped_before: u64,
}

/// The worker's socket, while there is one.
#[derive(Debug)]
enum Handle {
    Open(Arc<UdpSocket>),
    /// With what the system had dropped, where it says.
    Closed(Option<u64>),
}

impl ListenerWorker {
    /// The worker with a number, at a socket that is counted from now on.
    #[must_use]
    pub fn new(number: usize, socket: Arc<UdpSocket>, control: Arc<Control>) -> Self {
        Self {
            number,
            control,
            dropped_before: kernel_drops(&socket).unwrap_or(0),
            socket: Handle::Open(socket),
        }
    }

    /// Its socket; none after that was [closed](Self::close).
    #[must_use]
    pub const fn socket(&self) -> Option<&Arc<UdpSocket>> {
        match &self.socket {
            Handle::Open(socket) => Some(socket),
            Handle::Closed(_) => None,
        }
    }

    /// Lets the socket go, which is closed when the worker has ended. What was counted stays.
    pub fn close(&mut self) {
        self.socket = Handle::Closed(self.all_kernel_drops());
    }

    /// Datagrams that the system had dropped at the socket before this run: a socket that was handed
    /// over is older.
    #[must_use]
    pub const fn dropped_before(&self) -> u64 {
        self.dropped_before
    }

    /// Datagrams that the system has dropped at the socket during this run; none where it does not say.
    #[must_use]
    pub fn kernel_drops(&self) -> Option<u64> {
        Some(self.all_kernel_drops()?.saturating_sub(self.dropped_before))
    }

    fn all_kernel_drops(&self) -> Option<u64> {
        match &self.socket {
            Handle::Open(socket) => kernel_drops(socket),
            Handle::Closed(drops) => *drops,
        }
    }

    /// The size of the socket's receive buffer in bytes, as the system granted it.
    #[must_use]
    pub fn receive_buffer_bytes(&self) -> Option<usize> {
        receive_buffer_bytes(self.socket()?).ok()
    }
}

impl Listener {
    /// What was counted at this address up to now.
    #[must_use]
    pub fn totals<F>(&self, queue: &Queue<F>) -> Totals {
        let mut totals = Totals::default();
        for worker in &self.workers {
            let counters = worker.control.counters();
            totals.received_datagrams += counters.received_datagrams;
            totals.received_bytes += counters.received_bytes;
            totals.refused += counters.refused;
            totals.refusals.add(&worker.control.refusals());
            totals.over_rate += counters.over_rate;
            totals.pipeline = [totals.pipeline, counters.pipeline].into_iter().sum();
            totals.dropped += queue.dropped(worker.number) + counters.broken_off;
            totals.lost_by_host.add(&worker.control.lost_by_host());
            if let Some(drops) = worker.kernel_drops() {
                *totals.kernel_dropped.get_or_insert(0) += drops;
            }
            totals.receive_buffer_bytes += worker.receive_buffer_bytes().unwrap_or(0);
        }
        totals
    }
}
