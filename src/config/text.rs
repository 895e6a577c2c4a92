//! A configuration file as text.

use std::path::Path;

use super::{ConfigError, Problem};
use crate::transform::text_file::{self, TextFileError};

/// The longest configuration file that is read, in bytes: many times the size of one with every option.
const MAX_FILE_BYTES: u64 = 16 << 20;

/// The text of a file: UTF-8, or UTF-16 with a byte order mark, as Windows' editors and PowerShell write it.
pub(super) fn read(file: &Path) -> Result<String, ConfigError> {
    let refused = |line, message: &str| ConfigError::Problems {
        file: file.into(),
        problems: vec![Problem {
            line,
            key: String::new(),
            value: None,
            message: message.to_owned(),
        }],
    };
    text_file::read(file, MAX_FILE_BYTES).map_err(|error| match error {
        TextFileError::Read(source) => ConfigError::Read {
            file: file.into(),
            source,
        },
        TextFileError::TooLarge => refused(
            1,
            "the file is larger than 16 MiB, so it is not a configuration file",
        ),
        TextFileError::Workbook => refused(1, "this is a spreadsheet, not a configuration file"),
        TextFileError::Encoding { line } => refused(
            line,
            "the text is neither UTF-8 nor UTF-16 with a byte order mark; save the file as UTF-8",
        ),
    })
}
