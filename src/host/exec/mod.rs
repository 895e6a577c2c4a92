//! The host of Vector's `exec` source: events to standard output, diagnostics to standard error.

mod diagnostics;
mod frames;
mod output;
mod supervisor;
mod watch;

use std::{io, sync::mpsc};

pub use self::{
    diagnostics::{Diagnostics, Level},
    frames::Frames,
    output::Output,
    supervisor::Supervisor,
    watch::Reader,
};
use crate::{
    config::Config,
    host::{
        reload::Watched,
        worker::{Sink, Worker},
    },
    source::{self, BindError},
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
    /// The output cannot be written, for another reason than a reader that has gone.
    #[error("standard output cannot be written: {0}")]
    Output(#[source] io::Error),
    /// The system gives no thread.
    #[error("a thread cannot be started: {0}")]
    Thread(#[source] io::Error),
}

/// What ends a run, or asks it to look around.
#[derive(Debug)]
pub enum Signal {
    /// Someone asks the program to end (SIGTERM, SIGINT, a console event).
    Stop,
    /// A worker's sink failed; nobody reads any more, or the output is broken.
    Failed(io::Error),
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
    let workers = workers(config, || Frames::new(output.clone(), config.output))?;
    for worker in &workers {
        diagnostics.listening(worker);
    }
    let supervisor = Supervisor::start(config, workers, diagnostics, signals)?;
    supervisor.supervise(watched, &output, &reader)
}

/// A worker for each address, with a pipeline of its own.
///
/// # Errors
///
/// [`ExecError`] when an address cannot be listened on or the blacklist cannot be built.
pub fn workers<S>(config: &Config, sink: impl Fn() -> S) -> Result<Vec<Worker<S>>, ExecError>
where
    S: Sink,
{
    // The blacklist first: a slip in it should not depend on whether the port is free.
    let pipeline = config.pipeline();
    let mut pipelines = Vec::new();
    for _ in &*config.source.address {
        pipelines.push(pipeline.build()?);
    }
    let sockets = source::bind(&config.source.address, config.source.receive_buffer_bytes)?;
    Ok(sockets
        .into_iter()
        .zip(pipelines)
        .map(|(socket, pipeline)| {
            Worker::new(socket, config.source.max_datagram_bytes, pipeline, sink())
        })
        .collect())
}
