//! Records that the host takes at the end of a call, in memory that both sides know.

use std::{ffi::c_void, ptr};

/// Copies records into memory of the C library: a host that finds no cleanup frees it itself. Null when
/// there is no memory.
pub(super) fn allocate(records: &[u8]) -> *mut c_void {
    // SAFETY: any size is allowed.
    let memory = unsafe { libc::malloc(records.len().max(1)) };
    if !memory.is_null() {
        // SAFETY: new memory of at least this length, which overlaps nothing.
        unsafe { ptr::copy_nonoverlapping(records.as_ptr(), memory.cast(), records.len()) };
    }
    memory
}

/// Gives the memory back.
///
/// # Safety
///
/// `memory` is null, or comes from [`allocate`] and was not given back before.
pub(super) unsafe fn free(memory: *mut c_void) {
    // SAFETY: as the caller says.
    unsafe { libc::free(memory) };
}
