//! An address, and the workers that share it.

use std::{
    net::{SocketAddr, UdpSocket},
    sync::Arc,
};

use super::{
    control::Control,
    queue::Contents,
    queues::Queues,
    worker::{Sink, Worker},
};
use crate::{
    config::SourceConfig,
    host::metrics::Totals,
    pipeline::Pipeline,
    source::{Bound, kernel_drops, receive_buffer_bytes},
};

/// An address to listen on.
#[derive(Debug)]
pub struct Listener {
    /// The address.
    pub address: SocketAddr,
    /// Its workers.
    pub workers: Vec<WorkerHandle>,
}

/// A worker's socket and controls. It outlives the worker, which may be replaced.
#[derive(Debug)]
pub struct WorkerHandle {
    /// The worker's number in the queue.
    pub number: usize,
    /// Its counts and controls.
    pub control: Arc<Control>,
    socket: Socket,
    dropped_before: u64,
}

/// A worker's socket, while there is one.
#[derive(Debug)]
enum Socket {
    Open(Arc<UdpSocket>),
    /// The number of datagrams that the system had dropped, if it reports them.
    Closed(Option<u64>),
}

impl WorkerHandle {
    /// A handle for a socket whose drops are counted from now on. There is no worker yet.
    fn new(number: usize, socket: UdpSocket) -> Self {
        Self {
            number,
            control: Arc::default(),
            dropped_before: kernel_drops(&socket).unwrap_or(0),
            socket: Socket::Open(Arc::new(socket)),
        }
    }

    /// A worker for this socket that is not running yet; `None` after the socket was [closed](Self::close).
    #[must_use]
    pub fn worker<S: Sink>(
        &self,
        source: &SourceConfig,
        pipeline: Pipeline,
        sink: S,
    ) -> Option<Worker<S>> {
        let (socket, control) = (Arc::clone(self.socket()?), Arc::clone(&self.control));
        Some(Worker::new(socket, source, pipeline, sink, control))
    }

    /// The socket; `None` after it was [closed](Self::close).
    #[must_use]
    pub const fn socket(&self) -> Option<&Arc<UdpSocket>> {
        match &self.socket {
            Socket::Open(socket) => Some(socket),
            Socket::Closed(_) => None,
        }
    }

    /// Releases the socket, which closes when the worker has ended. The counts stay.
    pub fn close(&mut self) {
        self.socket = Socket::Closed(self.all_kernel_drops());
    }

    /// Datagrams that the system had dropped at the socket before this run: a socket that was handed over is older.
    #[must_use]
    pub const fn dropped_before(&self) -> u64 {
        self.dropped_before
    }

    /// Datagrams that the system has dropped at the socket during this run; `None` if it does not report them.
    #[must_use]
    pub fn kernel_drops(&self) -> Option<u64> {
        Some(self.all_kernel_drops()?.saturating_sub(self.dropped_before))
    }

    fn all_kernel_drops(&self) -> Option<u64> {
        match &self.socket {
            Socket::Open(socket) => kernel_drops(socket),
            Socket::Closed(drops) => *drops,
        }
    }

    /// The size in bytes of the receive buffer that the system has granted.
    #[must_use]
    pub fn receive_buffer_bytes(&self) -> Option<usize> {
        receive_buffer_bytes(self.socket()?).ok()
    }
}

impl Listener {
    /// One listener for each address, with a handle for each socket, numbered from 0 across all addresses.
    #[must_use]
    pub fn all(bound: Vec<Bound>) -> Vec<Self> {
        let mut numbers = 0..;
        let listener = |Bound { address, sockets }| Self {
            address,
            workers: numbers
                .by_ref()
                .zip(sockets)
                .map(|(number, socket)| WorkerHandle::new(number, socket))
                .collect(),
        };
        bound.into_iter().map(listener).collect()
    }

    /// The counts of this address up to now.
    #[must_use]
    pub fn totals<C: Contents>(&self, queues: &Queues<C>) -> Totals {
        let mut totals = Totals::default();
        for worker in &self.workers {
            let counters = worker.control.counters();
            totals.received_datagrams += counters.received_datagrams;
            totals.received_bytes += counters.received_bytes;
            totals.refused += counters.refused;
            totals.refusals.add(&worker.control.refusals());
            totals.over_rate += counters.over_rate;
            totals.pipeline = [totals.pipeline, counters.pipeline].into_iter().sum();
            totals.dropped += queues.dropped(worker.number);
            totals.dropped += counters.not_decoded + counters.not_drained;
            totals.row_gaps.add(&worker.control.row_gaps());
            if let Some(drops) = worker.kernel_drops() {
                *totals.kernel_dropped.get_or_insert(0) += drops;
            }
            totals.receive_buffer_bytes += worker.receive_buffer_bytes().unwrap_or(0);
        }
        totals
    }
}
