//! The options of a source that is linked into its host.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser};
use serde_json::{Map, Value};

use super::{
    Config, Problem,
    problem::shown,
    read::{Reason, Refused, read},
    reference,
    tree::{Node, Step, is_secret, key},
};

/// The options of `plugin.toml` without those that the host handles itself: the options of `[source]` are at the top
/// level; `transform`, `engine_health`, `output` and `queue` are tables.
///
/// ```
/// use qlik_sense_events::config::LinkedConfig;
///
/// let options = serde_json::json!({
///     "address": "127.0.0.1:9997",
///     "transform": { "blacklist": { "users": [r"INTERNAL\sa_*"] } },
///     "output": { "schema": "ecs" },
/// });
/// let options: LinkedConfig = serde_json::from_value(options)?;
/// assert_eq!(options.config().source.address[0].port(), 9997);
/// # Ok::<(), serde_json::Error>(())
/// ```
///
/// Options are checked when they are read. Files that they name are relative to the folder in which the
/// host runs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LinkedConfig(Config);

const TABLES: [&str; 4] = ["transform", "engine_health", "output", "queue"];

/// Options of those tables that the host does not need, and why.
const NOT_HERE: [(&str, &str, &str); 4] = [
    (
        "output",
        "codec",
        "the host takes events as values, so there is no codec; remove this option",
    ),
    (
        "output",
        "unix_stream",
        "the host takes events as values, so there is no byte stream; remove this option",
    ),
    (
        "output",
        "unix_stream_connections",
        "the host takes events as values, so there is no byte stream; remove this option",
    ),
    (
        "output",
        "local_socket",
        "the host has its own way to watch events, such as `vector tap`; remove this option",
    ),
];

impl LinkedConfig {
    /// The same options as a configuration of the program.
    #[must_use]
    pub const fn config(&self) -> &Config {
        &self.0
    }

    /// The JSON Schema of the options, with explanations and defaults.
    #[must_use]
    pub fn json_schema() -> Value {
        reference::json_schema(|key| {
            let (table, option) = key.split_once('.').unwrap_or((key, ""));
            match table {
                "source" if option.is_empty() => None,
                "source" => Some(option.to_owned()),
                _ if NOT_HERE
                    .iter()
                    .any(|here| (here.0, here.1) == (table, option)) =>
                {
                    None
                }
                _ if TABLES.contains(&table) => Some(key.to_owned()),
                _ => None,
            }
        })
    }
}

impl<'de> Deserialize<'de> for LinkedConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (mut source, mut config) = (Map::new(), Map::new());
        for (key, value) in Map::deserialize(deserializer)? {
            let is_table = TABLES.contains(&&*key);
            if is_table { &mut config } else { &mut source }.insert(key, value);
        }
        for (table, option, why) in NOT_HERE {
            if config
                .get(table)
                .is_some_and(|table| table.get(option).is_some())
            {
                return Err(de::Error::custom(format!("{table}.{option}: {why}")));
            }
        }
        config.insert("source".into(), source.into());
        let tree = Node::from(Value::Object(config));
        let (config, refused) = read::<Config>(tree.clone());
        let mut wrong: Vec<_> = config.iter().flat_map(Config::wrong_values).collect();
        wrong.retain(|wrong| !wrong.follows_from(&refused));
        let refused = refused.into_iter().map(|Refused { path, reason }| {
            let node = tree.at(&path);
            let is_key = matches!(reason, Reason::UnknownKey { .. } | Reason::MissingKey(_));
            let name = match path.last() {
                Some(Step::Key(name)) => name,
                _ => "",
            };
            let message = reason.message(name, node);
            problem(&path, node.filter(|_| !is_key), message)
        });
        let wrong = wrong.into_iter().map(|wrong| {
            let path = wrong.path();
            problem(&path, tree.at(&path), wrong.message)
        });
        let problems: Vec<String> = refused.chain(wrong).collect();
        match config {
            Some(config) if problems.is_empty() => Ok(Self(config)),
            _ => Err(de::Error::custom(problems.join("; "))),
        }
    }
}

/// What is wrong, by the host's key.
fn problem(path: &[Step], node: Option<&Node>, message: String) -> String {
    let key = key(path);
    let key = key.strip_prefix("source.").unwrap_or(&key).to_owned();
    let node = node.filter(|node| !node.begins(&message) && !is_secret(path));
    let problem = Problem {
        line: 1,
        key,
        value: node.and_then(Node::to_json).map(|json| shown(&json)),
        message,
    };
    problem.without_line().to_string()
}

impl Serialize for LinkedConfig {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Value::Object(mut config) =
            serde_json::to_value(&self.0).map_err(ser::Error::custom)?
        else {
            return Err(ser::Error::custom("expected a table of options"));
        };
        let mut options = match config.remove("source") {
            Some(Value::Object(source)) => source,
            _ => Map::new(),
        };
        for table in TABLES {
            options.extend(config.remove_entry(table));
        }
        for (table, option, _) in NOT_HERE {
            if let Some(Value::Object(table)) = options.get_mut(table) {
                table.remove(option);
            }
        }
        // Not every format of a host can express a value that is not set.
        options.values_mut().for_each(without_nulls);
        options.serialize(serializer)
    }
}

fn without_nulls(value: &mut Value) {
    if let Value::Object(table) = value {
        table.retain(|_, value| !value.is_null());
        table.values_mut().for_each(without_nulls);
    }
}
