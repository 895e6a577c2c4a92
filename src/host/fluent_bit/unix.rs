//! The process that has loaded this library, and the thread that calls it.

use std::{
    ffi::{CStr, c_void},
    io,
    mem::MaybeUninit,
};

use super::api::Thread;

/// A function that the process exports.
///
/// # Safety
///
/// `F` is the type of the function of this name, if there is one.
pub(super) unsafe fn symbol<F: Copy>(name: &CStr) -> Option<F> {
    const { assert!(size_of::<F>() == size_of::<*mut c_void>()) };
    // SAFETY: the name ends with a zero, and looking one up changes nothing.
    let address = unsafe { libc::dlsym(libc::RTLD_DEFAULT, name.as_ptr()) };
    if address.is_null() {
        return None;
    }
    // SAFETY: an address that is not null is a function of type `F`, as the caller says, and `F` is as large as
    // a pointer, as is asserted above.
    Some(unsafe { std::mem::transmute_copy(&address) })
}

/// Keeps this library in memory until the process ends: threads may outlive the host's last call, and a
/// reload would take their code away.
///
/// # Errors
///
/// What the dynamic linker says when it does not.
pub(super) fn stay_loaded() -> io::Result<()> {
    let address: fn() -> io::Result<()> = stay_loaded;
    keep_loaded(address as *const c_void)
}

/// Keeps the library that holds `address`.
fn keep_loaded(address: *const c_void) -> io::Result<()> {
    let mut found = MaybeUninit::<libc::Dl_info>::zeroed();
    // SAFETY: any address may be looked up, and there is room for what is found.
    if unsafe { libc::dladdr(address, found.as_mut_ptr()) } == 0 {
        return Err(io::Error::other("its code is in no library"));
    }
    // SAFETY: all fields of the struct are pointers, which may be null, and they were null before it was written.
    let file = unsafe { found.assume_init() }.dli_fname;
    if file.is_null() {
        return Err(io::Error::other("its library has no name"));
    }
    // SAFETY: a name of the dynamic linker's own, which ends with a zero. The library is loaded already, so that
    // nothing of it runs; its handle is never given back.
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

/// What the dynamic linker said last on this thread.
fn linker_error() -> String {
    // SAFETY: it has no condition.
    let error = unsafe { libc::dlerror() };
    if error.is_null() {
        return "the library is not loaded under its name".into();
    }
    // SAFETY: it is not null, and is text that ends with a zero and lives until the linker is asked again, which
    // this thread does not do before it is copied.
    let error = unsafe { CStr::from_ptr(error) };
    error.to_string_lossy().into_owned()
}

/// Whose thread this is, as the host names its threads.
pub(super) fn thread() -> Thread {
    match thread_name() {
        Some(name) if name.starts_with("flb-in-") => Thread::Own,
        Some(name) if name == "flb-pipeline" => Thread::Pipeline,
        _ => Thread::Unknown,
    }
}

/// The system's name of this thread; the standard library does not know the names of others' threads.
fn thread_name() -> Option<String> {
    let mut name = [0; 64];
    // SAFETY: this thread, and room of the length that is told.
    let status =
        unsafe { libc::pthread_getname_np(libc::pthread_self(), name.as_mut_ptr(), name.len()) };
    if status != 0 {
        return None;
    }
    // SAFETY: the name was written and ends with a zero, in the room that there is.
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
