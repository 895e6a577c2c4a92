//! The threads that receive: begun together, made anew one by one, ended together.

use std::{
    fmt, io,
    net::UdpSocket,
    sync::{
        Arc, Weak,
        mpsc::{self, RecvTimeoutError},
    },
    thread,
    time::Duration,
};

use super::{
    listener::{Listener, ListenerWorker},
    start::{Opened, StartError, listen},
    supervisor::News,
    worker::{Control, Sink, Worker},
};
use crate::{config::Config, pipeline::Pipeline, transform::Sessions};

/// Makes the sink of the worker with a number.
type MakeSink<S> = Box<dyn FnMut(usize) -> S + Send>;

/// All workers of a runtime. Dropped, they end.
pub(super) struct Workers<S> {
    config: Config,
    listeners: Vec<Listener>,
    /// What a worker's pipeline is made from.
    pipeline: Pipeline,
    /// None when no other will be made: what it holds may tell the host that all have ended.
    sink: Option<MakeSink<S>>,
    /// Those that are not running yet.
    waiting: Vec<Worker<S>>,
    news: mpsc::Sender<News>,
    /// Every thread has a clone of the first, and nothing is ever sent: it ends with the last of them.
    alive: (mpsc::Sender<()>, mpsc::Receiver<()>),
}

impl<S: Sink + Send + 'static> Workers<S> {
    /// A worker for each socket. None of them runs yet.
    pub(super) fn new(
        config: &Config,
        opened: Opened,
        mut sink: MakeSink<S>,
        news: mpsc::Sender<News>,
    ) -> Self {
        let pipeline = opened.pipeline.beside();
        let (listeners, waiting) = listen(config, opened, &mut sink);
        Self {
            config: config.clone(),
            listeners,
            pipeline,
            sink: Some(sink),
            waiting,
            news,
            alive: mpsc::channel(),
        }
    }

    /// Starts a thread for each.
    pub(super) fn run(&mut self) -> Result<(), StartError> {
        for (number, worker) in std::mem::take(&mut self.waiting).into_iter().enumerate() {
            self.spawn(number, worker).map_err(StartError::Thread)?;
        }
        Ok(())
    }

    /// Puts a new worker, with a new pipeline, in the place of one that has ended.
    pub(super) fn again(&mut self, number: usize) -> io::Result<()> {
        let mut workers = self.listeners.iter().flat_map(|listener| &listener.workers);
        let place = workers.find(|worker| worker.number == number);
        let place = place.and_then(|worker| Some((worker, worker.socket()?)));
        let (Some((worker, socket)), Some(sink)) = (place, &mut self.sink) else {
            return Err(io::Error::other("its socket is closed"));
        };
        let (socket, control) = (socket.clone(), worker.control.clone());
        let (source, pipeline) = (&self.config.source, self.pipeline.beside());
        let worker = Worker::new(socket, source, pipeline, sink(number), control);
        self.spawn(number, worker)
    }

    fn spawn(&self, number: usize, worker: Worker<S>) -> io::Result<()> {
        let (news, alive) = (self.news.clone(), self.alive.0.clone());
        let work = move || {
            let ended = worker.run();
            // Nobody asks any more when the supervisor has ended.
            let _ = news.send(News::Ended(number, ended));
            drop(alive);
        };
        thread::Builder::new().name("worker".into()).spawn(work)?;
        Ok(())
    }
}

impl<S> Workers<S> {
    pub(super) fn listeners(&self) -> &[Listener] {
        &self.listeners
    }

    pub(super) fn controls(&self) -> impl Iterator<Item = &Control> {
        let workers = self.listeners.iter().flat_map(|listener| &listener.workers);
        workers.map(|worker| &*worker.control)
    }

    /// What each can be told, and its socket while that is open.
    pub(super) fn handles(&self) -> (Vec<Arc<Control>>, Vec<Weak<UdpSocket>>) {
        let workers = self.listeners.iter().flat_map(|listener| &listener.workers);
        let handle = |worker: &ListenerWorker| {
            let socket = worker.socket().map_or_else(Weak::new, Arc::downgrade);
            (Arc::clone(&worker.control), socket)
        };
        workers.map(handle).unzip()
    }

    /// What follows the sessions, where that is wanted: the same for all workers.
    pub(super) const fn sessions(&self) -> Option<&Sessions> {
        self.pipeline.sessions()
    }

    /// What their pipelines were made like.
    pub(super) const fn pipeline(&self) -> &Pipeline {
        &self.pipeline
    }

    /// Tells them to end and to leave what their sockets still hold.
    pub(super) fn leave(&self) {
        self.controls().for_each(Control::leave);
    }

    /// Lets the sockets go. They are closed when their workers have ended.
    pub(super) fn close(&mut self) {
        let workers = self.listeners.iter_mut();
        let workers = workers.flat_map(|listener| &mut listener.workers);
        workers.for_each(ListenerWorker::close);
    }

    /// Waits until all have ended that were told to. No other will be made.
    pub(super) fn have_ended(&mut self, patience: Duration) -> bool {
        self.waiting.clear();
        self.sink = None;
        // This side's own ends of both.
        self.alive.0 = mpsc::channel().0;
        self.news = mpsc::channel().0;
        self.alive.1.recv_timeout(patience) == Err(RecvTimeoutError::Disconnected)
    }

    pub(super) fn into_listeners(mut self) -> Vec<Listener> {
        std::mem::take(&mut self.listeners)
    }
}

/// How long an end that nobody asked for waits for workers: their sinks may wait for somebody who is gone.
const END: Duration = Duration::from_secs(1);

impl<S> Drop for Workers<S> {
    fn drop(&mut self) {
        self.leave();
        self.have_ended(END);
    }
}

impl<S> fmt::Debug for Workers<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Workers")
            .field("listeners", &self.listeners)
            .finish_non_exhaustive()
    }
}
