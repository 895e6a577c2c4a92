//! Threads, and the locks on what they share.

use std::{
    io,
    panic::{self, AssertUnwindSafe},
    sync::{Condvar, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard},
    thread,
};

/// Why a thread ended early.
#[derive(Debug)]
pub enum Failure {
    /// Its work cannot go on.
    Failed(io::Error),
    /// It panicked; the panic hook has reported where.
    Panicked,
}

/// Does the work of a thread, and turns a panic into a failure.
///
/// # Errors
///
/// The error of the work, or that it panicked.
pub fn guarded(work: impl FnOnce() -> io::Result<()>) -> Result<(), Failure> {
    // Nothing uses what the work has changed after a panic, or it is still valid; see `lock`.
    match panic::catch_unwind(AssertUnwindSafe(work)) {
        Ok(done) => done.map_err(Failure::Failed),
        Err(_) => Err(Failure::Panicked),
    }
}

/// Starts a thread that calls `failed` if its work ends with an error or a panic.
///
/// # Errors
///
/// When the system cannot start a thread.
pub fn spawn(
    name: &str,
    failed: impl FnOnce(Failure) + Send + 'static,
    work: impl FnOnce() -> io::Result<()> + Send + 'static,
) -> io::Result<thread::JoinHandle<()>> {
    thread::Builder::new().name(name.into()).spawn(move || {
        if let Err(failure) = guarded(work) {
            failed(failure);
        }
    })
}

/// Locks a mutex even if a thread has panicked while it held it. What it guards is still valid, because everything that
/// is locked with this function changes by replacing one value with another, or in steps none of which panics.
///
/// The session tracker is the exception: it is not used after a panic in the middle of a change; see
/// [`Sessions`](crate::transform::Sessions).
pub fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Locks for reading, for the reason and under the condition of [`lock`].
pub fn read<T>(shared: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    shared.read().unwrap_or_else(PoisonError::into_inner)
}

/// Replaces the value, for the reason and under the condition of [`lock`].
pub fn write<T>(shared: &RwLock<T>, value: T) {
    *shared.write().unwrap_or_else(PoisonError::into_inner) = value;
}

/// Waits on a condition variable, for the reason and under the condition of [`lock`].
pub fn wait<'m, T>(news: &Condvar, guard: MutexGuard<'m, T>) -> MutexGuard<'m, T> {
    news.wait(guard).unwrap_or_else(PoisonError::into_inner)
}
