//! The functions of the host that the plugin calls.

use std::{
    cell::Cell,
    ffi::{CStr, c_char, c_int, c_long, c_void},
    ptr,
    sync::atomic::Ordering,
};

use super::{
    library::{loaded, symbol},
    state::{State, lock},
};

pub(super) type Collect = unsafe extern "C" fn(*mut c_void, *mut c_void, *mut c_void) -> c_int;
pub(super) type GetProperty = extern "C" fn(*const c_char, *mut c_void) -> *const c_char;
pub(super) type LogCheck = extern "C" fn(*mut c_void, c_int) -> c_int;
pub(super) type LogLine = extern "C" fn(c_int, *const c_char);
pub(super) type Append = extern "C" fn(*mut c_void, usize, *const c_void, usize) -> c_int;
pub(super) type SetCollector = extern "C" fn(*mut c_void, Collect, c_long) -> c_int;

fn state<'a>(instance: *mut c_void) -> &'a State {
    // SAFETY: the instance is the `State` that it was started with, which outlives it.
    unsafe { &*instance.cast::<State>() }
}

thread_local! {
    /// The instance of the current thread.
    pub(super) static CURRENT: Cell<*const State> = const { Cell::new(ptr::null()) };
}

pub(super) extern "C" fn get_property(key: *const c_char, instance: *mut c_void) -> *const c_char {
    // SAFETY: the plugin passes text.
    let key = unsafe { CStr::from_ptr(key) };
    let value = state(instance).properties.get(key);
    value.map_or(ptr::null(), |value| value.as_ptr())
}

pub(super) extern "C" fn log_check(instance: *mut c_void, level: c_int) -> c_int {
    (level <= state(instance).log_level).into()
}

pub(super) extern "C" fn log_line(level: c_int, line: *const c_char) {
    let current = CURRENT.get();
    assert!(
        !current.is_null(),
        "only an instance's own thread writes to the log"
    );
    // SAFETY: the instance's state lives as long as its thread, and the line is text.
    let (state, line) = unsafe { (&*current, CStr::from_ptr(line)) };
    let line = line.to_str().expect("UTF-8").to_owned();
    lock(&state.log).push((level, line));
}

pub(super) extern "C" fn append(
    instance: *mut c_void,
    count: usize,
    records: *const c_void,
    length: usize,
) -> c_int {
    assert_eq!(
        CURRENT.get().cast(),
        instance.cast_const(),
        "on its own thread"
    );
    let state = state(instance);
    if state.refuses.load(Ordering::SeqCst) {
        return -1;
    }
    // SAFETY: the plugin passes records of this length.
    let records = unsafe { std::slice::from_raw_parts(records.cast::<u8>(), length) };
    {
        let mut handed_over = lock(&state.handed_over);
        handed_over.bytes.extend_from_slice(records);
        handed_over.count += count;
    }
    if state.pauses_within.swap(false, Ordering::SeqCst) {
        let pause: extern "C" fn() = symbol(&loaded().plugin, "FLBPluginInputPause");
        pause();
    }
    0
}

pub(super) extern "C" fn set_collector(
    instance: *mut c_void,
    collect: Collect,
    nanoseconds: c_long,
) -> c_int {
    *lock(&state(instance).collect) = Some((collect, nanoseconds));
    1
}
