//! Looks after the workers: signals, files that change, a reader that goes, counters.

use std::{
    io,
    panic::{self, AssertUnwindSafe},
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
            let (queue, signals) = (Arc::clone(&queue), sender.clone());
            move || {
                if let Err(error) = write(&queue, &output) {
                    // First the reason, then its consequence, which workers report as a broken pipe.
                    let _ = signals.send(Signal::Failed(error));
                    queue.break_off();
                }
                Ok(())
            }
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
    /// [`ExecError::Output`] when the output is broken, [`ExecError::Panicked`] when a thread has ended by a
    /// fault.
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
                Ok(Signal::Failed(error)) => break Err(ExecError::Output(error)),
                Ok(Signal::Panicked) => break Err(ExecError::Panicked),
                Err(mpsc::RecvTimeoutError::Timeout) => {}
            }
            if reader.has_gone(output) {
                break Err(ExecError::Output(io::ErrorKind::BrokenPipe.into()));
            }
            if watched.changed() {
                self.reload();
            }
            self.report_receive_errors();
            if report.is_due() {
                self.report("running", |now, reported| now != reported);
            }
            if telemetry.as_mut().is_some_and(Every::is_due) {
                self.tell(false);
            }
        };
        self.end(ended)
    }

    fn end(mut self, ended: Result<(), ExecError>) -> Result<(), ExecError> {
        for control in self.controls() {
            control.stop();
        }
        if let Err(error) = ended {
            // Threads may be blocked in writing to a reader that has gone; they end with the process.
            if matches!(&error, ExecError::Output(error) if error.kind() == io::ErrorKind::BrokenPipe)
            {
                return Ok(());
            }
            self.report("stopped", |_, _| true);
            return Err(error);
        }
        for thread in std::mem::take(&mut self.threads) {
            // A panic is among the signals.
            let _ = thread.join();
        }
        if self.telemetry_interval.is_some() {
            self.tell(true);
        }
        self.queue.close();
        loop {
            // The reader may go while the last events wait for it. A writer that has failed has said so
            // before it finished.
            let is_finished = self.writer.is_finished();
            match self
                .signals
                .recv_timeout(if is_finished { Duration::ZERO } else { TICK })
            {
                Ok(Signal::Failed(error)) => return self.end(Err(ExecError::Output(error))),
                Ok(Signal::Panicked) => return self.end(Err(ExecError::Panicked)),
                Ok(Signal::Stop) => {}
                Err(_) if is_finished => break,
                Err(_) => {}
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

    fn tell(&mut self, is_last: bool) {
        let time = Timestamp(SystemTime::now().into());
        self.telemetry
            .tell(&self.listeners, &self.queue, time, is_last);
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
        output.write(&taken.bytes)?;
    }
    Ok(())
}

fn spawn(
    name: &str,
    signals: mpsc::Sender<Signal>,
    work: impl FnOnce() -> io::Result<()> + Send + 'static,
) -> io::Result<JoinHandle<()>> {
    thread::Builder::new().name(name.into()).spawn(move || {
        let signal = match panic::catch_unwind(AssertUnwindSafe(work)) {
            Ok(Ok(())) => return,
            Ok(Err(error)) => Signal::Failed(error),
            Err(_) => Signal::Panicked,
        };
        // The supervisor may have ended already.
        let _ = signals.send(signal);
    })
}

#[cfg(test)]
mod tests {
    use std::net::UdpSocket;

    use super::*;
    use crate::{
        encoding::Codec,
        host::exec::{Orphan, listen, open},
        transform::OutputBuffer,
    };

    struct Panics;

    impl Sink for Panics {
        fn take(&mut self, _: &mut OutputBuffer) -> io::Result<()> {
            panic!("this is the test of a panic");
        }
    }

    /// A program that holds the port and hears nothing would be worse than one that ends.
    #[test]
    fn a_worker_that_panics_ends_the_program() {
        let config =
            Config::parse("[source]\naddress = \"127.0.0.1:0\"\n").expect("a configuration");
        let opened = open(&config).expect("a port");
        let (listeners, workers) = listen(&config, opened, |_| Panics).expect("a worker");
        let address = listeners[0].address;
        let output = Output::stdout().expect("standard output");
        let mut diagnostics = Diagnostics::new(Codec::Json);
        let supervisor = Supervisor::start(
            &config,
            listeners,
            workers,
            Arc::new(Queue::new(config.queue, 1)),
            output.clone(),
            &mut diagnostics,
            mpsc::channel(),
        );
        let sender = UdpSocket::bind("127.0.0.1:0").expect("a port");
        sender.send_to(b"anything", address).expect("sent");
        let reader = Reader::new(&output, Orphan::Lives);
        let ended = supervisor
            .expect("threads")
            .supervise(Watched::new([]), &output, &reader);
        assert!(matches!(ended, Err(ExecError::Panicked)), "{ended:?}");
    }
}
