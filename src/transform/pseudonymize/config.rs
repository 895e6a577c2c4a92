//! Where the key for pseudonyms comes from.

use std::{
    fmt,
    io::{self, Read},
    path::{Path, PathBuf},
};

use super::{Key, MIN_KEY_BYTES, Pseudonymize};
use crate::transform::text_file;

/// The largest key file that is read, in bytes.
const MAX_KEY_BYTES: u64 = 64 << 10;

/// The options of the transform, `[transform.pseudonymize]` in the configuration file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PseudonymizeConfig {
    /// Where the key is. Default: none, and users are not replaced.
    pub key: Option<KeySource>,
}

/// The place of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeySource {
    /// In a file, without its final line break.
    File(PathBuf),
    /// In an environment variable, which has already been read.
    Variable {
        /// The variable's name.
        name: String,
        /// Its value; `None` if it is not set.
        value: Option<Secret>,
    },
}

/// A text that is never displayed.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(pub String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// Why users cannot be replaced with pseudonyms.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PseudonymizeError {
    /// The file cannot be read.
    #[error("{}: cannot read the key for pseudonyms: {source}", file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The file is larger than any key.
    #[error("{}: expected a key for pseudonyms of at most {MAX_KEY_BYTES} bytes", file.display())]
    TooLong {
        /// The file.
        file: PathBuf,
    },
    /// The variable is not set.
    #[error(
        "{name}: the environment variable with the key for pseudonyms is not set, or is not Unicode"
    )]
    NotSet {
        /// The variable's name.
        name: String,
    },
    /// The key is too short.
    #[error(
        "{place}: expected a key for pseudonyms of at least {MIN_KEY_BYTES} bytes, found {bytes}; create one with \
         `openssl rand -hex 32`"
    )]
    TooShort {
        /// The file or the variable.
        place: String,
        /// The key's length in bytes.
        bytes: usize,
    },
}

impl PseudonymizeConfig {
    /// Builds the transform, if there is a key.
    ///
    /// # Errors
    ///
    /// [`PseudonymizeError`] if the key cannot be read or is too short.
    pub fn build(&self) -> Result<Option<Pseudonymize>, PseudonymizeError> {
        self.key.as_ref().map(KeySource::pseudonymize).transpose()
    }
}

impl KeySource {
    fn pseudonymize(&self) -> Result<Pseudonymize, PseudonymizeError> {
        let (place, bytes) = match self {
            Self::File(file) => (file.display().to_string(), read(file)?),
            Self::Variable { name, value } => {
                let Some(Secret(value)) = value else {
                    return Err(PseudonymizeError::NotSet { name: name.clone() });
                };
                (name.clone(), value.clone().into_bytes())
            }
        };
        let key = Key::new(&bytes).ok_or(PseudonymizeError::TooShort {
            place,
            bytes: bytes.len(),
        })?;
        Ok(Pseudonymize::new(key))
    }
}

fn read(file: &Path) -> Result<Vec<u8>, PseudonymizeError> {
    let unreadable = |source| PseudonymizeError::Read {
        file: file.into(),
        source,
    };
    let mut bytes = Vec::new();
    text_file::open(file)
        .and_then(|opened| opened.take(MAX_KEY_BYTES + 1).read_to_end(&mut bytes))
        .map_err(unreadable)?;
    if bytes.len() as u64 > MAX_KEY_BYTES {
        return Err(PseudonymizeError::TooLong { file: file.into() });
    }
    for end in [b'\n', b'\r'] {
        if bytes.last() == Some(&end) {
            bytes.pop();
        }
    }
    Ok(bytes)
}
