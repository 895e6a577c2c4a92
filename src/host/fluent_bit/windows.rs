//! The process that has loaded this library, and the thread that calls it.

use std::{ffi::CStr, io, ptr};

use windows_sys::Win32::System::LibraryLoader::{
    GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS, GET_MODULE_HANDLE_EX_FLAG_PIN, GetModuleHandleExW,
};

use super::api::Thread;

/// A function that the process exports: none. Fluent Bit's program for Windows exports nothing for plugins.
///
/// # Safety
///
/// There is no condition; on other systems `F` is the type of the function of this name.
pub(super) const unsafe fn symbol<F: Copy>(_: &CStr) -> Option<F> {
    None
}

/// Keeps this library in memory until the process ends: threads may outlive the host's last call, and a
/// reload would take their code away.
///
/// # Errors
///
/// What the system says when it does not.
pub(super) fn stay_loaded() -> io::Result<()> {
    let address: fn() -> io::Result<()> = stay_loaded;
    let mut library = ptr::null_mut();
    // SAFETY: by these flags the second argument is any address within the library, and there is room for its handle.
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

/// Whose thread this is: the host names its threads on other systems only.
pub(super) const fn thread() -> Thread {
    Thread::Unknown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_library_is_kept() {
        stay_loaded().expect("it is loaded");
    }
}
