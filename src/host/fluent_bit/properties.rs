//! Turns the properties of an instance in the host's configuration into options.
//!
//! A property is an option of `plugin.toml` under another name and as plain text. Its value is converted to the file's
//! format and read like the file, so that it has the same meaning and the same errors.

use std::{ffi::CString, path::Path};

use toml::{Table, Value};

use super::api::NoText;
use crate::{
    config::{Config, ConfigError, Loaded},
    host::ineffective,
};

/// The property that names a configuration file.
const CONFIG: &str = "config";

/// A property, and the option that it sets.
struct Property {
    name: &'static str,
    /// The option's table and key.
    option: [&'static [&'static str]; 2],
    read: fn(&str) -> Option<Value>,
    set: fn(&mut Config, Config),
}

const PROPERTIES: [Property; 5] = [
    Property {
        name: "address",
        option: [&["source"], &["address"]],
        read: words,
        set: |config, read| config.source.address = read.source.address,
    },
    Property {
        name: "allowed_senders",
        option: [&["source"], &["allowed_senders"]],
        read: words,
        set: |config, read| config.source.allowed_senders = read.source.allowed_senders,
    },
    Property {
        name: "blacklist",
        option: [&["transform", "blacklist"], &["users"]],
        read: listed,
        set: |config, read| config.transform.blacklist.users = read.transform.blacklist.users,
    },
    Property {
        name: "schema",
        option: [&["output"], &["schema"]],
        read: |text| Some(Value::String(text.into())),
        set: |config, read| config.output.schema = read.output.schema,
    },
    Property {
        name: "receive_buffer_size",
        option: [&["source"], &["receive_buffer_bytes"]],
        read: size,
        set: |config, read| config.source.receive_buffer_bytes = read.source.receive_buffer_bytes,
    },
];

/// Options of how and where the program writes events, which here is the host's part.
const WITHOUT_EFFECT: [&str; 4] = [
    "output.codec",
    "output.unix_stream",
    "output.unix_stream_connections",
    "output.local_socket",
];

/// An instance is misconfigured.
#[derive(Debug, thiserror::Error)]
pub(super) enum PropertyError {
    #[error("property `{name}`: {source}")]
    NoText { name: String, source: NoText },
    #[error("property `{name}` is `{value}`: {problem}")]
    Wrong {
        name: &'static str,
        value: String,
        problem: String,
    },
    #[error(
        "unknown property `{name}`; set `{option}` in the file that the property `config` names"
    )]
    Misplaced { name: String, option: String },
    #[error(
        "unknown property `{name}`; the option `{option}` has no effect in Fluent Bit, whose outputs write the events"
    )]
    WithoutEffect { name: String, option: String },
    #[error("property `config`: {0}")]
    File(#[from] ConfigError),
}

/// Options of the file that have no effect, or one that cannot be intended.
pub(super) fn warnings(loaded: &Loaded) -> Vec<String> {
    let changed = loaded.written().iter().filter(|option| option.is_changed);
    let without_effect = changed.filter(|option| WITHOUT_EFFECT.contains(&&*option.key));
    let without_effect = without_effect.map(|option| {
        let message =
            "has no effect in Fluent Bit, whose outputs write the events; remove this option";
        loaded.about(&option.key, message)
    });
    let others = ineffective::warnings(loaded).into_iter();
    without_effect.chain(others).collect()
}

/// The options of an instance: those of the file, if one is named, overridden by the other properties. `look_up`
/// returns the value of a property.
pub(super) fn load(
    look_up: impl Fn(&CString) -> Result<Option<String>, NoText>,
) -> Result<Loaded, PropertyError> {
    let look_up = |name: &str| {
        let key = CString::new(name).unwrap_or_default();
        look_up(&key).map_err(|source| PropertyError::NoText {
            name: name.into(),
            source,
        })
    };
    let mut loaded = match look_up(CONFIG)? {
        Some(file) => Loaded::read(Path::new(&file)),
        None => Loaded::defaults(),
    };
    if let Some(error) = loaded.error.take() {
        return Err(error.into());
    }
    for property in PROPERTIES {
        if let Some(value) = look_up(property.name)? {
            (property.set)(&mut loaded.config, property.parse(value)?);
        }
    }
    for option in options() {
        let name = option.rsplit('.').next().unwrap_or(&option);
        let is_known = name == CONFIG || PROPERTIES.iter().any(|known| known.name == name);
        if !is_known && look_up(name)?.is_some() {
            let name = name.into();
            return Err(if WITHOUT_EFFECT.contains(&option.as_str()) {
                PropertyError::WithoutEffect { name, option }
            } else {
                PropertyError::Misplaced { name, option }
            });
        }
    }
    Ok(loaded)
}

impl Property {
    /// A configuration with all options at their defaults, except for this one.
    fn parse(&self, value: String) -> Result<Config, PropertyError> {
        let wrong = |value, problem| PropertyError::Wrong {
            name: self.name,
            value,
            problem,
        };
        let Some(read) = (self.read)(&value) else {
            return Err(wrong(value, EXPECTED_SIZE.into()));
        };
        let path = self.option.iter().flat_map(|part| part.iter());
        let option = path.rev().fold(read, |inner, name| {
            Value::Table(Table::from_iter([((*name).to_owned(), inner)]))
        });
        let text = toml::to_string(&option).unwrap_or_default();
        Config::parse(&text).map_err(|problems| {
            let problems: Vec<_> = problems.into_iter().map(|each| each.message).collect();
            wrong(value, problems.join("; "))
        })
    }
}

/// Splits at commas or spaces.
fn words(text: &str) -> Option<Value> {
    let words = text.split([',', ' ', '\t']).filter(|word| !word.is_empty());
    Some(words.map(Value::from).collect::<Vec<_>>().into())
}

/// Splits at commas; the parts may contain spaces.
fn listed(text: &str) -> Option<Value> {
    let parts = text.split(',').map(str::trim);
    let parts = parts.filter(|part| !part.is_empty()).map(Value::from);
    Some(parts.collect::<Vec<_>>().into())
}

const EXPECTED_SIZE: &str = "expected a size such as 16777216, 512K, 16M or 1G";

/// A number of bytes, with the host's units: `K`, `M` and `G` are powers of 1,000.
fn size(text: &str) -> Option<Value> {
    let text = text.to_ascii_uppercase();
    let text = text.strip_suffix('B').unwrap_or(&text);
    let (number, unit) = match text.char_indices().last()? {
        (place, 'K') => (&text[..place], 1_000),
        (place, 'M') => (&text[..place], 1_000_000),
        (place, 'G') => (&text[..place], 1_000_000_000),
        _ => (text, 1),
    };
    let number: i64 = number.trim().parse().ok()?;
    Some(Value::Integer(number.checked_mul(unit)?))
}

/// All options of the file, such as `source.rate_limit.burst`, except those about the plugin itself.
fn options() -> Vec<String> {
    let mut options = Vec::new();
    if let Ok(mut table) = Table::try_from(Config::default()) {
        table.remove("plugin");
        collect("", &table, &mut options);
    }
    options
}

fn collect(path: &str, table: &Table, options: &mut Vec<String>) {
    for (name, value) in table {
        let path = format!("{path}{name}");
        match value {
            Value::Table(inner) if !inner.is_empty() => {
                collect(&format!("{path}."), inner, options);
            }
            _ => options.push(path),
        }
    }
}
