//! The files with app names, and how the transform is built from them.

use std::{
    io,
    path::{Path, PathBuf},
};

use super::{AppListError, AppListProblem, AppNames, AppTable, csv, json};
use crate::transform::text_file::{self, TextFileError};

/// The longest list of apps that is read, in bytes.
pub const MAX_LIST_BYTES: u64 = 64 << 20;

/// Where app names come from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AppNamesConfig {
    /// Files with app names, as CSV or JSON. If two name the same app, the first one wins. Default: none.
    pub files: Vec<PathBuf>,
}

/// Why app names cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AppNamesError {
    /// A file cannot be read.
    #[error("{}: cannot read the file in `transform.app_names.files`: {source}", file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// A file is larger than [`MAX_LIST_BYTES`].
    #[error("{}: the file in `transform.app_names.files` is larger than {} MiB", file.display(), MAX_LIST_BYTES >> 20)]
    TooLarge {
        /// The file.
        file: PathBuf,
    },
    /// A file is not a valid list of apps.
    #[error("{}:{}: {}", file.display(), source.line, source.problem)]
    List {
        /// The file.
        file: PathBuf,
        /// The mistake and its line.
        source: AppListError,
    },
}

impl AppNamesConfig {
    /// Builds the transform: reads the files.
    ///
    /// # Errors
    ///
    /// [`AppNamesError`] with file and line if a file cannot be read or is not a list of apps.
    pub fn build(&self) -> Result<AppNames, AppNamesError> {
        let mut names = AppTable::default();
        for file in &self.files {
            names = names.or(&read(file)?);
        }
        Ok(AppNames::new(names))
    }

    /// All errors with which [`build`](Self::build) could fail: the first mistake of each file.
    #[must_use]
    pub fn mistakes(&self) -> Vec<AppNamesError> {
        let files = self.files.iter();
        files.filter_map(|file| read(file).err()).collect()
    }
}

fn read(file: &Path) -> Result<AppTable, AppNamesError> {
    let at = |source| AppNamesError::List {
        file: file.into(),
        source,
    };
    let text = text_file::read(file, MAX_LIST_BYTES).map_err(|error| match error {
        TextFileError::Read(source) => AppNamesError::Read {
            file: file.into(),
            source,
        },
        TextFileError::TooLarge => AppNamesError::TooLarge { file: file.into() },
        TextFileError::Workbook => at(AppListError {
            line: 1,
            problem: AppListProblem::Workbook,
        }),
        TextFileError::Encoding { line } => at(AppListError {
            line,
            problem: AppListProblem::Encoding,
        }),
    })?;
    parse(&text).map_err(at)
}

/// JSON starts with a bracket or a brace, CSV with neither.
fn parse(text: &str) -> Result<AppTable, AppListError> {
    if !text.trim_start().starts_with(['[', '{']) {
        return csv::read(text);
    }
    json::read(text.as_bytes()).map_err(|error| match error.downcast::<AppListError>() {
        Ok(error) => error,
        // Reading from memory cannot fail.
        Err(error) => AppListError {
            line: 1,
            problem: AppListProblem::Json {
                column: 1,
                message: error.to_string(),
            },
        },
    })
}
