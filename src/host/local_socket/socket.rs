//! The socket in the file system: made, replaced and removed so that nothing else is touched.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::Hub;

/// Why there is no local socket.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LocalSocketError {
    /// Something else stands where the socket should be.
    #[error("{0}: something that is no socket is in its place; remove it or choose another path")]
    Occupied(PathBuf),
    /// The system refuses it.
    #[error("{0}: {1}")]
    System(PathBuf, #[source] io::Error),
    /// There are no Unix sockets on this system.
    #[error("{0}: local sockets are not available on this system")]
    Unavailable(PathBuf),
}

/// A Unix socket, open for readers of the same user until it is dropped.
#[derive(Debug)]
pub struct LocalSocket {
    hub: Arc<Hub>,
    #[cfg(unix)]
    file: unix::SocketFile,
}

impl LocalSocket {
    /// Opens the socket. One that is there is replaced: what an earlier run has left, or that of a run
    /// which is about to end. Only the same user (and root) can connect.
    ///
    /// # Errors
    ///
    /// [`LocalSocketError`] when something else is in its place or the system refuses.
    #[cfg(unix)]
    pub fn open(path: &Path) -> Result<Self, LocalSocketError> {
        let hub = Arc::new(Hub::default());
        let file = unix::SocketFile::open(path, Arc::clone(&hub))?;
        Ok(Self { hub, file })
    }

    /// There are no Unix sockets here.
    ///
    /// # Errors
    ///
    /// Always.
    #[cfg(not(unix))]
    pub fn open(path: &Path) -> Result<Self, LocalSocketError> {
        Err(LocalSocketError::Unavailable(path.into()))
    }

    /// Where events go to reach the readers.
    #[must_use]
    pub fn hub(&self) -> Arc<Hub> {
        Arc::clone(&self.hub)
    }
}

impl Drop for LocalSocket {
    fn drop(&mut self) {
        #[cfg(unix)]
        self.file.remove();
        self.hub.close();
    }
}

#[cfg(unix)]
mod unix {
    use std::{
        ffi::OsString,
        fs::{self, Permissions},
        os::unix::{
            fs::{FileTypeExt, MetadataExt, PermissionsExt},
            net::UnixListener,
        },
        thread,
        time::Duration,
    };

    use super::{Arc, Hub, LocalSocketError, Path, PathBuf, io};

    /// Reading and writing for the owner: a connection needs the right to write.
    const OWNER_ONLY: u32 = 0o600;

    /// How long to leave a socket alone that accepts nobody, for example for lack of file descriptors.
    const PAUSE_AFTER_ERROR: Duration = Duration::from_millis(200);

    #[derive(Debug)]
    pub(super) struct SocketFile {
        path: PathBuf,
        /// Device and inode: another program may have put its own socket there.
        identity: Option<(u64, u64)>,
    }

    impl SocketFile {
        pub(super) fn open(path: &Path, hub: Arc<Hub>) -> Result<Self, LocalSocketError> {
            match fs::symlink_metadata(path) {
                Ok(found) if !found.file_type().is_socket() => {
                    return Err(LocalSocketError::Occupied(path.into()));
                }
                _ => {}
            }
            let refused = |error| LocalSocketError::System(path.into(), error);
            let listener = Self::bind(path).map_err(refused)?;
            thread::Builder::new()
                .name("local socket".into())
                .spawn(move || accept(&listener, &hub))
                .map_err(refused)?;
            Ok(Self {
                path: path.into(),
                identity: identity(path),
            })
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

        pub(super) fn remove(&self) {
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

    /// Gives each reader a thread of its own, until the process ends.
    fn accept(listener: &UnixListener, hub: &Arc<Hub>) {
        for stream in listener.incoming() {
            match stream {
                Ok(stream) => {
                    let hub = Arc::clone(hub);
                    let served = thread::Builder::new()
                        .name("local reader".into())
                        // A reader that goes is no news.
                        .spawn(move || drop(hub.serve(stream)));
                    // Without a thread the stream is closed, which the reader sees.
                    drop(served);
                }
                Err(_) => thread::sleep(PAUSE_AFTER_ERROR),
            }
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::{
        fs,
        io::{BufRead, BufReader},
        os::unix::{fs::PermissionsExt, net::UnixStream},
        thread,
    };

    use super::*;

    fn await_readers(hub: &Hub) {
        while !hub.has_readers() {
            thread::yield_now();
        }
    }

    #[test]
    fn a_reader_gets_what_is_sent_and_the_file_goes_with_the_socket() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("events.sock");
        let socket = LocalSocket::open(&path).expect("a socket");
        let mode = fs::metadata(&path).expect("a file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let stream = UnixStream::connect(&path).expect("a connection");
        let hub = socket.hub();
        await_readers(&hub);
        hub.send(1, || b"{}\n".as_slice().into());
        drop(socket);
        let lines: Vec<String> = BufReader::new(stream)
            .lines()
            .map_while(Result::ok)
            .collect();
        assert_eq!(lines, ["{}"]);
        assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 0);
    }

    #[test]
    fn an_old_socket_is_replaced_and_anything_else_is_left_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("events.sock");
        let first = LocalSocket::open(&path).expect("a socket");
        let second = LocalSocket::open(&path).expect("another one in its place");
        // The first one must not take the second one's file away.
        drop(first);
        let _stream = UnixStream::connect(&path).expect("a connection");
        await_readers(&second.hub());
        drop(second);
        assert!(!path.exists());

        fs::write(&path, "precious").expect("a file");
        let refused = LocalSocket::open(&path);
        assert!(matches!(refused, Err(LocalSocketError::Occupied(_))));
        assert_eq!(fs::read_to_string(&path).expect("a file"), "precious");
        let nowhere = LocalSocket::open(&folder.path().join("none/events.sock"));
        assert!(matches!(nowhere, Err(LocalSocketError::System(..))));
    }
}
