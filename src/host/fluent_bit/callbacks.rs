//! The functions that the host looks up and calls.
//!
//! All but the first two are called on the thread of the instance that they concern. So the instance can be
//! thread-local, and no version of the host has to keep a pointer to it.

use std::{
    cell::{Cell, RefCell},
    ffi::{c_int, c_void},
    panic::{AssertUnwindSafe, catch_unwind},
    ptr, thread,
    time::{Duration, Instant},
};

use super::{
    abi::{INPUT_PLUGIN, InputPlugin, PROXY, PluginDefinition},
    api::{Host, Thread},
    buffer::{self, Buffer},
    instance::Instance,
    parking, process,
};
use crate::host::diagnostics::Level;

const OK: c_int = 0;
const FAILURE: c_int = -1;

/// The value that means success for the host's init callback; 0 and below are failures.
const BEGUN: c_int = 1;

/// The longest time that a pause waits for what the workers are processing.
const LAST: Duration = Duration::from_millis(300);

/// If nothing has arrived for this long, the workers are not processing anything.
const QUIET: Duration = Duration::from_millis(50);

thread_local! {
    static INSTANCE: RefCell<Option<Instance>> = const { RefCell::new(None) };

    /// Whether the host is not accepting records. It is separate from the instance, because a host may pause from
    /// within the call in which it receives records.
    static IS_PAUSED: Cell<bool> = const { Cell::new(false) };
}

/// Whether waiting events should keep waiting.
fn is_held() -> bool {
    IS_PAUSED.get() || parking::is_reload_near()
}

/// Does the work of a callback. A panic becomes a failure and goes no further.
fn guarded(work: impl FnOnce() -> c_int) -> c_int {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or(FAILURE)
}

/// Does something with this thread's instance, if there is one and it is not already in use.
fn with_instance<T>(work: impl FnOnce(&mut Instance) -> T) -> Option<T> {
    INSTANCE.with(|place| place.try_borrow_mut().ok()?.as_mut().map(work))
}

const fn status(done: Option<()>) -> c_int {
    if done.is_some() { OK } else { FAILURE }
}

/// Called first, each time the library is loaded: in a reload, before the old instances end.
#[unsafe(no_mangle)]
pub extern "C" fn FLBPluginPreRegister(hot_reloading: c_int) -> c_int {
    guarded(|| {
        if hot_reloading > 0 {
            parking::announce_reload();
        }
        OK
    })
}

/// Called second: describes this plugin to the host.
///
/// # Safety
///
/// `definition` points to the host's `struct flb_plugin_proxy_def`, which may be of any version.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn FLBPluginRegister(definition: *mut PluginDefinition) -> c_int {
    guarded(|| {
        if definition.is_null() {
            return FAILURE;
        }
        // SAFETY: the pointer is not null, and the host's struct has these fields in every version; later fields are
        // not touched. The fields are written and never read, whatever they contain. The host keeps the texts, which
        // live as long as the library.
        unsafe {
            (&raw mut (*definition).kind).write(INPUT_PLUGIN);
            (&raw mut (*definition).proxy).write(PROXY);
            (&raw mut (*definition).flags).write(0);
            (&raw mut (*definition).name).write(c"qlik_sense".as_ptr());
            (&raw mut (*definition).description).write(c"Events of Qlik Sense over UDP".as_ptr());
        }
        OK
    })
}

/// Starts an instance.
///
/// # Safety
///
/// `plugin` points to the host's `struct flbgo_input_plugin`, whose `api` and `i_ins` stay valid until
/// [`FLBPluginExit`] has been called on this thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn FLBPluginInit(plugin: *const InputPlugin) -> c_int {
    guarded(|| {
        // This comes before any thread is started.
        let stays_loaded = process::stay_loaded();
        // SAFETY: the caller guarantees it, and the instance that keeps the host is dropped in the last call.
        let Some(host) = (unsafe { Host::of(plugin) }) else {
            return FAILURE;
        };
        if let Err(error) = stays_loaded {
            host.log(
                Level::Error,
                &format!(
                    "cannot keep the library in memory, so a reload may crash Fluent Bit: {error}"
                ),
            );
        }
        INSTANCE.with_borrow_mut(|place| {
            if place.is_some() || process::thread() == Thread::Pipeline {
                host.refuse_shared_thread();
                return FAILURE;
            }
            IS_PAUSED.set(false);
            *place = Instance::begin(host, collect);
            if place.is_some() { BEGUN } else { FAILURE }
        })
    })
}

/// Delivers waiting events, if the host accepts them now.
fn deliver(instance: &mut Instance) {
    if !is_held() {
        instance.deliver();
    }
}

/// Called every 20 ms, if the host lets the plugin choose the interval.
unsafe extern "C" fn collect(_: *mut c_void, _: *mut c_void, _: *mut c_void) -> c_int {
    guarded(|| status(with_instance(deliver)))
}

/// Called once a second: passes waiting events to the host, if they have not been delivered before.
///
/// # Safety
///
/// `data` and `length` point to space for a pointer and a length.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn FLBPluginInputCallback(
    data: *mut *mut c_void,
    length: *mut usize,
) -> c_int {
    let take = || {
        let mut given = Buffer::new();
        let done = with_instance(|instance| {
            instance.write_log();
            if !is_held() {
                instance.take(|records| given.push(records.bytes));
            }
        });
        let given = given.into_raw();
        // SAFETY: both were checked not to be null, and the caller guarantees that there is space for both.
        unsafe {
            data.write(given.0);
            length.write(given.1);
        }
        status(done)
    };
    if data.is_null() || length.is_null() {
        return FAILURE;
    }
    // SAFETY: neither is null, and the caller guarantees that there is space for both.
    unsafe {
        data.write(ptr::null_mut());
        length.write(0);
    }
    guarded(take)
}

/// Like [`FLBPluginInputCallback`], for hosts that keep a pointer to the instance, which is ignored.
///
/// # Safety
///
/// As for [`FLBPluginInputCallback`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn FLBPluginInputCallbackCtx(
    _context: *mut c_void,
    data: *mut *mut c_void,
    length: *mut usize,
) -> c_int {
    // SAFETY: the arguments are the same, and so are the caller's guarantees.
    unsafe { FLBPluginInputCallback(data, length) }
}

/// Frees what [`FLBPluginInputCallback`] returned.
///
/// # Safety
///
/// `data` is null or what the callback returned last, and is passed only once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn FLBPluginInputCleanupCallback(data: *mut c_void) -> c_int {
    // SAFETY: it comes from a buffer, and the caller guarantees that it is passed only once.
    unsafe { buffer::free(data) };
    OK
}

/// Like [`FLBPluginInputCleanupCallback`], for hosts that keep a pointer to the instance.
///
/// # Safety
///
/// As for [`FLBPluginInputCleanupCallback`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn FLBPluginInputCleanupCallbackCtx(
    _context: *mut c_void,
    data: *mut c_void,
) -> c_int {
    // SAFETY: the argument is the same, and so are the caller's guarantees.
    unsafe { FLBPluginInputCleanupCallback(data) }
}

/// The host accepts no more records from here on: its buffer is full, or it is about to end.
#[unsafe(no_mangle)]
pub extern "C" fn FLBPluginInputPause() {
    guarded(|| {
        deliver_what_was_received();
        IS_PAUSED.set(true);
        OK
    });
}

/// Delivers what has been received so far: a host that is about to end pauses first and accepts nothing after that.
/// Before a reload, events are kept instead.
///
/// It only waits on the instance's own thread, where nothing else is held up, and borrows nothing meanwhile.
fn deliver_what_was_received() {
    let end = Instant::now() + LAST;
    while !is_held() && with_instance(Instance::deliver) == Some(true) {
        if process::thread() != Thread::Own || Instant::now() >= end {
            return;
        }
        thread::sleep(QUIET);
        if with_instance(Instance::is_idle) != Some(false) {
            return;
        }
    }
}

/// The host accepts records again.
#[unsafe(no_mangle)]
pub extern "C" fn FLBPluginInputResume() {
    guarded(|| {
        IS_PAUSED.set(false);
        status(with_instance(deliver))
    });
}

/// The instance is about to end. In a reload, another one follows.
#[unsafe(no_mangle)]
pub extern "C" fn FLBPluginInputPreExit(hot_reloading: c_int) {
    guarded(|| {
        if hot_reloading > 0
            && let Some(instance) = INSTANCE.take()
        {
            instance.park();
        }
        OK
    });
}

/// Ends the instance.
#[unsafe(no_mangle)]
pub extern "C" fn FLBPluginExit() -> c_int {
    guarded(|| {
        if let Some(instance) = INSTANCE.take() {
            instance.end();
        }
        OK
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_makes_its_callback_fail() {
        assert_eq!(guarded(|| panic!("this is the test of a panic")), FAILURE);
        assert_eq!(guarded(|| OK), OK);
    }

    #[test]
    fn calls_on_a_thread_without_an_instance_fail() {
        let (mut data, mut length) = (ptr::without_provenance_mut(1), 1);
        // SAFETY: there is space for a pointer and a length, and what is freed is null.
        unsafe {
            let status = FLBPluginInputCallback(&raw mut data, &raw mut length);
            assert_eq!((status, data.is_null(), length), (FAILURE, true, 0));
            assert_eq!(FLBPluginInputCleanupCallback(data), OK);
            assert_eq!(FLBPluginInit(ptr::null()), FAILURE);
            assert_eq!(FLBPluginRegister(ptr::null_mut()), FAILURE);
            let nowhere = FLBPluginInputCallback(ptr::null_mut(), ptr::null_mut());
            assert_eq!(nowhere, FAILURE);
        }
        FLBPluginInputPause();
        FLBPluginInputPreExit(1);
        assert_eq!(FLBPluginExit(), OK);
    }
}
