//! Threads and what they share.

use std::{
    io,
    panic::{self, AssertUnwindSafe},
    sync::{Condvar, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard},
    thread,
};

/// Why a thread ended before its time.
#[derive(Debug)]
pub enum Failure {
    /// What it works for does not go on.
    Failed(io::Error),
    /// By a fault of the program; the panic hook has written why.
    Panicked,
}

/// Does the work of a thread: a panic is a failure of it.
///
/// # Errors
///
/// What the work fails with.
pub fn guarded(work: impl FnOnce() -> io::Result<()>) -> Result<(), Failure> {
    // What the work has changed is not used after a panic, or is fit for it; see `lock`.
    match panic::catch_unwind(AssertUnwindSafe(work)) {
        Ok(done) => done.map_err(Failure::Failed),
        Err(_) => Err(Failure::Panicked),
    }
}

/// Starts a thread that says so to `failed` when its work ends with an error or a panic.
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

/// Locks what a thread may have held that panicked, because what it left is whole: what is locked with this is
/// changed by putting a value in another's place, or by steps between which nothing panics.
///
/// That does not hold for the tracker of sessions, which is not used after a panic in its midst; see
/// [`Sessions`](crate::transform::Sessions).
pub fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Reads what is locked, for the reason and under the condition of [`lock`].
pub fn read<T>(shared: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    shared.read().unwrap_or_else(PoisonError::into_inner)
}

/// Replaces what is locked, for the reason and under the condition of [`lock`].
pub fn write<T>(shared: &RwLock<T>, value: T) {
    *shared.write().unwrap_or_else(PoisonError::into_inner) = value;
}

/// Waits for news of what is locked, for the reason and under the condition of [`lock`].
pub fn wait<'m, T>(news: &Condvar, guard: MutexGuard<'m, T>) -> MutexGuard<'m, T> {
    news.wait(guard).unwrap_or_else(PoisonError::into_inner)
}
