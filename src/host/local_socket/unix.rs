//! A Unix socket in the file system. Creating, replacing and removing it touches nothing else.

use std::{
    ffi::OsString,
    fs::{self, Permissions},
    io,
    os::{
        fd::AsFd,
        unix::{
            fs::{FileTypeExt, MetadataExt, PermissionsExt},
            net::{UnixDatagram, UnixListener, UnixStream},
        },
    },
    path::{Path, PathBuf},
};

use nix::{
    errno::Errno,
    poll::{PollFd, PollFlags, PollTimeout, poll},
};

use super::LocalSocketError;

/// Only the owner may read and write: connecting requires the permission to write.
const OWNER_ONLY: u32 = 0o600;

/// How often to check that the socket is still in its place.
const CHECK_MILLIS: u16 = 1_000;

/// Accepts readers.
#[derive(Debug)]
pub(super) struct Listener(UnixListener);

impl Listener {
    /// Waits for a reader, for a second at most.
    pub(super) fn accept(&self) -> io::Result<Option<UnixStream>> {
        let mut waiting = [PollFd::new(self.0.as_fd(), PollFlags::POLLIN)];
        match poll(&mut waiting, PollTimeout::from(CHECK_MILLIS)) {
            Ok(0) | Err(Errno::EINTR) => return Ok(None),
            Ok(_) => {}
            Err(error) => return Err(error.into()),
        }
        match self.0.accept() {
            Ok((stream, _)) => {
                // Some systems pass it on from the listener.
                stream.set_nonblocking(false)?;
                Ok(Some(stream))
            }
            // The reader has gone again.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// Connects a reader.
///
/// # Errors
///
/// When nothing listens there, or the system refuses.
pub fn connect(path: &Path) -> io::Result<UnixStream> {
    UnixStream::connect(path)
}

/// This program's socket, which is removed when this is dropped.
#[derive(Debug)]
pub(super) struct Endpoint {
    path: PathBuf,
    /// Its device and inode, because another program may have put its own socket there.
    identity: Option<(u64, u64)>,
}

impl Endpoint {
    pub(super) fn open(path: &Path) -> Result<(Self, Listener), LocalSocketError> {
        let refused = |error| LocalSocketError::System(path.into(), error);
        match fs::symlink_metadata(path) {
            Ok(found) if !found.file_type().is_socket() => {
                return Err(LocalSocketError::Occupied(path.into()));
            }
            Ok(_) if answers(path).map_err(refused)? => {
                return Err(LocalSocketError::Answered(path.into()));
            }
            _ => {}
        }
        let listener = Self::bind(path).map_err(refused)?;
        listener.set_nonblocking(true).map_err(refused)?;
        let file = Self {
            path: path.into(),
            identity: identity(path),
        };
        Ok((file, Listener(listener)))
    }

    /// Whether something has removed or replaced the socket, so that nobody can connect any more.
    pub(super) fn is_lost(&self) -> bool {
        self.identity.is_some() && identity(&self.path) != self.identity
    }

    /// Creates the socket under another name first, so that nobody can connect before its permissions are set, and so
    /// that it replaces an old one atomically.
    fn bind(path: &Path) -> io::Result<UnixListener> {
        let mut name = OsString::from(path);
        name.push(format!(".{}", std::process::id()));
        let provisional = PathBuf::from(name);
        if fs::symlink_metadata(&provisional).is_ok_and(|found| found.file_type().is_socket()) {
            fs::remove_file(&provisional)?;
        }
        let listener = UnixListener::bind(&provisional)?;
        let moved = fs::set_permissions(&provisional, Permissions::from_mode(OWNER_ONLY))
            .and_then(|()| fs::rename(&provisional, path));
        if let Err(error) = moved {
            let _ = fs::remove_file(&provisional);
            return Err(error);
        }
        Ok(listener)
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        if self.identity.is_some() && identity(&self.path) == self.identity {
            // A socket that cannot be removed is replaced by the next run.
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn identity(path: &Path) -> Option<(u64, u64)> {
    let found = fs::symlink_metadata(path).ok()?;
    Some((found.dev(), found.ino()))
}

/// Whether a program is using this socket. It requests a connection of the wrong type, and the system's error tells
/// whether anybody listens; the other program does not notice.
fn answers(path: &Path) -> io::Result<bool> {
    match UnixDatagram::unbound()?.connect(path) {
        Ok(()) => Ok(true),
        Err(error) => match error.raw_os_error().map(Errno::from_raw) {
            Some(Errno::EPROTOTYPE) => Ok(true),
            Some(Errno::ECONNREFUSED | Errno::ENOENT) => Ok(false),
            _ => Err(error),
        },
    }
}
