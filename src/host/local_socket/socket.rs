//! The local socket and its readers.

use std::{
    io,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        mpsc::{self, RecvTimeoutError},
    },
    thread,
    time::Duration,
};

use super::{
    Hub,
    endpoint::{Endpoint, Listener},
};
use crate::host::{
    diagnostics::{Level, Report},
    runtime::threads::lock,
};

/// Why the local socket cannot be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LocalSocketError {
    /// A file that is not a socket is in its place.
    #[error("{0}: a file that is not a socket is in its place; remove it or choose another path")]
    Occupied(PathBuf),
    /// Another program is using the socket.
    #[error(
        "{0}: another program is using this socket; it will be opened when that program ends, or choose another path"
    )]
    Answered(PathBuf),
    /// The system refuses to open it.
    #[error("{path}: {source}{advice}", path = .0.display(), source = .1, advice = advice(.1))]
    System(PathBuf, #[source] io::Error),
}

fn advice(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::NotFound => "; its folder does not exist: create it",
        io::ErrorKind::PermissionDenied => {
            "; the user of this program needs permission to write to its folder"
        }
        _ => "",
    }
}

/// A socket that readers of the same user can find by name until this is dropped: a Unix socket, or a named pipe on
/// Windows.
#[derive(Debug)]
pub struct LocalSocket {
    hub: Arc<Hub>,
    answered: Option<LocalSocketError>,
    place: Place,
}

impl LocalSocket {
    /// Opens the socket. If a killed run has left one, it is replaced. If another program is using it, it is opened
    /// once that program has ended, which is reported to `diagnostics`. So is a socket that something has removed, which
    /// is opened again. Only the same user can connect, and root; on Windows, administrators and the system.
    ///
    /// # Errors
    ///
    /// [`LocalSocketError`] when something else is in its place, or when the system refuses.
    pub fn open(
        path: &Path,
        diagnostics: impl Report + Send + 'static,
    ) -> Result<Self, LocalSocketError> {
        let hub = Arc::new(Hub::default());
        let (place, answered) = Place::open(path, Arc::clone(&hub), diagnostics)?;
        Ok(Self {
            hub,
            answered,
            place,
        })
    }

    /// Why it could not be opened at once, if another program is using it.
    #[must_use]
    pub const fn answered(&self) -> Option<&LocalSocketError> {
        self.answered.as_ref()
    }

    /// The hub that passes events to the readers.
    #[must_use]
    pub fn hub(&self) -> Arc<Hub> {
        Arc::clone(&self.hub)
    }
}

impl Drop for LocalSocket {
    fn drop(&mut self) {
        self.place.close();
        self.hub.close();
    }
}

/// How long to pause after the socket could not accept a reader, for example for lack of file descriptors.
const PAUSE_AFTER_ERROR: Duration = Duration::from_millis(200);

/// How long to wait before trying again to open the socket.
const PAUSE_WHILE_CLOSED: Duration = Duration::from_millis(500);

/// The socket's place in the file system, or among the names of pipes.
#[derive(Debug)]
struct Place {
    state: Arc<Mutex<State>>,
    /// Nothing is ever sent here: dropping it ends the wait for the place.
    wait: Option<mpsc::Sender<()>>,
}

#[derive(Debug)]
enum State {
    /// Another program is using it, or it was lost.
    Another,
    Ours(Endpoint),
    Closed,
}

impl Place {
    fn open(
        path: &Path,
        hub: Arc<Hub>,
        mut diagnostics: impl Report + Send + 'static,
    ) -> Result<(Self, Option<LocalSocketError>), LocalSocketError> {
        let (state, listener, answered) = match Endpoint::open(path) {
            Ok((endpoint, listener)) => (State::Ours(endpoint), Some(listener), None),
            Err(error @ LocalSocketError::Answered(_)) => (State::Another, None, Some(error)),
            Err(error) => return Err(error),
        };
        let state = Arc::new(Mutex::new(state));
        let (wait, ended) = mpsc::channel();
        // From here on, dropping the place removes the socket.
        let place = Self {
            state: Arc::clone(&state),
            wait: Some(wait),
        };
        let path = path.to_owned();
        let refused = |error| LocalSocketError::System(path.clone(), error);
        let serve = {
            let (path, mut listener) = (path.clone(), listener);
            // Why it is not open, as last reported.
            let mut reported = answered.as_ref().map(LocalSocketError::to_string);
            move || loop {
                let open = || await_place(&path, &state, &ended, reported.take(), &mut diagnostics);
                let Some(listener) = listener.take().or_else(open) else {
                    return;
                };
                if accept(&listener, &state, &hub) == Accepted::Closed {
                    return;
                }
                let message = format!(
                    "output.local_socket: something has removed or replaced {}, so it is opened again",
                    path.display()
                );
                diagnostics.report(Level::Warn, &message);
            }
        };
        thread::Builder::new()
            .name("local socket".into())
            .spawn(serve)
            .map_err(refused)?;
        Ok((place, answered))
    }

    fn close(&mut self) {
        self.wait = None;
        *lock(&self.state) = State::Closed;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.close();
    }
}

/// Opens the socket as soon as that is possible, unless this program ends first. A reason why it is not possible yet is
/// reported unless it is the last one that was.
fn await_place(
    path: &Path,
    state: &Mutex<State>,
    ended: &mpsc::Receiver<()>,
    mut reported: Option<String>,
    diagnostics: &mut impl Report,
) -> Option<Listener> {
    while ended.recv_timeout(PAUSE_WHILE_CLOSED) == Err(RecvTimeoutError::Timeout) {
        let mut state = lock(state);
        if matches!(*state, State::Closed) {
            return None;
        }
        let error = match Endpoint::open(path) {
            Ok((endpoint, listener)) => {
                *state = State::Ours(endpoint);
                let message = format!("output.local_socket: {} is now open", path.display());
                diagnostics.report(Level::Info, &message);
                return Some(listener);
            }
            Err(error) => error,
        };
        drop(state);
        let reason = error.to_string();
        if reported.as_ref() != Some(&reason) {
            let level = match error {
                LocalSocketError::Answered(_) => Level::Warn,
                _ => Level::Error,
            };
            diagnostics.report(level, &format!("output.local_socket: {reason}"));
            reported = Some(reason);
        }
    }
    None
}

/// Why no more readers are accepted.
#[derive(Debug, PartialEq, Eq)]
enum Accepted {
    /// The socket was closed.
    Closed,
    /// Readers no longer find it.
    Lost,
}

/// Starts a thread for each reader, until the socket is closed or lost.
fn accept(listener: &Listener, state: &Mutex<State>, hub: &Arc<Hub>) -> Accepted {
    loop {
        let stream = listener.accept();
        let is_lost = {
            let mut state = lock(state);
            let is_lost = match &*state {
                // The last connection may be the one that wakes this thread after the socket was closed.
                State::Closed => return Accepted::Closed,
                State::Ours(endpoint) => endpoint.is_lost(),
                State::Another => true,
            };
            if is_lost {
                // While the listener exists, no other file has the identity by which the endpoint knows its own.
                *state = State::Another;
            }
            is_lost
        };
        match stream {
            Ok(Some(stream)) => {
                let hub = Arc::clone(hub);
                let served = thread::Builder::new()
                    .name("local reader".into())
                    // A reader that goes away is not worth a message.
                    .spawn(move || drop(hub.serve(stream)));
                // If no thread can be started, the stream is closed, which the reader notices.
                drop(served);
            }
            Ok(None) => {}
            Err(_) => thread::sleep(PAUSE_AFTER_ERROR),
        }
        if is_lost {
            return Accepted::Lost;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io::{BufRead, BufReader},
        sync::mpsc,
        thread,
    };

    use tempfile::TempDir;

    use super::*;
    use crate::host::{diagnostics::Diagnostic, local_socket::connect};

    struct Lines(mpsc::Sender<String>);

    impl Report for Lines {
        fn write(&mut self, diagnostic: &Diagnostic<'_>) {
            let mut line = String::new();
            diagnostic.line(&mut line).expect("text");
            // The test may have ended.
            let _ = self.0.send(line);
        }
    }

    fn open(path: &Path) -> Result<LocalSocket, LocalSocketError> {
        LocalSocket::open(path, Lines(mpsc::channel().0))
    }

    /// An unused name, and the temporary folder for it.
    fn place() -> (TempDir, PathBuf) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = if cfg!(windows) {
            let name = folder.path().file_name().expect("a name");
            Path::new(r"\\.\pipe").join(name)
        } else {
            folder.path().join("events.sock")
        };
        (folder, path)
    }

    fn await_readers(hub: &Hub) {
        while !hub.has_readers() {
            thread::yield_now();
        }
    }

    #[test]
    fn a_reader_gets_the_events_and_the_name_disappears_with_the_socket() {
        let (folder, path) = place();
        let socket = open(&path).expect("a socket");
        let stream = connect(&path).expect("a connection");
        let hub = socket.hub();
        await_readers(&hub);
        hub.send(1, || b"{}\n".as_slice().into());
        let lines = thread::spawn(move || {
            let lines = BufReader::new(stream).lines();
            lines.map_while(Result::ok).collect::<Vec<String>>()
        });
        drop(socket);
        assert_eq!(lines.join().expect("read"), ["{}"]);
        let left = std::fs::read_dir(folder.path()).expect("a folder");
        assert_eq!(left.count(), 0);
        while connect(&path).is_ok() {
            thread::yield_now();
        }
    }

    #[test]
    #[cfg_attr(windows, ignore = "Wine 8 gives two programs a pipe of the same name")]
    fn a_socket_in_use_is_taken_over_when_its_program_ends() {
        let (_folder, path) = place();
        let first = open(&path).expect("a socket");
        let (report, lines) = mpsc::channel();
        let second = LocalSocket::open(&path, Lines(report)).expect("it waits");
        let answered = second.answered().expect("a reason").to_string();
        assert!(
            answered.contains("another program is using this socket"),
            "{answered}"
        );
        assert!(
            !first.hub().has_readers(),
            "the check does not count as a reader"
        );
        let stream = connect(&path).expect("a connection");
        await_readers(&first.hub());
        // A waiting socket changes nothing when it is dropped.
        drop(second);
        assert!(lines.recv().is_err());
        connect(&path).expect("it is there");
        drop(stream);

        let (report, lines) = mpsc::channel();
        let third = LocalSocket::open(&path, Lines(report)).expect("it waits");
        drop(first);
        let opened = lines.recv().expect("a word");
        assert!(opened.ends_with("is now open"), "{opened}");
        let _stream = connect(&path).expect("a connection");
        await_readers(&third.hub());
        drop(third);
        while connect(&path).is_ok() {
            thread::yield_now();
        }
    }

    /// This only concerns systems whose sockets are in the file system.
    #[cfg(unix)]
    #[test]
    fn a_stale_socket_is_replaced_but_other_files_are_not() {
        use std::{
            fs,
            os::unix::{fs::PermissionsExt, net::UnixListener},
        };

        let (folder, path) = place();
        drop(UnixListener::bind(&path).expect("a socket"));
        let socket = open(&path).expect("a socket in the place of the one that was left");
        let mode = fs::metadata(&path).expect("a file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let _stream = connect(&path).expect("a connection");
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

    #[cfg(windows)]
    #[test]
    fn only_names_of_pipes_are_accepted() {
        for name in [r"C:\events.sock", "\\\\.\\pipe\\a\0b"] {
            let refused = open(Path::new(name));
            assert!(
                matches!(refused, Err(LocalSocketError::System(..))),
                "{name:?}"
            );
        }
    }
}
