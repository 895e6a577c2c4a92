//! What an instance asks of its host.

use std::{
    ffi::{CStr, CString, c_int, c_void},
    ptr,
};

use super::abi::{Api, Append, Collect, InputPlugin, SetCollectorTime, level};
use crate::host::diagnostics::{Level, terminal::escaped};

/// The host of one instance. It stays on the instance's thread, as the host wants it.
#[derive(Debug)]
pub(super) struct Host {
    api: *const Api,
    instance: *mut c_void,
    append: Option<Append>,
}

/// A property's value is no text.
#[derive(Debug, thiserror::Error)]
#[error("expected text in UTF-8")]
pub(super) struct NoText;

impl Host {
    /// The host that begins `plugin`.
    ///
    /// # Safety
    ///
    /// `plugin` points to an instance as the host lays it out, and both its `api` and its `instance` stay
    /// valid for as long as this value is used.
    pub(super) unsafe fn of(plugin: *const InputPlugin) -> Option<Self> {
        // SAFETY: the caller says that it points to an instance, or to nothing.
        let plugin = unsafe { plugin.as_ref() }?;
        (!plugin.api.is_null()).then(|| Self {
            api: plugin.api,
            instance: plugin.instance,
            append: append(),
        })
    }

    fn api(&self) -> &Api {
        // SAFETY: not null (`of` has looked), and valid while this value is used.
        unsafe { &*self.api }
    }

    /// The value of a property, if it has one.
    pub(super) fn property(&self, key: &CStr) -> Result<Option<String>, NoText> {
        let Some(get) = self.api().input_get_property else {
            return Ok(None);
        };
        // SAFETY: a function of the host with the arguments that it wants.
        let value = unsafe { get(key.as_ptr(), self.instance) };
        if value.is_null() {
            return Ok(None);
        }
        // SAFETY: the host gives text that ends with a zero and that it keeps.
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
            Level::Warning => level::WARNING,
            Level::Error => level::ERROR,
        };
        let Some(print) = self.api().log_print else {
            return;
        };
        if !self.shows(level) {
            return;
        }
        for line in message.lines() {
            // Escaped, it holds no zero.
            let line = CString::new(format!("[qlik_sense] {}", escaped(line))).unwrap_or_default();
            // SAFETY: a function of the host; the format takes one text, and the texts live until it
            // returns. A file that is null and line 0 are its "no place in a source".
            unsafe { print(level, ptr::null(), 0, c"%s".as_ptr(), line.as_ptr()) };
        }
    }

    /// Says why a second instance on one thread cannot be.
    pub(super) fn refuse_shared_thread(&self) {
        self.log(
            Level::Error,
            "every instance needs a thread of its own: leave out the property `threaded`",
        );
    }

    fn shows(&self, level: c_int) -> bool {
        match self.api().input_log_check {
            // SAFETY: a function of the host with the arguments that it wants.
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
        // SAFETY: a function of the host, called on the instance's own thread; it copies the records.
        // No tag is the instance's own.
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
        if !self.can_append() || !has_thread_of_its_own() {
            return false;
        }
        // SAFETY: `flb_input_set_collector_time` has had this type since the proxy interface is there.
        let Some(set) = (unsafe { symbol::<SetCollectorTime>(c"flb_input_set_collector_time") })
        else {
            return false;
        };
        // SAFETY: called while the instance is begun, as its own plugins do. It looks at its config only
        // for instances without a thread of their own.
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
    // SAFETY: looking up a name has no condition.
    let address = unsafe { libc::dlsym(libc::RTLD_DEFAULT, name.as_ptr()) };
    if address.is_null() {
        return None;
    }
    // SAFETY: an address that is not null is a function of type `F`, which is as large as a pointer.
    Some(unsafe { std::mem::transmute_copy(&address) })
}

/// Keeps this library in memory until the process ends: threads may outlive the host's last call, and a
/// reload would take their code away.
pub(super) fn stay_loaded() {
    let mut found = std::mem::MaybeUninit::<libc::Dl_info>::uninit();
    let address: fn() = stay_loaded;
    // SAFETY: the address is one of this library; what is found is written to room for it.
    if unsafe { libc::dladdr(address as *const c_void, found.as_mut_ptr()) } == 0 {
        return;
    }
    // SAFETY: it was found, and so it was written; the name is the library's own.
    unsafe {
        let file = found.assume_init().dli_fname;
        libc::dlopen(
            file,
            libc::RTLD_NOW | libc::RTLD_NODELETE | libc::RTLD_NOLOAD,
        );
    }
}

/// Whether the host runs this instance on a thread of its own, which it names so.
fn has_thread_of_its_own() -> bool {
    thread_name().is_some_and(|name| name.starts_with("flb-in-"))
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
    // SAFETY: the name was written and ends with a zero.
    let name = unsafe { CStr::from_ptr(name.as_ptr()) };
    Some(name.to_string_lossy().into_owned())
}
