//! A Unix socket in the file system: made, replaced and removed so that nothing else is touched.

use std::{
    ffi::OsString,
    fs::{self, Permissions},
    io,
    os::unix::{
        fs::{FileTypeExt, MetadataExt, PermissionsExt},
        net::{UnixDatagram, UnixListener, UnixStream},
    },
    path::{Path, PathBuf},
};

use nix::errno::Errno;

use super::LocalSocketError;

/// Reading and writing for the owner: a connection needs the right to write.
const OWNER_ONLY: u32 = 0o600;

/// Where readers connect.
pub(super) type Listener = UnixListener;

/// A reader connects.
///
/// # Errors
///
/// When nothing listens there, or the system refuses.
pub fn connect(path: &Path) -> io::Result<UnixStream> {
    UnixStream::connect(path)
}

/// A socket of ours, which is removed when this is dropped.
#[derive(Debug)]
pub(super) struct Endpoint {
    path: PathBuf,
    /// Device and inode: another program may have put its own socket there.
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
        let file = Self {
            path: path.into(),
            identity: identity(path),
        };
        Ok((file, listener))
    }

    /// Under another name first, so that nobody can connect before the permissions are right, and
    /// what is replaced is replaced at once.
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
            // A file that cannot be removed is replaced by the next run.
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn identity(path: &Path) -> Option<(u64, u64)> {
    let found = fs::symlink_metadata(path).ok()?;
    Some((found.dev(), found.ino()))
}

/// Whether a program has this socket open. It is asked for a connection of the wrong kind, which the system
/// refuses with another reason than where nobody is there: the program does not notice.
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
