//! The dashboards in `examples/grafana` are complete, and only query what the examples in `examples/vector` produce.
//!
//! What is produced comes from the schemas, from a real run of the program for its diagnostics and metrics, and from
//! the examples for what they add, rename and delete.

mod alerts;
mod cardinality;
mod documentation;
mod index_template;
mod layouts;
mod one_screen;
#[path = "../../support/picture.rs"]
mod picture;
#[path = "../../support/produced.rs"]
mod produced;
#[path = "../../support/queries.rs"]
mod queries;
mod stores;
mod structure;

use std::{collections::BTreeSet, fs, path::Path};

use serde_json::Value;

const DASHBOARDS: [&str; 3] = ["elasticsearch", "loki", "prometheus"];

/// The dashboards that show Prometheus and a second store together, with that store.
const ONE_SCREEN: [(&str, &str); 2] = [
    ("one_screen_elasticsearch", "elasticsearch"),
    ("one_screen_loki", "loki"),
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn dashboard(name: &str) -> Value {
    let path = root().join(format!("examples/grafana/{name}.json"));
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{name}: {error}"));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn text(value: &Value) -> &str {
    value
        .as_str()
        .unwrap_or_else(|| panic!("expected text, found {value}"))
}

fn number(value: &Value) -> usize {
    value
        .as_u64()
        .and_then(|number| usize::try_from(number).ok())
        .unwrap_or_else(|| panic!("expected a number, found {value}"))
}

#[test]
fn these_tests_cover_every_dashboard() {
    let found: BTreeSet<String> = fs::read_dir(root().join("examples/grafana"))
        .expect("the folder")
        .map(|entry| entry.expect("an entry").file_name())
        .map(|name| name.to_string_lossy().replace(".json", ""))
        .collect();
    let known = DASHBOARDS
        .into_iter()
        .chain(ONE_SCREEN.map(|(name, _)| name));
    assert_eq!(found, known.map(String::from).collect());
}

fn assert_known(title: &str, names: &BTreeSet<String>, known: &BTreeSet<String>) {
    let unknown: Vec<&String> = names.difference(known).collect();
    assert!(unknown.is_empty(), "{title}: {unknown:?} of {known:?}");
}

/// The fields that a request to Elasticsearch uses.
fn fields(request: &Value, names: &mut BTreeSet<String>) {
    match request {
        Value::Object(map) => {
            for (key, value) in map {
                match key.as_str() {
                    "term" | "range" | "terms" | "prefix" | "sort"
                        if value
                            .as_object()
                            .is_some_and(|one| !one.contains_key("field")) =>
                    {
                        names.extend(value.as_object().expect("fields").keys().cloned());
                    }
                    "field" => drop(names.insert(text(value).to_owned())),
                    _ => fields(value, names),
                }
            }
        }
        Value::Array(values) => values.iter().for_each(|value| fields(value, names)),
        _ => {}
    }
}
