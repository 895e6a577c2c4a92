//! Records that the host takes at the end of a call, in memory that both sides know.

use std::{ffi::c_void, ptr};

/// Records in memory of the C library: a host that finds no cleanup frees it itself.
#[derive(Debug)]
pub(super) struct Buffer {
    memory: *mut c_void,
    length: usize,
}

impl Buffer {
    /// A buffer without memory.
    pub(super) const fn new() -> Self {
        Self {
            memory: ptr::null_mut(),
            length: 0,
        }
    }

    /// Adds records. False when there is no memory for them: then all is as it was.
    pub(super) fn push(&mut self, records: &[u8]) -> bool {
        if records.is_empty() {
            return true;
        }
        if !self.make_room(records.len()) {
            return false;
        }
        // SAFETY: `make_room` made room for all of `records` behind what is there, and nobody else has this memory.
        unsafe {
            let end = self.memory.cast::<u8>().add(self.length);
            ptr::copy_nonoverlapping(records.as_ptr(), end, records.len());
        }
        self.length += records.len();
        true
    }

    /// Makes room for the given number of bytes, at least one, behind what is there. False when there is no memory.
    fn make_room(&mut self, additional: usize) -> bool {
        let Some(length) = self.length.checked_add(additional) else {
            return false;
        };
        // SAFETY: the memory is null or what this function got last, and was not given away. When there is none,
        // the old memory stays as it is.
        let memory = unsafe { libc::realloc(self.memory, length) };
        if memory.is_null() {
            return false;
        }
        self.memory = memory;
        true
    }

    /// Gives the records away, to be freed by [`free`]: their memory, null without any, and their length in
    /// bytes.
    pub(super) fn into_raw(self) -> (*mut c_void, usize) {
        let given = (self.memory, self.length);
        std::mem::forget(self);
        given
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        // SAFETY: null, or memory that was not given away.
        unsafe { free(self.memory) };
    }
}

/// Gives the memory back.
///
/// # Safety
///
/// `memory` is null, or comes from [`Buffer::into_raw`] and was not given back before.
pub(super) unsafe fn free(memory: *mut c_void) {
    // SAFETY: the C library's own memory or null, as the caller says.
    unsafe { libc::free(memory) };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_stand_one_after_the_other() {
        let mut buffer = Buffer::new();
        let mut expected = Vec::new();
        for number in 0..100_u8 {
            let records = [number; 1_000];
            assert!(buffer.push(&records));
            expected.extend(records);
        }
        let (memory, length) = buffer.into_raw();
        // SAFETY: memory of this length that was given away, and comes back once.
        unsafe {
            let given = std::slice::from_raw_parts(memory.cast::<u8>(), length);
            assert_eq!(given, expected);
            free(memory);
        }
    }

    /// No system has so much memory.
    #[test]
    fn without_memory_what_is_there_stays() {
        let mut buffer = Buffer::new();
        assert!(!buffer.make_room(1 << 60));
        assert!(buffer.push(b"records"));
        assert!(!buffer.make_room(1 << 60));
        assert!(!buffer.make_room(usize::MAX));
        assert!(buffer.push(b", more"));
        let (memory, length) = buffer.into_raw();
        // SAFETY: memory of this length that was given away, and comes back once.
        unsafe {
            let given = std::slice::from_raw_parts(memory.cast::<u8>(), length);
            assert_eq!(given, b"records, more");
            free(memory);
        }
    }

    #[test]
    fn nothing_is_null() {
        let mut buffer = Buffer::new();
        assert!(buffer.push(b""));
        assert_eq!(buffer.into_raw(), (ptr::null_mut(), 0));
    }
}
