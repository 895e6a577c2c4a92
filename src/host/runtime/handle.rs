//! A host's handle to its runtime, from the start to the last report.

use std::{
    fmt,
    net::UdpSocket,
    sync::{
        Arc, Weak,
        mpsc::{self, RecvTimeoutError},
    },
    time::Duration,
};

use super::{
    control::Control,
    frame_bytes::FrameBytes,
    listener::WorkerHandle,
    queue::Contents,
    queues::Queues,
    refresh::{Refresh, without_entries},
    secrets,
    start::{Opened, StartError},
    state_file::StateFile,
    supervisor::{News, OnPanic, Reported, Supervisor, Times},
    threads::{Failure, guarded, spawn},
    worker::Sink,
    workers::Workers,
};
use crate::{
    config::Config,
    host::{
        diagnostics::{Level, Report},
        metrics::Telemetry,
    },
    source::Bound,
};

/// How long a host waits for the steps of [shutdown](super::shutdown) that write files or send reports, which may hang
/// with a disk or a network share.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// What differs from host to host.
pub struct Edge<D, C = FrameBytes> {
    /// The frames that wait for the host.
    pub queues: Queues<C>,
    /// How counts are reported.
    pub telemetry: Telemetry,
    /// What happens when a worker panics.
    pub on_panic: OnPanic,
    /// Whether the sockets are kept for the next receiver.
    pub hands_sockets_on: bool,
    /// Called when the runtime has ended by itself. Its sockets are closed by then.
    pub failed: Box<dyn Fn(Failure) + Send>,
    /// Where diagnostics go.
    pub diagnostics: D,
}

/// How a runtime has ended.
#[derive(Debug)]
pub struct Concluded {
    /// The sockets that are still open, for the next receiver.
    pub sockets: Vec<Bound>,
    /// Whether everything that the sockets held was decoded. What was not has been reported.
    pub is_drained: bool,
    /// Whether the session state was saved, if this was to be done. An error has been reported.
    pub is_state_saved: bool,
}

/// Receives datagrams until it is stopped or dropped; see [the order of shutdown](super::shutdown).
pub struct Runtime {
    pub(super) controls: Vec<Arc<Control>>,
    sockets: Vec<Weak<UdpSocket>>,
    news: mpsc::Sender<News>,
    reload: mpsc::Sender<()>,
    /// Disconnects when the output is closed.
    output_closed: mpsc::Receiver<()>,
    /// Receives what is left when everything has ended.
    over: mpsc::Receiver<Concluded>,
    is_over: bool,
}

impl Runtime {
    /// Starts the worker threads for the open sockets, and the threads that supervise them. `sink` makes the sink for
    /// the worker with a given number.
    ///
    /// # Errors
    ///
    /// [`StartError`] when the session state cannot be read or a thread cannot be started. Everything that had started
    /// is then undone.
    pub fn start<S, D, C>(
        config: &Config,
        refresh: Refresh,
        opened: Opened,
        sink: impl FnMut(usize) -> S + Send + 'static,
        edge: Edge<D, C>,
    ) -> Result<Self, StartError>
    where
        S: Sink + Send + 'static,
        D: Report + Clone + Send + 'static,
        C: Contents + Send + 'static,
    {
        let Edge {
            queues,
            telemetry,
            on_panic,
            hands_sockets_on,
            failed,
            mut diagnostics,
        } = edge;
        let (sender, news) = mpsc::channel();
        for warning in without_entries(opened.pipeline.blacklist()) {
            diagnostics.report(Level::Warn, &warning);
        }
        let mut workers = Workers::new(config, opened, Box::new(sink), sender.clone());
        for listener in workers.listeners() {
            diagnostics.listening(listener, config.source.receive_buffer_bytes);
        }
        for warning in secrets::warnings(config) {
            diagnostics.report(Level::Warn, &warning);
        }
        let state = match (workers.sessions(), config.transform.sessions.state_file()) {
            (Some(sessions), Some(file)) => {
                let opened = StateFile::open(file, sessions, &mut diagnostics);
                opened.map_err(|source| StartError::State {
                    file: file.into(),
                    source,
                })?
            }
            _ => None,
        };
        let controls: Vec<_> = workers.controls().cloned().collect();
        let sockets = workers.handles().filter_map(WorkerHandle::socket);
        let sockets = sockets.map(Arc::downgrade).collect();
        let names = workers.pipeline().app_names().clone();
        let refreshing = refresh
            .start(names, controls.clone(), sender.clone(), diagnostics.clone())
            .map_err(StartError::Thread)?;
        let reload = refreshing.requests();
        // From here on, dropping the workers ends them.
        workers.start().map_err(StartError::Thread)?;
        let supervisor = Supervisor {
            workers,
            news,
            queues,
            refreshing,
            state,
            on_panic,
            hands_sockets_on,
            telemetry,
            diagnostics,
            times: Times::new(config.telemetry),
            reported: Reported::default(),
            is_output_done: false,
            is_stuck: false,
            is_state_saved: true,
        };
        let ((closed, output_closed), (over, is_over)) = (mpsc::channel(), mpsc::channel());
        let work = move || {
            let queues = supervisor.queues.clone();
            let live = || {
                // A host that has not waited for the end does not need the sockets.
                let _ = over.send(supervisor.run(&*failed, closed));
                Ok(())
            };
            if let Err(failure) = guarded(live) {
                queues.close();
                failed(failure);
            }
            Ok(())
        };
        spawn("supervisor", |_| {}, work).map_err(StartError::Thread)?;
        Ok(Self {
            controls,
            sockets,
            news: sender,
            reload,
            output_closed,
            over: is_over,
            is_over: false,
        })
    }

    /// Tells the workers to read what their sockets still hold, and to end; the other steps of shutdown follow, up to
    /// closing the output.
    pub fn stop(&self) {
        self.controls.iter().for_each(|control| control.stop());
        // The receiver is gone if the runtime has ended by itself.
        let _ = self.news.send(News::Stop);
    }

    /// Like [`stop`](Self::stop), but workers discard what their sockets still hold, for when the output has no
    /// reader.
    pub fn stop_now(&self) {
        self.controls.iter().for_each(|control| control.stop_now());
        self.stop();
    }

    /// Reloads the files of transforms, and reports whether the configuration file has changed.
    pub fn reload(&self) {
        // If the thread has ended, it has reported why.
        let _ = self.reload.send(());
    }

    /// The sockets of the workers, while they are open.
    pub fn sockets(&self) -> impl Iterator<Item = Arc<UdpSocket>> {
        self.sockets.iter().filter_map(Weak::upgrade)
    }

    /// Waits until nothing more will be sent to the output, after a [`stop`](Self::stop) or
    /// [`stop_now`](Self::stop_now). Returns false if that takes longer than `patience`.
    pub fn await_end(&self, patience: Duration) -> bool {
        self.output_closed.recv_timeout(patience) != Err(RecvTimeoutError::Timeout)
    }

    /// Reports the final counts, once the output has taken everything that it will take. `None` if this takes longer
    /// than `patience`.
    pub fn conclude(mut self, patience: Duration) -> Option<Concluded> {
        self.is_over = true;
        // The receiver is gone after a panic, which has been reported.
        let _ = self.news.send(News::Conclude);
        self.over.recv_timeout(patience).ok()
    }
}

/// Dropping the runtime shuts it down in the same order.
impl Drop for Runtime {
    fn drop(&mut self) {
        if !self.is_over {
            self.stop();
            let _ = self.news.send(News::Conclude);
            let _ = self.over.recv_timeout(PATIENCE);
        }
    }
}

impl fmt::Debug for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runtime").finish_non_exhaustive()
    }
}
