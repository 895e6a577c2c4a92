//! Looks after the workers: signals, files that change, a reader that goes, counters once a minute.

use std::{
    io,
    sync::{Arc, mpsc},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use super::{Diagnostics, ExecError, Output, Reader, Signal, diagnostics::Level};
use crate::{
    config::Config,
    host::{
        reload::Watched,
        worker::{Control, Sink, Worker},
    },
    pipeline::Counters,
    transform::BlacklistConfig,
};

/// How often the supervisor looks around.
const TICK: Duration = Duration::from_millis(250);

/// How often counters are reported while there is traffic.
const REPORT: Duration = Duration::from_secs(60);

/// Workers that are running, and what is needed to look after them.
#[derive(Debug)]
pub struct Supervisor<'d> {
    blacklist: BlacklistConfig,
    controls: Vec<Arc<Control>>,
    threads: Vec<JoinHandle<()>>,
    signals: mpsc::Receiver<Signal>,
    diagnostics: &'d mut Diagnostics,
    reported: Counters,
}

impl<'d> Supervisor<'d> {
    /// Starts a thread for each worker.
    ///
    /// # Errors
    ///
    /// [`ExecError::Thread`] when the system gives none.
    pub fn start<S: Sink + Send + 'static>(
        config: &Config,
        workers: Vec<Worker<S>>,
        diagnostics: &'d mut Diagnostics,
        (sender, signals): (mpsc::Sender<Signal>, mpsc::Receiver<Signal>),
    ) -> Result<Self, ExecError> {
        let controls = workers.iter().map(Worker::control).collect();
        let threads = workers
            .into_iter()
            .map(|worker| spawn(worker, sender.clone()))
            .collect::<Result<_, _>>()
            .map_err(ExecError::Thread)?;
        Ok(Self {
            blacklist: config.transform.blacklist.clone(),
            controls,
            threads,
            signals,
            diagnostics,
            reported: Counters::default(),
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
        let mut next_report = Instant::now() + REPORT;
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
            if Instant::now() >= next_report {
                next_report += REPORT;
                self.report_if_changed();
            }
        };
        self.end(ended)
    }

    fn end(mut self, ended: io::Result<()>) -> Result<(), ExecError> {
        for control in &self.controls {
            control.stop();
        }
        let is_readable = ended.is_ok();
        // Workers may be blocked in writing to a reader that has gone; they end with the process.
        if is_readable {
            for thread in std::mem::take(&mut self.threads) {
                // A panic has been reported by the thread itself.
                let _ = thread.join();
            }
        }
        match ended {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            Err(error) => {
                self.report("stopped");
                Err(ExecError::Output(error))
            }
            Ok(()) => {
                self.report("stopped");
                Ok(())
            }
        }
    }

    /// Reads the blacklist anew. A bad file changes nothing but is reported.
    fn reload(&mut self) {
        match self.blacklist.build() {
            Ok(blacklist) => {
                for control in &self.controls {
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
        for control in &self.controls {
            let errors = control.take_receive_errors();
            if let Some(last) = errors.last {
                let message = format!(
                    "the socket reported {} errors, the last one was: {last}",
                    errors.count
                );
                self.diagnostics.report(Level::Warning, &message);
            }
        }
    }

    fn report_if_changed(&mut self) {
        if self.counters() != self.reported {
            self.report("running");
        }
    }

    fn report(&mut self, message: &str) {
        self.reported = self.counters();
        self.diagnostics
            .report_counters(Level::Info, message, &self.reported);
    }

    fn counters(&self) -> Counters {
        self.controls.iter().map(|control| control.counters()).sum()
    }
}

fn spawn<S: Sink + Send + 'static>(
    worker: Worker<S>,
    signals: mpsc::Sender<Signal>,
) -> io::Result<JoinHandle<()>> {
    thread::Builder::new().name("worker".into()).spawn(move || {
        if let Err(error) = worker.run() {
            // The supervisor may have ended already.
            let _ = signals.send(Signal::Failed(error));
        }
    })
}
