//! The lock that keeps two programs from using the same session state.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use super::PATIENCE;

/// How often the lock is tried: the system cannot wait for one with a limit.
const PAUSE: Duration = Duration::from_millis(20);

/// A lock that is held until this is dropped or the process ends. The file is beside the state, which each save
/// replaces. It stays, because a program may already wait for it.
#[derive(Debug)]
pub(super) struct StateLock {
    _file: File,
}

impl StateLock {
    /// Takes the lock, and creates its file if there is none. Waits as long as a shutdown may take: a socket that is
    /// passed on lets a program start while the one before still drains its sockets and saves.
    ///
    /// # Errors
    ///
    /// `WouldBlock` when another program holds it for longer than one that ends may take; others when the system cannot
    /// lock it.
    pub(super) fn take(file: &Path) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(file)?;
        let asked = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Self { _file: file }),
                Err(TryLockError::WouldBlock) if asked.elapsed() < PATIENCE => thread::sleep(PAUSE),
                Err(error) => return Err(error.into()),
            }
        }
    }
}
