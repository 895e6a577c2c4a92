//! The process that has loaded this library, and the thread that calls it.

use std::{ffi::CStr, io, ptr};

use windows_sys::Win32::System::LibraryLoader::{
    GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS, GET_MODULE_HANDLE_EX_FLAG_PIN, GetModuleHandleExW,
};

use super::api::Thread;

/// Looks up a function that the process exports: there is none. Fluent Bit's program for Windows exports nothing for
/// plugins.
///
/// # Safety
///
/// There are no conditions; on other systems `F` must be the type of the function with this name.
pub(super) const unsafe fn symbol<F: Copy>(_: &CStr) -> Option<F> {
    None
}

/// Keeps this library in memory until the process ends: threads may outlive the host's last call, and a reload would
/// unload their code.
///
/// # Errors
///
/// The error of the system.
pub(super) fn stay_loaded() -> io::Result<()> {
    let address: fn() -> io::Result<()> = stay_loaded;
    let mut library = ptr::null_mut();
    // SAFETY: with these flags the second argument is any address within the library, and there is space for its
    // handle.
    let found = unsafe {
        GetModuleHandleExW(
            GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS | GET_MODULE_HANDLE_EX_FLAG_PIN,
            (address as *const ()).cast(),
            &raw mut library,
        )
    };
    if found == 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

/// The kind of the current thread. The host names its threads only on other systems.
pub(super) const fn thread() -> Thread {
    Thread::Unknown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_library_stays_loaded() {
        stay_loaded().expect("it is loaded");
    }
}
