//! Standard output, or a Unix socket, written one whole frame at a time.

use std::{
    fs::File,
    io::{self, Write},
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use crate::{
    encoding::Encoder,
    host::runtime::{
        frames::{FrameWriter, Immediate},
        threads::lock,
    },
};

/// A pipe or socket to the reader: one thread writes to it, another checks whether the reader is still there.
#[derive(Debug, Clone)]
pub struct Output {
    file: Arc<Mutex<File>>,
    immediate: ImmediateOutput,
    is_given_up: Arc<AtomicBool>,
}

/// The output has not accepted a whole frame.
#[derive(Debug, thiserror::Error)]
#[error("{source}")]
pub struct WriteError {
    /// How many bytes of the frame were written.
    pub written_bytes: usize,
    /// The reason: the reader has closed the pipe ([`io::ErrorKind::BrokenPipe`]), the device refuses to write, or
    /// the output was [given up](Output::give_up) ([`io::ErrorKind::TimedOut`]).
    pub source: io::Error,
}

impl Output {
    /// The program's standard output. It bypasses the standard library's line buffer, which would search every frame
    /// for line ends.
    ///
    /// # Errors
    ///
    /// When standard output is closed.
    pub fn stdout() -> io::Result<Self> {
        let file = duplicate_stdout()?;
        enlarge_pipe(&file);
        Ok(Self::new(file))
    }

    /// A Unix socket on which a reader listens.
    ///
    /// # Errors
    ///
    /// When nothing listens there, or when this program may not connect.
    pub fn unix_stream(path: &Path) -> io::Result<Self> {
        Ok(Self::new(connect(path)?))
    }

    fn new(file: File) -> Self {
        Self {
            immediate: ImmediateOutput(without_waiting(&file).map(Arc::new)),
            file: Arc::new(Mutex::new(file)),
            is_given_up: Arc::default(),
        }
    }

    /// Writes a whole frame.
    ///
    /// # Errors
    ///
    /// [`WriteError`] when only a part of the frame can be written, or nothing.
    pub fn write(&self, frame: &[u8]) -> Result<(), WriteError> {
        let mut rest = frame;
        let written = match &self.immediate.0 {
            // The system accepts as much as it has room for, and returns how much that is.
            Some(output) => self.write_all(&mut rest, |bytes| output.write(bytes), output.file()),
            None => {
                let file = lock(&self.file);
                self.write_all(&mut rest, |bytes| write_some(&file, bytes), &file)
            }
        };
        written.map_err(|source| WriteError {
            written_bytes: frame.len() - rest.len(),
            source,
        })
    }

    /// Writes `rest`, and leaves in it what was not written.
    fn write_all(
        &self,
        rest: &mut &[u8],
        write: impl Fn(&[u8]) -> io::Result<usize>,
        file: &File,
    ) -> io::Result<()> {
        while !rest.is_empty() {
            match write(rest) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => *rest = &rest[written..],
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // Another process that shares the pipe may also have made it non-blocking.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    if self.is_given_up.load(Ordering::Relaxed) {
                        return Err(io::ErrorKind::TimedOut.into());
                    }
                    wait_for_room(file)?;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Makes a thread that is writing stop waiting for a reader that does not read. This has no effect on systems where
    /// the write itself blocks.
    pub fn give_up(&self) {
        self.is_given_up.store(true, Ordering::Relaxed);
    }

    /// A handle to the same reader that never blocks. It writes nothing if this is neither a pipe nor a socket, or if
    /// the system does not support it.
    #[must_use]
    pub fn immediate(&self) -> ImmediateOutput {
        self.immediate.clone()
    }

    /// Whether this is a pipe or a socket, whose reader can go away.
    #[must_use]
    pub fn is_pipe(&self) -> bool {
        self.file.try_lock().is_ok_and(|file| is_pipe(&file))
    }

    /// Whether the reader has closed its end. While a frame is being written the answer is no: the write itself fails
    /// if the reader is gone.
    #[must_use]
    pub fn is_hung_up(&self) -> bool {
        self.file.try_lock().is_ok_and(|file| is_hung_up(&file))
    }
}

impl FrameWriter for Output {
    fn write(&mut self, encoder: &mut Encoder, _: u64) -> io::Result<()> {
        Self::write(self, encoder.frame()).map_err(|error| error.source)
    }
}

/// An [`Output`] for threads that must not block.
#[derive(Debug, Clone)]
pub struct ImmediateOutput(Option<Arc<WithoutWaiting>>);

impl Immediate for ImmediateOutput {
    /// An error can be ignored here: the thread that writes to the output meets it too, and reports it.
    fn take(&mut self, frame: &[u8]) -> usize {
        let output = self.0.as_ref();
        output.map_or(0, |output| output.write(frame).unwrap_or(0))
    }
}

#[cfg(target_os = "linux")]
#[derive(Debug)]
enum WithoutWaiting {
    Pipe(File),
    Socket(File),
}

#[cfg(target_os = "linux")]
impl WithoutWaiting {
    const fn file(&self) -> &File {
        match self {
            Self::Pipe(file) | Self::Socket(file) => file,
        }
    }

    fn write(&self, frame: &[u8]) -> io::Result<usize> {
        use std::os::fd::AsRawFd;

        use nix::sys::socket::{MsgFlags, send};

        match self {
            Self::Pipe(pipe) => (&*pipe).write(frame),
            Self::Socket(socket) => Ok(send(socket.as_raw_fd(), frame, MsgFlags::MSG_DONTWAIT)?),
        }
    }
}

/// Opens the pipe again, so that only this handle is non-blocking. Other processes may share the first one and do not
/// expect it to be.
#[cfg(target_os = "linux")]
fn without_waiting(file: &File) -> Option<WithoutWaiting> {
    use std::os::{
        fd::AsRawFd,
        unix::fs::{FileTypeExt, OpenOptionsExt},
    };

    let file_type = file.metadata().ok()?.file_type();
    if file_type.is_socket() {
        return file.try_clone().ok().map(WithoutWaiting::Socket);
    }
    let mut options = File::options();
    let flags = nix::fcntl::OFlag::O_NONBLOCK.bits();
    let path = format!("/proc/self/fd/{}", file.as_raw_fd());
    let opened = || options.write(true).custom_flags(flags).open(path);
    let pipe = file_type.is_fifo().then(opened)?;
    pipe.ok().map(WithoutWaiting::Pipe)
}

#[cfg(not(target_os = "linux"))]
#[derive(Debug)]
enum WithoutWaiting {}

#[cfg(not(target_os = "linux"))]
impl WithoutWaiting {
    const fn file(&self) -> &File {
        match *self {}
    }

    fn write(&self, _: &[u8]) -> io::Result<usize> {
        match *self {}
    }
}

#[cfg(not(target_os = "linux"))]
const fn without_waiting(_: &File) -> Option<WithoutWaiting> {
    None
}

#[cfg(unix)]
fn duplicate_stdout() -> io::Result<File> {
    use std::os::fd::AsFd;

    Ok(io::stdout().as_fd().try_clone_to_owned()?.into())
}

#[cfg(windows)]
fn duplicate_stdout() -> io::Result<File> {
    use std::os::windows::io::AsHandle;

    Ok(io::stdout().as_handle().try_clone_to_owned()?.into())
}

/// With a larger buffer, a burst needs fewer switches between the two processes. The system grants at most
/// `net.core.wmem_max`.
#[cfg(unix)]
fn connect(path: &Path) -> io::Result<File> {
    use std::os::{fd::OwnedFd, unix::net::UnixStream};

    let stream = UnixStream::connect(path)?;
    socket2::SockRef::from(&stream).set_send_buffer_size(1 << 20)?;
    Ok(OwnedFd::from(stream).into())
}

#[cfg(not(unix))]
fn connect(_: &Path) -> io::Result<File> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Waits until the file has room, or until it is time to check whether the output was given up.
#[cfg(unix)]
fn wait_for_room(file: &File) -> io::Result<()> {
    use std::os::fd::AsFd;

    use nix::{
        errno::Errno,
        poll::{PollFd, PollFlags, PollTimeout, poll},
    };

    use crate::host::runtime::supervisor::TICK;

    let mut state = [PollFd::new(file.as_fd(), PollFlags::POLLOUT)];
    let patience = PollTimeout::try_from(TICK).unwrap_or(PollTimeout::MAX);
    match poll(&mut state, patience) {
        Ok(_) | Err(Errno::EINTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

#[cfg(unix)]
fn is_pipe(file: &File) -> bool {
    use std::os::unix::fs::FileTypeExt;

    file.metadata()
        .is_ok_and(|metadata| metadata.file_type().is_fifo() || metadata.file_type().is_socket())
}

/// Windows can only tell files from the rest.
#[cfg(not(unix))]
fn is_pipe(file: &File) -> bool {
    use std::io::IsTerminal as _;

    !file.is_terminal() && !file.metadata().is_ok_and(|metadata| metadata.is_file())
}

#[cfg(unix)]
fn write_some(mut file: &File, bytes: &[u8]) -> io::Result<usize> {
    file.write(bytes)
}

/// A console reads bytes as text in its code page; the standard library writes to it what it reads as UTF-8.
#[cfg(not(unix))]
fn write_some(mut file: &File, bytes: &[u8]) -> io::Result<usize> {
    use std::io::IsTerminal as _;

    if !file.is_terminal() {
        return file.write(bytes);
    }
    let mut console = io::stdout().lock();
    console.write_all(bytes)?;
    console.flush()?;
    Ok(bytes.len())
}

#[cfg(unix)]
fn is_hung_up(file: &File) -> bool {
    use std::os::fd::AsFd;

    use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

    let mut state = [PollFd::new(file.as_fd(), PollFlags::empty())];
    let gone = PollFlags::POLLERR | PollFlags::POLLHUP | PollFlags::POLLNVAL;
    poll(&mut state, PollTimeout::ZERO).is_ok()
        && state[0]
            .revents()
            .is_some_and(|events| events.intersects(gone))
}

/// On other systems the next write fails.
#[cfg(not(unix))]
fn is_hung_up(_: &File) -> bool {
    false
}

#[cfg(not(unix))]
fn wait_for_room(_: &File) -> io::Result<()> {
    std::thread::sleep(std::time::Duration::from_millis(1));
    Ok(())
}

/// A Linux pipe holds 64 KiB by default. With more, a burst needs fewer switches between the two processes. Anything
/// other than a pipe refuses, which does no harm.
#[cfg(target_os = "linux")]
fn enlarge_pipe(file: &File) {
    use nix::fcntl::{FcntlArg, fcntl};

    let _ = fcntl(file, FcntlArg::F_SETPIPE_SZ(1 << 20));
}

#[cfg(not(target_os = "linux"))]
fn enlarge_pipe(_: &File) {}
