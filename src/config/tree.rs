//! The content of a configuration with its positions: a tree of values, from TOML or from JSON.

use std::ops::Range;

use toml::de::{DeTable, DeValue};

use super::problem::shown;

/// A value and its position.
#[derive(Debug, Clone)]
pub(super) struct Node {
    /// The bytes of the value; `None` if there is no text.
    pub span: Option<Range<usize>>,
    pub value: Value,
}

/// What a value is.
#[derive(Debug, Clone)]
pub(super) enum Value {
    Boolean(bool),
    Integer(i128),
    /// A number with decimals, or one that is too large.
    Number(f64),
    Text(String),
    /// Something that no option can be: a TOML date or time, JSON null.
    Other,
    /// Values with their indexes: one that cannot be read leaves a gap.
    List(Vec<(usize, Node)>),
    Table(Vec<Entry>),
}

/// A key and its value.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub key: String,
    /// The bytes of the key.
    pub span: Option<Range<usize>>,
    pub node: Node,
}

/// A step on the way to a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    Key(String),
    Index(usize),
}

/// `transform.blacklist.users[2]`
pub(super) fn key(path: &[Step]) -> String {
    let mut key = String::new();
    for step in path {
        match step {
            Step::Index(index) => key.push_str(&format!("[{index}]")),
            Step::Key(name) => {
                if !key.is_empty() {
                    key.push('.');
                }
                if is_bare(name) {
                    key.push_str(name);
                } else {
                    key.push_str(&format!("'{}'", shown(name)));
                }
            }
        }
    }
    key
}

/// Whether TOML has a key without quotes.
fn is_bare(key: &str) -> bool {
    let is_bare = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    !key.is_empty() && key.bytes().all(is_bare)
}

/// Whether a value may be a key for pseudonyms in the wrong place, which must not appear in a log.
pub(super) fn is_secret(path: &[Step]) -> bool {
    key(path).starts_with("transform.pseudonymize")
}

impl Node {
    /// Whether it is a table with one of these keys.
    pub(super) fn has_any<const N: usize>(&self, keys: [&str; N]) -> bool {
        let Value::Table(entries) = &self.value else {
            return false;
        };
        entries.iter().any(|entry| keys.contains(&&*entry.key))
    }

    /// The value at the end of a path.
    pub(super) fn at(&self, path: &[Step]) -> Option<&Self> {
        let Some((step, rest)) = path.split_first() else {
            return Some(self);
        };
        match (step, &self.value) {
            (Step::Key(name), Value::Table(entries)) => entries
                .iter()
                .find(|entry| entry.key == *name)?
                .node
                .at(rest),
            (Step::Index(index), Value::List(list)) => {
                list.iter().find(|(place, _)| place == index)?.1.at(rest)
            }
            _ => None,
        }
    }

    /// Whether a message begins with the value already.
    pub(super) fn begins(&self, message: &str) -> bool {
        let Value::Text(text) = &self.value else {
            return false;
        };
        message.starts_with(&format!("`{text}`"))
    }

    /// The bytes of the key, or of the place in a list, at the end of a path.
    pub(super) fn key_span(&self, path: &[Step]) -> Option<Range<usize>> {
        let (last, table) = path.split_last()?;
        match (last, &self.at(table)?.value) {
            (Step::Key(name), Value::Table(entries)) => entries
                .iter()
                .find(|entry| entry.key == *name)
                .and_then(|entry| entry.span.clone()),
            _ => self.at(path)?.span.clone(),
        }
    }

    /// Removes the value at the end of a path. Returns whether it existed.
    pub(super) fn remove(&mut self, path: &[Step]) -> bool {
        let Some((step, rest)) = path.split_first() else {
            return false;
        };
        match (step, &mut self.value) {
            (Step::Key(name), Value::Table(entries)) => {
                let Some(found) = entries.iter().position(|entry| entry.key == *name) else {
                    return false;
                };
                if rest.is_empty() {
                    entries.remove(found);
                    return true;
                }
                entries[found].node.remove(rest)
            }
            (Step::Index(index), Value::List(list)) => {
                let Some(found) = list.iter().position(|(place, _)| place == index) else {
                    return false;
                };
                if rest.is_empty() {
                    list.remove(found);
                    return true;
                }
                list[found].1.remove(rest)
            }
            _ => false,
        }
    }

    pub(super) fn of_toml(table: &DeTable<'_>) -> Self {
        Self {
            span: None,
            value: entries(table),
        }
    }

    fn of_toml_value(value: &toml::Spanned<DeValue<'_>>) -> Self {
        let span = Some(value.span());
        let value = match value.get_ref() {
            DeValue::String(text) => Value::Text(text.clone().into_owned()),
            DeValue::Boolean(boolean) => Value::Boolean(*boolean),
            DeValue::Integer(integer) => {
                let parsed = i128::from_str_radix(integer.as_str(), integer.radix());
                // Beyond every option.
                parsed.map_or(Value::Number(f64::INFINITY), Value::Integer)
            }
            DeValue::Float(float) => {
                let parsed = float.as_str().parse();
                Value::Number(parsed.unwrap_or(f64::NAN))
            }
            DeValue::Datetime(_) => Value::Other,
            DeValue::Array(list) => {
                let nodes = list.iter().map(Self::of_toml_value);
                Value::List(nodes.enumerate().collect())
            }
            DeValue::Table(table) => entries(table),
        };
        Self { span, value }
    }
}

fn entries(table: &DeTable<'_>) -> Value {
    let entries = table.iter().map(|(key, value)| Entry {
        key: key.get_ref().clone().into_owned(),
        span: Some(key.span()),
        node: Node::of_toml_value(value),
    });
    let mut entries: Vec<Entry> = entries.collect();
    // In the order of the text: of two mutually exclusive options, the second is wrong.
    entries.sort_by_key(|entry| entry.span.as_ref().map(|span| span.start));
    Value::Table(entries)
}

#[cfg(feature = "linked")]
impl Node {
    /// A value as JSON has it; none for tables and lists.
    pub(super) fn to_json(&self) -> Option<String> {
        match &self.value {
            Value::Boolean(boolean) => Some(boolean.to_string()),
            Value::Integer(integer) => Some(integer.to_string()),
            Value::Number(number) => Some(number.to_string()),
            Value::Text(text) => serde_json::to_string(text).ok(),
            Value::Other | Value::List(_) | Value::Table(_) => None,
        }
    }
}

#[cfg(feature = "linked")]
impl From<serde_json::Value> for Node {
    fn from(json: serde_json::Value) -> Self {
        use serde_json::Value as Json;

        let value = match json {
            Json::Null => Value::Other,
            Json::Bool(boolean) => Value::Boolean(boolean),
            Json::Number(number) => match number.as_i128() {
                Some(integer) => Value::Integer(integer),
                None => Value::Number(number.as_f64().unwrap_or(f64::INFINITY)),
            },
            Json::String(text) => Value::Text(text),
            Json::Array(list) => {
                let nodes = list.into_iter().map(Self::from);
                Value::List(nodes.enumerate().collect())
            }
            Json::Object(table) => {
                let entries = table.into_iter().map(|(key, value)| Entry {
                    key,
                    span: None,
                    node: value.into(),
                });
                Value::Table(entries.collect())
            }
        };
        Self { span: None, value }
    }
}
