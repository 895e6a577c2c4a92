//! Opens the sockets and builds the pipeline for a configuration.

use std::{io, path::PathBuf};

use crate::{
    config::Config,
    pipeline::{Pipeline, PipelineError},
    schema::UnknownField,
    source::{self, BindError, Bound},
};

/// Why receiving cannot start.
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
    /// The schema has no field with a name in `output.drop_fields`.
    #[error("output.drop_fields: {0}")]
    Fields(#[from] UnknownField),
    /// A socket lacks something necessary, or the service manager handed over something that is not a socket.
    #[error("cannot use a socket: {0}")]
    Socket(#[source] io::Error),
    /// The session state file cannot be read.
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
    /// The system cannot start a thread.
    #[error("cannot start a thread: {0}")]
    Thread(#[source] io::Error),
}

/// Bound sockets, and the pipeline to copy for each of them.
#[derive(Debug)]
pub struct Opened {
    /// The sockets, by address.
    pub bound: Vec<Bound>,
    /// The pipeline to copy for each socket.
    pub pipeline: Pipeline,
}

impl Opened {
    /// The number of sockets, each of which has a worker.
    #[must_use]
    pub fn workers(&self) -> usize {
        self.bound.iter().map(|bound| bound.sockets.len()).sum()
    }
}

impl StartError {
    /// Whether the cause is the configuration or a file named in it.
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

/// Opens the sockets, or takes those that the service manager has opened, and builds the pipeline.
///
/// # Errors
///
/// [`StartError`] when an address cannot be listened on or a file of a transform cannot be used.
pub fn open(config: &Config) -> Result<Opened, StartError> {
    // The pipeline comes first: a mistake in its files should be reported whether or not the port is free.
    let pipeline = config.pipeline().build()?;
    let source = &config.source;
    let mut bound = source::activated(source.receive_buffer_bytes).map_err(StartError::Socket)?;
    if bound.is_empty() {
        bound = source::bind(&source.address, source.workers, source.receive_buffer_bytes)?;
    }
    Ok(Opened { bound, pipeline })
}

/// Like [`open`], but ignores the service manager and reuses the matching sockets of an earlier receiver. The others
/// are closed.
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
        // A kept socket may be in the way: `[::]` also takes IPv4 unless that has a socket of its own.
        Err(_) => {
            drop(bound);
            bound = source::bind(&source.address, source.workers, source.receive_buffer_bytes)?;
        }
    }
    Ok(Opened { bound, pipeline })
}
