//! The blacklist's options and how it is built from them.

use std::{
    io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::{Blacklist, EventNames, Rules, UserPattern, UserPatternError, mistake};
use crate::{
    event::EventName,
    transform::text_file::{self, TextFileError},
};

/// The longest file of the blacklist that is read, in bytes: some 500,000 entries of usual length.
pub const MAX_FILE_BYTES: u64 = 16 << 20;

/// The options of the blacklist, `[transform.blacklist]` in the configuration file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BlacklistConfig {
    /// Users whose events are dropped. Default: none.
    pub users: Vec<UserPattern>,
    /// Files with more users, one `DIR\id` per line, each of at most [`MAX_FILE_BYTES`]. Empty lines and comments are
    /// ignored: a comment starts with a `#` at the start of a line or after white space. Default: none.
    pub files: Vec<PathBuf>,
    /// Whether `Goran` and `goran` are different users. Default: no, as in Active Directory.
    pub case_sensitive: bool,
    /// The kinds of events to drop, at least one. Default: `session` and `connection`. A log event of a service
    /// account may be the error that matters, so it is not dropped by default.
    pub events: Vec<EventName>,
}

impl Default for BlacklistConfig {
    fn default() -> Self {
        Self {
            users: Vec::new(),
            files: Vec::new(),
            case_sensitive: false,
            events: vec![EventName::Session, EventName::Connection],
        }
    }
}

/// Why a blacklist cannot be built.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BlacklistError {
    /// A file cannot be read.
    #[error("{}: cannot read the file in `transform.blacklist.files`: {source}", file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// A file is longer than [`MAX_FILE_BYTES`].
    #[error("{}: the file in `transform.blacklist.files` is larger than {} MiB; use patterns instead of long lists of \
    similar users", file.display(), MAX_FILE_BYTES >> 20)]
    TooLarge {
        /// The file.
        file: PathBuf,
    },
    /// A file is neither UTF-8 nor UTF-16 with a byte order mark.
    #[error("{}:{line}: the file in `transform.blacklist.files` is not UTF-8 text; save it as UTF-8", file.display())]
    Encoding {
        /// The file.
        file: PathBuf,
        /// The first line with other bytes, from 1.
        line: usize,
    },
    /// A line of a file is not an entry.
    #[error("{}:{line}: {source}", file.display())]
    Entry {
        /// The file.
        file: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The mistake.
        source: UserPatternError,
    },
    /// A file that is to be reloaded has no text at all, as while it is being written.
    #[error("{}: the file in `transform.blacklist.files` is empty, as while it is being written; for a list without \
    entries, write a comment into it", file.display())]
    Empty {
        /// The file.
        file: PathBuf,
    },
    /// A file has more mistakes than are listed.
    #[error("{}: {more} more {} not entries", file.display(), if *more == 1 { "line is" } else { "lines are" })]
    More {
        /// The file.
        file: PathBuf,
        /// The number of lines that are not listed.
        more: usize,
    },
    /// The patterns together are too large.
    #[error(
        "the patterns in `transform.blacklist` need too much memory: {0}; use exact entries where possible"
    )]
    TooManyPatterns(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl BlacklistConfig {
    /// Builds the transform: reads the files and compiles the entries.
    ///
    /// # Errors
    ///
    /// [`BlacklistError`] with file and line if a file cannot be read or contains a bad entry.
    pub fn build(&self) -> Result<Blacklist, BlacklistError> {
        self.build_unless(|_| false)
    }

    /// Builds the transform from files that have changed. A file without any text, not even a comment, is far more
    /// often one that is being written than a list without entries.
    ///
    /// # Errors
    ///
    /// As [`build`](Self::build), and [`BlacklistError::Empty`] if a file has no text.
    pub fn rebuild(&self) -> Result<Blacklist, BlacklistError> {
        self.build_unless(|text| text.trim().is_empty())
    }

    fn build_unless(&self, is_refused: fn(&str) -> bool) -> Result<Blacklist, BlacklistError> {
        let mut entries = self.users.clone();
        let mut files_without_entries = Vec::new();
        for file in &self.files {
            let text = read(file)?;
            let before = entries.len();
            if is_refused(&text) {
                return Err(BlacklistError::Empty { file: file.clone() });
            }
            for entry in parse(file, &text) {
                entries.push(entry?);
            }
            if entries.len() == before {
                files_without_entries.push(file.clone());
            }
        }
        let rules = Rules::new(&entries, self.case_sensitive)
            .map_err(|error| BlacklistError::TooManyPatterns(error.into()))?;
        Ok(Blacklist {
            rules,
            events: EventNames::of(&self.events),
            entries: entries.len(),
            files_without_entries,
            excluded: 0,
        })
    }

    /// All errors with which [`build`](Self::build) could fail, by file and line, in order: the first hundred
    /// mistakes of each file, and the number of the others.
    #[must_use]
    pub fn mistakes(&self) -> Vec<BlacklistError> {
        const MAX: usize = 100;
        let mut mistakes = Vec::new();
        for file in &self.files {
            match read(file) {
                Ok(text) => {
                    let mut all = parse(file, &text).filter_map(Result::err);
                    mistakes.extend(all.by_ref().take(MAX));
                    let more = all.count();
                    let file = file.clone();
                    mistakes.extend((more > 0).then_some(BlacklistError::More { file, more }));
                }
                Err(error) => mistakes.push(error),
            }
        }
        if mistakes.is_empty() {
            mistakes.extend(self.build().err());
        }
        mistakes
    }
}

fn read(file: &Path) -> Result<String, BlacklistError> {
    text_file::read(file, MAX_FILE_BYTES).map_err(|error| {
        let file = file.into();
        match error {
            TextFileError::Read(source) => BlacklistError::Read { file, source },
            TextFileError::TooLarge => BlacklistError::TooLarge { file },
            TextFileError::Workbook => BlacklistError::Encoding { file, line: 1 },
            TextFileError::Encoding { line } => BlacklistError::Encoding { file, line },
        }
    })
}

/// The entries of a file.
fn parse(file: &Path, text: &str) -> impl Iterator<Item = Result<UserPattern, BlacklistError>> {
    (1..)
        .zip(text.lines())
        .map(|(number, line)| (number, without_comment(line).trim()))
        .filter(|(_, line)| !line.is_empty())
        .map(|(line, entry)| {
            entry.parse().map_err(|source| BlacklistError::Entry {
                file: file.into(),
                line,
                source,
            })
        })
}

fn without_comment(line: &str) -> &str {
    &line[..mistake::comment(line, &["#"]).unwrap_or(line.len())]
}
