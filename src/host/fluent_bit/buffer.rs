//! Records that the host takes at the end of a call, in memory that both sides can free.

use std::{ffi::c_void, ptr};

/// Records in memory from the C library's allocator: a host that finds no cleanup callback frees it itself.
#[derive(Debug)]
pub(super) struct Buffer {
    memory: *mut c_void,
    length: usize,
}

impl Buffer {
    /// An empty buffer, without memory.
    pub(super) const fn new() -> Self {
        Self {
            memory: ptr::null_mut(),
            length: 0,
        }
    }

    /// Adds records. Returns false, and changes nothing, if there is no memory for them.
    pub(super) fn push(&mut self, records: &[u8]) -> bool {
        if records.is_empty() {
            return true;
        }
        if !self.make_room(records.len()) {
            return false;
        }
        // SAFETY: `make_room` has made room for all of `records` after the existing ones, and nobody else uses this
        // memory.
        unsafe {
            let end = self.memory.cast::<u8>().add(self.length);
            ptr::copy_nonoverlapping(records.as_ptr(), end, records.len());
        }
        self.length += records.len();
        true
    }

    /// Makes room for the given number of additional bytes, at least one. Returns false if there is no memory.
    fn make_room(&mut self, additional: usize) -> bool {
        let Some(length) = self.length.checked_add(additional) else {
            return false;
        };
        // SAFETY: the memory is null or comes from the last call of this function, and has not been given away. If the
        // allocation fails, the old memory is unchanged.
        let memory = unsafe { libc::realloc(self.memory, length) };
        if memory.is_null() {
            return false;
        }
        self.memory = memory;
        true
    }

    /// Gives the records away, to be freed by [`free`]. Returns the pointer, which is null if there are none, and the
    /// length in bytes.
    pub(super) fn into_raw(self) -> (*mut c_void, usize) {
        let given = (self.memory, self.length);
        std::mem::forget(self);
        given
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        // SAFETY: the pointer is null, or the memory has not been given away.
        unsafe { free(self.memory) };
    }
}

/// Frees the memory.
///
/// # Safety
///
/// `memory` is null, or comes from [`Buffer::into_raw`] and has not been freed.
pub(super) unsafe fn free(memory: *mut c_void) {
    // SAFETY: the caller guarantees that this is the C library's own memory or null.
    unsafe { libc::free(memory) };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_joined_in_order() {
        let mut buffer = Buffer::new();
        let mut expected = Vec::new();
        for number in 0..100_u8 {
            let records = [number; 1_000];
            assert!(buffer.push(&records));
            expected.extend(records);
        }
        let (memory, length) = buffer.into_raw();
        // SAFETY: this memory of this length was given away, and is freed once.
        unsafe {
            let given = std::slice::from_raw_parts(memory.cast::<u8>(), length);
            assert_eq!(given, expected);
            free(memory);
        }
    }

    /// No system has this much memory.
    #[test]
    fn if_memory_runs_out_earlier_records_stay() {
        let mut buffer = Buffer::new();
        assert!(!buffer.make_room(1 << 60));
        assert!(buffer.push(b"records"));
        assert!(!buffer.make_room(1 << 60));
        assert!(!buffer.make_room(usize::MAX));
        assert!(buffer.push(b", more"));
        let (memory, length) = buffer.into_raw();
        // SAFETY: this memory of this length was given away, and is freed once.
        unsafe {
            let given = std::slice::from_raw_parts(memory.cast::<u8>(), length);
            assert_eq!(given, b"records, more");
            free(memory);
        }
    }

    #[test]
    fn an_empty_buffer_is_null() {
        let mut buffer = Buffer::new();
        assert!(buffer.push(b""));
        assert_eq!(buffer.into_raw(), (ptr::null_mut(), 0));
    }
}
