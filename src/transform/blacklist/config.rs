//! The blacklist's options and how it is built from them.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::{Blacklist, Rules, UserPattern, UserPatternError};

/// The options of the blacklist, `[transform.blacklist]` in the configuration file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BlacklistConfig {
    /// Users whose events are left out. Default: none.
    pub users: Vec<UserPattern>,
    /// Files with more of them, `DIR\id` a line; empty lines and lines that begin with `#` do not
    /// count. Default: none.
    pub files: Vec<PathBuf>,
    /// Whether `Goran` and `goran` are two users. Default: no, as in Active Directory.
    pub case_sensitive: bool,
}

/// Why a blacklist cannot be built.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BlacklistError {
    /// A file cannot be read.
    #[error("{}: the blacklist file cannot be read: {source}", file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// A file is not UTF-8.
    #[error("{}:{line}: the blacklist file is not UTF-8 text; save it as UTF-8", file.display())]
    Encoding {
        /// The file.
        file: PathBuf,
        /// The first line that is not, from 1.
        line: usize,
    },
    /// A line of a file is no entry.
    #[error("{}:{line}: {source}", file.display())]
    Entry {
        /// The file.
        file: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        source: UserPatternError,
    },
    /// The patterns together are too large.
    #[error(
        "the patterns of the blacklist need too much memory: {0}; use exact entries where possible"
    )]
    TooManyPatterns(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl BlacklistConfig {
    /// Builds the transform: reads the files and compiles the entries.
    ///
    /// # Errors
    ///
    /// [`BlacklistError`] with the file and line when a file cannot be read or holds a bad entry.
    pub fn build(&self) -> Result<Blacklist, BlacklistError> {
        let mut entries = self.users.clone();
        for file in &self.files {
            entries.extend(read(file)?);
        }
        let rules = Rules::new(&entries, self.case_sensitive)
            .map_err(|error| BlacklistError::TooManyPatterns(error))?;
        Ok(Blacklist { rules, excluded: 0 })
    }
}

fn read(file: &Path) -> Result<Vec<UserPattern>, BlacklistError> {
    let bytes = fs::read(file).map_err(|source| BlacklistError::Read {
        file: file.into(),
        source,
    })?;
    let text = std::str::from_utf8(&bytes).map_err(|error| BlacklistError::Encoding {
        file: file.into(),
        line: 1 + memchr::memchr_iter(b'\n', &bytes[..error.valid_up_to()]).count(),
    })?;
    // Windows' editors put a byte order mark before UTF-8.
    let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
    (1..)
        .zip(text.lines())
        .map(|(number, line)| (number, line.trim()))
        .filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
        .map(|(line, entry)| {
            entry.parse().map_err(|source| BlacklistError::Entry {
                file: file.into(),
                line,
                source,
            })
        })
        .collect()
}
