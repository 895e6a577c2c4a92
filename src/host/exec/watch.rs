//! Whether anyone is still there to read the events.

use super::{Orphan, Output};

/// Notices that the reader or the parent has gone, even while there is nothing to write.
///
/// Vector closes the pipe when it ends, also when it is killed. A shell or a service manager
/// between the two may keep it open; then the parent's end is the sign. Only a program that writes
/// into a pipe looks for these: with a file or a terminal as output there is no reader to miss.
#[derive(Debug)]
pub struct ReaderWatch {
    is_pipe: bool,
    parent: Option<u32>,
}

impl ReaderWatch {
    /// Watches the reader of `output` and, unless the program may outlive it, the parent.
    #[must_use]
    pub fn new(output: &Output, orphan: Orphan) -> Self {
        let is_pipe = output.is_pipe();
        Self {
            is_pipe,
            parent: (is_pipe && orphan == Orphan::Ends).then(parent).flatten(),
        }
    }

    /// Whether nobody can read what would be written now.
    #[must_use]
    pub fn has_gone(&self, output: &Output) -> bool {
        self.is_pipe && output.is_hung_up() || self.parent.is_some() && self.parent != parent()
    }
}

/// The parent's process id. A process whose parent ends gets another one.
#[cfg(unix)]
fn parent() -> Option<u32> {
    Some(std::os::unix::process::parent_id())
}

/// Windows keeps the id of a parent that has ended; there the closed pipe is the only sign.
#[cfg(not(unix))]
fn parent() -> Option<u32> {
    None
}
