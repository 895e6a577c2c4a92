//! `[transform.pseudonymize]`.

use std::{env, path::PathBuf};

use serde::{Deserialize, Serialize};

use crate::transform::{
    PseudonymizeConfig,
    pseudonymize::{KeySource, Secret},
};

/// Whether users are replaced by tokens, and where the key is: in a file or in the environment, not in this
/// configuration, which many may read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PseudonymKeyConfig {
    /// A file with the key, at least 32 bytes. Default: empty, none.
    pub key_file: PathBuf,
    /// The name of an environment variable with the key, at least 32 bytes. Default: empty, none.
    pub key_env: String,
}

impl PseudonymKeyConfig {
    /// Whether there is to be a key.
    #[must_use]
    pub fn is_enabled(&self) -> bool {
        !self.key_file.as_os_str().is_empty() || !self.key_env.is_empty()
    }

    /// The options of the transform; reads the environment variable now.
    #[must_use]
    pub fn transform(&self) -> PseudonymizeConfig {
        let file = Some(&self.key_file).filter(|file| !file.as_os_str().is_empty());
        let name = Some(&self.key_env).filter(|name| !name.is_empty());
        let key = file.cloned().map(KeySource::File).or_else(|| {
            name.map(|name| KeySource::Variable {
                name: name.clone(),
                value: env::var(name).ok().map(Secret),
            })
        });
        PseudonymizeConfig { key }
    }
}
