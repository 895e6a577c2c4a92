//! Reading the file, and saying what is wrong with it: by file, line and key.

use std::{
    fmt, fs, io,
    ops::Range,
    path::{Path, PathBuf},
};

use serde_path_to_error::Segment;
use toml::de::{DeTable, DeValue};

use super::{Config, OutputConfig, WrongValue};

/// A configuration file cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("{}: the configuration file cannot be read: {source}", file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The file does not say what it should.
    #[error("{}", lines(file, problems))]
    Problems {
        /// The file.
        file: PathBuf,
        /// What is wrong, at least one.
        problems: Vec<Problem>,
    },
}

/// Something that is wrong in a configuration file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The line, from 1.
    pub line: usize,
    /// The key with its tables, for example `source.address`; empty where the text is no TOML.
    pub key: String,
    /// What is wrong, and what was expected.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.key.is_empty() {
            write!(f, "{}: {}", self.line, self.message)
        } else {
            write!(f, "{}: {}: {}", self.line, self.key, self.message)
        }
    }
}

fn lines(file: &Path, problems: &[Problem]) -> String {
    let lines: Vec<String> = problems
        .iter()
        .map(|problem| format!("{}:{problem}", file.display()))
        .collect();
    lines.join("\n")
}

impl Config {
    /// Reads a configuration file. Files that it names are taken relative to its own folder.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] when the file cannot be read, is no TOML, or has unknown keys, wrong types or
    /// impossible values.
    pub fn load(file: &Path) -> Result<Self, ConfigError> {
        let text = fs::read_to_string(file).map_err(|source| ConfigError::Read {
            file: file.into(),
            source,
        })?;
        let mut config = Self::parse(&text).map_err(|problems| ConfigError::Problems {
            file: file.into(),
            problems,
        })?;
        let folder = file.parent().unwrap_or(Path::new(""));
        let transform = &mut config.transform;
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
            &mut config.output.local_socket,
        ] {
            if !file.as_os_str().is_empty() {
                *file = folder.join(&*file);
            }
        }
        Ok(config)
    }

    /// The codec, schema and tags that a file asks for, as far as that can be told of a file that may be
    /// wrong elsewhere: what is wrong has to be reported in some codec.
    #[must_use]
    pub fn output_in(file: &Path) -> OutputConfig {
        let text = fs::read_to_string(file).unwrap_or_default();
        let table: toml::Table = text.parse().unwrap_or_default();
        let output = table.get("output");
        let value = |key: &str| output.and_then(|output| output.get(key));
        let named = |key: &str| value(key).and_then(toml::Value::as_str);
        let tags = value("tags").and_then(|tags| tags.clone().try_into().ok());
        OutputConfig {
            codec: named("codec")
                .and_then(|name| name.parse().ok())
                .unwrap_or_default(),
            schema: named("schema")
                .and_then(|name| name.parse().ok())
                .unwrap_or_default(),
            tags: tags.unwrap_or_default(),
            ..OutputConfig::default()
        }
    }

    /// Reads the text of a configuration file.
    ///
    /// # Errors
    ///
    /// Every [`Problem`] that can be told apart.
    pub fn parse(text: &str) -> Result<Self, Vec<Problem>> {
        let file = File::parse(text)?;
        let deserializer = toml::Deserializer::parse(text)
            .map_err(|error| vec![file.problem(error.span(), "", error.message())])?;
        let config: Self = serde_path_to_error::deserialize(deserializer).map_err(|error| {
            let key = key(error.path());
            let span = error.inner().span();
            vec![file.problem(span, &key, &plain(error.inner().message()))]
        })?;
        let problems = file.check(&config);
        if problems.is_empty() {
            Ok(config)
        } else {
            Err(problems)
        }
    }
}

/// The text and where its keys stand.
struct File<'a> {
    text: &'a str,
    table: DeTable<'a>,
}

impl<'a> File<'a> {
    fn parse(text: &'a str) -> Result<Self, Vec<Problem>> {
        match DeTable::parse(text) {
            Ok(table) => Ok(Self {
                text,
                table: table.into_inner(),
            }),
            Err(error) => Err(vec![Problem {
                line: line(text, error.span()),
                key: String::new(),
                message: error.message().to_owned(),
            }]),
        }
    }

    fn problem(&self, span: Option<Range<usize>>, key: &str, message: &str) -> Problem {
        Problem {
            line: line(self.text, span),
            key: key.to_owned(),
            message: message.to_owned(),
        }
    }

    /// Values of the right type that cannot be meant.
    fn check(&self, config: &Config) -> Vec<Problem> {
        let problem =
            |wrong: WrongValue| self.problem(self.place(wrong.key), wrong.key, &wrong.message);
        config.wrong_values().into_iter().map(problem).collect()
    }

    /// Where the value of a key stands.
    fn place(&self, key: &str) -> Option<Range<usize>> {
        let mut names = key.split('.');
        let mut value = self.table.get(names.next()?)?;
        for name in names {
            let DeValue::Table(table) = value.get_ref() else {
                break;
            };
            value = table.get(name)?;
        }
        Some(value.span())
    }
}

fn line(text: &str, span: Option<Range<usize>>) -> usize {
    let start = span.map_or(0, |span| span.start).min(text.len());
    1 + text.as_bytes()[..start]
        .iter()
        .filter(|&&byte| byte == b'\n')
        .count()
}

/// `transform.blacklist.users[2]`
fn key(path: &serde_path_to_error::Path) -> String {
    let mut key = String::new();
    for segment in path {
        match segment {
            Segment::Seq { index } => key.push_str(&format!("[{index}]")),
            Segment::Map { key: name } => {
                if !key.is_empty() {
                    key.push('.');
                }
                key.push_str(name);
            }
            Segment::Enum { .. } | Segment::Unknown => {}
        }
    }
    key
}

/// serde names types as Rust does; an administrator need not know them.
fn plain(message: &str) -> String {
    ["usize", "u64", "u32", "u16"]
        .iter()
        .fold(message.to_owned(), |message, name| {
            message.replace(
                &format!("expected {name}"),
                "expected a whole number that is not negative",
            )
        })
}
