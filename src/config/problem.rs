//! What is wrong with a configuration: by file, line and key, with the value and what was expected.

use std::{
    fmt, io,
    path::{Path, PathBuf},
};

/// A configuration file cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("{}: cannot read the configuration file: {source}", file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The file has mistakes.
    #[error("{}", lines(file, problems))]
    Problems {
        /// The file.
        file: PathBuf,
        /// What is wrong, at least one, in the order of the file.
        problems: Vec<Problem>,
    },
}

/// Something that is wrong in a configuration file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The line, from 1.
    pub line: usize,
    /// The key with its tables, for example `source.address`; empty if the text is not valid TOML.
    pub key: String,
    /// The value as written, truncated if long; `None` if the key is the problem.
    pub value: Option<String>,
    /// What is wrong, what was expected, what to do.
    pub message: String,
}

impl Problem {
    /// The problem without its line: `source.workers = 0: expected 1 to 64 workers`.
    pub(super) fn without_line(&self) -> impl fmt::Display {
        fmt::from_fn(|f| {
            if !self.key.is_empty() {
                f.write_str(&self.key)?;
                if let Some(value) = &self.value {
                    write!(f, " = {value}")?;
                }
                f.write_str(": ")?;
            }
            f.write_str(&self.message)
        })
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.line, self.without_line())
    }
}

fn lines(file: &Path, problems: &[Problem]) -> String {
    let lines: Vec<String> = problems
        .iter()
        .map(|problem| format!("{}:{problem}", file.display()))
        .collect();
    lines.join("\n")
}

/// A value as shown in a problem: control characters are escaped, long values truncated.
pub(super) fn shown(written: &str) -> String {
    const MAX_LETTERS: usize = 60;
    let mut letters = written.chars();
    let mut shown = String::new();
    for letter in letters.by_ref().take(MAX_LETTERS) {
        if letter.is_control() {
            shown.extend(letter.escape_default());
        } else {
            shown.push(letter);
        }
    }
    if letters.next().is_some() {
        shown.push('…');
    }
    shown
}
