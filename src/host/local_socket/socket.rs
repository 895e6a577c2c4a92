//! The socket in the file system: made, replaced and removed so that nothing else is touched.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::Hub;
use crate::host::diagnostics::Report;
#[cfg(unix)]
use crate::host::{diagnostics::Level, runtime::threads::lock};

/// Why there is no local socket.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LocalSocketError {
    /// Something else stands where the socket should be.
    #[error("{0}: a file that is not a socket is in its place; remove it or choose another path")]
    Occupied(PathBuf),
    /// A program answers at the socket that is in its place.
    #[error(
        "{0}: another program is using this socket; it will be opened when that program ends, or choose another path"
    )]
    Answered(PathBuf),
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
    answered: Option<LocalSocketError>,
    #[cfg(unix)]
    place: unix::Place,
}

impl LocalSocket {
    /// Opens the socket. One that a run has left which was killed is replaced. One at which a program answers is
    /// not: the socket is opened when that program has ended, and `diagnostics` is told. Only the same user (and
    /// root) can connect.
    ///
    /// # Errors
    ///
    /// [`LocalSocketError`] when something else is in its place or the system refuses.
    #[cfg(unix)]
    pub fn open(
        path: &Path,
        diagnostics: impl Report + Send + 'static,
    ) -> Result<Self, LocalSocketError> {
        let hub = Arc::new(Hub::default());
        let (place, answered) = unix::Place::open(path, Arc::clone(&hub), diagnostics)?;
        Ok(Self {
            hub,
            answered,
            place,
        })
    }

    /// There are no Unix sockets here.
    ///
    /// # Errors
    ///
    /// Always.
    #[cfg(not(unix))]
    pub fn open(path: &Path, _: impl Report + Send + 'static) -> Result<Self, LocalSocketError> {
        Err(LocalSocketError::Unavailable(path.into()))
    }

    /// Why it was not open at once, where another program answered.
    #[must_use]
    pub const fn answered(&self) -> Option<&LocalSocketError> {
        self.answered.as_ref()
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
        self.place.close();
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
            net::{UnixDatagram, UnixListener},
        },
        sync::{
            Mutex,
            mpsc::{self, RecvTimeoutError},
        },
        thread,
        time::Duration,
    };

    use nix::errno::Errno;

    use super::{Arc, Hub, Level, LocalSocketError, Path, PathBuf, Report, io, lock};

    /// Reading and writing for the owner: a connection needs the right to write.
    const OWNER_ONLY: u32 = 0o600;

    /// How long to leave a socket alone that accepts nobody, for example for lack of file descriptors.
    const PAUSE_AFTER_ERROR: Duration = Duration::from_millis(200);

    /// How long to wait before it is looked again whether another program has ended.
    const PAUSE_WHILE_ANSWERED: Duration = Duration::from_millis(500);

    /// The place of the socket in the file system.
    #[derive(Debug)]
    pub(super) struct Place {
        state: Arc<Mutex<State>>,
        /// Nothing is ever sent: its end ends the wait for another program.
        wait: Option<mpsc::Sender<()>>,
    }

    #[derive(Debug)]
    enum State {
        /// Another program has it.
        Another,
        Ours {
            _file: SocketFile,
        },
        Closed,
    }

    impl Place {
        pub(super) fn open(
            path: &Path,
            hub: Arc<Hub>,
            mut diagnostics: impl Report + Send + 'static,
        ) -> Result<(Self, Option<LocalSocketError>), LocalSocketError> {
            let (state, listener, answered) = match SocketFile::open(path) {
                Ok((file, listener)) => (State::Ours { _file: file }, Some(listener), None),
                Err(error @ LocalSocketError::Answered(_)) => (State::Another, None, Some(error)),
                Err(error) => return Err(error),
            };
            let state = Arc::new(Mutex::new(state));
            let (wait, ended) = mpsc::channel();
            // From here on it is removed when it is dropped.
            let place = Self {
                state: Arc::clone(&state),
                wait: Some(wait),
            };
            let path = path.to_owned();
            let refused = |error| LocalSocketError::System(path.clone(), error);
            let serve = {
                let path = path.clone();
                move || {
                    let later = || await_place(&path, &state, &ended, &mut diagnostics);
                    if let Some(listener) = listener.or_else(later) {
                        accept(&listener, &hub);
                    }
                }
            };
            thread::Builder::new()
                .name("local socket".into())
                .spawn(serve)
                .map_err(refused)?;
            Ok((place, answered))
        }

        pub(super) fn close(&mut self) {
            self.wait = None;
            *lock(&self.state) = State::Closed;
        }
    }

    impl Drop for Place {
        fn drop(&mut self) {
            self.close();
        }
    }

    /// Takes the place when the program has ended that has it; nothing when this one ends before that.
    fn await_place(
        path: &Path,
        state: &Mutex<State>,
        ended: &mpsc::Receiver<()>,
        diagnostics: &mut impl Report,
    ) -> Option<UnixListener> {
        while ended.recv_timeout(PAUSE_WHILE_ANSWERED) == Err(RecvTimeoutError::Timeout) {
            let mut state = lock(state);
            if matches!(*state, State::Closed) {
                return None;
            }
            match SocketFile::open(path) {
                Ok((file, listener)) => {
                    *state = State::Ours { _file: file };
                    let message = format!("output.local_socket: {} is now open", path.display());
                    diagnostics.report(Level::Info, &message);
                    return Some(listener);
                }
                Err(LocalSocketError::Answered(_)) => {}
                Err(error) => {
                    diagnostics.report(Level::Error, &format!("output.local_socket: {error}"));
                    return None;
                }
            }
        }
        None
    }

    /// A socket of ours, which is removed when this is dropped.
    #[derive(Debug)]
    struct SocketFile {
        path: PathBuf,
        /// Device and inode: another program may have put its own socket there.
        identity: Option<(u64, u64)>,
    }

    impl SocketFile {
        fn open(path: &Path) -> Result<(Self, UnixListener), LocalSocketError> {
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

    impl Drop for SocketFile {
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
        os::unix::{
            fs::PermissionsExt,
            net::{UnixListener, UnixStream},
        },
        sync::mpsc,
        thread,
    };

    use super::*;
    use crate::host::diagnostics::Diagnostic;

    struct Said(mpsc::Sender<String>);

    impl Report for Said {
        fn write(&mut self, diagnostic: &Diagnostic<'_>) {
            let mut line = String::new();
            diagnostic.line(&mut line).expect("text");
            // The test may have heard enough.
            let _ = self.0.send(line);
        }
    }

    fn open(path: &Path) -> Result<LocalSocket, LocalSocketError> {
        LocalSocket::open(path, Said(mpsc::channel().0))
    }

    fn await_readers(hub: &Hub) {
        while !hub.has_readers() {
            thread::yield_now();
        }
    }

    #[test]
    fn a_reader_gets_what_is_sent_and_the_file_goes_with_the_socket() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("events.sock");
        let socket = open(&path).expect("a socket");
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
    fn a_socket_that_was_left_is_replaced_and_anything_else_is_left_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("events.sock");
        drop(UnixListener::bind(&path).expect("a socket"));
        let socket = open(&path).expect("a socket in the place of the one that was left");
        let _stream = UnixStream::connect(&path).expect("a connection");
        await_readers(&socket.hub());
        drop(socket);
        assert!(!path.exists());

        fs::write(&path, "precious").expect("a file");
        let refused = open(&path);
        assert!(matches!(refused, Err(LocalSocketError::Occupied(_))));
        assert_eq!(fs::read_to_string(&path).expect("a file"), "precious");
        let nowhere = open(&folder.path().join("none/events.sock"));
        assert!(matches!(nowhere, Err(LocalSocketError::System(..))));
    }

    #[test]
    fn a_socket_that_answers_is_kept_and_followed() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("events.sock");
        let first = open(&path).expect("a socket");
        let (said, sayings) = mpsc::channel();
        let second = LocalSocket::open(&path, Said(said)).expect("it waits");
        let answered = second.answered().expect("a reason").to_string();
        assert!(
            answered.contains("another program is using this socket"),
            "{answered}"
        );
        assert!(!first.hub().has_readers(), "the question is no reader");
        let _stream = UnixStream::connect(&path).expect("a connection");
        await_readers(&first.hub());
        // What waits touches nothing when it ends.
        drop(second);
        assert!(path.exists() && sayings.recv().is_err());

        let (said, sayings) = mpsc::channel();
        let third = LocalSocket::open(&path, Said(said)).expect("it waits");
        drop(first);
        let opened = sayings.recv().expect("a word");
        assert!(opened.ends_with("is now open"), "{opened}");
        let _stream = UnixStream::connect(&path).expect("a connection");
        await_readers(&third.hub());
        drop(third);
        assert!(!path.exists());
    }
}
