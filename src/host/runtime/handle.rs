//! What a host holds of its runtime: from the start to the last word.

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
    frame_bytes::FrameBytes,
    listener::WorkerHandle,
    queue::{Contents, Queue},
    refresh::Refresh,
    secrets,
    start::{Opened, StartError},
    state_file::StateFile,
    supervisor::{News, OnPanic, Reported, Supervisor, Times},
    threads::{Failure, guarded, spawn},
    worker::{Control, Sink},
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

/// How long a host waits for steps of the [end](super::shutdown) that write files or report, which may hang with a
/// disk or a network share.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// What differs from host to host.
pub struct Edge<D, C = FrameBytes> {
    /// Where frames wait for the host.
    pub queue: Arc<Queue<C>>,
    /// How what was counted is told.
    pub telemetry: Telemetry,
    /// What becomes of a worker that panics.
    pub on_panic: OnPanic,
    /// Whether the sockets are for a receiver that follows.
    pub hands_sockets_on: bool,
    /// Is told when the runtime has ended by itself: its sockets are closed then.
    pub failed: Box<dyn Fn(Failure) + Send>,
    /// What is said about it.
    pub diagnostics: D,
}

/// Receives datagrams until it is told to stop or dropped; see [the order of its end](super::shutdown).
pub struct Runtime {
    controls: Vec<Arc<Control>>,
    sockets: Vec<Weak<UdpSocket>>,
    news: mpsc::Sender<News>,
    reload: mpsc::Sender<()>,
    /// Ends when the output is closed.
    output_closed: mpsc::Receiver<()>,
    /// Gets the sockets when everything is over.
    over: mpsc::Receiver<Vec<Bound>>,
    is_over: bool,
}

impl Runtime {
    /// Starts the threads of workers at sockets that are open, and those that look after them. Each worker has the
    /// sink that `sink` makes for its number.
    ///
    /// # Errors
    ///
    /// [`StartError`] when the state of sessions cannot be read or the system gives no thread. Then nothing is left
    /// of what had begun.
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
            queue,
            telemetry,
            on_panic,
            hands_sockets_on,
            failed,
            mut diagnostics,
        } = edge;
        let (sender, news) = mpsc::channel();
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
                Some(opened.map_err(|source| StartError::State {
                    file: file.into(),
                    source,
                })?)
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
        // From here on they end when they are dropped.
        workers.start().map_err(StartError::Thread)?;
        let supervisor = Supervisor {
            workers,
            news,
            queue,
            refreshing,
            state,
            on_panic,
            hands_sockets_on,
            telemetry,
            diagnostics,
            times: Times::new(config.telemetry),
            reported: Reported::default(),
            is_output_done: false,
        };
        let ((closed, output_closed), (over, is_over)) = (mpsc::channel(), mpsc::channel());
        let work = move || {
            let queue = Arc::clone(&supervisor.queue);
            let live = || {
                // A host that has not waited for it has no use for the sockets.
                let _ = over.send(supervisor.run(&*failed, closed));
                Ok(())
            };
            if let Err(failure) = guarded(live) {
                queue.close();
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

    /// Tells the workers to take what their sockets still hold and to end, and everything else to follow up to
    /// the output.
    pub fn stop(&self) {
        self.controls.iter().for_each(|control| control.stop());
        // Gone when it has ended by itself.
        let _ = self.news.send(News::Stop);
    }

    /// As [`stop`](Self::stop), but workers leave what their sockets still hold, when nobody would read it.
    pub fn stop_now(&self) {
        self.controls.iter().for_each(|control| control.stop_now());
        self.stop();
    }

    /// Reads the files of transforms again, and says whether the configuration's own has changed.
    pub fn reload(&self) {
        // It has said why it ended, if it has.
        let _ = self.reload.send(());
    }

    /// Sockets that workers receive at, while they are open.
    pub fn sockets(&self) -> impl Iterator<Item = Arc<UdpSocket>> {
        self.sockets.iter().filter_map(Weak::upgrade)
    }

    /// Waits until nothing more will come for the output, after a [`stop`](Self::stop) or [`stop_now`](Self::stop_now).
    /// False when that takes longer than `patience`.
    pub fn await_end(&self, patience: Duration) -> bool {
        self.output_closed.recv_timeout(patience) != Err(RecvTimeoutError::Timeout)
    }

    /// Reports what was counted in all, when the output has taken what it takes. The sockets, for a receiver that
    /// follows; none when it takes longer than `patience`, or when they are closed.
    pub fn conclude(mut self, patience: Duration) -> Option<Vec<Bound>> {
        self.is_over = true;
        // Gone after a fault, which has been told.
        let _ = self.news.send(News::Conclude);
        self.over.recv_timeout(patience).ok()
    }
}

/// Dropped, it ends in the same order.
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
