//! The host of Vector's `exec` source: events to standard output, diagnostics to standard error.

mod output;
mod run;
mod stderr;
mod watch;

use std::{
    io,
    sync::{Arc, mpsc},
};

pub use self::{
    output::{Output, WriteError},
    run::Run,
    stderr::Diagnostics,
    watch::Reader,
};
use crate::{
    config::Config,
    host::{
        diagnostics::{Level, Report},
        local_socket::{LocalSocket, Tee},
        runtime::{
            frames::{Enqueue, Frames},
            queue::Queue,
            refresh::Refresh,
            start::{StartError, listen, open},
            threads::Failure,
        },
    },
};

/// Why the program ends, or cannot begin.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExecError {
    /// Nothing can be received.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The output cannot be written, for another reason than a reader that has gone.
    #[error("standard output cannot be written: {0}")]
    Output(#[source] io::Error),
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

impl From<Failure> for Signal {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Failed(error) => Self::Failed(error),
            Failure::Panicked => Self::Panicked,
        }
    }
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
    let refresh = Refresh::new(config)?;
    let output = Output::stdout().map_err(ExecError::Output)?;
    // Before anybody is told that it listens: whoever is the parent then is the one to miss.
    let reader = Reader::new(&output, orphan);
    let layout = config.output.layout().map_err(StartError::Fields)?;
    let path = &config.output.local_socket;
    let local_socket = (!path.as_os_str().is_empty()).then(|| LocalSocket::open(path));
    let hub = local_socket
        .as_ref()
        .and_then(|opened| Some(opened.as_ref().ok()?.hub()));
    let opened = open(config)?;
    let count = opened.iter().map(|(bound, _)| bound.sockets.len()).sum();
    let queue = Arc::new(Queue::new(config.queue, count));
    let sink = |number| {
        let writer = Enqueue::new(Arc::clone(&queue), number);
        let frames = Frames::new(writer, config.output.codec, layout.clone());
        Tee::new(frames, hub.clone())
    };
    let (listeners, workers) = listen(config, opened, sink)?;
    for listener in &listeners {
        diagnostics.listening(listener, config.source.receive_buffer_bytes);
    }
    // It is for people who look in, and the output for those who count on it.
    if let Some(Err(error)) = &local_socket {
        let message = format!("output.local_socket is not open, events flow without it: {error}");
        diagnostics.report(Level::Error, &message);
    }
    let run = Run::start(
        config,
        refresh,
        (listeners, workers),
        queue,
        output.clone(),
        diagnostics,
        signals,
    )?;
    run.supervise(&output, &reader)
}
