//! What receives for an instance: sockets, workers, the queue, and who looks after them.
//!
//! It needs no host, so it goes on while there is none: from the end of an instance to the beginning of
//! the one that follows it in a reload.

use std::{
    io,
    net::UdpSocket,
    os::fd::AsFd,
    sync::{Arc, mpsc},
    thread::{self, JoinHandle},
};

use nix::{
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sys::signal::{SigSet, SigmaskHow},
};

use super::log::Log;
use crate::{
    config::{Config, PseudonymizeOptions},
    encoding::Encoder,
    host::{
        diagnostics::{Level, Report},
        metrics::Telemetry,
        runtime::{
            frames::{Enqueue, Frames},
            queue::{Queue, Taken},
            refresh::Refresh,
            start::{StartError, listen, open_with},
            supervisor::{Supervisor, TICK},
            threads::Failure,
        },
    },
    source::Bound,
};

/// A receiver that is running.
#[derive(Debug)]
pub(super) struct Station {
    config: Config,
    queue: Arc<Queue>,
    log: Log,
    /// Handles on all sockets.
    sockets: Vec<UdpSocket>,
    /// Events that were taken out of the queue and not by the host.
    pending: Taken,
    /// Its end ends the supervisor.
    stop: mpsc::Sender<()>,
    supervisor: JoinHandle<Supervisor<Log>>,
}

impl Station {
    /// Begins to receive, at sockets of an earlier receiver where they are for the same addresses.
    pub(super) fn start(
        config: Config,
        kept: Vec<Bound>,
        mut log: Log,
    ) -> Result<Self, StartError> {
        let refresh = Refresh::new(&config)?;
        let layout = config.output.layout()?;
        let opened = open_with(&config, kept)?;
        let count = opened.iter().map(|(bound, _)| bound.sockets.len()).sum();
        let queue = Arc::new(Queue::new(config.queue, count));
        let sink = |number| {
            let writer = Enqueue::new(Arc::clone(&queue), number);
            Frames::with_encoder(writer, Encoder::message_pack(), layout.clone())
        };
        let workers = listen(&config, opened, sink)?;
        for listener in &workers.0 {
            log.listening(listener, config.source.receive_buffer_bytes);
        }
        let handles = workers.0.iter().flat_map(|listener| &listener.workers);
        let handles = handles.map(|worker| worker.socket.try_clone());
        let sockets = handles
            .collect::<io::Result<_>>()
            .map_err(StartError::Socket)?;
        let telemetry = Telemetry::records(layout.clone(), workers.0.len());
        let failed = {
            let log = log.clone();
            move |failure: Failure| log.clone().report(Level::Error, &fault(&failure))
        };
        // Signals are the host's.
        without_signals(|| {
            let (stop, stopped) = mpsc::channel();
            let mut supervisor = Supervisor::start(
                &config,
                refresh,
                workers,
                Arc::clone(&queue),
                telemetry,
                log.clone(),
                failed,
            )?;
            let supervise = move || {
                while stopped.recv_timeout(TICK) == Err(mpsc::RecvTimeoutError::Timeout) {
                    supervisor.look_around();
                }
                supervisor
            };
            let supervisor = thread::Builder::new()
                .name("supervisor".into())
                .spawn(supervise)
                .map_err(StartError::Thread)?;
            Ok(Self {
                config: config.clone(),
                queue: Arc::clone(&queue),
                log,
                sockets,
                pending: Taken::default(),
                stop,
                supervisor,
            })
        })
    }

    pub(super) const fn config(&self) -> &Config {
        &self.config
    }

    /// Whether it can go on as it is for an instance of these options. With the same options it can, and what
    /// is known of open sessions stays, unless they name files that are read at a start only.
    pub(super) fn goes_on_for(&self, config: &Config) -> bool {
        let transform = &config.transform;
        let has_key = transform.pseudonymize != PseudonymizeOptions::default();
        let has_certificates = !transform.app_names.qrs.host.is_empty();
        self.config == *config && !has_key && !has_certificates
    }

    pub(super) const fn log(&self) -> &Log {
        &self.log
    }

    /// Hands what waits to `append`, until there is no more of it or `append` does not take it: then it
    /// waits for the next time.
    pub(super) fn deliver(&mut self, mut append: impl FnMut(&[u8]) -> bool) {
        while self.pending() {
            if !append(&self.pending.bytes) {
                return;
            }
            self.pending.bytes.clear();
        }
    }

    /// Whether nothing waits, here or in a socket.
    pub(super) fn is_idle(&mut self) -> bool {
        !self.pending() && !is_any_readable(&self.sockets)
    }

    /// Whether there is something in `pending`.
    fn pending(&mut self) -> bool {
        !self.pending.bytes.is_empty() || self.queue.take_waiting(&mut self.pending)
    }

    /// Ends, and leaves the sockets and what still waits to the receiver that follows.
    pub(super) fn succeed(self, config: Config) -> Result<Self, StartError> {
        let Self { log, queue, .. } = &self;
        let (log, queue) = (log.clone(), Arc::clone(queue));
        let mut rest = Taken::default();
        let mut pending = self.pending.bytes.clone();
        let mut supervisor = self.stop();
        supervisor.conclude();
        let sockets = supervisor.into_sockets();
        while queue.take_waiting(&mut rest) {
            pending.extend_from_slice(&rest.bytes);
        }
        let mut station = Self::start(config, sockets, log)?;
        station.pending.bytes = pending;
        Ok(station)
    }

    /// Ends. What still waits is lost, and counted.
    pub(super) fn end(self) -> Log {
        let (log, queue) = (self.log.clone(), Arc::clone(&self.queue));
        let mut supervisor = self.stop();
        queue.break_off(0);
        supervisor.conclude();
        log
    }

    /// Lets the workers take what their sockets hold, and ends them.
    fn stop(self) -> Supervisor<Log> {
        drop(self.stop);
        let mut supervisor = match self.supervisor.join() {
            Ok(supervisor) => supervisor,
            Err(panic) => std::panic::resume_unwind(panic),
        };
        supervisor.stop();
        supervisor.join();
        supervisor
    }
}

fn is_any_readable(sockets: &[UdpSocket]) -> bool {
    let readable = |socket| PollFd::new(AsFd::as_fd(socket), PollFlags::POLLIN);
    let mut states: Vec<_> = sockets.iter().map(readable).collect();
    poll(&mut states, PollTimeout::ZERO).is_ok_and(|ready| ready > 0)
}

fn fault(failure: &Failure) -> String {
    let why = match failure {
        Failure::Failed(error) => error.to_string(),
        Failure::Panicked => "by a fault, which is reported on standard error".into(),
    };
    format!("a thread that receives has ended: {why}. Restart Fluent Bit to receive again")
}

/// Threads that are started within have all signals blocked.
fn without_signals<T>(start: impl FnOnce() -> Result<T, StartError>) -> Result<T, StartError> {
    let error = |errno| StartError::Thread(io::Error::from(errno));
    let before = SigSet::all()
        .thread_swap_mask(SigmaskHow::SIG_BLOCK)
        .map_err(error)?;
    let started = start();
    before.thread_set_mask().map_err(error)?;
    started
}
