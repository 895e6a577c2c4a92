//! Looks after the workers: signals, files that change, a reader that goes, counters.

use std::{
    io,
    sync::{Arc, mpsc},
    thread::{self, JoinHandle},
    time::{Duration, Instant, SystemTime},
};

use super::{
    Diagnostics, ExecError, Listener, Output, Queue, Reader, Signal, Taken, Totals,
    diagnostics::Level, telemetry::Telemetry,
};
use crate::{
    config::Config,
    host::{
        reload::Watched,
        worker::{Control, Sink, Worker},
    },
    schema::Timestamp,
    transform::BlacklistConfig,
};

/// How often the supervisor looks around.
const TICK: Duration = Duration::from_millis(250);

/// How often counters are reported while there is traffic.
const REPORT: Duration = Duration::from_mins(1);

/// Workers that are running, and what is needed to look after them.
#[derive(Debug)]
pub struct Supervisor<'d> {
    blacklist: BlacklistConfig,
    listeners: Vec<Listener>,
    threads: Vec<JoinHandle<()>>,
    writer: JoinHandle<()>,
    queue: Arc<Queue>,
    telemetry: Telemetry,
    telemetry_interval: Option<Duration>,
    signals: mpsc::Receiver<Signal>,
    diagnostics: &'d mut Diagnostics,
    reported: Vec<Totals>,
}

impl<'d> Supervisor<'d> {
    /// Starts a thread for each worker, and one that writes what is queued.
    ///
    /// # Errors
    ///
    /// [`ExecError::Thread`] when the system gives none.
    pub fn start<S: Sink + Send + 'static>(
        config: &Config,
        listeners: Vec<Listener>,
        workers: Vec<Worker<S>>,
        queue: Arc<Queue>,
        output: Output,
        diagnostics: &'d mut Diagnostics,
        (sender, signals): (mpsc::Sender<Signal>, mpsc::Receiver<Signal>),
    ) -> Result<Self, ExecError> {
        let writer = spawn("writer", sender.clone(), {
            let queue = Arc::clone(&queue);
            move || write(&queue, &output)
        })
        .map_err(ExecError::Thread)?;
        let threads = workers
            .into_iter()
            .map(|worker| spawn("worker", sender.clone(), || worker.run()))
            .collect::<Result<_, _>>()
            .map_err(ExecError::Thread)?;
        let interval = config.telemetry.interval_secs;
        Ok(Self {
            blacklist: config.transform.blacklist.clone(),
            reported: vec![Totals::default(); listeners.len()],
            telemetry: Telemetry::new(config.output.codec, listeners.len()),
            telemetry_interval: (interval > 0).then(|| Duration::from_secs(interval)),
            listeners,
            threads,
            writer,
            queue,
            signals,
            diagnostics,
        })
    }

    /// Looks after the workers until the run ends, and says what it was.
    ///
    /// # Errors
    ///
    /// [`ExecError::Output`] when the output is broken.
    pub fn supervise(
        mut self,
        mut watched: Watched,
        output: &Output,
        reader: &Reader,
    ) -> Result<(), ExecError> {
        let mut report = Every::new(REPORT);
        let mut telemetry = self.telemetry_interval.map(Every::new);
        let ended = loop {
            match self.signals.recv_timeout(TICK) {
                Ok(Signal::Stop) | Err(mpsc::RecvTimeoutError::Disconnected) => break Ok(()),
                Ok(Signal::Failed(error)) => break Err(error),
                Err(mpsc::RecvTimeoutError::Timeout) => {}
            }
            if reader.has_gone(output) {
                break Err(io::ErrorKind::BrokenPipe.into());
            }
            if watched.changed() {
                self.reload();
            }
            self.report_receive_errors();
            if report.is_due() {
                self.report("running", |now, reported| now != reported);
            }
            if telemetry.as_mut().is_some_and(Every::is_due) {
                self.tell();
            }
        };
        self.end(ended)
    }

    fn end(mut self, ended: io::Result<()>) -> Result<(), ExecError> {
        for control in self.controls() {
            control.stop();
        }
        if let Err(error) = ended {
            // Threads may be blocked in writing to a reader that has gone; they end with the process.
            if error.kind() == io::ErrorKind::BrokenPipe {
                return Ok(());
            }
            self.report("stopped", |_, _| true);
            return Err(ExecError::Output(error));
        }
        for thread in std::mem::take(&mut self.threads) {
            // A panic has been reported by the thread itself.
            let _ = thread.join();
        }
        if self.telemetry_interval.is_some() {
            self.tell();
        }
        self.queue.close();
        while !self.writer.is_finished() {
            // The reader may go while the last events wait for it.
            if let Ok(Signal::Failed(error)) = self.signals.recv_timeout(TICK) {
                return self.end(Err(error));
            }
        }
        self.report("stopped", |_, _| true);
        Ok(())
    }

    /// Reads the blacklist anew. A bad file changes nothing but is reported.
    fn reload(&mut self) {
        match self.blacklist.build() {
            Ok(blacklist) => {
                for control in self.controls() {
                    control.replace_blacklist(blacklist.clone());
                }
                self.diagnostics
                    .report(Level::Info, "the blacklist was read again");
            }
            Err(error) => self.diagnostics.report(
                Level::Error,
                &format!("the blacklist was not read again, the old rules stay: {error}"),
            ),
        }
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
    fn report(&mut self, message: &str, is_wanted: impl Fn(&Totals, &Totals) -> bool) {
        for (listener, reported) in self.listeners.iter().zip(&mut self.reported) {
            let totals = listener.totals(&self.queue);
            if is_wanted(&totals, reported) {
                self.diagnostics
                    .report_totals(message, listener.address, &totals);
            }
            *reported = totals;
        }
    }

    fn tell(&mut self) {
        let time = Timestamp(SystemTime::now().into());
        self.telemetry.tell(&self.listeners, &self.queue, time);
    }

    fn controls(&self) -> impl Iterator<Item = &Control> {
        let workers = self.listeners.iter().flat_map(|listener| &listener.workers);
        workers.map(|worker| &*worker.control)
    }
}

/// Something that is done at intervals. A time that was missed is not made up for.
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

/// Writes what is queued until the queue is closed and empty.
fn write(queue: &Queue, output: &Output) -> io::Result<()> {
    let mut taken = Taken::default();
    while queue.take(&mut taken) {
        if let Err(error) = output.write(&taken.bytes) {
            queue.break_off();
            return Err(error);
        }
    }
    Ok(())
}

fn spawn(
    name: &str,
    signals: mpsc::Sender<Signal>,
    work: impl FnOnce() -> io::Result<()> + Send + 'static,
) -> io::Result<JoinHandle<()>> {
    thread::Builder::new().name(name.into()).spawn(move || {
        if let Err(error) = work() {
            // The supervisor may have ended already.
            let _ = signals.send(Signal::Failed(error));
        }
    })
}
