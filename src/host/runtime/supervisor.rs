//! Looks after the workers: files that change, errors of their sockets, counters and metrics.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
    thread::JoinHandle,
    time::{Duration, Instant, SystemTime},
};

use super::{
    listener::Listener,
    queue::Queue,
    refresh::Refresh,
    secrets,
    start::StartError,
    state_file::{self, Loaded},
    threads::{Failure, spawn},
    worker::{Control, Sink, Worker},
};
use crate::{
    config::Config,
    host::{
        diagnostics::{Level, Report},
        metrics::{Telemetry, Totals},
    },
    schema::Timestamp,
    source::Bound,
    transform::{AppTable, Sessions},
};

/// How often a host lets the supervisor look around.
pub const TICK: Duration = Duration::from_millis(250);

/// How often the sessions are kept for the next run.
const SAVE: Duration = Duration::from_mins(1);

/// How often counters are reported while there is traffic.
const REPORT: Duration = Duration::from_mins(1);

/// Workers that are running, and what is needed to look after them. It has no thread of its own: its
/// host lets it [look around](Self::look_around) every [`TICK`].
#[derive(Debug)]
pub struct Supervisor<D> {
    refresh: Refresh,
    listeners: Vec<Listener>,
    threads: Vec<JoinHandle<()>>,
    queue: Arc<Queue>,
    report: Every,
    reported: Vec<Totals>,
    sessions: Option<Sessions>,
    state: Option<State>,
    telemetry: Telemetry,
    telemetry_due: Option<Every>,
    diagnostics: D,
}

impl<D: Report> Supervisor<D> {
    /// Starts a thread for each worker. When one ends before it was told to, it says so to `failed`.
    ///
    /// # Errors
    ///
    /// [`StartError::Thread`] when the system gives none.
    pub fn start<S: Sink + Send + 'static>(
        config: &Config,
        mut refresh: Refresh,
        (listeners, workers): (Vec<Listener>, Vec<Worker<S>>),
        queue: Arc<Queue>,
        telemetry: Telemetry,
        mut diagnostics: D,
        failed: impl Fn(Failure) + Clone + Send + 'static,
    ) -> Result<Self, StartError> {
        for warning in secrets::warnings(config) {
            diagnostics.report(Level::Warn, &warning);
        }
        refresh.start(
            workers
                .first()
                .map_or_else(AppTable::default, Worker::app_names),
        )?;
        let sessions = workers.first().and_then(Worker::sessions).cloned();
        let state = match (&sessions, config.transform.sessions.state_file()) {
            (Some(sessions), Some(file)) => Some(State::load(file, sessions, &mut diagnostics)?),
            _ => None,
        };
        let threads = workers
            .into_iter()
            .map(|worker| spawn("worker", failed.clone(), || worker.run()))
            .collect::<io::Result<_>>()
            .map_err(StartError::Thread)?;
        let interval = config.telemetry.interval_secs;
        Ok(Self {
            refresh,
            reported: vec![Totals::default(); listeners.len()],
            report: Every::new(REPORT),
            telemetry,
            telemetry_due: (interval > 0).then(|| Every::new(Duration::from_secs(interval))),
            listeners,
            threads,
            queue,
            sessions,
            state,
            diagnostics,
        })
    }

    /// Does what is due.
    pub fn look_around(&mut self) {
        let workers = self.listeners.iter().flat_map(|listener| &listener.workers);
        let controls = workers.map(|worker| &*worker.control);
        self.refresh.look_around(controls, &mut self.diagnostics);
        self.report_receive_errors();
        if self.report.is_due() {
            self.report_totals("running", |now, reported| now != reported);
        }
        if self.telemetry_due.as_mut().is_some_and(Every::is_due) {
            self.tell(false);
        }
        if self.state.as_mut().is_some_and(State::is_due) {
            self.save_state();
        }
    }

    /// Keeps the sessions for the next run, where that is wanted.
    fn save_state(&mut self) {
        if let (Some(state), Some(sessions)) = (&mut self.state, &self.sessions) {
            state.save(sessions, &mut self.diagnostics);
        }
    }

    /// Tells the workers to take what their sockets still hold and to end.
    pub fn stop(&self) {
        for control in self.controls() {
            control.stop();
        }
    }

    /// Tells the workers to end and to leave what their sockets still hold, when nobody would read it.
    pub fn leave(&self) {
        for control in self.controls() {
            control.leave();
        }
    }

    /// Waits for the workers to end after a [stop](Self::stop) or [leave](Self::leave), tells the last
    /// metrics, and keeps the sessions for the next run.
    pub fn join(&mut self) {
        for thread in std::mem::take(&mut self.threads) {
            // A panic was told already.
            let _ = thread.join();
        }
        if self.telemetry_due.is_some() {
            self.tell(true);
        }
        self.save_state();
    }

    /// The sockets, for a receiver that follows.
    #[must_use]
    pub fn into_sockets(self) -> Vec<Bound> {
        let sockets = self.listeners.into_iter().map(|listener| Bound {
            address: listener.address,
            sockets: listener
                .workers
                .into_iter()
                .map(|worker| worker.socket)
                .collect(),
        });
        sockets.collect()
    }

    /// Reports what was counted at each address in all.
    pub fn conclude(&mut self) {
        self.report_totals("stopped", |_, _| true);
    }

    fn report_receive_errors(&mut self) {
        let errors: Vec<_> = self
            .controls()
            .map(Control::take_receive_errors)
            .filter_map(|errors| Some((errors.count, errors.last?)))
            .collect();
        for (count, last) in errors {
            let message = format!("the socket reported {count} errors, the last one was: {last}");
            self.diagnostics.report(Level::Warn, &message);
        }
    }

    /// Reports what was counted at each address where `is_wanted` says so of what is and what was.
    fn report_totals(&mut self, message: &str, is_wanted: impl Fn(&Totals, &Totals) -> bool) {
        for (listener, reported) in self.listeners.iter().zip(&mut self.reported) {
            let totals = listener.totals(&self.queue);
            if is_wanted(&totals, reported) {
                self.diagnostics
                    .report_totals(message, listener.address, &totals);
            }
            *reported = totals;
        }
    }

    fn tell(&mut self, is_last: bool) {
        let time = Timestamp(SystemTime::now().into());
        self.telemetry.tell(
            &self.listeners,
            self.sessions.as_ref(),
            &self.queue,
            self.refresh.app_names_counts(),
            time,
            is_last,
        );
    }

    /// The metrics of a host that has no output of ours for them, since they were last asked for.
    #[cfg(feature = "linked")]
    pub fn take_metrics(&mut self) -> Vec<crate::encoding::Metric> {
        self.telemetry
            .take(&self.listeners, self.sessions.as_ref(), &self.queue)
    }

    fn controls(&self) -> impl Iterator<Item = &Control> {
        let workers = self.listeners.iter().flat_map(|listener| &listener.workers);
        workers.map(|worker| &*worker.control)
    }
}

/// The file that keeps the sessions.
#[derive(Debug)]
struct State {
    file: PathBuf,
    due: Every,
    /// The last attempt failed and was reported.
    is_failing: bool,
}

impl State {
    /// Goes on from the file.
    fn load(
        file: &Path,
        sessions: &Sessions,
        diagnostics: &mut impl Report,
    ) -> Result<Self, StartError> {
        let loaded = state_file::load(file, sessions).map_err(|source| StartError::State {
            file: file.into(),
            source,
        })?;
        let name = file.display();
        match loaded {
            Loaded::Absent => {}
            Loaded::Users(users) => diagnostics.report(
                Level::Info,
                &format!("{name}: the sessions of {users} users go on"),
            ),
            Loaded::SetAside { error, to } => {
                let to = match to {
                    Ok(to) => format!("it is {} now", to.display()),
                    Err(error) => format!("it could not be renamed: {error}"),
                };
                diagnostics.report(
                    Level::Warn,
                    &format!("{name}: the state of sessions is damaged, {error}; {to}, and nobody is followed yet"),
                );
            }
        }
        let mut state = Self {
            file: file.into(),
            due: Every::new(SAVE),
            is_failing: false,
        };
        // A file that cannot be written should be known now and not in a minute.
        state.save(sessions, diagnostics);
        Ok(state)
    }

    fn is_due(&mut self) -> bool {
        self.due.is_due()
    }

    /// A file that cannot be written is reported once, until it can be again.
    fn save(&mut self, sessions: &Sessions, diagnostics: &mut impl Report) {
        match state_file::save(&self.file, sessions) {
            Ok(()) => self.is_failing = false,
            Err(error) if !std::mem::replace(&mut self.is_failing, true) => diagnostics.report(
                Level::Error,
                &format!(
                    "{}: the state of sessions cannot be written: {error}",
                    self.file.display()
                ),
            ),
            Err(_) => {}
        }
    }
}

/// Something that is done at intervals. A time that was missed is not made up for.
#[derive(Debug)]
struct Every {
    interval: Duration,
    next: Instant,
}

impl Every {
    fn new(interval: Duration) -> Self {
        Self {
            interval,
            next: Instant::now() + interval,
        }
    }

    fn is_due(&mut self) -> bool {
        let now = Instant::now();
        let is_due = now >= self.next;
        if is_due {
            self.next = now + self.interval;
        }
        is_due
    }
}
