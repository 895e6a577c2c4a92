//! Every option with its explanation, for hosts that show the options of their plugins.
//!
//! They are read from the embedded `plugin.toml`, so that each option is explained once.

use serde_json::{Map, Value, json};

const FILE: &str = include_str!("../../plugin.toml");

/// An option or a table of options, as `plugin.toml` explains it.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The key with its tables, for example `source.address`.
    pub key: String,
    /// What it is and which values it may have.
    pub explanation: String,
    /// The default; `None` for a table.
    pub default: Option<Value>,
}

/// Every table and every option, in the order of the file.
#[must_use]
pub fn entries() -> Vec<Entry> {
    let defaults: toml::Table = FILE.parse().unwrap_or_default();
    let (mut entries, mut table, mut comment) = (Vec::new(), String::new(), String::new());
    for line in FILE.lines() {
        if let Some(text) = line.strip_prefix('#') {
            if !comment.is_empty() {
                comment.push(' ');
            }
            comment.push_str(text.trim());
            continue;
        }
        let explanation = std::mem::take(&mut comment);
        let key = if let Some(name) = line.strip_prefix('[') {
            name.trim_end_matches(']').clone_into(&mut table);
            table.clone()
        } else if let Some((name, _)) = line.split_once(" = ") {
            format!("{table}.{name}")
        } else {
            continue;
        };
        entries.push(Entry {
            default: default(&defaults, &key).filter(|_| key != table),
            key,
            explanation,
        });
    }
    entries
}

fn default(table: &toml::Table, key: &str) -> Option<Value> {
    let mut names = key.split('.');
    let value = table.get(names.next()?)?;
    let value = names.try_fold(value, |value, name| value.get(name))?;
    serde_json::to_value(value).ok()
}

/// The JSON Schema of options that stand where `place` says: a key within the host's configuration, with
/// a dot after each table, or none where the host does not have the option.
#[must_use]
pub fn json_schema(place: impl Fn(&str) -> Option<String>) -> Value {
    let placed = entries()
        .into_iter()
        .filter_map(|entry| Some((place(&entry.key)?, entry)))
        .collect::<Vec<_>>();
    table("", "", &placed)
}

/// A table with its options and tables.
fn table(explanation: &str, prefix: &str, placed: &[(String, Entry)]) -> Value {
    let mut properties = Map::new();
    for (place, entry) in placed {
        let Some(rest) = place.strip_prefix(prefix) else {
            continue;
        };
        let (name, inner) = rest.split_once('.').unwrap_or((rest, ""));
        let option = match &entry.default {
            Some(default) if inner.is_empty() => json!({
                "type": json_type(&entry.key, default),
                "description": entry.explanation,
                "default": default,
            }),
            _ if properties.contains_key(name) => continue,
            _ => {
                let explanation = if inner.is_empty() {
                    &entry.explanation
                } else {
                    ""
                };
                table(explanation, &format!("{prefix}{name}."), placed)
            }
        };
        properties.insert(name.to_owned(), option);
    }
    json!({"type": "object", "description": explanation, "properties": properties})
}

fn json_type(key: &str, default: &Value) -> Value {
    match default {
        // The only option that has two forms.
        _ if key == "source.address" => json!(["string", "array"]),
        // A whole number as it stands there, and decimals are welcome.
        _ if key == "transform.performance.min_process_ms" => json!("number"),
        Value::Null => json!("null"),
        Value::Bool(_) => json!("boolean"),
        Value::Number(_) => json!("integer"),
        Value::String(_) => json!("string"),
        Value::Array(_) => json!("array"),
        Value::Object(_) => json!("object"),
    }
}
