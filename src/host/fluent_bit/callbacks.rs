//! The functions that the host looks up and calls.
//!
//! All but the first two are called on the thread of the instance that is meant, so that the instance is
//! the thread's own: no version of the host has to keep a pointer for it.

use std::{
    cell::RefCell,
    ffi::{c_int, c_void},
    panic::{AssertUnwindSafe, catch_unwind},
    ptr,
};

use super::{
    abi::{INPUT_PLUGIN, InputPlugin, PROXY, PluginDefinition},
    api::{self, Host},
    buffer,
    instance::Instance,
    parking,
};

const OK: c_int = 0;
const FAILURE: c_int = -1;

/// What the host calls a success of its init callback; 0 and below are failures.
const BEGUN: c_int = 1;

thread_local! {
    static INSTANCE: RefCell<Option<Instance>> = const { RefCell::new(None) };
}

/// Does the work of a callback. A panic is its failure, and ends here.
fn guarded(work: impl FnOnce() -> c_int) -> c_int {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or(FAILURE)
}

/// Does something with this thread's instance, if it has one.
fn with_instance(work: impl FnOnce(&mut Instance)) -> c_int {
    INSTANCE.with_borrow_mut(|instance| match instance {
        Some(instance) => {
            work(instance);
            OK
        }
        None => FAILURE,
    })
}

/// Called first, at every load of the library: in a reload before the old instances are ended.
#[unsafe(no_mangle)]
pub extern "C" fn FLBPluginPreRegister(hot_reloading: c_int) -> c_int {
    guarded(|| {
        api::stay_loaded();
        if hot_reloading > 0 {
            parking::announce_reload();
        }
        OK
    })
}

/// Called second: says what this plugin is.
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
        // SAFETY: the host's struct has these fields in every version; what may be behind them is not
        // touched. It keeps the texts, which live as long as the library.
        unsafe {
            (&raw mut (*definition).kind).write(INPUT_PLUGIN);
            (&raw mut (*definition).proxy).write(PROXY);
            (&raw mut (*definition).flags).write(0);
            (&raw mut (*definition).name).write(c"qlik_sense".as_ptr());
            (&raw mut (*definition).description)
                .write(c"Qlik Sense session and connection events over UDP".as_ptr());
        }
        OK
    })
}

/// Begins an instance.
///
/// # Safety
///
/// `plugin` points to the host's `struct flbgo_input_plugin`, whose `api` and `i_ins` stay valid until
/// [`FLBPluginExit`] has been called on this thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn FLBPluginInit(plugin: *const InputPlugin) -> c_int {
    guarded(|| {
        // SAFETY: as the caller says; the instance that uses the host is dropped in the last call.
        let Some(host) = (unsafe { Host::of(plugin) }) else {
            return FAILURE;
        };
        INSTANCE.with_borrow_mut(|place| {
            if place.is_some() {
                host.refuse_shared_thread();
                return FAILURE;
            }
            *place = Instance::begin(host, collect);
            if place.is_some() { BEGUN } else { FAILURE }
        })
    })
}

/// Called every 50 ms where the host lets the plugin choose.
unsafe extern "C" fn collect(_: *mut c_void, _: *mut c_void, _: *mut c_void) -> c_int {
    guarded(|| with_instance(Instance::collect))
}

/// Called once a second: gives the host what waits, if that was not given before.
///
/// # Safety
///
/// `data` and `length` point to room for a pointer and a length.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn FLBPluginInputCallback(
    data: *mut *mut c_void,
    length: *mut usize,
) -> c_int {
    let take = || {
        let mut given = (ptr::null_mut(), 0);
        let status = with_instance(|instance| {
            let records = instance.take();
            if !records.is_empty() {
                let memory = buffer::allocate(&records);
                given = (memory, if memory.is_null() { 0 } else { records.len() });
            }
        });
        // SAFETY: room for both, as the caller says.
        unsafe {
            data.write(given.0);
            length.write(given.1);
        }
        status
    };
    if data.is_null() || length.is_null() {
        return FAILURE;
    }
    // SAFETY: room for both, as the caller says.
    unsafe {
        data.write(ptr::null_mut());
        length.write(0);
    }
    guarded(take)
}

/// As [`FLBPluginInputCallback`], for hosts that keep a pointer for the instance. It is not looked at.
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
    // SAFETY: the same arguments, of which the caller says the same.
    unsafe { FLBPluginInputCallback(data, length) }
}

/// Takes back what [`FLBPluginInputCallback`] gave.
///
/// # Safety
///
/// `data` is what the callback gave last, or null, and comes once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn FLBPluginInputCleanupCallback(data: *mut c_void) -> c_int {
    // SAFETY: as the caller says.
    unsafe { buffer::free(data) };
    OK
}

/// As [`FLBPluginInputCleanupCallback`], for hosts that keep a pointer for the instance.
///
/// # Safety
///
/// As for [`FLBPluginInputCleanupCallback`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn FLBPluginInputCleanupCallbackCtx(
    _context: *mut c_void,
    data: *mut c_void,
) -> c_int {
    // SAFETY: the same argument, of which the caller says the same.
    unsafe { FLBPluginInputCleanupCallback(data) }
}

/// The host takes no records from here on: its buffer is full, or it is about to end.
#[unsafe(no_mangle)]
pub extern "C" fn FLBPluginInputPause() {
    guarded(|| with_instance(Instance::pause));
}

/// The host takes records again.
#[unsafe(no_mangle)]
pub extern "C" fn FLBPluginInputResume() {
    guarded(|| with_instance(Instance::resume));
}

/// The instance is about to end; in a reload another one follows.
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
    fn a_panic_is_the_failure_of_its_callback() {
        assert_eq!(guarded(|| panic!("this is the test of a panic")), FAILURE);
        assert_eq!(guarded(|| OK), OK);
    }

    #[test]
    fn calls_on_a_thread_without_an_instance_fail_and_give_nothing() {
        let (mut data, mut length) = (ptr::without_provenance_mut(1), 1);
        // SAFETY: room for a pointer and a length; what is given is null.
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
