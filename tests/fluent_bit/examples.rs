//! `examples/fluent-bit`: the plugin accepts their properties, and both formats of each example are equivalent.

use std::{collections::BTreeMap, fs, path::Path};

use serde_json::{Value, json};

use crate::host::{Instance, Version};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/fluent-bit");

const EXAMPLES: [&str; 5] = ["elasticsearch", "kafka", "loki", "stdout", "victoria_logs"];

/// Processors are only possible in YAML.
const ONLY_YAML: [&str; 1] = ["opentelemetry"];

/// A key may occur several times.
type Section = BTreeMap<String, Vec<String>>;

/// The sections of a pipeline in order, each with its kind.
type Sections = Vec<(String, Section)>;

fn text(file: &str) -> String {
    let file = Path::new(FOLDER).join(file);
    fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

fn yaml(name: &str) -> Value {
    yaml_serde::from_str(&text(&format!("{name}.yaml"))).expect("YAML")
}

fn sections_of_yaml(name: &str) -> Sections {
    let pipeline = &yaml(name)["pipeline"];
    let mut sections = Vec::new();
    for (kind, name) in [
        ("input", "inputs"),
        ("filter", "filters"),
        ("output", "outputs"),
    ] {
        for section in pipeline[name].as_array().into_iter().flatten() {
            let pairs = section.as_object().expect("a section").iter();
            let pairs = pairs.map(|(key, value)| {
                let text = |value: &Value| match value {
                    Value::String(text) => plain(text),
                    other => plain(&other.to_string()),
                };
                let value = match value {
                    Value::Array(values) => values.iter().map(text).collect(),
                    other => vec![text(other)],
                };
                (key.clone(), value)
            });
            sections.push((kind.to_owned(), pairs.collect()));
        }
    }
    sections
}

fn sections_of_classic(name: &str) -> Sections {
    let mut sections: Sections = Vec::new();
    for line in text(&format!("{name}.conf")).lines() {
        let line = line.trim();
        if let Some(kind) = line
            .strip_prefix('[')
            .and_then(|line| line.strip_suffix(']'))
        {
            sections.push((kind.to_lowercase(), Section::new()));
        } else if !line.is_empty() && !line.starts_with('#') {
            let (key, value) = line.split_once(' ').expect("a key and a value");
            let (_, section) = sections.last_mut().expect("a section");
            section
                .entry(key.to_lowercase())
                .or_default()
                .push(plain(value));
        }
    }
    sections.retain(|(kind, _)| kind != "service");
    sections
}

/// Normalizes booleans, for which the formats have different words.
fn plain(value: &str) -> String {
    match value.trim() {
        "On" => "true".into(),
        "Off" => "false".into(),
        other => other.into(),
    }
}

#[test]
fn both_formats_of_an_example_are_equivalent() {
    for name in EXAMPLES {
        assert_eq!(sections_of_yaml(name), sections_of_classic(name), "{name}");
    }
    let files = fs::read_dir(FOLDER).expect("the folder").count();
    let expected = 2 * EXAMPLES.len() + ONLY_YAML.len() + 1;
    assert_eq!(files, expected, "and plugins.conf");
}

#[test]
fn both_formats_load_the_plugin_from_the_same_path() {
    let place = "/usr/local/lib/libqlik_sense_events.so";
    for name in EXAMPLES {
        assert_eq!(yaml(name)["plugins"], json!([place]), "{name}");
        let classic = text(&format!("{name}.conf"));
        assert!(classic.contains("Plugins_File  plugins.conf"), "{name}");
    }
    for name in ONLY_YAML {
        assert_eq!(yaml(name)["plugins"], json!([place]), "{name}");
    }
    let plugins = text("plugins.conf");
    assert!(
        plugins.contains(&format!("[PLUGINS]\n    Path  {place}\n")),
        "{plugins}"
    );
}

#[test]
fn the_plugin_accepts_the_properties_of_every_example() {
    for name in EXAMPLES.into_iter().chain(ONLY_YAML) {
        let sections = sections_of_yaml(name);
        let inputs = sections.iter().filter(|(kind, _)| kind == "input");
        for (_, input) in inputs {
            assert_eq!(input["name"], ["qlik_sense"], "{name}");
            let given = input.iter().map(|(key, value)| (&**key, &*value[0]));
            let mut properties: Vec<_> = given
                // The address is set below, and Fluent Bit itself uses the processors.
                .filter(|(key, _)| !["address", "processors"].contains(key))
                .collect();
            properties.push(("address", "127.0.0.1:0"));
            match Instance::begin(Version::V5_1, &properties) {
                Ok(instance) => drop(instance.exit(false)),
                Err(log) => panic!("{name}: {log:?}"),
            }
        }
    }
}
