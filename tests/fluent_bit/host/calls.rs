//! The calls that the host makes on the thread of an instance.

use std::{
    ffi::{c_int, c_void},
    ptr,
    sync::{Arc, mpsc},
};

#[cfg(unix)]
use libloading::os::unix::Library;
#[cfg(windows)]
use libloading::os::windows::Library;

use super::{
    Version,
    functions::CURRENT,
    library::{Loaded, loaded, symbol},
    records::decode,
    state::{State, lock},
};

pub(super) enum Call {
    Collect,
    Tick,
    Pause,
    Resume,
    PreExit(bool),
    Exit,
}

/// Runs the thread of an instance.
pub(super) fn life(
    version: Version,
    state: &Arc<State>,
    ready: &mpsc::Sender<c_int>,
    calls: &mpsc::Receiver<(Call, mpsc::Sender<c_int>)>,
) {
    let Loaded { helper, plugin } = loaded();
    CURRENT.set(Arc::as_ptr(state));
    let instance = Arc::as_ptr(state).cast_mut().cast::<c_void>();
    let host_begin: unsafe extern "C" fn(Version, *mut c_void) -> *mut c_void =
        symbol(helper, "host_begin");
    let host_plugin: unsafe extern "C" fn(*mut c_void) -> *mut c_void =
        symbol(helper, "host_plugin");
    let host_end: unsafe extern "C" fn(*mut c_void) -> c_int = symbol(helper, "host_end");
    let init: unsafe extern "C" fn(*mut c_void) -> c_int = symbol(plugin, "FLBPluginInit");
    let nothing: [extern "C" fn(); 2] = [
        symbol(plugin, "FLBPluginInputPause"),
        symbol(plugin, "FLBPluginInputResume"),
    ];
    let pre_exit: extern "C" fn(c_int) = symbol(plugin, "FLBPluginInputPreExit");
    let exit: extern "C" fn() -> c_int = symbol(plugin, "FLBPluginExit");
    // SAFETY: what begins here ends below, after the plugin's last call.
    let beginning = unsafe { host_begin(version, instance) };
    // SAFETY: `beginning` comes from this host.
    let status = unsafe { init(host_plugin(beginning)) };
    ready.send(status).expect("the test waits");
    if status == 1 {
        for (call, answer) in calls {
            let status = match call {
                Call::Collect => match *lock(&state.collect) {
                    // SAFETY: this is the plugin's callback, which ignores its arguments.
                    Some((collect, _)) => unsafe {
                        collect(instance, ptr::null_mut(), ptr::null_mut())
                    },
                    None => panic!("the plugin has set no collector"),
                },
                Call::Tick => tick(version, plugin, state),
                Call::Pause => {
                    nothing[0]();
                    0
                }
                Call::Resume => {
                    nothing[1]();
                    0
                }
                Call::PreExit(hot_reloading) => {
                    pre_exit(hot_reloading.into());
                    0
                }
                Call::Exit => exit(),
            };
            answer.send(status).expect("the test waits");
        }
    }
    // SAFETY: this `beginning` has not ended.
    let wrong = unsafe { host_end(beginning) };
    assert_eq!(
        wrong, 0,
        "something of the host's own was written: see host_end in host.c"
    );
}

/// Takes the records that the plugin returns at the end of a call, copies them, and gives them back.
fn tick(version: Version, plugin: &Library, state: &State) -> c_int {
    type Take = unsafe extern "C" fn(*mut *mut c_void, *mut usize) -> c_int;
    type TakeCtx = unsafe extern "C" fn(*mut c_void, *mut *mut c_void, *mut usize) -> c_int;
    type Clean = unsafe extern "C" fn(*mut c_void) -> c_int;
    type CleanCtx = unsafe extern "C" fn(*mut c_void, *mut c_void) -> c_int;
    let (mut data, mut length) = (ptr::null_mut(), 0);
    // A newer host keeps an uninitialised pointer for the plugin.
    let context = ptr::without_provenance_mut(0xA5A5);
    // SAFETY: these are the plugin's functions, with space for what they return.
    let status = unsafe {
        match version {
            Version::V4_0 => {
                symbol::<Take>(plugin, "FLBPluginInputCallback")(&raw mut data, &raw mut length)
            }
            Version::V5_1 => symbol::<TakeCtx>(plugin, "FLBPluginInputCallbackCtx")(
                context,
                &raw mut data,
                &raw mut length,
            ),
        }
    };
    if length == 0 {
        assert!(
            data.is_null(),
            "a host does not give back what has no length"
        );
        return status;
    }
    // SAFETY: the plugin returned this many bytes, and gets them back once.
    unsafe {
        let records = std::slice::from_raw_parts(data.cast::<u8>(), length);
        let mut handed_over = lock(&state.handed_over);
        handed_over.bytes.extend_from_slice(records);
        // Nothing tells the number of these records.
        handed_over.count += decode(records).len();
        drop(handed_over);
        let cleaned = match version {
            Version::V4_0 => symbol::<Clean>(plugin, "FLBPluginInputCleanupCallback")(data),
            Version::V5_1 => {
                symbol::<CleanCtx>(plugin, "FLBPluginInputCleanupCallbackCtx")(context, data)
            }
        };
        assert_eq!(cleaned, 0);
    }
    status
}
