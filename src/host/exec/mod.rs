//! The host of Vector's `exec` source: events to standard output, diagnostics to standard error.

mod diagnostics;
mod frames;
mod listener;
mod output;
mod queue;
mod supervisor;
mod telemetry;
mod watch;

use std::{
    io,
    sync::{Arc, mpsc},
};

pub use self::{
    diagnostics::{Diagnostics, Level},
    frames::{Enqueue, FrameWriter, Frames},
    listener::{Listener, ListenerWorker, Totals},
    output::Output,
    queue::{MAX_QUEUE_BYTES, Queue, Taken},
    supervisor::Supervisor,
    watch::Reader,
};
use crate::{
    config::Config,
    host::{
        reload::Watched,
        worker::{Sink, Worker},
    },
    pipeline::Pipeline,
    schema::UnknownField,
    source::{self, BindError, Bound, Senders},
    transform::blacklist::BlacklistError,
};

/// Why the program ends, or cannot begin.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExecError {
    /// An address cannot be listened on.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// The blacklist cannot be built.
    #[error(transparent)]
    Blacklist(#[from] BlacklistError),
    /// A field that is to be left out is none of the schema.
    #[error("output.drop_fields: {0}")]
    Fields(#[from] UnknownField),
    /// A socket does not do what it must, or what the service manager handed over is none.
    #[error("a socket cannot be used: {0}")]
    Socket(#[source] io::Error),
    /// The output cannot be written, for another reason than a reader that has gone.
    #[error("standard output cannot be written: {0}")]
    Output(#[source] io::Error),
    /// The system gives no thread.
    #[error("a thread cannot be started: {0}")]
    Thread(#[source] io::Error),
    /// A thread has ended by a fault of the program.
    #[error("a thread ended by a fault of the program, which is reported above")]
    Panicked,
}

/// What ends a run, or asks it to look around.
#[derive(Debug)]
pub enum Signal {
    /// Someone asks the program to end (SIGTERM, SIGINT, a console event).
    Stop,
    /// A worker's sink failed; nobody reads any more, or the output is broken.
    Failed(io::Error),
    /// A thread ended by a fault of the program; it has written why to standard error.
    Panicked,
}

/// Whether the program should outlive its parent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Orphan {
    /// The program ends with its parent, so that no forgotten process holds the port.
    #[default]
    Ends,
    /// The program goes on.
    Lives,
}

/// Receives on every address of the configuration and writes events to standard output until a
/// signal comes, the reader closes the pipe or the parent is gone.
///
/// `signals` hands out the sender through which the program's signal handler reports.
///
/// # Errors
///
/// [`ExecError`] when it cannot begin, or when the output is broken. A reader that closes the pipe
/// is no error.
pub fn run(
    config: &Config,
    orphan: Orphan,
    diagnostics: &mut Diagnostics,
    signals: (mpsc::Sender<Signal>, mpsc::Receiver<Signal>),
) -> Result<(), ExecError> {
    let watched = Watched::new(config.transform.blacklist.files.iter().cloned());
    let output = Output::stdout().map_err(ExecError::Output)?;
    // Before anybody is told that it listens: whoever is the parent then is the one to miss.
    let reader = Reader::new(&output, orphan);
    let layout = config.output.layout()?;
    let opened = open(config)?;
    let count = opened.iter().map(|(bound, _)| bound.sockets.len()).sum();
    let queue = Arc::new(Queue::new(config.queue, count));
    let sink = |number| {
        let writer = Enqueue::new(Arc::clone(&queue), number);
        Frames::new(writer, config.output.codec, layout.clone())
    };
    let (listeners, workers) = listen(config, opened, sink).map_err(ExecError::Socket)?;
    for listener in &listeners {
        diagnostics.listening(listener, config.source.receive_buffer_bytes);
    }
    let supervisor = Supervisor::start(
        config,
        listeners,
        workers,
        queue,
        output.clone(),
        diagnostics,
        signals,
    )?;
    supervisor.supervise(watched, &output, &reader)
}

/// Opens the sockets, or takes those that the service manager has opened, and builds a pipeline for
/// each.
///
/// # Errors
///
/// [`ExecError`] when an address cannot be listened on or the blacklist cannot be built.
pub fn open(config: &Config) -> Result<Vec<(Bound, Vec<Pipeline>)>, ExecError> {
    // The blacklist first: a slip in it should not depend on whether the port is free.
    let pipeline = config.pipeline();
    pipeline.build()?;
    let source = &config.source;
    let mut bound = source::activated(source.receive_buffer_bytes).map_err(ExecError::Socket)?;
    if bound.is_empty() {
        bound = source::bind(&source.address, source.workers, source.receive_buffer_bytes)?;
    }
    bound
        .into_iter()
        .map(|bound| {
            let pipelines = bound.sockets.iter().map(|_| pipeline.build());
            let pipelines = pipelines.collect::<Result<_, _>>()?;
            Ok((bound, pipelines))
        })
        .collect()
}

/// A worker for each socket, numbered from 0, with the sink that `sink` makes for its number.
///
/// # Errors
///
/// When the system gives no second handle on a socket.
pub fn listen<S: Sink>(
    config: &Config,
    opened: Vec<(Bound, Vec<Pipeline>)>,
    sink: impl Fn(usize) -> S,
) -> io::Result<(Vec<Listener>, Vec<Worker<S>>)> {
    let source = &config.source;
    let (mut listeners, mut workers) = (Vec::new(), Vec::new());
    for (bound, pipelines) in opened {
        let mut listener = Listener {
            address: bound.address,
            workers: Vec::new(),
        };
        for (socket, pipeline) in bound.sockets.into_iter().zip(pipelines) {
            let number = workers.len();
            let handle = socket.try_clone()?;
            let senders = Senders::new(&source.allowed_senders, source.rate_limit);
            let worker = Worker::new(
                socket,
                source.max_datagram_bytes,
                senders,
                pipeline,
                sink(number),
            );
            listener.workers.push(ListenerWorker {
                number,
                dropped_before: source::kernel_drops(&handle).unwrap_or(0),
                socket: handle,
                control: worker.control(),
            });
            workers.push(worker);
        }
        listeners.push(listener);
    }
    Ok((listeners, workers))
}
