//! The program from its first thread to its last: signals, the writer, a reader that goes.

use std::{
    io,
    sync::{Arc, mpsc},
    thread::JoinHandle,
    time::Duration,
};

use super::{Diagnostics, ExecError, Output, Reader, Signal, WriteError};
use crate::{
    config::Config,
    host::{
        metrics::Telemetry,
        runtime::{
            listener::Listener,
            queue::{Queue, Taken},
            refresh::Refresh,
            start::StartError,
            supervisor::{Supervisor, TICK},
            threads::{Failure, spawn},
            worker::{Sink, Worker},
        },
    },
};

/// Workers and a writer that are running.
#[derive(Debug)]
pub struct Run<'d> {
    supervisor: Supervisor<&'d mut Diagnostics>,
    writer: JoinHandle<()>,
    queue: Arc<Queue>,
    signals: mpsc::Receiver<Signal>,
}

impl<'d> Run<'d> {
    /// Starts a thread for each worker, and one that writes what is queued.
    ///
    /// # Errors
    ///
    /// [`StartError::Thread`] when the system gives none.
    pub fn start<S: Sink + Send + 'static>(
        config: &Config,
        refresh: Refresh,
        workers: (Vec<Listener>, Vec<Worker<S>>),
        queue: Arc<Queue>,
        output: Output,
        diagnostics: &'d mut Diagnostics,
        (sender, signals): (mpsc::Sender<Signal>, mpsc::Receiver<Signal>),
    ) -> Result<Self, StartError> {
        let failed = move |failure| {
            // The receiver may have ended already.
            let _ = sender.send(Signal::from(failure));
        };
        let writer = spawn("writer", failed.clone(), {
            let (queue, failed) = (Arc::clone(&queue), failed.clone());
            move || {
                if let Err(error) = write(&queue, &output) {
                    queue.break_off(error.written_bytes);
                    failed(Failure::Failed(error.source));
                }
                Ok(())
            }
        })
        .map_err(StartError::Thread)?;
        let telemetry = Telemetry::metrics(config.output.codec, workers.0.len());
        let supervisor = Supervisor::start(
            config,
            refresh,
            workers,
            Arc::clone(&queue),
            telemetry,
            diagnostics,
            failed,
        )?;
        Ok(Self {
            supervisor,
            writer,
            queue,
            signals,
        })
    }

    /// Looks after the workers until the run ends, and says what it was.
    ///
    /// # Errors
    ///
    /// [`ExecError::Output`] when the output is broken, [`ExecError::Panicked`] when a thread has ended by a
    /// fault.
    pub fn supervise(mut self, output: &Output, reader: &Reader) -> Result<(), ExecError> {
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
            self.supervisor.look_around();
        };
        self.end(ended)
    }

    /// Workers never wait for the output, so they can always be waited for; a writer may be blocked in writing
    /// to a reader that has gone, and ends with the process.
    fn end(mut self, ended: Result<(), ExecError>) -> Result<(), ExecError> {
        if ended.is_ok() {
            self.supervisor.stop();
        } else {
            self.supervisor.leave();
        }
        self.supervisor.join();
        self.queue.close();
        let ended = ended.and_then(|()| self.wait_for_writer());
        if ended.is_err() {
            self.queue.break_off(0);
        }
        self.supervisor.conclude();
        match ended {
            Err(ExecError::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            ended => ended,
        }
    }

    /// Waits until everything is written. The reader may go while the last events wait for it.
    fn wait_for_writer(&self) -> Result<(), ExecError> {
        loop {
            // A writer that has failed has said so before it finished.
            let is_finished = self.writer.is_finished();
            let patience = if is_finished { Duration::ZERO } else { TICK };
            match self.signals.recv_timeout(patience) {
                Ok(Signal::Failed(error)) => return Err(ExecError::Output(error)),
                Ok(Signal::Panicked) => return Err(ExecError::Panicked),
                Ok(Signal::Stop) => {}
                Err(_) if is_finished => return Ok(()),
                Err(_) => {}
            }
        }
    }
}

/// Writes what is queued until the queue is closed and empty.
fn write(queue: &Queue, output: &Output) -> Result<(), WriteError> {
    let mut taken = Taken::default();
    while queue.take(&mut taken) {
        output.write(&taken.bytes)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::net::UdpSocket;

    use super::*;
    use crate::{
        host::{
            exec::Orphan,
            runtime::start::{listen, open},
        },
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
        let mut diagnostics = Diagnostics::new(&config.output);
        let run = Run::start(
            &config,
            Refresh::new(&config).expect("no certificates"),
            (listeners, workers),
            Arc::new(Queue::new(config.queue, 1)),
            output.clone(),
            &mut diagnostics,
            mpsc::channel(),
        );
        let sender = UdpSocket::bind("127.0.0.1:0").expect("a port");
        sender.send_to(b"anything", address).expect("sent");
        let reader = Reader::new(&output, Orphan::Lives);
        let ended = run.expect("threads").supervise(&output, &reader);
        assert!(matches!(ended, Err(ExecError::Panicked)), "{ended:?}");
    }
}
