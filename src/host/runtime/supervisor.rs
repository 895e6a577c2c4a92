//! The thread that supervises the workers: counters and metrics, the session state, socket errors, drops, and workers
//! that end early.

use std::{
    collections::VecDeque,
    sync::mpsc::{self, RecvTimeoutError},
    time::{Duration, Instant, SystemTime},
};

use super::{
    clocks::Clocks,
    drops::{Drops, LONG_QUIET},
    every::Every,
    queue::Contents,
    queues::Queues,
    refresh::Refreshing,
    state_file::StateFile,
    threads::Failure,
    turned_away::{Reason, TurnedAway},
    worker::Sink,
    workers::Workers,
};
use crate::{
    config::TelemetryConfig,
    host::{
        diagnostics::{Level, Report, counted},
        metrics::{Snapshot, Telemetry, Totals},
    },
    pipeline::Statistics,
    schema::Timestamp,
    transform::Sessions,
};

/// How often the supervisor polls.
pub const TICK: Duration = Duration::from_millis(250);

/// How often counters are reported while there is traffic.
const REPORT: Duration = Duration::from_mins(1);

/// How often the system is asked for its drops, which costs more than reading a number.
const ASK_SYSTEM: Duration = Duration::from_secs(1);

/// How often the clocks of Qlik nodes are checked.
const LOOK_AT_CLOCKS: Duration = Duration::from_secs(1);

/// How many times workers are restarted within [`RESTART_WINDOW`].
const RESTARTS: usize = 3;
const RESTART_WINDOW: Duration = Duration::from_mins(10);

/// What happens when a worker panics. The batch that it was processing is lost and counted either way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnPanic {
    /// The runtime ends; for a host that restarts it.
    End,
    /// The worker is restarted with a new pipeline, and with the last saved sessions if the panic left the current ones
    /// half changed. After three restarts in ten minutes the runtime ends.
    Restart,
}

/// A message to the supervisor.
#[derive(Debug)]
pub(super) enum News {
    /// A worker has ended.
    Ended(usize, Result<(), Failure>),
    /// A thread that is not a worker has panicked, and has reported it.
    Fault,
    /// Workers have been told to end, and everything else should follow.
    Stop,
    /// The output has taken everything it will take.
    Conclude,
}

/// Supervises the workers until it is told to stop.
#[derive(Debug)]
pub(super) struct Supervisor<S, D, C> {
    pub(super) workers: Workers<S>,
    pub(super) news: mpsc::Receiver<News>,
    pub(super) queues: Queues<C>,
    pub(super) refreshing: Refreshing,
    pub(super) state: Option<StateFile>,
    pub(super) on_panic: OnPanic,
    pub(super) hands_sockets_on: bool,
    pub(super) telemetry: Telemetry,
    pub(super) diagnostics: D,
    pub(super) times: Times,
    pub(super) reported: Reported,
    /// The host has reported that the output has taken everything that it will take.
    pub(super) is_output_done: bool,
    /// A worker did not end in time.
    pub(super) is_stuck: bool,
    /// The last attempt to save the sessions succeeded, or there was none.
    pub(super) is_state_saved: bool,
}

/// When each periodic task is due.
#[derive(Debug)]
pub(super) struct Times {
    report: Every,
    telemetry: Option<Every>,
    system: Every,
    clocks: Every,
}

impl Times {
    pub(super) fn new(telemetry: TelemetryConfig) -> Self {
        let interval = telemetry.interval_secs;
        Self {
            report: Every::new(REPORT),
            telemetry: (interval > 0).then(|| Every::new(Duration::from_secs(interval))),
            system: Every::new(ASK_SYSTEM),
            clocks: Every::new(LOOK_AT_CLOCKS),
        }
    }
}

/// The counters, drops and panics reported so far.
#[derive(Debug)]
pub(super) struct Reported {
    totals: Vec<Totals>,
    pub(super) queue: Drops,
    system: Vec<Drops>,
    /// Refused datagrams and those over the rate, at each address.
    turned_away: Vec<[TurnedAway; 2]>,
    evictions: Drops,
    clocks: Clocks,
    panics: VecDeque<Instant>,
}

impl Default for Reported {
    fn default() -> Self {
        Self {
            totals: Vec::new(),
            queue: Drops::default(),
            system: Vec::new(),
            turned_away: Vec::new(),
            evictions: Drops::with_quiet(LONG_QUIET),
            clocks: Clocks::default(),
            panics: VecDeque::new(),
        }
    }
}

impl<S: Sink + Send + 'static, D: Report, C: Contents> Supervisor<S, D, C> {
    /// Works until the host requests shutdown, or until the workers end by themselves; then it returns the reason.
    pub(super) fn supervise(&mut self) -> Result<(), Failure> {
        loop {
            match self.news.recv_timeout(TICK) {
                Ok(News::Ended(number, Err(Failure::Panicked))) => self.panicked(number)?,
                Ok(News::Ended(_, Err(failure))) => return Err(failure),
                Ok(News::Fault) if self.on_panic == OnPanic::End => return Err(Failure::Panicked),
                // `Stop` follows when workers are told to end.
                Ok(News::Ended(_, Ok(())) | News::Fault) => {}
                Ok(News::Conclude) => {
                    self.is_output_done = true;
                    return Ok(());
                }
                Ok(News::Stop) | Err(RecvTimeoutError::Disconnected) => return Ok(()),
                Err(RecvTimeoutError::Timeout) => self.poll(),
            }
        }
    }

    /// Replaces a worker that panicked, unless that has happened too often.
    fn panicked(&mut self, number: usize) -> Result<(), Failure> {
        if !self.may_restart(Instant::now()) {
            return Err(Failure::Panicked);
        }
        self.diagnostics.report(Level::Error, RESTARTED);
        if let Some(sessions) = self.workers.sessions().filter(|s| !s.is_whole()).cloned() {
            match &self.state {
                Some(state) => state.restore(&sessions, &mut self.diagnostics),
                None => sessions.reset(),
            }
            self.telemetry.reset_sessions();
        }
        self.workers.spawn(number).map_err(Failure::Failed)
    }

    fn may_restart(&mut self, now: Instant) -> bool {
        let panics = &mut self.reported.panics;
        panics.retain(|&panic| now.saturating_duration_since(panic) < RESTART_WINDOW);
        panics.push_back(now);
        self.on_panic == OnPanic::Restart && panics.len() <= RESTARTS
    }

    /// Does what is due.
    fn poll(&mut self) {
        self.report_receive_errors();
        self.report_drops();
        self.report_turned_away();
        if self.times.clocks.is_due() {
            self.report_clocks();
        }
        if self.times.report.is_due() {
            self.report_totals("running", |now, reported| now != reported);
        }
        if self.times.telemetry.as_mut().is_some_and(Every::is_due) {
            self.emit_metrics(false);
        }
        if self.state.as_mut().is_some_and(StateFile::is_due) {
            self.save_state();
        }
    }

    fn report_receive_errors(&mut self) {
        let errors: Vec<_> = self
            .workers
            .controls()
            .map(|control| control.take_receive_errors())
            .filter_map(|errors| Some((errors.count, errors.last?)))
            .collect();
        for (count, last) in errors {
            let errors = counted(count, "error", "errors");
            let message = format!("the socket reported {errors}, the last one: {last}");
            self.diagnostics.report(Level::Warn, &message);
        }
    }

    /// Reports when the clock of a Qlik node is far from this machine's, and when it no longer is.
    fn report_clocks(&mut self) {
        for (host, node) in self.statistics().iter() {
            let (Some(host), Some(distance)) = (host, node.clock_distance) else {
                continue;
            };
            if let Some(report) = self.reported.clocks.update(host, distance) {
                let (level, message) = report.message(host);
                self.diagnostics.report(level, &message);
            }
        }
    }

    /// Reports at once when the queue or the system starts to drop.
    fn report_drops(&mut self) {
        let now = Instant::now();
        let overflowed = self.queues.overflowed();
        if let Some(report) = self.reported.queue.update(overflowed, now) {
            let (level, message) = report.of_queue(self.queues.last_full());
            self.diagnostics.report(level, &message);
        }
        if !self.times.system.is_due() {
            return;
        }
        let listeners = self.workers.listeners();
        self.reported
            .system
            .resize_with(listeners.len(), Drops::default);
        for (listener, drops) in listeners.iter().zip(&mut self.reported.system) {
            let dropped = listener.workers.iter().filter_map(|w| w.kernel_drops());
            if let Some(report) = drops.update(dropped.sum(), now) {
                let (level, message) = report.of_system(listener.address);
                self.diagnostics.report(level, &message);
            }
        }
        self.report_evictions();
    }
}

impl<S, D: Report, C: Contents> Supervisor<S, D, C> {
    /// Reports when datagrams are turned away because of their sender, and who sends them.
    pub(super) fn report_turned_away(&mut self) {
        let (now, source) = (Instant::now(), &self.workers.config().source);
        let listeners = self.workers.listeners();
        self.reported
            .turned_away
            .resize_with(listeners.len(), Default::default);
        for (listener, turned_away) in listeners.iter().zip(&mut self.reported.turned_away) {
            let controls = || listener.workers.iter().map(|worker| &worker.control);
            for (turned_away, reason) in turned_away.iter_mut().zip(Reason::ALL) {
                let count = controls().map(|it| it.turned_away(reason)).sum();
                // A worker notes senders before it publishes the count.
                let senders = if turned_away.has_more(count) {
                    controls().flat_map(|it| it.take_senders(reason)).collect()
                } else {
                    Vec::new()
                };
                if let Some(report) = turned_away.update(count, senders, now) {
                    let (level, message) = report.message(reason, listener.address, source);
                    self.diagnostics.report(level, &message);
                }
            }
        }
    }

    /// Reports when users are evicted from a full table of sessions.
    pub(super) fn report_evictions(&mut self) {
        let sessions = self.workers.sessions();
        if let Some(evicted) = sessions.and_then(Sessions::evicted_users)
            && let Some(report) = self.reported.evictions.update(evicted, Instant::now())
        {
            let max_users = self.workers.config().transform.sessions.max_users;
            let (level, message) = report.of_users(max_users);
            self.diagnostics.report(level, &message);
        }
    }

    /// Saves the sessions, if configured.
    pub(super) fn save_state(&mut self) {
        if let (Some(state), Some(sessions)) = (&mut self.state, self.workers.sessions()) {
            self.is_state_saved = state.save(sessions, &mut self.diagnostics);
        }
    }

    pub(super) fn emit_metrics(&mut self, is_last: bool) {
        if self.times.telemetry.is_none() {
            return;
        }
        let time = Timestamp(SystemTime::now().into());
        let snapshot = Snapshot {
            addresses: self.totals().collect(),
            queue_events: self.queues.events(),
            nodes: self.statistics(),
            sessions: self.workers.sessions().and_then(Sessions::statistics),
            app_names: self.refreshing.app_names(),
            proxies: self.refreshing.proxies(),
            engines: self.refreshing.engines(),
        };
        self.telemetry.emit(snapshot, &self.queues, time, is_last);
    }

    /// Reports the counts of each address for which `is_wanted` returns true; it gets the current and the last reported
    /// counts.
    pub(super) fn report_totals(
        &mut self,
        message: &str,
        is_wanted: impl Fn(&Totals, &Totals) -> bool,
    ) {
        let all: Vec<_> = self.totals().collect();
        self.reported.totals.resize_with(all.len(), Totals::default);
        for ((address, totals), last) in all.into_iter().zip(&mut self.reported.totals) {
            if is_wanted(&totals, last) {
                self.diagnostics.report_totals(message, address, &totals);
            }
            *last = totals;
        }
    }

    /// What Qlik nodes have sent to all workers together.
    fn statistics(&self) -> Statistics {
        let mut all = Statistics::default();
        for control in self.workers.controls() {
            all.add(&control.statistics());
        }
        all
    }

    fn totals(&self) -> impl Iterator<Item = (std::net::SocketAddr, Totals)> {
        let listeners = self.workers.listeners().iter();
        listeners.map(|listener| (listener.address, listener.totals(&self.queues)))
    }
}

const RESTARTED: &str = "a receiving thread panicked and is restarted; the events it held are lost and counted as \
dropped; please report this bug with the text of the panic";
