//! A named pipe, the Windows counterpart of a Unix socket. It disappears when its last handle is closed, so there is
//! nothing to remove, and nothing else can be in its place.

use std::{
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use interprocess::{
    ConnectWaitMode,
    os::windows::{
        named_pipe::{
            PipeListener, PipeListenerOptions, RecvPipeStream, SendPipeStream, pipe_mode,
        },
        security_descriptor::SecurityDescriptor,
    },
};
use widestring::{U16CStr, U16CString, u16cstr};

use super::LocalSocketError;

/// Full access for the owner, administrators and the system, and none for others. Without this, everyone on the machine
/// can read the pipe.
const RIGHTS: &U16CStr = u16cstr!("D:P(A;;GA;;;OW)(A;;GA;;;BA)(A;;GA;;;SY)");

/// How much the system buffers for a reader, in bytes, in addition to what waits in the program.
const BUFFER: u32 = 1 << 16;

/// How long a reader waits for its turn if many connect at once.
const PATIENCE: Duration = Duration::from_secs(1);

/// `ERROR_PIPE_BUSY`.
const PIPE_BUSY: i32 = 231;

/// Accepts readers.
#[derive(Debug)]
pub(super) struct Listener(PipeListener<pipe_mode::None, pipe_mode::Bytes>);

impl Listener {
    /// Waits for a reader.
    pub(super) fn accept(&self) -> io::Result<Option<SendPipeStream<pipe_mode::Bytes>>> {
        self.0.accept().map(Some)
    }
}

/// Connects a reader.
///
/// # Errors
///
/// When nothing listens there, or the system refuses.
pub fn connect(path: &Path) -> io::Result<RecvPipeStream<pipe_mode::Bytes>> {
    RecvPipeStream::connect_by_path_with_wait_mode(name(path)?, ConnectWaitMode::Timeout(PATIENCE))
}

/// This program's pipe. Dropping it wakes the thread that waits for readers.
#[derive(Debug)]
pub(super) struct Endpoint {
    path: PathBuf,
}

impl Endpoint {
    pub(super) fn open(path: &Path) -> Result<(Self, Listener), LocalSocketError> {
        match listen(path) {
            Ok(listener) => Ok((Self { path: path.into() }, Listener(listener))),
            Err(error)
                if error.kind() == io::ErrorKind::PermissionDenied
                    || error.raw_os_error() == Some(PIPE_BUSY) =>
            {
                Err(LocalSocketError::Answered(path.into()))
            }
            Err(error) => Err(LocalSocketError::System(path.into(), error)),
        }
    }

    /// Whether something has removed the pipe, which is impossible.
    #[expect(clippy::unused_self, reason = "a Unix socket can be removed")]
    pub(super) const fn is_lost(&self) -> bool {
        false
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        // If this fails, the pipe stays until the process ends.
        let _ = connect(&self.path);
    }
}

/// Creates the pipe. The system refuses if there is already one with this name.
fn listen(path: &Path) -> io::Result<PipeListener<pipe_mode::None, pipe_mode::Bytes>> {
    PipeListenerOptions::new()
        .path(name(path)?)
        .output_buffer_size_hint(BUFFER)
        .security_descriptor(Some(SecurityDescriptor::deserialize(RIGHTS)?))
        .create_send_only()
}

fn name(path: &Path) -> io::Result<U16CString> {
    U16CString::from_os_str(path)
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))
}
