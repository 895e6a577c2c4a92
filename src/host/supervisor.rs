//! Looks after the workers: files that change, errors of their sockets, counters and metrics.

use std::{
    io,
    sync::Arc,
    thread::JoinHandle,
    time::{Duration, Instant, SystemTime},
};

use super::{
    diagnostics::{Level, Report},
    listener::{Listener, Totals},
    queue::Queue,
    refresh::Refresh,
    start::StartError,
    telemetry::Telemetry,
    threads::{Failure, spawn},
    worker::{Control, Sink, Worker},
};
use crate::{config::Config, schema::Timestamp, source::Bound, transform::AppTable};

/// How often a host lets the supervisor look around.
pub const TICK: Duration = Duration::from_millis(250);

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
        diagnostics: D,
        failed: impl Fn(Failure) + Clone + Send + 'static,
    ) -> Result<Self, StartError> {
        refresh.start(
            workers
                .first()
                .map_or_else(AppTable::default, Worker::app_names),
        )?;
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

    /// Waits for the workers to end after a [stop](Self::stop) or [leave](Self::leave), and tells the last metrics.
    pub fn join(&mut self) {
        for thread in std::mem::take(&mut self.threads) {
            // A panic was told already.
            let _ = thread.join();
        }
        if self.telemetry_due.is_some() {
            self.tell(true);
        }
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
            self.diagnostics.report(Level::Warning, &message);
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
            &self.queue,
            self.refresh.app_names_counts(),
            time,
            is_last,
        );
    }

    /// The metrics of a host that has no output of ours for them, since they were last asked for.
    #[cfg(feature = "linked")]
    pub fn take_metrics(&mut self) -> Vec<crate::encoding::Metric> {
        self.telemetry.take(&self.listeners, &self.queue)
    }

    fn controls(&self) -> impl Iterator<Item = &Control> {
        let workers = self.listeners.iter().flat_map(|listener| &listener.workers);
        workers.map(|worker| &*worker.control)
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
