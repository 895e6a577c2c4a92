//! The receiving threads: started together, restarted one by one, ended together.

use std::{
    fmt, io,
    sync::{
        Arc,
        mpsc::{self, RecvTimeoutError},
    },
    thread,
    time::Duration,
};

use super::{
    control::Control,
    listener::{Listener, WorkerHandle},
    start::Opened,
    supervisor::News,
    worker::Sink,
};
use crate::{config::Config, pipeline::Pipeline, transform::Sessions};

/// Makes the sink for the worker with a given number.
type MakeSink<S> = Box<dyn FnMut(usize) -> S + Send>;

/// All workers of a runtime. Dropping this ends them.
pub(super) struct Workers<S> {
    config: Config,
    listeners: Vec<Listener>,
    /// The pipeline that is copied for each worker.
    pipeline: Pipeline,
    /// `None` once no more sinks will be made: dropping it may tell the host that all workers have ended.
    sink: Option<MakeSink<S>>,
    news: mpsc::Sender<News>,
    /// Each thread holds a clone of the sender. Nothing is ever sent: the receiver disconnects when the last thread
    /// ends.
    alive: (mpsc::Sender<()>, mpsc::Receiver<()>),
}

impl<S: Sink + Send + 'static> Workers<S> {
    /// Prepares workers for these sockets, without starting them.
    pub(super) fn new(
        config: &Config,
        opened: Opened,
        sink: MakeSink<S>,
        news: mpsc::Sender<News>,
    ) -> Self {
        let Opened { bound, pipeline } = opened;
        Self {
            config: config.clone(),
            listeners: Listener::all(bound),
            pipeline,
            sink: Some(sink),
            news,
            alive: mpsc::channel(),
        }
    }

    /// Starts a thread for each worker.
    pub(super) fn start(&mut self) -> io::Result<()> {
        let workers = self.listeners.iter().map(|listener| listener.workers.len());
        (0..workers.sum()).try_for_each(|number| self.spawn(number))
    }

    /// Starts a worker with a pipeline of its own, perhaps in place of one that has ended.
    pub(super) fn spawn(&mut self, number: usize) -> io::Result<()> {
        let (source, pipeline) = (&self.config.source, self.pipeline.clone_for_socket());
        let handle = handles(&self.listeners).find(|handle| handle.number == number);
        let worker = match (handle, &mut self.sink) {
            (Some(handle), Some(sink)) => handle.worker(source, pipeline, sink(number)),
            _ => None,
        };
        let worker = worker.ok_or_else(|| io::Error::other("its socket is closed"))?;
        let (news, alive) = (self.news.clone(), self.alive.0.clone());
        let work = move || {
            let ended = worker.run();
            // The supervisor may already have ended.
            let _ = news.send(News::Ended(number, ended));
            drop(alive);
        };
        thread::Builder::new().name("worker".into()).spawn(work)?;
        Ok(())
    }
}

impl<S> Workers<S> {
    pub(super) const fn config(&self) -> &Config {
        &self.config
    }

    pub(super) fn listeners(&self) -> &[Listener] {
        &self.listeners
    }

    pub(super) fn handles(&self) -> impl Iterator<Item = &WorkerHandle> {
        handles(&self.listeners)
    }

    pub(super) fn controls(&self) -> impl Iterator<Item = &Arc<Control>> {
        self.handles().map(|handle| &handle.control)
    }

    /// The transform that follows sessions, if enabled. All workers share it.
    pub(super) const fn sessions(&self) -> Option<&Sessions> {
        self.pipeline.sessions()
    }

    /// The pipeline that was copied for the workers.
    pub(super) const fn pipeline(&self) -> &Pipeline {
        &self.pipeline
    }

    /// Tells the workers to end and to leave what their sockets still hold.
    pub(super) fn stop_now(&self) {
        self.controls().for_each(|control| control.stop_now());
    }

    /// Releases the sockets, which close when their workers have ended.
    pub(super) fn close(&mut self) {
        let workers = self.listeners.iter_mut();
        let workers = workers.flat_map(|listener| &mut listener.workers);
        workers.for_each(WorkerHandle::close);
    }

    /// Waits until the workers, which were told to, have ended. No more are started.
    pub(super) fn join(&mut self, patience: Duration) -> bool {
        self.sink = None;
        // Drop this side's own senders.
        self.alive.0 = mpsc::channel().0;
        self.news = mpsc::channel().0;
        self.alive.1.recv_timeout(patience) == Err(RecvTimeoutError::Disconnected)
    }

    pub(super) fn into_listeners(mut self) -> Vec<Listener> {
        std::mem::take(&mut self.listeners)
    }
}

fn handles(listeners: &[Listener]) -> impl Iterator<Item = &WorkerHandle> {
    listeners.iter().flat_map(|listener| &listener.workers)
}

/// How long a shutdown that was not requested waits for workers: their sinks may wait for a reader that is gone.
const END: Duration = Duration::from_secs(1);

impl<S> Drop for Workers<S> {
    fn drop(&mut self) {
        self.stop_now();
        self.join(END);
    }
}

impl<S> fmt::Debug for Workers<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Workers")
            .field("listeners", &self.listeners)
            .finish_non_exhaustive()
    }
}
