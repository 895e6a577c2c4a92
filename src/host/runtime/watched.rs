//! Files that are reloaded when they change.

use std::{fs, path::PathBuf, time::SystemTime};

/// Notices when any of some files is replaced or written.
///
/// It polls length and time of the files, which works on every platform and on network shares, where notifications do
/// not.
#[derive(Debug)]
pub struct Watched {
    files: Vec<(PathBuf, Option<State>)>,
    /// There was a change, perhaps still in progress.
    unsettled: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct State {
    length: u64,
    modified: Option<SystemTime>,
}

impl Watched {
    /// Watches `files` as they are now.
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

    /// Whether a file has changed, appeared or disappeared, and all have been unchanged since the last call, so that
    /// no half-written file is read.
    pub fn changed(&mut self) -> bool {
        let moved = self.moved();
        let settled = self.unsettled && !moved;
        self.unsettled = moved;
        settled
    }

    /// Makes the next [`changed`](Self::changed) report a change, because the last one could not be read.
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
