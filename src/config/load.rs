//! Reading the file.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use serde::de::DeserializeOwned;

use super::{
    Config, ConfigError, OutputConfig, Problem,
    document::Document,
    read::read,
    text,
    tree::{Node, Step},
};

/// A configuration file that was read, as far as it can be.
#[derive(Debug)]
#[non_exhaustive]
pub struct Loaded {
    /// The options, with defaults in place of invalid values, so that the rest can be checked too. Paths are relative
    /// to the current folder.
    pub config: Config,
    /// Why the file cannot be used.
    pub error: Option<ConfigError>,
    file: PathBuf,
    written: Vec<Written>,
    listed: Vec<Written>,
}

/// An option that a file contains.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Written {
    /// The key with its tables, for example `source.workers`.
    pub key: String,
    /// The line of the key, from 1.
    pub line: usize,
    /// The value as written, truncated if long; none for a table, and for what may be a secret.
    pub value: Option<String>,
    /// Whether the value differs from the default.
    pub is_changed: bool,
}

impl Loaded {
    /// The defaults, without a file.
    #[must_use]
    pub fn defaults() -> Self {
        Self {
            config: Config::default(),
            error: None,
            file: PathBuf::new(),
            written: Vec::new(),
            listed: Vec::new(),
        }
    }

    /// Reads a configuration file.
    #[must_use]
    pub fn read(file: &Path) -> Self {
        let mut loaded = Self {
            file: file.into(),
            ..Self::defaults()
        };
        let text = match text::read(file) {
            Ok(text) => text,
            Err(error) => {
                loaded.error = Some(error);
                return loaded;
            }
        };
        let folder = file.parent().unwrap_or(Path::new(""));
        let (content, problems) = Document::parse(&text).content(folder);
        loaded.config = content.config;
        loaded.written = content.written;
        loaded.listed = content.listed;
        loaded.error = (!problems.is_empty()).then(|| ConfigError::Problems {
            file: file.into(),
            problems,
        });
        loaded
    }

    /// The file; empty if there is none.
    #[must_use]
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// The options that the file contains, in its order, without those whose value is not valid.
    #[must_use]
    pub fn written(&self) -> &[Written] {
        &self.written
    }

    /// A message about an option, or about a value of a list, such as `transform.blacklist.files[0]`: with the file,
    /// and if the file contains it, with the line and the value.
    pub fn about(&self, key: &str, message: impl fmt::Display) -> String {
        let file = self.file.display();
        match self.written_as(key) {
            Some(Written {
                line,
                value: Some(value),
                ..
            }) => format!("{file}:{line}: {key} = {value}: {message}"),
            Some(Written { line, .. }) => format!("{file}:{line}: {key}: {message}"),
            None => format!("{file}: {key}: {message}"),
        }
    }

    /// An option, or a value of a list, if the file contains it.
    pub(super) fn written_as(&self, key: &str) -> Option<&Written> {
        let mut written = self.written.iter().chain(&self.listed);
        written.find(|written| written.key == key)
    }
}

impl Config {
    /// Reads a configuration file. Paths in it are relative to its folder.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] when the file cannot be read, is not valid TOML, or has unknown keys, wrong types or
    /// impossible values.
    pub fn load(file: &Path) -> Result<Self, ConfigError> {
        let Loaded { config, error, .. } = Loaded::read(file);
        error.map_or(Ok(config), Err)
    }

    /// The codec, schema, tags and socket of a file, as far as they can be read although the file may be wrong
    /// elsewhere: mistakes must be reported in some codec.
    #[must_use]
    pub fn output_in(file: &Path) -> OutputConfig {
        let text = text::read(file).unwrap_or_default();
        let document = Document::parse(&text);
        let tree = document.tree();
        OutputConfig {
            codec: option(tree, "codec"),
            schema: option(tree, "schema"),
            tags: option(tree, "tags"),
            unix_stream: option(tree, "unix_stream"),
            ..OutputConfig::default()
        }
    }

    /// Reads the text of a configuration file.
    ///
    /// # Errors
    ///
    /// Every separate [`Problem`], in the order of the text.
    pub fn parse(text: &str) -> Result<Self, Vec<Problem>> {
        match Document::parse(text).content(Path::new("")) {
            (content, problems) if problems.is_empty() => Ok(content.config),
            (_, problems) => Err(problems),
        }
    }
}

/// An option of `[output]`, or its default if it cannot be read.
fn option<T: DeserializeOwned + Default>(tree: &Node, name: &str) -> T {
    let path = ["output", name].map(|key| Step::Key(key.to_owned()));
    let read = tree.at(&path).and_then(|node| read(node.clone()).0);
    read.unwrap_or_default()
}
