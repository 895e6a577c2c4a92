//! Options as users write them, their schema, and the mistakes in them.

use std::{collections::BTreeSet, fs};

use qlik_sense_events::{
    config::{Config, LinkedConfig, reference},
    host::linked::ExcludeUsersConfig,
    schema::Schema,
};
use serde_json::{Value as Json, json};

use super::options;

#[test]
fn options_are_the_same_as_in_the_program() {
    assert_eq!(options(json!({})), LinkedConfig::default());
    assert_eq!(*LinkedConfig::default().config(), Config::default());
    let given = json!({
        "address": ["127.0.0.1:9997", "[::1]:9997"],
        "workers": 2,
        "rate_limit": {"events_per_sec": 7, "burst": 9},
        "transform": {"blacklist": {"users": [r"LAB\goran"]}},
        "output": {"schema": "ecs", "tags": {"site": "Lund"}, "drop_fields": ["message"]},
    });
    let read = options(given);
    assert_eq!(read.config().source.address.len(), 2);
    assert_eq!(read.config().source.workers, 2);
    assert_eq!(read.config().source.rate_limit.burst, 9);
    assert_eq!(read.config().transform.blacklist.users.len(), 1);
    assert_eq!(read.config().output.schema, Schema::Ecs);
    let written = serde_json::to_value(&read).expect("options");
    assert_eq!(options(written), read);
}

#[test]
fn mistakes_are_reported_by_key() {
    let rows = [
        (
            json!({"adress": "127.0.0.1:9997"}),
            "adress: unknown key; did you mean `address`?",
        ),
        (
            json!({"rate_limit": "many", "workers": 0}),
            "rate_limit = \"many\": expected a table with the keys `events_per_sec` and `burst`; workers = 0: ",
        ),
        (
            json!({"address": "localhost:9997"}),
            "address = \"localhost:9997\": expected an address such as",
        ),
        (json!({"workers": 0}), "workers = 0: expected 1 to 64"),
        (
            json!({"rate_limit": {"burst": 0}}),
            "rate_limit.burst = 0: expected at least 1",
        ),
        (
            json!({"transform": {"blacklist": {"users": ["goran"]}}}),
            "transform.blacklist.users[0]: `goran`: ",
        ),
        (
            json!({"transform": {"pseudonymize": {"key_env": ["secret"]}}}),
            "transform.pseudonymize.key_env: expected text",
        ),
        (
            json!({"output": {"codec": "json"}}),
            "output.codec: the host takes events as values",
        ),
        (
            json!({"output": {"drop_fields": ["x"]}}),
            "output.drop_fields[0] = \"x\": ",
        ),
        (
            json!({"output": {"local_socket": "/run/x"}}),
            "output.local_socket: the host has its own way",
        ),
        (
            json!({"engine_health": {"nodes": [{"port": 4747}]}}),
            "engine_health.nodes[0]: `host`: expected a host name",
        ),
        (
            json!({"queue": {"max_events": 0}}),
            "queue.max_events = 0: expected 1 to",
        ),
        (json!({"telemetry": {}}), "telemetry: unknown key"),
    ];
    for (given, expected) in &rows {
        let error = serde_json::from_value::<LinkedConfig>(given.clone()).expect_err(expected);
        assert!(error.to_string().starts_with(expected), "{error}");
    }
}

/// The keys of the properties of a schema, including those of nested tables.
fn properties(schema: &Json, prefix: &str, keys: &mut BTreeSet<String>) {
    for (name, property) in schema["properties"].as_object().expect("properties") {
        let key = format!("{prefix}{name}");
        if property.get("properties").is_some() {
            properties(property, &format!("{key}."), keys);
        } else {
            let explanation = property["description"].as_str().expect("an explanation");
            assert!(explanation.len() > 20, "{key}: {explanation}");
            assert!(property.get("default").is_some(), "{key}");
            keys.insert(key);
        }
    }
}

/// The keys of a table, including those of nested tables.
fn keys(table: &Json, prefix: &str, found: &mut BTreeSet<String>) {
    for (name, value) in table.as_object().expect("a table") {
        match value {
            Json::Object(inner) if !inner.is_empty() => {
                keys(value, &format!("{prefix}{name}."), found);
            }
            _ => {
                found.insert(format!("{prefix}{name}"));
            }
        }
    }
}

#[test]
fn the_schema_explains_every_option_and_no_other() {
    let (mut explained, mut expected) = (BTreeSet::new(), BTreeSet::new());
    properties(&LinkedConfig::json_schema(), "", &mut explained);
    let defaults = serde_json::to_value(LinkedConfig::default()).expect("options");
    keys(&defaults, "", &mut expected);
    assert_eq!(explained, expected);
    assert!(explained.contains("transform.blacklist.users"));

    let (mut explained, mut expected) = (BTreeSet::new(), BTreeSet::new());
    properties(&ExcludeUsersConfig::json_schema(), "", &mut explained);
    let defaults = serde_json::to_value(ExcludeUsersConfig::default()).expect("options");
    keys(&defaults, "", &mut expected);
    assert_eq!(explained, expected);
}

#[test]
fn defaults_in_the_schema_are_the_defaults() {
    let schema = LinkedConfig::json_schema();
    let burst = &schema["properties"]["rate_limit"]["properties"]["burst"];
    assert_eq!(burst["default"], 10_000);
    assert_eq!(burst["type"], "integer");
    assert_eq!(
        schema["properties"]["address"]["type"],
        json!(["string", "array"])
    );
    let explanation = schema["properties"]["output"]["description"].as_str();
    assert_eq!(explanation, Some("How events are written."));
    let entry = reference::entries()
        .into_iter()
        .find(|entry| entry.key == "source.undecoded");
    let entry = entry.expect("the option");
    assert_eq!(entry.default, Some(json!("forward")));
    assert!(entry.explanation.starts_with("What to do with payloads"));
}

/// The configurations in `docs/vector-linked.md`, as Vector passes them on: without `type` and `inputs`.
#[test]
fn configurations_in_the_documentation_are_read() {
    let document = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/vector-linked.md");
    let document = fs::read_to_string(document).expect("the document");
    let mut seen = BTreeSet::new();
    for block in document.split("```yaml linked\n").skip(1) {
        let block = block.split("```").next().expect("its end");
        let config: Json = yaml_serde::from_str(block).expect("YAML");
        for component in ["sources", "transforms"] {
            for options in config[component]
                .as_object()
                .into_iter()
                .flat_map(|c| c.values())
            {
                let mut given = options.as_object().expect("options").clone();
                given.remove("inputs");
                let name = given.remove("type").expect("a type");
                let given = Json::Object(given);
                match name.as_str() {
                    Some("qlik_sense") => drop(options_of::<LinkedConfig>(given)),
                    Some("exclude_qlik_users") => drop(options_of::<ExcludeUsersConfig>(given)),
                    _ => panic!("{name}"),
                }
                seen.insert(name.to_string());
            }
        }
    }
    assert_eq!(seen.len(), 2);
}

fn options_of<T: serde::de::DeserializeOwned>(given: Json) -> T {
    serde_json::from_value(given).expect("options")
}
