//! Reading the file.

use std::path::Path;

use serde::de::DeserializeOwned;

use super::{
    Config, ConfigError, OutputConfig, Problem,
    document::Document,
    read::read,
    text,
    tree::{Node, Step},
};

impl Config {
    /// Reads a configuration file. Paths in it are relative to its folder.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] when the file cannot be read, is not valid TOML, or has unknown keys, wrong types or
    /// impossible values.
    pub fn load(file: &Path) -> Result<Self, ConfigError> {
        match Self::load_with_problems(file) {
            (config, None) => Ok(config),
            (_, Some(error)) => Err(error),
        }
    }

    /// Reads a configuration file like [`load`](Self::load), with defaults in place of invalid values, so that the
    /// rest can be checked too.
    #[must_use]
    pub fn load_with_problems(file: &Path) -> (Self, Option<ConfigError>) {
        let (mut config, problems) = match text::read(file) {
            Ok(text) => Document::parse(&text).config(),
            Err(error) => return (Self::default(), Some(error)),
        };
        config.place_files(file.parent().unwrap_or(Path::new("")));
        let error = (!problems.is_empty()).then(|| ConfigError::Problems {
            file: file.into(),
            problems,
        });
        (config, error)
    }

    /// Paths are relative to the folder of the configuration.
    fn place_files(&mut self, folder: &Path) {
        let transform = &mut self.transform;
        let files = transform.blacklist.files.iter_mut();
        let qrs = &mut transform.app_names.qrs;
        let certificates = [
            &mut qrs.certificate_file,
            &mut qrs.key_file,
            &mut qrs.root_file,
        ];
        for file in files
            .chain(&mut transform.app_names.files)
            .chain(certificates)
        {
            *file = folder.join(&*file);
        }
        // Empty where there is to be none.
        for file in [
            &mut transform.pseudonymize.key_file,
            &mut transform.sessions.state_file,
            &mut self.output.unix_stream,
            &mut transform.sessions.qps.certificate_file,
            &mut transform.sessions.qps.key_file,
            &mut transform.sessions.qps.root_file,
            &mut self.output.local_socket,
        ] {
            if !file.as_os_str().is_empty() {
                *file = folder.join(&*file);
            }
        }
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
        match Document::parse(text).config() {
            (config, problems) if problems.is_empty() => Ok(config),
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
