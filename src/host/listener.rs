//! An address, the workers that share it, and what they have counted together.

use std::{
    net::{SocketAddr, UdpSocket},
    sync::Arc,
};

use serde::{Serialize, Serializer, ser::SerializeMap};

use super::{queue::Queue, worker::Control};
use crate::{
    event::Kind,
    pipeline::{Counters, LostByHost},
    schema::{Fields, Visitor},
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
    fn visit<V: Visitor>(&self, visitor: &mut V) -> Result<(), V::Error> {
        visitor.field("datagrams", Some(&self.received_datagrams))?;
        visitor.field("bytes", Some(&self.received_bytes))?;
        visitor.field("events", Some(&self.pipeline.events()))?;
        visitor.field("events_by_kind", present(ByKind(&self.pipeline)).as_ref())?;
        visitor.field("excluded", Some(&self.pipeline.excluded))?;
        visitor.field("undecoded", Some(&self.pipeline.undecoded_events()))?;
        visitor.field(
            "undecoded_by_code",
            present(ByCode(&self.pipeline)).as_ref(),
        )?;
        visitor.field("refused", Some(&self.refused))?;
        visitor.field("over_rate", Some(&self.over_rate))?;
        visitor.field("dropped", Some(&self.dropped))?;
        visitor.field("kernel_dropped", self.kernel_dropped.as_ref())?;
        visitor.field("lost", self.pipeline.lost.as_ref())?;
        visitor.field("lost_by_host", present(ByHost(&self.lost_by_host)).as_ref())
    }
}

/// Numbers by name, of which only those above zero are shown.
trait Numbers {
    fn numbers(&self) -> impl Iterator<Item = (String, u64)>;
}

struct ByKind<'a>(&'a Counters);

impl Numbers for ByKind<'_> {
    fn numbers(&self) -> impl Iterator<Item = (String, u64)> {
        Kind::ALL.into_iter().map(|kind| {
            let name = format!("{}_{}", kind.event(), kind.action());
            (name, self.0.events_of(kind))
        })
    }
}

struct ByCode<'a>(&'a Counters);

impl Numbers for ByCode<'_> {
    fn numbers(&self) -> impl Iterator<Item = (String, u64)> {
        ErrorCode::ALL
            .into_iter()
            .map(|code| (code.to_string(), self.0.undecoded_by(code)))
    }
}

struct ByHost<'a>(&'a LostByHost);

impl Numbers for ByHost<'_> {
    fn numbers(&self) -> impl Iterator<Item = (String, u64)> {
        self.0.iter().map(|(host, lost)| (host.to_owned(), lost))
    }
}

struct Present<N>(N);

fn present<N: Numbers>(numbers: N) -> Option<Present<N>> {
    let any = numbers.numbers().any(|(_, number)| number > 0);
    any.then_some(Present(numbers))
}

impl<N: Numbers> Serialize for Present<N> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (name, number) in self.0.numbers().filter(|(_, number)| *number > 0) {
            map.serialize_entry(&name, &number)?;
        }
        map.end()
    }
}
