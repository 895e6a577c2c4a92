//! Turns the configuration of [Butler SOS](https://github.com/ptarmiganlabs/butler-sos), versions 9 to 15, into a
//! plugin.toml and a configuration for Vector that do the same with user, log and performance events.
//!
//! It is based on Butler SOS's configuration templates, the schema that checks them, and the code that uses them.

mod app_names;
mod certificates;
mod config;
mod leftovers;
mod performance;
mod plugin;
mod tags;
mod values;
mod vector;

use std::{fmt, net::IpAddr};

use serde_path_to_error::Track;

use crate::{
    config::Problem,
    transform::text_file::{self, TextFileError},
    wrong_type,
};

/// What an import needs besides the configuration.
#[derive(Debug, Clone)]
pub struct Options {
    /// The path under which Vector finds the plugin.toml.
    pub plugin_toml: String,
    /// Resolves a host name: allowed senders may be given by name.
    pub resolve: fn(&str) -> Vec<IpAddr>,
    /// Whether to accept every sender if Butler SOS only accepts some, and none of their addresses is known.
    pub allow_any_sender: bool,
}

/// Why a configuration cannot be imported.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ImportError {
    /// The first mistake in the file, with its line and key.
    #[error("{0}")]
    Problem(Problem),
    /// Only some senders are accepted, and none of their addresses is known.
    #[error(
        "{key}.allowedSources: no allowed sender is an IP address or a name that resolves here; run the import where \
         the names resolve, replace them with addresses, or accept every sender with --allow-any-sender"
    )]
    NoSender {
        /// The key of the UDP server.
        key: &'static str,
    },
}

/// The result of an import.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Import {
    /// The program's configuration.
    pub plugin_toml: String,
    /// Vector's configuration, which starts the program with `plugin_toml`.
    pub vector_yaml: String,
    /// What is not carried over, or works differently.
    pub notes: Vec<Note>,
}

/// Something that is not carried over or works differently, with the reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// Its key in Butler SOS's file, below `Butler-SOS`.
    pub key: String,
    /// What is different, and why.
    pub message: String,
}

impl Note {
    fn new(key: &str, message: &str) -> Self {
        Self {
            key: key.into(),
            message: message.into(),
        }
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.key, self.message)
    }
}

/// The text of a configuration file: UTF-8, or UTF-16 with a byte order mark, as PowerShell writes it.
///
/// # Errors
///
/// The first line that is neither.
pub fn text(bytes: Vec<u8>) -> Result<String, Problem> {
    text_file::decode(bytes).map_err(|error| {
        let line = match error {
            TextFileError::Encoding { line } => line,
            _ => 1,
        };
        Problem {
            line,
            key: String::new(),
            value: None,
            message: "the text is neither UTF-8 nor UTF-16 with a byte order mark; save the file as UTF-8"
                .to_owned(),
        }
    })
}

/// Converts the text of Butler SOS's configuration file into this program's configuration and Vector's.
///
/// # Errors
///
/// [`ImportError`] when the file is invalid, or when it is unclear from whom to accept datagrams.
pub fn import(text: &str, options: &Options) -> Result<Import, ImportError> {
    let (file, ignored) = read(text).map_err(ImportError::Problem)?;
    let from = &file.butler_sos;
    let mut notes = Vec::new();
    let config = plugin::plugin(from, options, &mut notes)?;
    // The text has just been read, so it is YAML.
    let value = yaml_serde::from_str(text).unwrap_or_default();
    notes.extend(leftovers::notes(&value, &ignored));
    let mut of_vector = Vec::new();
    let vector_yaml = vector::vector(from, options, &mut of_vector);
    let toml = plugin::to_toml(&config).map_err(|error| {
        ImportError::Problem(Problem {
            line: 1,
            key: String::new(),
            value: None,
            message: error.to_string(),
        })
    })?;
    Ok(Import {
        plugin_toml: format!("{}{toml}", heading("The program's configuration", &notes)),
        vector_yaml: format!(
            "{}{}{vector_yaml}",
            heading("Vector's configuration", &of_vector),
            if vector_yaml.contains("${") {
                VARIABLES
            } else {
                ""
            },
        ),
        notes: [notes, of_vector].concat(),
    })
}

/// Reads the file, and returns it with the unread keys, without `Butler-SOS`.
fn read(text: &str) -> Result<(config::File, Vec<String>), Problem> {
    let mut ignored = Vec::new();
    let mut track = Track::new();
    let deserializer = yaml_serde::Deserializer::from_str(text);
    let deserializer = serde_path_to_error::Deserializer::new(deserializer, &mut track);
    let read: Result<config::File, yaml_serde::Error> =
        serde_ignored::deserialize(deserializer, |path| {
            ignored.push(below_root(&dotted(&path)).to_owned());
        });
    match read {
        Ok(file) => Ok((file, ignored)),
        Err(error) => {
            Err(not_yaml(text).unwrap_or_else(|| problem(&error, &track.path().to_string())))
        }
    }
}

/// The full name of a key, written as in errors: `a.list[0].b`.
fn dotted(path: &serde_ignored::Path) -> String {
    use serde_ignored::Path;
    match path {
        Path::Root => String::new(),
        Path::Seq { parent, index } => format!("{}[{index}]", dotted(parent)),
        Path::Map { parent, key } => match dotted(parent) {
            parent if parent.is_empty() => key.clone(),
            parent => format!("{parent}.{key}"),
        },
        Path::Some { parent }
        | Path::NewtypeStruct { parent }
        | Path::NewtypeVariant { parent } => dotted(parent),
    }
}

/// A key without the `Butler-SOS` that all keys are below.
fn below_root(key: &str) -> &str {
    key.strip_prefix("Butler-SOS.").unwrap_or(key)
}

/// What is wrong if the text is not YAML. The parser's words are those of every YAML tool.
fn not_yaml(text: &str) -> Option<Problem> {
    let error = yaml_serde::from_str::<yaml_serde::Value>(text).err()?;
    let mut problem = problem(&error, "");
    problem.message = format!("this is not valid YAML: {}", problem.message);
    Some(problem)
}

fn problem(error: &yaml_serde::Error, key: &str) -> Problem {
    let key = key.trim_matches('.');
    // What is wrong with the file as a whole has no place.
    let (line, column) = error
        .location()
        .map_or((1, 1), |place| (place.line(), place.column()));
    let message = error.to_string();
    let message = message
        .strip_suffix(&format!(" at line {line} column {column}"))
        .unwrap_or(&message);
    let message = message
        .strip_prefix(key)
        .and_then(|rest| rest.strip_prefix(": "))
        .unwrap_or(message);
    let missing = message
        .strip_prefix("missing field `")
        .and_then(|rest| rest.strip_suffix('`'));
    let message = match missing {
        Some("Butler-SOS") => {
            "this is not a configuration of Butler SOS: expected all keys below `Butler-SOS`"
                .to_owned()
        }
        Some(key) => format!("missing key `{key}`"),
        None if key.is_empty() && message.starts_with("invalid type") => {
            "this is not a configuration of Butler SOS: expected all keys below `Butler-SOS`"
                .to_owned()
        }
        None => wrong_type::in_plain_words(message).unwrap_or_else(|| message.to_owned()),
    };
    Problem {
        line,
        key: below_root(key).into(),
        value: None,
        message,
    }
}

/// A comment for files that use environment variables.
const VARIABLES: &str = "\
# Names in braces after a dollar sign are environment variables of Vector. Since 0.57 Vector reads them only
# if it was started with --dangerously-allow-env-var-interpolation.

";

/// The comments at the beginning of a file.
fn heading(what: &str, notes: &[Note]) -> String {
    let mut text = format!(
        "# {what}, made from Butler SOS's by `qlik-sense-events import-butler-sos`.\n\
         # docs/from-butler-sos.md describes the next steps.\n"
    );
    if !notes.is_empty() {
        text.push_str("#\n# Not carried over, or different from Butler SOS:\n");
    }
    for note in notes {
        // A name in the file may contain a line break, which would end the comment, or a dollar sign, which Vector
        // would take for an environment variable even in a comment.
        text.push_str("# - ");
        text.push_str(&note.to_string().replace(['\r', '\n', '$'], " "));
        text.push('\n');
    }
    text.push('\n');
    text
}
