//! The life of the program: signals, the writer threads, and a reader that goes away.
//!
//! The main thread waits for signals. It never blocks on a file, a network or a reader, so it can always be stopped.

use std::{
    io,
    sync::{Arc, mpsc},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use super::{ExecError, Output, ReaderWatch, Signal, WriteError};
use crate::host::runtime::{
    PATIENCE, Runtime,
    queue::{Queue, Taken},
    queues::Queues,
    supervisor::TICK,
    threads::{Failure, spawn},
};

/// How long a writer may still take to report its end after the deadline.
const LAST_WORD: Duration = Duration::from_secs(1);

/// A runtime that is running, with a writer for each connection.
#[derive(Debug)]
pub struct Run {
    runtime: Runtime,
    outputs: Vec<Output>,
    writers: Vec<JoinHandle<()>>,
    queues: Queues,
    signals: mpsc::Receiver<Signal>,
}

impl Run {
    /// Starts the threads that write the queues to the outputs, each to its own.
    ///
    /// # Errors
    ///
    /// When the system cannot start a thread.
    pub fn start(
        runtime: Runtime,
        queues: Queues,
        outputs: Vec<Output>,
        (sender, signals): (mpsc::Sender<Signal>, mpsc::Receiver<Signal>),
    ) -> io::Result<Self> {
        let failed = move |failure| {
            // The receiver may have ended already.
            let _ = sender.send(Signal::from(failure));
        };
        let start = |(queue, output): (&Arc<Queue>, &Output)| {
            let panicked = {
                let (queue, failed) = (Arc::clone(queue), failed.clone());
                move |failure| {
                    queue.break_off(0, "a thread panicked");
                    failed(failure);
                }
            };
            let (queue, output, failed) = (Arc::clone(queue), output.clone(), failed.clone());
            let work = move || {
                if let Err(error) = write(&queue, &output) {
                    queue.break_off(error.written_bytes, reason(&error.source));
                    failed(Failure::Failed(error.source));
                }
                Ok(())
            };
            spawn("writer", panicked, work)
        };
        let writers = queues.all().iter().zip(&outputs).map(start);
        let writers = writers.collect::<io::Result<_>>()?;
        Ok(Self {
            runtime,
            outputs,
            writers,
            queues,
            signals,
        })
    }

    /// Waits for the end of the run, and shuts down. Calls `reader_gone` first if the reader has closed the output.
    ///
    /// # Errors
    ///
    /// [`ExecError::Output`] when the output is broken, [`ExecError::Panicked`] when a thread has panicked,
    /// [`ExecError::Unread`] when a reader blocks the shutdown, [`ExecError::Unfinished`] when a file system does,
    /// [`ExecError::Undrained`] when decoding takes too long for it, [`ExecError::Unsaved`] when the session state cannot
    /// be written.
    pub fn supervise(
        self,
        reader: &ReaderWatch,
        reader_gone: impl FnOnce(),
    ) -> Result<(), ExecError> {
        let ended = loop {
            match self.signals.recv_timeout(TICK) {
                Ok(Signal::Stop) | Err(mpsc::RecvTimeoutError::Disconnected) => break Ok(()),
                Ok(Signal::Reload) => self.runtime.reload(),
                Ok(Signal::Failed(error)) => break Err(ExecError::Output(error)),
                Ok(Signal::Panicked) => break Err(ExecError::Panicked),
                Err(mpsc::RecvTimeoutError::Timeout) => {}
            }
            if reader.has_gone(&self.outputs) {
                break Err(ExecError::Output(io::ErrorKind::BrokenPipe.into()));
            }
        };
        if ended.as_ref().is_err_and(|error| error.is_reader_gone()) {
            reader_gone();
        }
        self.end(ended)
    }

    /// Shuts down in the order described in [`shutdown`](crate::host::runtime::shutdown).
    fn end(self, ended: Result<(), ExecError>) -> Result<(), ExecError> {
        let deadline = Instant::now() + PATIENCE;
        if matches!(ended, Err(ExecError::Output(_))) {
            self.runtime.stop_now();
        } else {
            self.runtime.stop();
        }
        let is_finished = self.runtime.await_end(PATIENCE);
        self.queues.close();
        // A writer may be blocked by a reader that is gone; if so, it ends with the process.
        let ended = match ended {
            Err(ExecError::Output(error)) => Err(ExecError::Output(error)),
            ended => self.wait_for_writers(deadline).and(ended),
        };
        // It is unknown how much of the current frame has been written.
        match &ended {
            Err(ExecError::Output(error)) => self.queues.break_off(&reason(error)),
            Err(ExecError::Unread) => self.queues.break_off(UNREAD),
            _ => {}
        }
        let patience = if is_finished {
            PATIENCE
        } else {
            Duration::ZERO
        };
        let concluded = self.runtime.conclude(patience).filter(|_| is_finished);
        match (ended, concluded) {
            (Err(error), _) if error.is_reader_gone() => Ok(()),
            (Err(error), _) => Err(error),
            (Ok(()), None) => Err(ExecError::Unfinished),
            (Ok(()), Some(concluded)) if !concluded.is_drained => Err(ExecError::Undrained),
            (Ok(()), Some(concluded)) if !concluded.is_state_saved => Err(ExecError::Unsaved),
            (Ok(()), Some(_)) => Ok(()),
        }
    }

    /// Waits until everything is written. Meanwhile the reader may go away, or not read.
    fn wait_for_writers(&self, deadline: Instant) -> Result<(), ExecError> {
        let mut has_panicked = false;
        let mut deadline = deadline.max(Instant::now() + LAST_WORD);
        let mut is_given_up = false;
        loop {
            // A writer reports its failure before it finishes.
            let is_finished = self.writers.iter().all(JoinHandle::is_finished);
            let patience = if is_finished { Duration::ZERO } else { TICK };
            match self.signals.recv_timeout(patience) {
                Ok(Signal::Failed(_)) if is_given_up => return Err(ExecError::Unread),
                Ok(Signal::Failed(error)) => return Err(ExecError::Output(error)),
                Ok(Signal::Panicked) => has_panicked = true,
                Err(_) if is_finished && has_panicked => return Err(ExecError::Panicked),
                Err(_) if is_finished => return Ok(()),
                Ok(_) | Err(_) => {}
            }
            if Instant::now() < deadline {
                continue;
            }
            if is_given_up {
                return Err(ExecError::Unread);
            }
            self.outputs.iter().for_each(Output::give_up);
            is_given_up = true;
            deadline += LAST_WORD;
        }
    }
}

/// Why events are lost with an output that failed.
fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::BrokenPipe => "the reader of the output has ended".to_owned(),
        // The output was given up.
        io::ErrorKind::TimedOut => UNREAD.to_owned(),
        _ => format!("the output failed: {error}"),
    }
}

const UNREAD: &str = "the reader of the output did not read";

/// Writes what is queued until the queue is closed and empty.
fn write(queue: &Queue, output: &Output) -> Result<(), WriteError> {
    let mut taken = Taken::default();
    while queue.take(&mut taken) {
        output.write(taken.bytes())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::net::UdpSocket;

    use super::*;
    use crate::{
        config::Config,
        host::{
            exec::{Diagnostics, Orphan},
            metrics::Telemetry,
            runtime::{Edge, refresh::Refresh, start::open, supervisor::OnPanic, worker::Sink},
        },
        transform::OutputBuffer,
    };

    struct Panics;

    impl Sink for Panics {
        fn take(&mut self, events: &mut OutputBuffer) -> io::Result<()> {
            if events.is_empty() {
                return Ok(());
            }
            panic!("this is the test of a panic");
        }
    }

    /// A program that holds the port but receives nothing would be worse than one that ends.
    #[test]
    fn a_worker_that_panics_ends_the_program() {
        let config =
            Config::parse("[source]\naddress = \"127.0.0.1:0\"\n").expect("a configuration");
        let opened = open(&config).expect("a port");
        let address = opened.bound[0].address;
        let outputs = vec![Output::stdout().expect("standard output")];
        let queues = Queues::new(config.queue, 1, config.output.connections());
        let signals = mpsc::channel();
        let failed = signals.0.clone();
        let edge = Edge {
            queues: queues.clone(),
            telemetry: Telemetry::metrics(config.output.codec),
            on_panic: OnPanic::End,
            hands_sockets_on: false,
            failed: Box::new(move |failure| {
                // The run may have ended.
                let _ = failed.send(Signal::from(failure));
            }),
            diagnostics: Diagnostics::new(&config.output),
        };
        let refresh = Refresh::new(&config).expect("no certificates");
        let runtime = Runtime::start(&config, refresh, opened, |_| Panics, edge).expect("threads");
        let reader = ReaderWatch::new(&outputs, Orphan::Lives);
        let run = Run::start(runtime, queues, outputs, signals).expect("a thread");
        let sender = UdpSocket::bind("127.0.0.1:0").expect("a port");
        sender.send_to(b"anything", address).expect("sent");
        let ended = run.supervise(&reader, || {});
        assert!(matches!(ended, Err(ExecError::Panicked)), "{ended:?}");
        UdpSocket::bind(address).expect("the port is free");
    }
}
