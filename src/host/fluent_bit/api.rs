//! What an instance asks of its host.

use std::{
    ffi::{CStr, CString, c_int, c_void},
    io,
    mem::MaybeUninit,
    ptr,
};

use super::abi::{
    Append, Collect, GetProperty, InputPlugin, LogCheck, LogPrint, SetCollectorTime, level,
};
use crate::host::diagnostics::{Level, terminal::escaped};

/// The host of one instance. It stays on the instance's thread, as the host wants it.
#[derive(Debug)]
pub(super) struct Host {
    instance: *mut c_void,
    get_property: Option<GetProperty>,
    log_print: Option<LogPrint>,
    log_check: Option<LogCheck>,
    append: Option<Append>,
}

/// A property's value is no text.
#[derive(Debug, thiserror::Error)]
#[error("expected UTF-8 text")]
pub(super) struct NoText;

impl Host {
    /// The host that begins `plugin`.
    ///
    /// # Safety
    ///
    /// `plugin` is null or points to an instance as the host lays it out, of which the host has set `api` and
    /// `instance`. What these point to is the host's and stays valid for as long as this value is used.
    pub(super) unsafe fn of(plugin: *const InputPlugin) -> Option<Self> {
        if plugin.is_null() {
            return None;
        }
        // A reference would say that every field has a value, and the host does not set those that an input
        // has no use for.
        //
        // SAFETY: it is not null, and the caller says that these two fields are set.
        let (api, instance) = unsafe {
            (
                (&raw const (*plugin).api).read(),
                (&raw const (*plugin).instance).read(),
            )
        };
        if api.is_null() {
            return None;
        }
        // SAFETY: it is not null, and the host sets these three in every version that has inputs over the proxy
        // interface, to a function or to null.
        unsafe {
            Some(Self {
                instance,
                get_property: (&raw const (*api).input_get_property).read(),
                log_print: (&raw const (*api).log_print).read(),
                log_check: (&raw const (*api).input_log_check).read(),
                append: append(),
            })
        }
    }

    /// The value of a property, if it has one.
    pub(super) fn property(&self, key: &CStr) -> Result<Option<String>, NoText> {
        let Some(get) = self.get_property else {
            return Ok(None);
        };
        // SAFETY: the host's function, called on the instance's own thread with a key that ends with a zero
        // and with the instance that the host gave.
        let value = unsafe { get(key.as_ptr(), self.instance) };
        if value.is_null() {
            return Ok(None);
        }
        // SAFETY: it is not null; the host gives text that ends with a zero and keeps it as long as the instance,
        // and here it is copied at once.
        let value = unsafe { CStr::from_ptr(value) };
        match value.to_str() {
            Ok(text) => Ok(Some(text.trim().to_owned())),
            Err(_) => Err(NoText),
        }
    }

    /// Writes to the host's log, if it shows this level.
    pub(super) fn log(&self, level: Level, message: &str) {
        let level = match level {
            Level::Info => level::INFO,
            Level::Warn => level::WARNING,
            Level::Error => level::ERROR,
        };
        let Some(print) = self.log_print else {
            return;
        };
        if !self.shows(level) {
            return;
        }
        for line in message.lines() {
            // Escaped, it holds no zero.
            let line = CString::new(format!("[qlik_sense] {}", escaped(line))).unwrap_or_default();
            // SAFETY: the host's function; the format takes one text, which is given, and both end with a zero
            // and live until it returns. A file that is null and line 0 are its "no place in a source".
            unsafe { print(level, ptr::null(), 0, c"%s".as_ptr(), line.as_ptr()) };
        }
    }

    /// Says why an instance on a thread that it shares cannot be.
    pub(super) fn refuse_shared_thread(&self) {
        self.log(
            Level::Error,
            "property `threaded` is `false`: the input must run in its own thread; remove `threaded`",
        );
    }

    fn shows(&self, level: c_int) -> bool {
        match self.log_check {
            // SAFETY: the host's function, called with the instance that the host gave.
            Some(check) => unsafe { check(self.instance, level) != 0 },
            None => true,
        }
    }

    /// Whether [`append`](Self::append) can do anything.
    pub(super) const fn can_append(&self) -> bool {
        self.append.is_some()
    }

    /// Hands records over at once. False when the host does not take them now.
    pub(super) fn append(&self, records: &[u8]) -> bool {
        let Some(append) = self.append else {
            return false;
        };
        // SAFETY: the host's function, called on the instance's own thread with the instance that the host gave;
        // it copies the records, which are as long as is told. No tag means the instance's own.
        let status = unsafe {
            append(
                self.instance,
                ptr::null(),
                0,
                records.as_ptr().cast(),
                records.len(),
            )
        };
        status == 0
    }

    /// Lets the host call `collect` on this thread every so many nanoseconds. False when it does not.
    pub(super) fn collect_every(&self, nanoseconds: i32, collect: Collect) -> bool {
        if !self.can_append() || thread() != Thread::Own {
            return false;
        }
        // SAFETY: `flb_input_set_collector_time` has had this type since the proxy interface is there.
        let Some(set) = (unsafe { symbol::<SetCollectorTime>(c"flb_input_set_collector_time") })
        else {
            return false;
        };
        // SAFETY: the host's function, called while the instance is begun, as its own plugins do. It looks at
        // its config, which is null here, only for instances without a thread of their own, and this one has
        // one. The callback is part of this library, which stays in memory.
        let collector = unsafe {
            set(
                self.instance,
                collect,
                0,
                nanoseconds.into(),
                ptr::null_mut(),
            )
        };
        collector >= 0
    }
}

fn append() -> Option<Append> {
    // SAFETY: `flb_input_log_append` has had this type since the proxy interface is there.
    unsafe { symbol(c"flb_input_log_append") }
}

/// A function that the process exports.
///
/// # Safety
///
/// `F` is the type of the function of this name, if there is one.
unsafe fn symbol<F: Copy>(name: &CStr) -> Option<F> {
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

/// Whose thread this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Thread {
    /// The instance's.
    Own,
    /// The one of the host's pipeline, which all instances without a thread of their own share.
    Pipeline,
    /// One that no version so far has a name for.
    Unknown,
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
    use super::*;

    #[test]
    fn what_is_no_library_is_not_kept_and_the_reason_is_told() {
        let error = keep_loaded(ptr::null()).expect_err("no library is at 0");
        assert_eq!(error.to_string(), "its code is in no library");
    }

    #[test]
    fn a_library_of_the_process_is_kept() {
        let function: unsafe extern "C" fn() -> libc::pid_t = libc::getpid;
        keep_loaded(function as *const c_void).expect("the C library");
    }

    #[test]
    fn threads_of_the_host_are_told_apart() {
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
