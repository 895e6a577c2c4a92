//! One socket's way through the pipeline to wherever a host wants its events, on a thread of its own.

use std::{
    io,
    net::{IpAddr, SocketAddr, UdpSocket},
    panic::{self, AssertUnwindSafe},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use chrono::{DateTime, TimeDelta, Utc};

use super::{
    gather::Gather,
    threads::{Failure, guarded, lock},
};
use crate::{
    config::SourceConfig,
    event::Arrival,
    payload::count_events,
    pipeline::{Counters, Pipeline, RowGaps, Statistics},
    source::{BATCH, Receiver, Refusals, Senders, Verdict, receive_buffer_bytes},
    transform::{AppTable, Blacklist, OutputBuffer, sessions::SessionList},
};

/// How long a worker waits for a datagram before it looks for other news.
const PATIENCE: Duration = Duration::from_millis(200);

/// What every datagram takes of the receive buffer beyond its bytes, at the least.
const DATAGRAM_OVERHEAD: u64 = 256;

/// How long a worker decodes what its socket still holds at the end: half of what [it has](super::shutdown), so that
/// time is left for what follows from it, such as summaries.
const DRAIN: Duration = Duration::from_secs(1);

/// How long a worker leaves a socket alone that reports an error other than "nothing there".
const PAUSE_AFTER_ERROR: Duration = Duration::from_millis(50);

/// Where a worker's events go.
pub trait Sink {
    /// Takes the events of one batch of datagrams, in order, and leaves `events` empty.
    ///
    /// # Errors
    ///
    /// When the events cannot be passed on, now and later; the worker ends with this error.
    fn take(&mut self, events: &mut OutputBuffer) -> io::Result<()>;

    /// Is shown what the worker has counted, these events with it, before it takes them.
    fn counted(&mut self, _: &WorkerCounters) {}
}

/// What is known of a worker from outside, and what it can be told.
#[derive(Debug, Default)]
pub struct Control {
    stop: AtomicBool,
    stop_now: AtomicBool,
    counters: Mutex<WorkerCounters>,
    refusals: Mutex<Refusals>,
    row_gaps: Mutex<RowGaps>,
    statistics: Mutex<Statistics>,
    receive_errors: Mutex<ReceiveErrors>,
    blacklist: Mutex<Update<Blacklist>>,
    app_names: Mutex<Update<AppTable>>,
    /// The last of each node.
    lists: Mutex<Vec<SessionList>>,
}

/// The last that was given to a worker, kept for one that takes its place.
#[derive(Debug)]
struct Update<T> {
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

    /// What is new since this was last asked.
    fn take(&mut self) -> Option<T> {
        std::mem::take(&mut self.is_new)
            .then(|| self.last.clone())
            .flatten()
    }
}

/// What a worker has counted. What was received was refused, was over its sender's rate, went into the
/// pipeline, or was not decoded.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct WorkerCounters {
    /// Datagrams that were received.
    pub received_datagrams: u64,
    /// Their length in bytes.
    pub received_bytes: u64,
    /// Datagrams of senders on no list.
    pub refused: u64,
    /// Datagrams over the rate of their sender.
    pub over_rate: u64,
    /// Datagrams that are lost: those in hand in a panic, and those that the socket still held when the time for the end
    /// was over.
    pub not_decoded: u64,
    /// What became of the others.
    pub pipeline: Counters,
}

/// Errors of the socket that may pass, since they were last asked for.
#[derive(Debug, Clone, Default)]
pub struct ReceiveErrors {
    /// How many.
    pub count: u64,
    /// What the last of them said.
    pub last: Option<String>,
}

impl WorkerCounters {
    /// What the received datagrams took of the receive buffer, at the least.
    const fn taken_bytes(&self) -> u64 {
        self.received_bytes + self.received_datagrams * DATAGRAM_OVERHEAD
    }
}

impl Control {
    /// Tells the worker to take what the socket still holds and to end.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    /// Tells the worker to end and to leave what the socket still holds: the next owner of the socket finds
    /// it there.
    pub fn stop_now(&self) {
        self.stop_now.store(true, Ordering::Relaxed);
        self.stop();
    }

    /// What the worker has counted up to its last batch.
    #[must_use]
    pub fn counters(&self) -> WorkerCounters {
        *lock(&self.counters)
    }

    /// Whose datagrams the worker has refused.
    #[must_use]
    pub fn refusals(&self) -> Refusals {
        lock(&self.refusals).clone()
    }

    /// Rows that never came to the worker.
    #[must_use]
    pub fn row_gaps(&self) -> RowGaps {
        lock(&self.row_gaps).clone()
    }

    /// What Qlik nodes sent to the worker, up to its last tick.
    #[must_use]
    pub fn statistics(&self) -> Statistics {
        lock(&self.statistics).clone()
    }

    /// Takes the errors of the socket since this was last asked.
    #[must_use]
    pub fn take_receive_errors(&self) -> ReceiveErrors {
        std::mem::take(&mut lock(&self.receive_errors))
    }

    /// Gives the worker new rules for its blacklist: they hold for every datagram that arrives from
    /// now on.
    pub fn replace_blacklist(&self, blacklist: Blacklist) {
        lock(&self.blacklist).set(blacklist);
    }

    /// Gives the worker new names of apps: they hold for every datagram that arrives from now on.
    pub fn replace_app_names(&self, names: AppTable) {
        lock(&self.app_names).set(names);
    }

    /// Gives the worker what a proxy lists, in the place of what it listed before.
    pub fn take_list(&self, list: SessionList) {
        let mut lists = lock(&self.lists);
        lists.retain(|other| other.host != list.host);
        lists.push(list);
    }

    /// What holds for a worker that takes the place of one that panicked is what that was given last.
    fn repeat_updates(&self) {
        let mut blacklist = lock(&self.blacklist);
        blacklist.is_new = blacklist.last.is_some();
        let mut app_names = lock(&self.app_names);
        app_names.is_new = app_names.last.is_some();
    }

    fn is_stopped_now(&self) -> bool {
        self.stop_now.load(Ordering::Relaxed)
    }

    fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}

/// Receives, decodes and hands on, until it is stopped or its sink fails.
#[derive(Debug)]
pub struct Worker<S> {
    socket: Arc<UdpSocket>,
    max_datagram_bytes: usize,
    gather: Duration,
    senders: Senders,
    pipeline: Pipeline,
    sink: S,
    events: OutputBuffer,
    counters: WorkerCounters,
    /// What the pipelines counted of workers that had this one's place.
    before: Before,
    control: Arc<Control>,
    next_tick: Instant,
}

#[derive(Debug)]
struct Before {
    pipeline: Counters,
    row_gaps: RowGaps,
    statistics: Statistics,
}

impl<S: Sink> Worker<S> {
    /// A worker that is not running yet. It goes on counting where the last one with this `control` has ended.
    #[must_use]
    pub fn new(
        socket: Arc<UdpSocket>,
        source: &SourceConfig,
        pipeline: Pipeline,
        mut sink: S,
        control: Arc<Control>,
    ) -> Self {
        control.repeat_updates();
        let counters = control.counters();
        sink.counted(&counters);
        Self {
            socket,
            max_datagram_bytes: source.max_datagram_bytes,
            gather: source.gather(),
            senders: Senders::new(&source.allowed_senders, source.rate_limit),
            pipeline,
            sink,
            events: OutputBuffer::default(),
            counters,
            before: Before {
                pipeline: counters.pipeline,
                row_gaps: control.row_gaps(),
                statistics: control.statistics(),
            },
            control,
            next_tick: Instant::now(),
        }
    }

    /// What is known of this worker, and what it can be told, while it runs.
    #[must_use]
    pub fn control(&self) -> Arc<Control> {
        Arc::clone(&self.control)
    }

    /// The address that the socket listens on.
    ///
    /// # Errors
    ///
    /// When the system does not say.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    /// Works until it is stopped. What arrived before that still goes out, unless the worker is to leave it.
    ///
    /// # Errors
    ///
    /// [`Failure::Failed`] with what the sink fails with, or the socket when it refuses its settings;
    /// [`Failure::Panicked`] after a panic: the batch in hand is counted as lost.
    pub fn run(mut self) -> Result<(), Failure> {
        let ended = guarded(|| self.work());
        if matches!(ended, Err(Failure::Panicked)) {
            self.count_lost_batch();
        }
        ended
    }

    fn work(&mut self) -> io::Result<()> {
        let socket = self.socket.try_clone()?;
        let mut receiver = Receiver::new(socket, self.max_datagram_bytes, PATIENCE)?;
        let held = receive_buffer_bytes(&self.socket).unwrap_or(0);
        let mut gather = Gather::new(self.gather, held, Instant::now());
        while !self.control.is_stopped() {
            let (datagrams, bytes) = self.received();
            self.batch(|each| receiver.receive(each))?;
            let (all_datagrams, all_bytes) = self.received();
            let (datagrams, bytes) = (all_datagrams - datagrams, all_bytes - bytes);
            let has_more = datagrams >= BATCH as u64;
            if datagrams > 0
                && let Some(pause) = gather.pause(datagrams, bytes, has_more, Instant::now())
            {
                thread::sleep(pause);
            }
            if Instant::now() >= self.next_tick {
                self.tick()?;
            }
        }
        // What arrives after the stop must not keep the worker, nor must datagrams without a byte.
        let held = receive_buffer_bytes(&self.socket).unwrap_or(0) as u64;
        let end = self.counters.taken_bytes() + held;
        let until = Instant::now() + DRAIN;
        while self.counters.taken_bytes() < end && !self.control.is_stopped_now() {
            if Instant::now() >= until {
                self.count_rest(&mut receiver, end);
                break;
            }
            if !self.batch(|each| receiver.receive_waiting(each))? {
                break;
            }
        }
        self.pipeline.finish(&mut self.events);
        // Sessions end here whose time has come; the others go on in the next run.
        self.tick()
    }

    const fn received(&self) -> (u64, u64) {
        let counters = &self.counters;
        (counters.received_datagrams, counters.received_bytes)
    }

    /// One batch of datagrams: whether there was one.
    fn batch(
        &mut self,
        receive: impl FnOnce(&mut dyn FnMut(&[u8], IpAddr)) -> io::Result<usize>,
    ) -> io::Result<bool> {
        let Self {
            senders,
            pipeline,
            events,
            counters,
            control,
            ..
        } = self;
        let mut arrival_times: Option<ArrivalTimes> = None;
        let mut panicked = None;
        let received = receive(&mut |datagram, sender| {
            counters.received_datagrams += 1;
            counters.received_bytes += datagram.len() as u64;
            if panicked.is_some() {
                return;
            }
            let handle = || {
                let arrival_times = arrival_times.get_or_insert_with(|| {
                    // Asked after the wait for datagrams: rules that came meanwhile hold for all of them.
                    if let Some(blacklist) = lock(&control.blacklist).take() {
                        pipeline.replace_blacklist(blacklist);
                    }
                    if let Some(names) = lock(&control.app_names).take() {
                        pipeline.replace_app_names(names);
                    }
                    ArrivalTimes(now())
                });
                let timestamp = arrival_times.next();
                match senders.admit(sender, || count_events(datagram)) {
                    Verdict::Accepted => {
                        pipeline.datagram(datagram, Arrival::new(timestamp, sender), events);
                    }
                    Verdict::Refused => {
                        counters.refused += 1;
                        lock(&control.refusals).count(sender);
                    }
                    Verdict::OverRate => counters.over_rate += 1,
                }
            };
            // The rest of the batch has been read from the socket, and is to be counted.
            panicked = panic::catch_unwind(AssertUnwindSafe(handle)).err();
        });
        if let Some(payload) = panicked {
            panic::resume_unwind(payload);
        }
        match received {
            Ok(_) => {
                self.flush()?;
                Ok(true)
            }
            Err(error) => {
                self.count_receive_error(&error);
                Ok(false)
            }
        }
    }

    /// Reads what the socket still holds, up to `end` bytes of its buffer in all, and counts it as not decoded: there
    /// is no time left for more.
    fn count_rest(&mut self, receiver: &mut Receiver, end: u64) {
        let counters = &mut self.counters;
        while counters.taken_bytes() < end {
            let received = receiver.receive_waiting(|datagram, _| {
                counters.received_datagrams += 1;
                counters.received_bytes += datagram.len() as u64;
                counters.not_decoded += 1;
            });
            if received.is_err() {
                break;
            }
        }
    }

    /// Lets the pipeline know the time, several times a second.
    fn tick(&mut self) -> io::Result<()> {
        self.next_tick = Instant::now() + PATIENCE;
        for list in std::mem::take(&mut *lock(&self.control.lists)) {
            self.pipeline.take_list(list);
        }
        self.pipeline.tick(now(), &mut self.events);
        self.flush()?;
        // With each batch it would be much to copy.
        if let Some(mut statistics) = self.pipeline.changed_statistics() {
            statistics.add(&self.before.statistics);
            *lock(&self.control.statistics) = statistics;
        }
        Ok(())
    }

    /// Hands the events over, and tells what was counted.
    fn flush(&mut self) -> io::Result<()> {
        let pipelines = [self.before.pipeline, self.pipeline.counters()];
        self.counters.pipeline = pipelines.into_iter().sum();
        self.sink.counted(&self.counters);
        self.sink.take(&mut self.events)?;
        self.publish();
        Ok(())
    }

    /// Shows what was counted to those who ask.
    fn publish(&mut self) {
        *lock(&self.control.counters) = self.counters;
        if let Some(mut gaps) = self.pipeline.changed_row_gaps() {
            gaps.add(&self.before.row_gaps);
            *lock(&self.control.row_gaps) = gaps;
        }
    }

    /// Counts the batch that was in hand in a panic as lost, whatever had become of its datagrams. The pipeline
    /// may be half changed and is not asked.
    fn count_lost_batch(&mut self) {
        let mut counters = self.counters;
        let published = self.control.counters();
        let in_hand = |counters: &WorkerCounters| {
            let taken = counters.refused + counters.over_rate + counters.not_decoded;
            counters.received_datagrams - taken
        };
        counters.not_decoded += in_hand(&counters) - in_hand(&published);
        counters.pipeline = published.pipeline;
        *lock(&self.control.counters) = counters;
    }

    /// No error of a UDP socket is a reason to stop listening: interfaces go and come back.
    fn count_receive_error(&self, error: &io::Error) {
        use io::ErrorKind::{Interrupted, WouldBlock};
        if !matches!(error.kind(), WouldBlock | Interrupted) {
            let mut errors = lock(&self.control.receive_errors);
            errors.count += 1;
            errors.last = Some(error.to_string());
            drop(errors);
            thread::sleep(PAUSE_AFTER_ERROR);
        }
    }
}

/// The times of a batch's datagrams. They are read from the socket at once, so the clock is asked once;
/// each is a nanosecond after the one before it, so that sorting by time keeps their order.
struct ArrivalTimes(DateTime<Utc>);

impl ArrivalTimes {
    fn next(&mut self) -> DateTime<Utc> {
        let time = self.0;
        // At the end of time all further datagrams arrive at once.
        self.0 = time
            .checked_add_signed(TimeDelta::nanoseconds(1))
            .unwrap_or(time);
        time
    }
}

fn now() -> DateTime<Utc> {
    std::time::SystemTime::now().into()
}
