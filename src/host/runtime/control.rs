//! The handle to a worker, with which other threads control it and read its counts.

use std::{
    net::IpAddr,
    sync::{
        Mutex, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use super::{
    threads::lock,
    turned_away::{Reason, RecentSenders},
};
use crate::{
    pipeline::{Counters, RowGaps, Statistics},
    source::Refusals,
    transform::{AppTable, Blacklist, sessions::SessionList},
};

/// How long a worker may decode after it was told to stop: most of [the time that a shutdown
/// has](super::handle::PATIENCE), and enough for a full receive buffer unless decoding is very slow.
pub(super) const DRAIN: Duration = Duration::from_secs(8);

/// The least that a datagram takes of the receive buffer beyond its bytes.
const DATAGRAM_OVERHEAD: u64 = 256;

/// The handle to a worker: its counts and its controls.
#[derive(Debug, Default)]
pub struct Control {
    stopped_at: OnceLock<Instant>,
    stop_now: AtomicBool,
    pub(super) counters: Mutex<WorkerCounters>,
    pub(super) refusals: Mutex<Refusals>,
    /// The senders that were refused, since the supervisor last looked.
    pub(super) refused_senders: Mutex<RecentSenders>,
    /// The senders that have sent too much, since the supervisor last looked.
    pub(super) over_rate_senders: Mutex<RecentSenders>,
    pub(super) row_gaps: Mutex<RowGaps>,
    pub(super) statistics: Mutex<Statistics>,
    pub(super) receive_errors: Mutex<ReceiveErrors>,
    pub(super) blacklist: Mutex<Update<Blacklist>>,
    pub(super) app_names: Mutex<Update<AppTable>>,
    /// The latest list from each node.
    pub(super) lists: Mutex<Vec<SessionList>>,
}

/// The latest value for a worker, kept for its replacement.
#[derive(Debug)]
pub(super) struct Update<T> {
    last: Option<T>,
    is_new: bool,
}

impl<T> Default for Update<T> {
    fn default() -> Self {
        Self {
            last: None,
            is_new: false,
        }
    }
}

impl<T: Clone> Update<T> {
    fn set(&mut self, value: T) {
        self.last = Some(value);
        self.is_new = true;
    }

    /// The value, if it is new since the last call.
    pub(super) fn take(&mut self) -> Option<T> {
        std::mem::take(&mut self.is_new)
            .then(|| self.last.clone())
            .flatten()
    }
}

/// The counts of a worker. A received datagram was refused, was over its sender's rate limit, went into the pipeline,
/// or was lost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct WorkerCounters {
    /// Datagrams received.
    pub received_datagrams: u64,
    /// Their length in bytes.
    pub received_bytes: u64,
    /// Datagrams from senders that are not allowed.
    pub refused: u64,
    /// Datagrams over their sender's rate limit.
    pub over_rate: u64,
    /// Datagrams lost because they were being processed during a panic.
    pub not_decoded: u64,
    /// Datagrams lost because the time for decoding at shutdown was over.
    pub not_drained: u64,
    /// The pipeline's counts for the other datagrams.
    pub pipeline: Counters,
}

/// Transient socket errors since the last call.
#[derive(Debug, Clone, Default)]
pub struct ReceiveErrors {
    /// How many there were.
    pub count: u64,
    /// The message of the last one.
    pub last: Option<String>,
}

impl WorkerCounters {
    /// The least that the received datagrams took of the receive buffer.
    pub(super) const fn taken_bytes(&self) -> u64 {
        self.received_bytes + self.received_datagrams * DATAGRAM_OVERHEAD
    }
}

impl Control {
    /// Tells the worker to read what the socket still holds and to end.
    pub fn stop(&self) {
        self.stop_at(Instant::now());
    }

    /// The same, where `now` is the time from which on the worker has [`DRAIN`] left.
    pub(super) fn stop_at(&self, now: Instant) {
        self.stopped_at.get_or_init(|| now);
    }

    /// When the worker was told to end.
    pub(super) fn stopped_at(&self) -> Option<Instant> {
        self.stopped_at.get().copied()
    }

    /// Tells the worker to end and to leave what the socket still holds, where the socket's next owner finds it.
    pub fn stop_now(&self) {
        self.stop_now.store(true, Ordering::Relaxed);
        self.stop();
    }

    /// The counts of the worker up to its last batch.
    #[must_use]
    pub fn counters(&self) -> WorkerCounters {
        *lock(&self.counters)
    }

    /// The senders whose datagrams the worker has refused.
    #[must_use]
    pub fn refusals(&self) -> Refusals {
        lock(&self.refusals).clone()
    }

    /// How many datagrams the worker has turned away for a reason.
    pub(super) fn turned_away(&self, reason: Reason) -> u64 {
        let counters = lock(&self.counters);
        match reason {
            Reason::Refused => counters.refused,
            Reason::OverRate => counters.over_rate,
        }
    }

    /// Takes the senders of datagrams that were turned away for a reason since the last call, without repetitions.
    pub(super) fn take_senders(&self, reason: Reason) -> Vec<IpAddr> {
        let senders = match reason {
            Reason::Refused => &self.refused_senders,
            Reason::OverRate => &self.over_rate_senders,
        };
        lock(senders).take()
    }

    /// The missing rows at this worker.
    #[must_use]
    pub fn row_gaps(&self) -> RowGaps {
        lock(&self.row_gaps).clone()
    }

    /// What Qlik nodes have sent to the worker, up to its last tick.
    #[must_use]
    pub fn statistics(&self) -> Statistics {
        lock(&self.statistics).clone()
    }

    /// Takes the socket errors since the last call.
    #[must_use]
    pub fn take_receive_errors(&self) -> ReceiveErrors {
        std::mem::take(&mut lock(&self.receive_errors))
    }

    /// Replaces the worker's blacklist, for every datagram that arrives from now on.
    pub fn replace_blacklist(&self, blacklist: Blacklist) {
        lock(&self.blacklist).set(blacklist);
    }

    /// Replaces the worker's app names, for every datagram that arrives from now on.
    pub fn replace_app_names(&self, names: AppTable) {
        lock(&self.app_names).set(names);
    }

    /// Passes on a proxy's list of sessions, which replaces one that the worker has not taken yet.
    pub fn take_list(&self, list: SessionList) {
        let mut lists = lock(&self.lists);
        lists.retain(|other| other.host != list.host);
        lists.push(list);
    }

    /// Makes the latest values new again, for a worker that replaces one that panicked.
    pub(super) fn repeat_updates(&self) {
        let mut blacklist = lock(&self.blacklist);
        blacklist.is_new = blacklist.last.is_some();
        let mut app_names = lock(&self.app_names);
        app_names.is_new = app_names.last.is_some();
    }

    pub(super) fn is_stopped_now(&self) -> bool {
        self.stop_now.load(Ordering::Relaxed)
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.stopped_at.get().is_some()
    }

    /// Whether the worker was told to stop so long ago that it may decode no more.
    pub(super) fn is_drain_over(&self) -> bool {
        self.stopped_at
            .get()
            .is_some_and(|at| at.elapsed() >= DRAIN)
    }
}
