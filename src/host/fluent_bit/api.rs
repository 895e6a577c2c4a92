//! The host's functions that an instance calls.

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

/// The host of one instance. It stays on the instance's thread, as the host requires.
#[derive(Debug)]
pub(super) struct Host {
    instance: *mut c_void,
    get_property: Option<GetProperty>,
    log_print: Option<LogPrint>,
    log_check: Option<LogCheck>,
    append: Option<AppendRecords>,
}

/// MessagePack records, one after the other.
#[derive(Debug, Clone, Copy)]
pub(super) struct Records<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) count: u64,
}

/// The value of a property is not text.
#[derive(Debug, thiserror::Error)]
#[error("expected UTF-8 text")]
pub(super) struct NoText;

impl Host {
    /// The host in `plugin`.
    ///
    /// # Safety
    ///
    /// `plugin` is null or points to an instance in the host's layout, whose `api` and `instance` the host has set.
    /// What these point to belongs to the host and stays valid for as long as this value is used.
    pub(super) unsafe fn of(plugin: *const InputPlugin) -> Option<Self> {
        if plugin.is_null() {
            return None;
        }
        // A reference would promise that every field has a value, but the host does not set those that an input does
        // not need.
        //
        // SAFETY: the pointer is not null, and the caller guarantees that these two fields are set.
        let (api, instance) = unsafe {
            (
                (&raw const (*plugin).api).read(),
                (&raw const (*plugin).instance).read(),
            )
        };
        if api.is_null() {
            return None;
        }
        // SAFETY: the pointer is not null, and every version of the host that supports inputs over the proxy interface
        // sets these three fields, to a function or to null.
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

    /// The value of a property, if it is set.
    pub(super) fn property(&self, key: &CStr) -> Result<Option<String>, NoText> {
        let Some(get) = self.get_property else {
            return Ok(None);
        };
        // SAFETY: this is the host's function, called on the instance's own thread with a key that ends with a zero and
        // with the instance that the host has given.
        let value = unsafe { get(key.as_ptr(), self.instance) };
        if value.is_null() {
            return Ok(None);
        }
        // SAFETY: the pointer is not null. The host's text ends with a zero and lives as long as the instance, and it
        // is copied here at once.
        let value = unsafe { CStr::from_ptr(value) };
        match value.to_str() {
            Ok(text) => Ok(Some(text.trim().to_owned())),
            Err(_) => Err(NoText),
        }
    }

    /// Writes to the host's log, if the log shows this level.
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
            // The text is escaped, so it contains no zero.
            let line = CString::new(format!("[qlik_sense] {}", escaped(line))).unwrap_or_default();
            // SAFETY: this is the host's function. The format takes one text, which is given; both end with a zero and
            // live until the call returns. A null file and line 0 mean that there is no place in a source.
            unsafe { print(level, ptr::null(), 0, c"%s".as_ptr(), line.as_ptr()) };
        }
    }

    /// Logs why an instance cannot run on a shared thread.
    pub(super) fn refuse_shared_thread(&self) {
        self.log(
            Level::Error,
            "property `threaded` is `false`: the input must run in its own thread; remove `threaded`",
        );
    }

    fn shows(&self, level: c_int) -> bool {
        match self.log_check {
            // SAFETY: this is the host's function, called with the instance that the host has given.
            Some(check) => unsafe { check(self.instance, level) != 0 },
            None => true,
        }
    }

    /// Whether [`append`](Self::append) can work with this host.
    pub(super) const fn can_append(&self) -> bool {
        self.append.is_some()
    }

    /// Passes records to the host at once. Returns false if the host does not accept them now.
    ///
    /// The number of records is passed too. Otherwise the host would decode all of them on this thread to count them.
    pub(super) fn append(&self, records: Records<'_>) -> bool {
        let (Some(append), Ok(count)) = (self.append, usize::try_from(records.count)) else {
            return false;
        };
        // SAFETY: this is the host's function, called on the instance's own thread with the instance that the host has
        // given. It copies the records, whose number and length are correct. A null tag means the instance's own.
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

    /// Makes the host call `collect` on this thread at this interval, in nanoseconds. Returns false if it does not.
    pub(super) fn collect_every(&self, nanoseconds: i32, collect: Collect) -> bool {
        if !self.can_append() || thread() != Thread::Own {
            return false;
        }
        // SAFETY: `flb_input_set_collector_time` has had this type for as long as the proxy interface has existed.
        let Some(set) = (unsafe { symbol::<SetCollectorTime>(c"flb_input_set_collector_time") })
        else {
            return false;
        };
        // SAFETY: this is the host's function, called while the instance starts, as the host's own plugins do. It reads
        // its config, which is null here, only for instances without a thread of their own, and this one has one. The
        // callback is part of this library, which stays in memory.
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
    // SAFETY: `flb_input_log_append_records` has had this type for as long as the proxy interface has supported inputs.
    unsafe { symbol(c"flb_input_log_append_records") }
}

/// A kind of thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Thread {
    /// The instance's own thread.
    Own,
    /// The thread of the host's pipeline, which all instances without a thread of their own share.
    Pipeline,
    /// A thread with a name that no known version uses.
    Unknown,
}
