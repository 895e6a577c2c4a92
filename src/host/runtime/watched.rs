//! Files that are reloaded when they change.

use std::{fs, path::PathBuf, time::SystemTime};

/// Notices when any of the files is replaced or written.
///
/// It polls the length and modification time of the files. That works on every platform and on network shares, where
/// notifications do not.
#[derive(Debug)]
pub struct Watched {
    files: Vec<(PathBuf, Option<State>)>,
    /// There was a change, which may still be in progress.
    unsettled: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct State {
    length: u64,
    modified: Option<SystemTime>,
}

impl Watched {
    /// Watches `files` from their current state on.
    #[must_use]
    pub fn new(files: impl IntoIterator<Item = PathBuf>) -> Self {
        let files = files.into_iter().map(|file| {
            let state = state(&file);
            (file, state)
        });
        Self {
            files: files.collect(),
            unsettled: false,
        }
    }

    /// Whether a file has changed, appeared or disappeared, and none has changed since the last call, so that no
    /// half-written file is read.
    pub fn changed(&mut self) -> bool {
        let moved = self.moved();
        let settled = self.unsettled && !moved;
        self.unsettled = moved;
        settled
    }

    /// Makes the next [`changed`](Self::changed) report a change, because the files could not be read.
    pub fn try_again(&mut self) {
        self.unsettled = true;
    }

    fn moved(&mut self) -> bool {
        let mut changed = false;
        for (file, known) in &mut self.files {
            let now = state(file);
            changed |= now != *known;
            *known = now;
        }
        changed
    }
}

fn state(file: &PathBuf) -> Option<State> {
    let metadata = fs::metadata(file).ok()?;
    Some(State {
        length: metadata.len(),
        modified: metadata.modified().ok(),
    })
}
