//! The structs of Fluent Bit's proxy interface for external plugins.
//!
//! They have only the fields of Fluent Bit 4.0. Newer versions append more, and the host allocates every struct, so
//! their sizes here do not matter. No reference to a struct is ever made, because not every host sets every field: each
//! field is read or written separately, through a pointer.

use std::ffi::{c_char, c_int, c_long, c_void};

/// `FLB_PROXY_INPUT_PLUGIN`.
pub(super) const INPUT_PLUGIN: c_int = 1;

/// `FLB_PROXY_GOLANG`: the interface was made for Go and is plain C underneath.
pub(super) const PROXY: c_int = 11;

/// Log levels of the host.
pub(super) mod level {
    use std::ffi::c_int;

    pub(in super::super) const ERROR: c_int = 1;
    pub(in super::super) const WARNING: c_int = 2;
    pub(in super::super) const INFO: c_int = 3;
}

/// `struct flb_plugin_proxy_def`: describes the plugin to the host.
#[repr(C)]
pub(super) struct PluginDefinition {
    pub(super) kind: c_int,
    pub(super) proxy: c_int,
    pub(super) flags: c_int,
    pub(super) name: *const c_char,
    pub(super) description: *const c_char,
}

/// `struct flbgo_input_plugin`: an instance that is about to start.
#[repr(C)]
pub(super) struct InputPlugin {
    pub(super) name: *const c_char,
    pub(super) api: *const Api,
    pub(super) instance: *mut c_void,
    /// Its size differs between versions. It is not needed and never read.
    pub(super) context: *mut c_void,
}

/// `struct flb_api`: the functions that the host offers. Some are not set in hosts that were built without them.
#[repr(C)]
pub(super) struct Api {
    pub(super) output_get_property: *const c_void,
    pub(super) input_get_property: Option<GetProperty>,
    pub(super) output_get_cmt_instance: *const c_void,
    pub(super) input_get_cmt_instance: *const c_void,
    pub(super) log_print: Option<LogPrint>,
    pub(super) input_log_check: Option<LogCheck>,
}

/// `flb_input_get_property`.
pub(super) type GetProperty =
    unsafe extern "C" fn(key: *const c_char, instance: *mut c_void) -> *const c_char;

/// `flb_log_print`.
pub(super) type LogPrint = unsafe extern "C" fn(
    level: c_int,
    file: *const c_char,
    line: c_int,
    format: *const c_char,
    ...
);

/// `flb_input_log_check`: whether the log shows a level.
pub(super) type LogCheck = unsafe extern "C" fn(instance: *mut c_void, level: c_int) -> c_int;

/// `flb_input_log_append_records`, which the host exports for its own plugins.
pub(super) type AppendRecords = unsafe extern "C" fn(
    instance: *mut c_void,
    records: usize,
    tag: *const c_char,
    tag_length: usize,
    bytes: *const c_void,
    length: usize,
) -> c_int;

/// `flb_input_set_collector_time`, which the host exports for its own plugins.
pub(super) type SetCollectorTime = unsafe extern "C" fn(
    instance: *mut c_void,
    collect: Collect,
    seconds: libc::time_t,
    nanoseconds: c_long,
    config: *mut c_void,
) -> c_int;

/// The callback of a collector.
pub(super) type Collect =
    unsafe extern "C" fn(instance: *mut c_void, config: *mut c_void, context: *mut c_void) -> c_int;
