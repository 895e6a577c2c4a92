//! What an instance asks of its host.

use std::{
    ffi::{CStr, CString, c_int, c_void},
    ptr,
};

use super::{
    abi::{
        AppendRecords, Collect, GetProperty, InputPlugin, LogCheck, LogPrint, SetCollectorTime,
        level,
    },
    process::{symbol, thread},
};
use crate::host::diagnostics::{Level, terminal::escaped};

/// The host of one instance. It stays on the instance's thread, as the host wants it.
#[derive(Debug)]
pub(super) struct Host {
    instance: *mut c_void,
    get_property: Option<GetProperty>,
    log_print: Option<LogPrint>,
    log_check: Option<LogCheck>,
    append: Option<AppendRecords>,
}

/// Records in MessagePack, one after the other.
#[derive(Debug, Clone, Copy)]
pub(super) struct Records<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) count: u64,
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
    ///
    /// The host is told how many there are: counting them, it would decode every one, on this thread.
    pub(super) fn append(&self, records: Records<'_>) -> bool {
        let (Some(append), Ok(count)) = (self.append, usize::try_from(records.count)) else {
            return false;
        };
        // SAFETY: the host's function, called on the instance's own thread with the instance that the host gave;
        // it copies the records, which are as many and as long as is told. No tag means the instance's own.
        let status = unsafe {
            append(
                self.instance,
                count,
                ptr::null(),
                0,
                records.bytes.as_ptr().cast(),
                records.bytes.len(),
            )
        };
        status == 0
    }

    /// Lets the host call `collect` on this thread at this interval in nanoseconds. False when it does not.
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

fn append() -> Option<AppendRecords> {
    // SAFETY: `flb_input_log_append_records` has had this type since the proxy interface has inputs.
    unsafe { symbol(c"flb_input_log_append_records") }
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
