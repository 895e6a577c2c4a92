//! The host for Vector's `exec` source: writes events to standard output or to a Unix socket, and diagnostics to
//! standard error.

mod divided;
mod output;
mod run;
mod stderr;
mod watch;

use std::{
    io::{self, IsTerminal},
    panic,
    path::{Path, PathBuf},
    sync::{Arc, mpsc},
};

use foldhash::fast::RandomState;

use self::divided::Divided;
pub use self::{
    output::{Output, WriteError},
    run::Run,
    stderr::Diagnostics,
    watch::ReaderWatch,
};
use crate::{
    config::{Config, OutputConfig},
    encoding::Encoder,
    host::{
        diagnostics::{Level, Report},
        local_socket::{LocalSocket, Tee},
        metrics::Telemetry,
        runtime::{
            Edge, PATIENCE, Runtime,
            frames::{Frames, QueueWriter},
            queues::Queues,
            refresh::Refresh,
            start::{StartError, open},
            supervisor::OnPanic,
            threads::Failure,
        },
    },
};

/// Why the program ends or cannot start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExecError {
    /// The program cannot start to receive.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The output cannot be written, for a reason other than a reader that has closed it.
    #[error("cannot write events: {0}")]
    Output(#[source] io::Error),
    /// Nothing listens on `output.unix_stream`.
    #[error(
        "output.unix_stream = {path:?}: cannot connect: {source}; {}",
        connect_advice(path, source)
    )]
    Connect {
        /// The socket.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A thread panicked.
    #[error("a thread panicked, as reported above")]
    Panicked,
    /// The reader did not take the last events.
    #[error(
        "the shutdown was cut short: the reader of the output did not take all events within {} s; those that it did \
         not take are lost and counted as dropped",
        PATIENCE.as_secs()
    )]
    Unread,
    /// Decoding what the sockets held took too long.
    #[error(
        "the shutdown was cut short: there was no time to decode all that the receive buffers held; the rest is lost, as \
         reported above"
    )]
    Undrained,
    /// The session state could not be written at the end.
    #[error(
        "the session state could not be saved, as reported above; the next run resumes the one that was saved last"
    )]
    Unsaved,
    /// A file system blocks the shutdown.
    #[error(
        "the shutdown was cut short: a file system did not respond for {} s, so the session state may not be saved",
        PATIENCE.as_secs()
    )]
    Unfinished,
}

impl ExecError {
    /// Whether the reader has closed the output, which is not an error.
    fn is_reader_gone(&self) -> bool {
        matches!(self, Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }
}

/// What to do if there is no connection.
fn connect_advice(path: &Path, error: &io::Error) -> &'static str {
    let is_there = path.exists();
    match error.kind() {
        io::ErrorKind::PermissionDenied => {
            "the user of this program needs permission to write to the socket and to enter its folder"
        }
        io::ErrorKind::ConnectionRefused if is_there && !is_socket(path) => {
            "this is not a socket; expected the `path` of Vector's source `socket` with `mode: unix_stream`"
        }
        io::ErrorKind::ConnectionRefused if is_there => {
            "nothing listens there: start Vector first, with a source `socket` with `mode: unix_stream` and this `path`; \
             if Vector does not start because this file exists, remove it"
        }
        _ if is_for_datagrams(error) => {
            "what listens there expects datagrams; set `mode: unix_stream` in Vector's source `socket`"
        }
        _ if path.parent().is_some_and(|folder| !folder.is_dir()) => {
            "its folder does not exist; create it before Vector starts, for a source `socket` with `mode: unix_stream` \
             and this `path`"
        }
        _ => {
            "nothing listens there: start Vector first, with a source `socket` with `mode: unix_stream` and this `path`"
        }
    }
}

#[cfg(unix)]
fn is_socket(path: &Path) -> bool {
    use std::os::unix::fs::FileTypeExt as _;

    std::fs::metadata(path).is_ok_and(|found| found.file_type().is_socket())
}

#[cfg(not(unix))]
const fn is_socket(_: &Path) -> bool {
    true
}

#[cfg(unix)]
fn is_for_datagrams(error: &io::Error) -> bool {
    error.raw_os_error() == Some(nix::errno::Errno::EPROTOTYPE as i32)
}

#[cfg(not(unix))]
const fn is_for_datagrams(_: &io::Error) -> bool {
    false
}

/// Ends a run, or requests something from it.
#[derive(Debug)]
pub enum Signal {
    /// Someone asks the program to end, by SIGTERM, SIGINT or a console event.
    Stop,
    /// Someone asks the program to reload the files of transforms, by SIGHUP.
    Reload,
    /// The output has no reader any more, or is broken.
    Failed(io::Error),
    /// A thread panicked; it has reported why on standard error.
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
    /// The program continues.
    Lives,
}

/// Receives on every address of the configuration and writes events to standard output, or to `output.unix_stream`,
/// until a signal arrives, the reader closes the pipe or the parent ends.
///
/// `config_file` is the path of the configuration file, with its content. `signals` installs the program's signal
/// handler, with the sender for its reports. It is called once there is something to shut down. Until then the program
/// may be waiting for files that do not respond, so signals keep their default action and end it.
///
/// # Errors
///
/// [`ExecError`] when it cannot start, or when the output is broken. A reader that closes the pipe is not an error.
pub fn run(
    config: &Config,
    config_file: Option<(PathBuf, Config)>,
    orphan: Orphan,
    diagnostics: &Diagnostics,
    signals: impl FnOnce() -> io::Result<(mpsc::Sender<Signal>, mpsc::Receiver<Signal>)>,
) -> Result<(), ExecError> {
    report_panics(diagnostics);
    let mut refresh = Refresh::new(config)?;
    if let Some((file, config)) = config_file {
        refresh = refresh.with_config_file(file, config);
    }
    let (outputs, orphan) = open_outputs(&config.output, orphan)?;
    // This comes before the program reports that it listens: the parent at that moment is the one to watch.
    let reader = ReaderWatch::new(&outputs, orphan);
    let layout = config.output.layout().map_err(StartError::Fields)?;
    // This comes before touching anything that may belong to another run: only one run can have the port.
    let opened = open(config)?;
    let signals = signals().map_err(StartError::Thread)?;
    let connections = config.output.connections();
    let queues = Queues::new(config.queue, opened.workers(), connections);
    let path = &config.output.local_socket;
    let local_socket =
        (!path.as_os_str().is_empty()).then(|| LocalSocket::open(path, diagnostics.clone()));
    let hub = local_socket
        .as_ref()
        .and_then(|opened| Some(opened.as_ref().ok()?.hub()));
    let codec = config.output.codec;
    let sink = {
        let queues = queues.all().iter().map(Arc::clone);
        let immediate = outputs.iter().map(Output::immediate);
        let connections: Vec<_> = queues.zip(immediate).collect();
        let hash = RandomState::default();
        move |number| {
            let frames = connections.iter().map(|(queue, immediate)| {
                let writer = QueueWriter::new(Arc::clone(queue), number, immediate.clone());
                Frames::new(writer, Encoder::new(codec, &layout))
            });
            let divided = Divided::new(frames.collect(), hash.clone());
            Tee::new(divided, hub.clone())
        }
    };
    let failed = signals.0.clone();
    let edge = Edge {
        queues: queues.clone(),
        telemetry: Telemetry::metrics(codec),
        on_panic: OnPanic::End,
        hands_sockets_on: false,
        failed: Box::new(move |failure| {
            // The receiver may have ended already.
            let _ = failed.send(Signal::from(failure));
        }),
        diagnostics: diagnostics.clone(),
    };
    let runtime = Runtime::start(config, refresh, opened, sink, edge)?;
    // The local socket is for casual viewers; events must flow without it.
    let problem = match &local_socket {
        Some(Err(error)) => Some((Level::Error, error)),
        Some(Ok(socket)) => socket.answered().map(|error| (Level::Warn, error)),
        None => None,
    };
    if let Some((level, error)) = problem {
        let message = format!("output.local_socket is not open; events flow without it: {error}");
        diagnostics.clone().report(level, &message);
    }
    let run = Run::start(runtime, queues, outputs, signals).map_err(StartError::Thread)?;
    run.supervise(&reader, || {
        // A reader of standard output reads standard error too.
        if config.output.unix_stream().is_some() {
            diagnostics.clone().report(Level::Info, CLOSED);
        }
    })
}

const CLOSED: &str = "output.unix_stream: Vector has closed a connection, because it ends or its source `socket` \
has changed, so the program ends; start it again once Vector listens";

/// Opens the output: one for each connection. The reader of a socket has not started the program, so the program may
/// outlive its parent.
fn open_outputs(config: &OutputConfig, orphan: Orphan) -> Result<(Vec<Output>, Orphan), ExecError> {
    let Some(path) = config.unix_stream() else {
        let output = Output::stdout().map_err(ExecError::Output)?;
        return Ok((vec![output], orphan));
    };
    let connect = |_| {
        Output::unix_stream(path).map_err(|source| ExecError::Connect {
            path: path.to_owned(),
            source,
        })
    };
    let connections = 0..config.connections().get();
    let outputs: Result<_, _> = connections.map(connect).collect();
    Ok((outputs?, Orphan::Lives))
}

/// Reports the location of a panic in the codec that the host reads. The panic's own message may quote a payload, so it
/// is shown only on a terminal.
fn report_panics(diagnostics: &Diagnostics) {
    if io::stderr().is_terminal() {
        return;
    }
    let diagnostics = diagnostics.clone();
    panic::set_hook(Box::new(move |panic| {
        let place = panic.location().map(ToString::to_string);
        let message = format!(
            "the program panicked, in version {} at {}; please report this bug",
            env!("CARGO_PKG_VERSION"),
            place.unwrap_or_default(),
        );
        diagnostics.clone().report(Level::Error, &message);
    }));
}
