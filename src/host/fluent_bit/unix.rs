//! The process that has loaded this library, and the thread that calls it.

use std::{
    ffi::{CStr, c_void},
    io,
    mem::MaybeUninit,
};

use super::api::Thread;

/// Looks up a function that the process exports.
///
/// # Safety
///
/// `F` is the type of the function with this name, if there is one.
pub(super) unsafe fn symbol<F: Copy>(name: &CStr) -> Option<F> {
    const { assert!(size_of::<F>() == size_of::<*mut c_void>()) };
    // SAFETY: the name ends with a zero, and looking up a name changes nothing.
    let address = unsafe { libc::dlsym(libc::RTLD_DEFAULT, name.as_ptr()) };
    if address.is_null() {
        return None;
    }
    // SAFETY: the caller guarantees that an address that is not null is a function of type `F`, and `F` is as large as
    // a pointer, as asserted above.
    Some(unsafe { std::mem::transmute_copy(&address) })
}

/// Keeps this library in memory until the process ends: threads may outlive the host's last call, and a reload would
/// unload their code.
///
/// # Errors
///
/// The error of the dynamic linker.
pub(super) fn stay_loaded() -> io::Result<()> {
    let address: fn() -> io::Result<()> = stay_loaded;
    keep_loaded(address as *const c_void)
}

/// Keeps the library that contains `address`.
fn keep_loaded(address: *const c_void) -> io::Result<()> {
    let mut found = MaybeUninit::<libc::Dl_info>::zeroed();
    // SAFETY: any address may be looked up, and there is space for the result.
    if unsafe { libc::dladdr(address, found.as_mut_ptr()) } == 0 {
        return Err(io::Error::other("its code is in no library"));
    }
    // SAFETY: all fields of the struct are pointers, which may be null, and they were null before the call.
    let file = unsafe { found.assume_init() }.dli_fname;
    if file.is_null() {
        return Err(io::Error::other("its library has no name"));
    }
    // SAFETY: the name comes from the dynamic linker and ends with a zero. The library is already loaded, so none of
    // its code runs; its handle is never released.
    let handle = unsafe {
        libc::dlopen(
            file,
            libc::RTLD_NOW | libc::RTLD_NODELETE | libc::RTLD_NOLOAD,
        )
    };
    if handle.is_null() {
        return Err(io::Error::other(linker_error()));
    }
    Ok(())
}

/// The last error of the dynamic linker on this thread.
fn linker_error() -> String {
    // SAFETY: this call has no preconditions.
    let error = unsafe { libc::dlerror() };
    if error.is_null() {
        return "the library is not loaded under its name".into();
    }
    // SAFETY: the pointer is not null. The text ends with a zero and lives until this thread calls the linker again,
    // which happens only after it has been copied.
    let error = unsafe { CStr::from_ptr(error) };
    error.to_string_lossy().into_owned()
}

/// The kind of the current thread, according to the host's names for its threads.
pub(super) fn thread() -> Thread {
    match thread_name() {
        Some(name) if name.starts_with("flb-in-") => Thread::Own,
        Some(name) if name == "flb-pipeline" => Thread::Pipeline,
        _ => Thread::Unknown,
    }
}

/// The system's name for this thread; the standard library does not know the names of threads that it has not started.
fn thread_name() -> Option<String> {
    let mut name = [0; 64];
    // SAFETY: this is the current thread, and the length is that of the space.
    let status =
        unsafe { libc::pthread_getname_np(libc::pthread_self(), name.as_mut_ptr(), name.len()) };
    if status != 0 {
        return None;
    }
    // SAFETY: the name was written to this space and ends with a zero.
    let name = unsafe { CStr::from_ptr(name.as_ptr()) };
    Some(name.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use std::ptr;

    use super::*;

    #[test]
    fn an_address_outside_any_library_is_refused_with_a_reason() {
        let error = keep_loaded(ptr::null()).expect_err("no library is at 0");
        assert_eq!(error.to_string(), "its code is in no library");
    }

    #[test]
    fn a_library_of_the_process_is_kept() {
        let function: unsafe extern "C" fn() -> libc::pid_t = libc::getpid;
        keep_loaded(function as *const c_void).expect("the C library");
    }

    #[test]
    fn threads_of_the_host_are_distinguished() {
        for (name, expected) in [
            ("flb-in-qlik_sense.0-w0", Thread::Own),
            ("flb-pipeline", Thread::Pipeline),
            ("worker", Thread::Unknown),
        ] {
            let named = std::thread::Builder::new().name(name.into()).spawn(thread);
            let seen = named.expect("a thread").join().expect("it ends");
            assert_eq!(seen, expected, "{name}");
        }
    }
}
