//! The thread that passes datagrams from one socket through the pipeline to the host's sink.

use std::{
    io,
    net::{IpAddr, SocketAddr, UdpSocket},
    panic::{self, AssertUnwindSafe},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use chrono::{DateTime, TimeDelta, Utc};

use super::{
    control::{Control, WorkerCounters},
    gather::Gather,
    threads::{Failure, guarded, lock},
};
use crate::{
    config::SourceConfig,
    event::Arrival,
    payload::count_events,
    pipeline::{Counters, Pipeline, RowGaps, Statistics},
    source::{BATCH, Receiver, Senders, Verdict, receive_buffer_bytes},
    transform::OutputBuffer,
};

/// How long a worker waits for a datagram before it checks for other work.
const PATIENCE: Duration = Duration::from_millis(200);

/// How long a worker leaves a socket alone after an error, other than "nothing there".
const PAUSE_AFTER_ERROR: Duration = Duration::from_millis(50);

/// The destination of a worker's events.
pub trait Sink {
    /// Takes the events of one batch of datagrams, in order, and leaves `events` empty.
    ///
    /// # Errors
    ///
    /// When events can no longer be passed on; the worker ends with this error.
    fn take(&mut self, events: &mut OutputBuffer) -> io::Result<()>;

    /// Receives the worker's counts, which include the events of the next [`take`](Self::take).
    fn counted(&mut self, _: &WorkerCounters) {}
}

/// Receives, decodes and passes on events, until it is stopped or its sink fails.
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
    /// The counts of the workers that this one replaced.
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
    /// A worker that is not running yet. It continues the counts of the previous one with the same `control`.
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

    /// The handle to this worker while it runs.
    #[must_use]
    pub fn control(&self) -> Arc<Control> {
        Arc::clone(&self.control)
    }

    /// The address that the socket listens on.
    ///
    /// # Errors
    ///
    /// When the system cannot tell.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    /// Works until it is stopped. Datagrams that arrived before that are still sent, unless the worker is told to
    /// discard them.
    ///
    /// # Errors
    ///
    /// [`Failure::Failed`] with the error of the sink, or of a socket that refuses its settings; [`Failure::Panicked`]
    /// after a panic, when the current batch is counted as lost.
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
        // Neither datagrams that arrive after the stop nor empty ones may hold up the worker.
        let held = receive_buffer_bytes(&self.socket).unwrap_or(0) as u64;
        let end = self.counters.taken_bytes() + held;
        while self.counters.taken_bytes() < end && !self.control.is_stopped_now() {
            if !self.batch(|each| receiver.receive_waiting(each))? {
                break;
            }
        }
        self.pipeline.finish(&mut self.events);
        // Expired sessions end with this tick; the others continue in the next run.
        self.tick()
    }

    const fn received(&self) -> (u64, u64) {
        let counters = &self.counters;
        (counters.received_datagrams, counters.received_bytes)
    }

    /// Processes one batch of datagrams. Returns whether there was one.
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
            if control.is_drain_over() {
                counters.not_drained += 1;
                return;
            }
            let handle = || {
                let arrival_times = arrival_times.get_or_insert_with(|| {
                    // New rules are taken after waiting for datagrams, so that they apply to all that arrive later.
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
                        lock(&control.refused_senders).note(sender);
                    }
                    Verdict::OverRate => {
                        counters.over_rate += 1;
                        lock(&control.over_rate_senders).note(sender);
                    }
                }
            };
            // The rest of the batch has been read from the socket, so it must be counted.
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

    /// Tells the pipeline the time, several times a second.
    fn tick(&mut self) -> io::Result<()> {
        self.next_tick = Instant::now() + PATIENCE;
        for list in std::mem::take(&mut *lock(&self.control.lists)) {
            self.pipeline.take_list(list);
        }
        self.pipeline.tick(now(), &mut self.events);
        self.flush()?;
        // Copying the statistics for each batch would be expensive.
        if let Some(mut statistics) = self.pipeline.changed_statistics() {
            statistics.add(&self.before.statistics);
            *lock(&self.control.statistics) = statistics;
        }
        Ok(())
    }

    /// Passes on the events and publishes the counts.
    fn flush(&mut self) -> io::Result<()> {
        let pipelines = [self.before.pipeline, self.pipeline.counters()];
        self.counters.pipeline = pipelines.into_iter().sum();
        self.sink.counted(&self.counters);
        self.sink.take(&mut self.events)?;
        self.publish();
        Ok(())
    }

    /// Publishes the counts.
    fn publish(&mut self) {
        *lock(&self.control.counters) = self.counters;
        if let Some(mut gaps) = self.pipeline.changed_row_gaps() {
            gaps.add(&self.before.row_gaps);
            *lock(&self.control.row_gaps) = gaps;
        }
    }

    /// Counts the batch that was being processed during a panic as lost, whatever happened to its datagrams. The
    /// pipeline may be inconsistent, so it is not used.
    fn count_lost_batch(&mut self) {
        let mut counters = self.counters;
        let published = self.control.counters();
        let in_hand = |counters: &WorkerCounters| {
            let others = counters.not_decoded + counters.not_drained;
            counters.received_datagrams - counters.refused - counters.over_rate - others
        };
        counters.not_decoded += in_hand(&counters) - in_hand(&published);
        counters.pipeline = published.pipeline;
        *lock(&self.control.counters) = counters;
    }

    /// Counts a socket error. None is a reason to stop listening: network interfaces go away and come back.
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

/// The arrival times of a batch's datagrams. They are read from the socket together, so the clock is read once; each
/// time is a nanosecond after the previous one, so that sorting by time keeps the order.
struct ArrivalTimes(DateTime<Utc>);

impl ArrivalTimes {
    fn next(&mut self) -> DateTime<Utc> {
        let time = self.0;
        // At the end of the range, all further datagrams get the same time.
        self.0 = time
            .checked_add_signed(TimeDelta::nanoseconds(1))
            .unwrap_or(time);
        time
    }
}

fn now() -> DateTime<Utc> {
    std::time::SystemTime::now().into()
}
