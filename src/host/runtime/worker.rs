//! One socket's way through the pipeline to wherever a host wants its events, on a thread of its own.

use std::{
    io,
    net::{IpAddr, SocketAddr, UdpSocket},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use chrono::{DateTime, TimeDelta, Utc};

use super::threads::lock;
use crate::{
    event::Arrival,
    pipeline::{Counters, LostByHost, Pipeline},
    source::{Receiver, Refusals, Senders, Verdict, receive_buffer_bytes},
    transform::{AppTable, Blacklist, OutputBuffer, Sessions},
    wire::count_events,
};

/// How long a worker waits for a datagram before it looks for other news.
const PATIENCE: Duration = Duration::from_millis(200);

/// What every datagram takes of the receive buffer beyond its bytes, at the least.
const DATAGRAM_OVERHEAD: u64 = 256;

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
    leave: AtomicBool,
    counters: Mutex<WorkerCounters>,
    refusals: Mutex<Refusals>,
    lost: Mutex<LostByHost>,
    receive_errors: Mutex<ReceiveErrors>,
    blacklist: Mutex<Option<Blacklist>>,
    app_names: Mutex<Option<AppTable>>,
}

/// What a worker has counted. What was received was refused, was over its sender's rate, or went into
/// the pipeline.
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

    /// Tells the worker to end and to leave what the socket still holds: whoever takes a socket over finds
    /// it there.
    pub fn leave(&self) {
        self.leave.store(true, Ordering::Relaxed);
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

    /// Whose datagrams were lost before the worker received them.
    #[must_use]
    pub fn lost_by_host(&self) -> LostByHost {
        lock(&self.lost).clone()
    }

    /// Takes the errors of the socket since this was last asked.
    #[must_use]
    pub fn take_receive_errors(&self) -> ReceiveErrors {
        std::mem::take(&mut lock(&self.receive_errors))
    }

    /// Gives the worker new rules for its blacklist: they hold for every datagram that arrives from
    /// now on.
    pub fn replace_blacklist(&self, blacklist: Blacklist) {
        *lock(&self.blacklist) = Some(blacklist);
    }

    /// Gives the worker new names of apps: they hold for every datagram that arrives from now on.
    pub fn replace_app_names(&self, names: AppTable) {
        *lock(&self.app_names) = Some(names);
    }

    fn is_left(&self) -> bool {
        self.leave.load(Ordering::Relaxed)
    }

    fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}

/// Receives, decodes and hands on, until it is stopped or its sink fails.
#[derive(Debug)]
pub struct Worker<S> {
    socket: UdpSocket,
    max_datagram_bytes: usize,
    senders: Senders,
    pipeline: Pipeline,
    sink: S,
    events: OutputBuffer,
    counters: WorkerCounters,
    control: Arc<Control>,
    next_tick: Instant,
}

impl<S: Sink> Worker<S> {
    /// A worker that is not running yet.
    #[must_use]
    pub fn new(
        socket: UdpSocket,
        max_datagram_bytes: usize,
        senders: Senders,
        pipeline: Pipeline,
        sink: S,
    ) -> Self {
        Self {
            socket,
            max_datagram_bytes,
            senders,
            pipeline,
            sink,
            events: OutputBuffer::default(),
            counters: WorkerCounters::default(),
            control: Arc::default(),
            next_tick: Instant::now(),
        }
    }

    /// What is known of this worker, and what it can be told, while it runs.
    #[must_use]
    pub fn control(&self) -> Arc<Control> {
        Arc::clone(&self.control)
    }

    /// What follows the sessions, where that is wanted: the same for all workers.
    #[must_use]
    pub const fn sessions(&self) -> Option<&Sessions> {
        self.pipeline.sessions()
    }

    /// The address that the socket listens on.
    ///
    /// # Errors
    ///
    /// When the system does not say.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    /// The size of the socket's receive buffer in bytes, as the system granted it.
    ///
    /// # Errors
    ///
    /// When the system does not say.
    pub fn receive_buffer_bytes(&self) -> io::Result<usize> {
        receive_buffer_bytes(&self.socket)
    }

    /// The names of apps that it begins with.
    #[must_use]
    pub fn app_names(&self) -> AppTable {
        self.pipeline.app_names().clone()
    }

    /// A handle on the socket, to ask what the system has counted at it.
    ///
    /// # Errors
    ///
    /// When the system gives none.
    pub fn socket(&self) -> io::Result<UdpSocket> {
        self.socket.try_clone()
    }

    /// Works until it is stopped. What arrived before that still goes out, unless the worker is to leave it.
    ///
    /// # Errors
    ///
    /// What the sink fails with, or the socket when it refuses its settings.
    pub fn run(mut self) -> io::Result<()> {
        let socket = self.socket.try_clone()?;
        let mut receiver = Receiver::new(socket, self.max_datagram_bytes, PATIENCE)?;
        while !self.control.is_stopped() {
            self.batch(|each| receiver.receive(each))?;
            self.tick()?;
        }
        // What arrives after the stop must not keep the worker, nor must datagrams without a byte.
        let held = receive_buffer_bytes(&self.socket).unwrap_or(0) as u64;
        let end = self.counters.taken_bytes() + held;
        while self.counters.taken_bytes() < end && !self.control.is_left() {
            if !self.batch(|each| receiver.receive_waiting(each))? {
                break;
            }
        }
        self.pipeline.finish();
        self.counters.pipeline = self.pipeline.counters();
        self.publish();
        Ok(())
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
        let received = receive(&mut |datagram, sender| {
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
            counters.received_datagrams += 1;
            counters.received_bytes += datagram.len() as u64;
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
        });
        match received {
            Ok(_) => {
                self.pass_on()?;
                Ok(true)
            }
            Err(error) => {
                self.pass_over(&error);
                Ok(false)
            }
        }
    }

    /// Lets the pipeline know the time, several times a second.
    fn tick(&mut self) -> io::Result<()> {
        let now = Instant::now();
        if now >= self.next_tick {
            self.next_tick = now + PATIENCE;
            self.pipeline.tick(self::now(), &mut self.events);
            self.pass_on()?;
        }
        Ok(())
    }

    /// Hands the events over, and tells what was counted.
    fn pass_on(&mut self) -> io::Result<()> {
        self.counters.pipeline = self.pipeline.counters();
        self.sink.counted(&self.counters);
        self.sink.take(&mut self.events)?;
        self.publish();
        Ok(())
    }

    /// Shows what was counted to those who ask.
    fn publish(&mut self) {
        *lock(&self.control.counters) = self.counters;
        if let Some(lost) = self.pipeline.news_of_lost() {
            *lock(&self.control.lost) = lost;
        }
    }

    /// No error of a UDP socket is a reason to stop listening: interfaces go and come back.
    fn pass_over(&self, error: &io::Error) {
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
/// each is a nanosecond after the one before it, so that whoever sorts by time keeps their order.
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
