//! The files with names of apps, and how the transform is built from them.

use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

use encoding_rs::Encoding;

use super::{AppListError, AppListProblem, AppNames, AppTable, csv, json};

/// The longest list of apps that is read, in bytes.
pub const MAX_LIST_BYTES: u64 = 64 << 20;

/// Where names of apps come from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AppNamesConfig {
    /// Files with names of apps, as CSV or JSON. Where two name the same app, the first one decides.
    /// Default: none.
    pub files: Vec<PathBuf>,
}

/// Why names of apps cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AppNamesError {
    /// A file cannot be read.
    #[error("{}: the file of app names cannot be read: {source}", file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// A file is longer than [`MAX_LIST_BYTES`].
    #[error("{}: the file of app names is larger than {} MiB", file.display(), MAX_LIST_BYTES >> 20)]
    TooLarge {
        /// The file.
        file: PathBuf,
    },
    /// A file does not say what it should.
    #[error("{}:{}: {}", file.display(), source.line, source.problem)]
    List {
        /// The file.
        file: PathBuf,
        /// What is wrong, and in which line.
        source: AppListError,
    },
}

impl AppNamesConfig {
    /// Builds the transform: reads the files.
    ///
    /// # Errors
    ///
    /// [`AppNamesError`] with the file and line when a file cannot be read or is no list of apps.
    pub fn build(&self) -> Result<AppNames, AppNamesError> {
        let mut names = AppTable::default();
        for file in &self.files {
            names = names.or(&read(file)?);
        }
        Ok(AppNames::new(names))
    }
}

fn read(file: &Path) -> Result<AppTable, AppNamesError> {
    let unreadable = |source| AppNamesError::Read {
        file: file.into(),
        source,
    };
    let mut bytes = Vec::new();
    let opened = File::open(file).map_err(unreadable)?;
    opened
        .take(MAX_LIST_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    if bytes.len() as u64 > MAX_LIST_BYTES {
        return Err(AppNamesError::TooLarge { file: file.into() });
    }
    parse(&bytes).map_err(|source| AppNamesError::List {
        file: file.into(),
        source,
    })
}

/// JSON begins with a bracket or a brace, and CSV with neither.
fn parse(bytes: &[u8]) -> Result<AppTable, AppListError> {
    let mut decoded = None;
    let text = match Encoding::for_bom(bytes) {
        // What PowerShell and Excel write.
        Some((encoding, _)) if encoding != encoding_rs::UTF_8 => {
            let (text, _, is_broken) = encoding.decode(bytes);
            if is_broken {
                return Err(AppListError {
                    line: 1 + text.split('\u{FFFD}').next().map_or(0, lines),
                    problem: AppListProblem::Encoding,
                });
            }
            &**decoded.insert(text)
        }
        bom => utf_8(&bytes[bom.map_or(0, |(_, length)| length)..])?,
    };
    if !text.trim_start().starts_with(['[', '{']) {
        return csv::read(text);
    }
    json::read(text.as_bytes()).map_err(|error| match error.downcast::<AppListError>() {
        Ok(error) => error,
        // Of text in memory nothing can fail to be read.
        Err(error) => AppListError {
            line: 1,
            problem: AppListProblem::Json {
                column: 1,
                message: error.to_string(),
            },
        },
    })
}

fn utf_8(bytes: &[u8]) -> Result<&str, AppListError> {
    str::from_utf8(bytes).map_err(|error| AppListError {
        line: 1 + memchr::memchr_iter(b'\n', &bytes[..error.valid_up_to()]).count(),
        problem: AppListProblem::Encoding,
    })
}

fn lines(text: &str) -> usize {
    memchr::memchr_iter(b'\n', text.as_bytes()).count()
}
