//! From a configuration to sockets and what their pipelines are like.

use std::{io, path::PathBuf};

use crate::{
    config::Config,
    pipeline::{Pipeline, PipelineError},
    schema::UnknownField,
    source::{self, BindError, Bound},
};

/// Why nothing can be received.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// An address cannot be listened on.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// A file that a transform needs cannot be used.
    #[error(transparent)]
    Pipeline(#[from] PipelineError),
    /// A certificate or the key for a service of Qlik Sense cannot be used.
    #[cfg(feature = "qrs")]
    #[error(transparent)]
    Service(#[from] crate::host::https::HttpsError),
    /// The schema has no field of a name in `output.drop_fields`.
    #[error("output.drop_fields: {0}")]
    Fields(#[from] UnknownField),
    /// A socket does not do what it must, or what the service manager handed over is none.
    #[error("cannot use a socket: {0}")]
    Socket(#[source] io::Error),
    /// The file that keeps the sessions cannot be read.
    #[error(
        "{}: cannot read transform.sessions.state_file: {source}",
        file.display()
    )]
    State {
        /// The file.
        file: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The system gives no thread.
    #[error("cannot start a thread: {0}")]
    Thread(#[source] io::Error),
}

/// Sockets that are bound, and what each has a pipeline beside.
#[derive(Debug)]
pub struct Opened {
    /// The sockets, by address.
    pub bound: Vec<Bound>,
    /// What the pipelines are like.
    pub pipeline: Pipeline,
}

impl Opened {
    /// How many sockets there are, each of which has a worker.
    #[must_use]
    pub fn workers(&self) -> usize {
        self.bound.iter().map(|bound| bound.sockets.len()).sum()
    }
}

impl StartError {
    /// Whether the configuration is wrong, or a file that it names.
    #[must_use]
    pub const fn is_configuration(&self) -> bool {
        match self {
            Self::Pipeline(_) | Self::Fields(_) => true,
            #[cfg(feature = "qrs")]
            Self::Service(_) => true,
            Self::Bind(_) | Self::Socket(_) | Self::State { .. } | Self::Thread(_) => false,
        }
    }
}

/// Opens the sockets, or takes those that the service manager has opened, and builds what their pipelines are
/// like.
///
/// # Errors
///
/// [`StartError`] when an address cannot be listened on or a file of a transform cannot be used.
pub fn open(config: &Config) -> Result<Opened, StartError> {
    // The pipeline first: a slip in its files should not depend on whether the port is free.
    let pipeline = config.pipeline().build()?;
    let source = &config.source;
    let mut bound = source::activated(source.receive_buffer_bytes).map_err(StartError::Socket)?;
    if bound.is_empty() {
        bound = source::bind(&source.address, source.workers, source.receive_buffer_bytes)?;
    }
    Ok(Opened { bound, pipeline })
}

/// As [`open`], without a service manager, and with sockets of an earlier receiver where they are those
/// that are wanted. The others of them are closed.
///
/// # Errors
///
/// As [`open`].
pub fn open_with(config: &Config, kept: Vec<Bound>) -> Result<Opened, StartError> {
    let pipeline = config.pipeline().build()?;
    let source = &config.source;
    let is_wanted = |bound: &Bound| {
        source.address.contains(&bound.address) && bound.sockets.len() == source.workers
    };
    let mut bound: Vec<_> = kept.into_iter().filter(is_wanted).collect();
    for socket in bound.iter().flat_map(|bound| &bound.sockets) {
        source::ask_for_buffer(socket, source.receive_buffer_bytes);
    }
    let has = |address| bound.iter().any(|bound: &Bound| bound.address == address);
    let missing: Vec<_> = source
        .address
        .iter()
        .copied()
        .filter(|&it| !has(it))
        .collect();
    let opened = source::bind(&missing, source.workers, source.receive_buffer_bytes);
    match opened {
        Ok(opened) => bound.extend(opened),
        Err(error) if bound.is_empty() => return Err(error.into()),
        // A socket that was kept may stand in the way: `[::]` takes IPv4 unless that has one of its own.
        Err(_) => {
            drop(bound);
            bound = source::bind(&source.address, source.workers, source.receive_buffer_bytes)?;
        }
    }
    Ok(Opened { bound, pipeline })
}
