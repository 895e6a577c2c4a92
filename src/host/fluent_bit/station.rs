//! A receiver for an instance: sockets, workers, the queue and the runtime.
//!
//! It does not need a host, so it keeps running without one between the end of an instance and the start of the next
//! one in a reload.

use std::sync::Arc;

use super::{api::Records, log::Log};
use crate::{
    config::{Config, PseudonymKeyConfig},
    encoding::Encoder,
    host::{
        diagnostics::{Level, Report, counted},
        metrics::Telemetry,
        runtime::{
            Edge, PATIENCE, Runtime,
            frames::{Frames, Never, QueueWriter},
            queue::{Queue, Taken},
            refresh::Refresh,
            start::{StartError, open_with},
            supervisor::OnPanic,
            threads::Failure,
        },
    },
    source::Bound,
};

/// A running receiver.
#[derive(Debug)]
pub(super) struct Station {
    config: Config,
    queue: Arc<Queue>,
    log: Log,
    /// Events that were taken out of the queue but not accepted by the host.
    pending: Taken,
    runtime: Runtime,
}

impl Station {
    /// Starts to receive, reusing the sockets of an earlier receiver for the same addresses.
    pub(super) fn start(config: Config, kept: Vec<Bound>, log: Log) -> Result<Self, StartError> {
        let refresh = Refresh::new(&config)?;
        let layout = config.output.layout()?;
        let opened = open_with(&config, kept)?;
        let queue = Arc::new(Queue::new(config.queue, opened.workers()));
        let telemetry = Telemetry::records(layout.clone());
        let sink = {
            let queue = Arc::clone(&queue);
            move |number| {
                let writer = QueueWriter::new(Arc::clone(&queue), number, Never);
                Frames::new(writer, Encoder::message_pack(&layout))
            }
        };
        let failed = {
            let log = log.clone();
            move |failure: Failure| log.clone().report(Level::Error, &fault(&failure))
        };
        let edge = Edge {
            queues: Arc::clone(&queue).into(),
            telemetry,
            on_panic: OnPanic::Restart,
            hands_sockets_on: true,
            failed: Box::new(failed),
            diagnostics: log.clone(),
        };
        #[cfg(unix)]
        let signals = WithoutSignals::begin().map_err(StartError::Thread)?;
        let runtime = Runtime::start(&config, refresh, opened, sink, edge)?;
        #[cfg(unix)]
        drop(signals);
        Ok(Self {
            config,
            queue,
            log,
            pending: Taken::default(),
            runtime,
        })
    }

    pub(super) const fn config(&self) -> &Config {
        &self.config
    }

    /// Whether it can continue unchanged for an instance with these options. With the same options it can, so that open
    /// sessions are kept, unless the options name a key of pseudonyms, which is only read at start.
    pub(super) fn can_continue_with(&self, config: &Config) -> bool {
        let has_key = config.transform.pseudonymize != PseudonymKeyConfig::default();
        self.config == *config && !has_key
    }

    pub(super) const fn log(&self) -> &Log {
        &self.log
    }

    /// Passes waiting events to `append` until none are left, or until `append` does not accept them; then they wait
    /// for the next call.
    pub(super) fn deliver(&mut self, mut append: impl FnMut(Records<'_>) -> bool) {
        while self.pending() {
            let records = Records {
                bytes: self.pending.bytes(),
                count: self.pending.records,
            };
            if !append(records) {
                return;
            }
            self.pending.clear();
        }
    }

    /// Whether nothing waits, here or in a socket.
    pub(super) fn is_idle(&mut self) -> bool {
        !self.pending() && !is_any_readable(&self.runtime)
    }

    /// Whether there is something in `pending`, taking it from the queue if necessary.
    fn pending(&mut self) -> bool {
        !self.pending.bytes().is_empty() || self.queue.take_waiting(&mut self.pending)
    }

    /// Ends, and passes the sockets and the waiting events to a new receiver.
    pub(super) fn restart(self, config: Config) -> Result<Self, StartError> {
        let Self {
            queue,
            log,
            mut pending,
            runtime,
            ..
        } = self;
        runtime.stop();
        runtime.await_end(PATIENCE);
        let mut rest = Taken::default();
        while queue.take_waiting(&mut rest) {
            pending.append(&rest);
        }
        let concluded = runtime.conclude(PATIENCE);
        let sockets = concluded.map(|it| it.sockets).unwrap_or_default();
        match Self::start(config, sockets, log.clone()) {
            Ok(station) => Ok(Self { pending, ..station }),
            Err(error) => {
                let message = format!(
                    "dropped {} that waited for the next input",
                    counted(pending.events, "event", "events")
                );
                log.clone().report(Level::Warn, &message);
                Err(error)
            }
        }
    }

    /// Ends. Events that still wait are lost, and counted.
    pub(super) fn end(self) -> Log {
        let Self {
            queue,
            log,
            runtime,
            ..
        } = self;
        runtime.stop();
        runtime.await_end(PATIENCE);
        queue.break_off(0, "Fluent Bit had not taken them when it ended the input");
        runtime.conclude(PATIENCE);
        log
    }
}

#[cfg(unix)]
fn is_any_readable(runtime: &Runtime) -> bool {
    use std::os::fd::AsFd;

    use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

    let sockets: Vec<_> = runtime.sockets().collect();
    let readable = |socket| PollFd::new(AsFd::as_fd(socket), PollFlags::POLLIN);
    let mut states: Vec<_> = sockets.iter().map(readable).collect();
    poll(&mut states, PollTimeout::ZERO).is_ok_and(|ready| ready > 0)
}

/// Pauses do not wait if the host's threads have no names, so this does not matter.
#[cfg(not(unix))]
const fn is_any_readable(_: &Runtime) -> bool {
    false
}

fn fault(failure: &Failure) -> String {
    let why = match failure {
        Failure::Failed(error) => error.to_string(),
        Failure::Panicked => "threads panicked repeatedly, as reported on standard error".into(),
    };
    format!(
        "stopped receiving and released the address: {why}; restart Fluent Bit to receive again"
    )
}

/// While this exists, all signals are blocked on this thread and on threads that it starts: signals belong to the host.
#[cfg(unix)]
struct WithoutSignals(nix::sys::signal::SigSet);

#[cfg(unix)]
impl WithoutSignals {
    fn begin() -> std::io::Result<Self> {
        use nix::sys::signal::{SigSet, SigmaskHow};

        let before = SigSet::all().thread_swap_mask(SigmaskHow::SIG_BLOCK)?;
        Ok(Self(before))
    }
}

#[cfg(unix)]
impl Drop for WithoutSignals {
    fn drop(&mut self) {
        // The mask was valid for this thread before.
        let _ = self.0.thread_set_mask();
    }
}
