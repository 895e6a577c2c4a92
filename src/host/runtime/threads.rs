//! Threads whose end is noticed.

use std::{
    io,
    panic::{self, AssertUnwindSafe},
    sync::{Mutex, MutexGuard, PoisonError},
    thread::{self, JoinHandle},
};

/// Why a thread ended before its time.
#[derive(Debug)]
pub enum Failure {
    /// What it works for does not go on.
    Failed(io::Error),
    /// By a fault of the program; it has written why to standard error.
    Panicked,
}

/// Starts a thread that says so to `failed` when its work ends with an error or a panic.
///
/// # Errors
///
/// When the system gives no thread.
pub fn spawn(
    name: &str,
    failed: impl FnOnce(Failure) + Send + 'static,
    work: impl FnOnce() -> io::Result<()> + Send + 'static,
) -> io::Result<JoinHandle<()>> {
    thread::Builder::new().name(name.into()).spawn(move || {
        match panic::catch_unwind(AssertUnwindSafe(work)) {
            Ok(Ok(())) => {}
            Ok(Err(error)) => failed(Failure::Failed(error)),
            Err(_) => failed(Failure::Panicked),
        }
    })
}

/// Locks what a panicking thread may have held: what it leaves is still whole, because nothing that is locked is
/// changed in steps that belong together.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
