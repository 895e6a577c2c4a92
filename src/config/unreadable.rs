//! Files that a configuration names and that cannot be opened.

use std::{
    io,
    path::{Path, PathBuf},
};

use super::Loaded;
use crate::transform::text_file;

/// An option names a file that cannot be opened.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unreadable {
    /// The file.
    pub file: PathBuf,
    /// The option with file and line, the system's reason, and what to do.
    pub message: String,
}

impl Loaded {
    /// The files that the options in use name and that cannot be opened, in the order of the configuration. They are
    /// opened and not read.
    #[must_use]
    pub fn unreadable(&self) -> Vec<Unreadable> {
        let files = self.config.files().into_iter();
        let mut unreadable: Vec<(Option<usize>, Unreadable)> = files
            .filter_map(|(key, index, file)| {
                let error = text_file::open(file).err()?;
                let index = index.map_or_else(String::new, |index| format!("[{index}]"));
                let key = format!("{key}{index}");
                let mut reason = reason(&key, file, &error);
                if key.starts_with("transform.app_names.qrs.")
                    && !self.config.transform.app_names.qrs.is_enabled()
                {
                    reason.push_str(SHARED);
                }
                let message = self.about(&key, reason);
                let file = file.into();
                let line = self.written_as(&key).map(|written| written.line);
                Some((line, Unreadable { file, message }))
            })
            .collect();
        // Defaults that the configuration does not contain come last.
        unreadable.sort_by_key(|(line, _)| line.unwrap_or(usize::MAX));
        unreadable.into_iter().map(|(_, file)| file).collect()
    }
}

const SHARED: &str = "; the queries of [engine_health] and [transform.sessions.qps] use this file where they name none \
of their own";

/// Why a file cannot be opened, and what to do.
fn reason(key: &str, file: &Path, error: &io::Error) -> String {
    // The value may be the key itself, which must not appear in a log.
    let is_secret = key == "transform.pseudonymize.key_file";
    if file.as_os_str().is_empty() {
        return "expected the path of a file".to_owned();
    }
    let is_pattern = || file.to_string_lossy().contains(['*', '~', '$', '%']);
    let advice = match error.kind() {
        // No name of a file has a `*` on Windows.
        io::ErrorKind::NotFound | io::ErrorKind::InvalidFilename if !is_secret && is_pattern() => {
            "; patterns, `~` and variables are not expanded in paths"
        }
        io::ErrorKind::NotFound if is_secret || file.is_relative() => {
            "; a relative path starts at the folder of the configuration"
        }
        io::ErrorKind::PermissionDenied => {
            "; the user of this program needs permission to read the file and to enter its folder"
        }
        _ => "",
    };
    if is_secret {
        return format!("cannot read the key for pseudonyms: {error}{advice}");
    }
    format!("cannot read {}: {error}{advice}", file.display())
}
