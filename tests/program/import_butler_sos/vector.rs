//! The configuration of Vector.

use std::{collections::BTreeSet, path::Path};

use qlik_sense_events::{
    config::Config,
    decoding::{LogNamespace, QlikSenseDeserializer},
    schema::Schema,
};
use serde_json::{Value, json};

use super::{
    configurations, folder, imported, in_vector::destinations::whole, options, read, vector,
};

/// All inputs exist, and the output of every transform is used.
#[test]
fn configurations_of_vector_are_complete() {
    for (name, file) in configurations() {
        let import = imported(&file);
        Config::parse(&import.plugin_toml)
            .unwrap_or_else(|problems| panic!("{name}: {problems:?}"));
        let vector: Value = yaml_serde::from_str(&import.vector_yaml).expect("YAML");
        let mut outputs = BTreeSet::from(["qlik_sense".to_owned()]);
        let mut inputs = BTreeSet::new();
        for (transform, body) in vector["transforms"].as_object().expect("transforms") {
            match body["route"].as_object() {
                Some(routes) => {
                    outputs.extend(routes.keys().map(|route| format!("{transform}.{route}")));
                    if body["reroute_unmatched"] != false {
                        outputs.insert(format!("{transform}._unmatched"));
                    }
                }
                None => drop(outputs.insert(transform.clone())),
            }
        }
        for kind in ["transforms", "sinks"] {
            for body in vector[kind].as_object().expect("components").values() {
                let read = body["inputs"].as_array().expect("inputs");
                inputs.extend(
                    read.iter()
                        .map(|input| input.as_str().expect("text").to_owned()),
                );
            }
        }
        assert_eq!(inputs, outputs, "{name}");
        let command = vector["sources"]["qlik_sense"]["command"].to_string();
        let plugin = serde_json::json!(options().plugin_toml).to_string();
        assert!(command.contains(&plugin), "{name}");
    }
}

/// An example of a configuration of Vector.
fn example(name: &str) -> Value {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("examples/vector/{name}.yaml"));
    yaml_serde::from_str(&read(&file)).expect("YAML")
}

/// Asserts that the example contains every component that the import writes. It has more inputs, and routes for events
/// that Butler SOS does not have.
fn assert_holds(name: &str, example: &Value, imported: &Value) {
    for kind in ["transforms", "sinks"] {
        let components = imported[kind].as_object().expect("components");
        for (component, expected) in components {
            let mut expected = expected.clone();
            let mut found = example[kind][component].clone();
            if component == "qlik_sense_kind" {
                let routes = found["route"].as_object_mut().expect("routes");
                routes.retain(|route, _| expected["route"].get(route).is_some());
            }
            for side in [&mut expected, &mut found] {
                if kind == "sinks" {
                    side.as_object_mut().expect("a component").remove("inputs");
                }
            }
            assert_eq!(found, expected, "{name}: {component}");
        }
    }
}

/// The examples for Butler SOS's destinations contain what the import writes, so that one check covers both.
#[test]
fn examples_contain_what_the_import_writes() {
    let services = |more: Value| {
        let names = ["engine", "proxy", "repository", "scheduler", "qixPerf"];
        let services = names.map(|name| (name.to_owned(), more.clone()));
        Value::Object(services.into_iter().collect())
    };
    let source = services(json!({ "enable": true }));
    let requests = json!({ "enable": true, "monitorFilter": { "allApps": {
        "enable": true,
        "appExclude": [],
        "objectType": { "allObjectTypes": true },
        "method": { "allMethods": true },
    } } });
    let influxdb = vector(&json!({ "Butler-SOS": {
        "userEvents": { "enable": true, "sendToInfluxdb": { "enable": true } },
        "logEvents": { "source": source, "enginePerformanceMonitor": requests, "sendToInfluxdb": { "enable": true } },
        "influxdbConfig": { "enable": true, "host": "127.0.0.1", "version": 1, "v1Config": { "dbName": "senseops" } },
    } }));
    let new_relic = vector(&json!({ "Butler-SOS": {
        "userEvents": { "enable": true, "sendToNewRelic": { "enable": true, "destinationAccount": ["a"] } },
        "logEvents": { "source": source, "enginePerformanceMonitor": requests, "sendToNewRelic": {
            "enable": true,
            "destinationAccount": ["a"],
            "source": services(json!({ "enable": true, "logLevel": { "error": true, "warn": true } })),
        } },
        "newRelic": { "enable": true },
        "thirdPartyToolsCredentials": { "newRelic": [{ "accountName": "a", "accountId": "${NEW_RELIC_ACCOUNT_ID}" }] },
    } }));
    for (name, imported) in [("influxdb", influxdb), ("new_relic", new_relic)] {
        assert_holds(name, &example(name), &imported);
    }
    let topic =
        |command: &str| json!({ "enable": true, "topic": format!("qliksense/userevent{command}") });
    let mqtt = vector(&json!({ "Butler-SOS": {
        "userEvents": { "enable": true, "sendToMQTT": { "enable": true, "postTo": {
            "everythingTopic": topic(""),
            "sessionStartTopic": topic("/session/start"),
            "sessionStopTopic": topic("/session/stop"),
            "connectionOpenTopic": topic("/connection/open"),
            "connectionCloseTopic": topic("/connection/close"),
        } } },
        "logEvents": { "source": source, "enginePerformanceMonitor": requests, "sendToMQTT": {
            "enable": true,
            "baseTopic": "qliksense/logevent",
            "postTo": { "baseTopic": true, "subsystemTopics": true },
        } },
        "mqttConfig": { "enable": true, "brokerHost": "127.0.0.1" },
    } }));
    // In the example, the program writes Butler SOS's messages itself, with the schema `butler_sos`.
    let commands = &mqtt["transforms"]["butler_sos_command"];
    let mqtt = json!({
        "transforms": { "butler_sos_command": commands },
        "sinks": mqtt["sinks"],
    });
    assert_holds("mqtt", &example("mqtt"), &mqtt);
}

/// The keys of an event in a schema.
fn keys(schema: Schema, datagram: &str) -> BTreeSet<String> {
    let events = QlikSenseDeserializer::default()
        .parse(datagram.to_owned().into(), LogNamespace::Legacy)
        .expect("an event");
    let json = serde_json::to_value(schema.view(&events[0])).expect("JSON");
    json.as_object()
        .expect("an object")
        .keys()
        .cloned()
        .collect()
}

/// The messages that the import creates from events in the schema `default` have the keys of the schema `butler_sos`,
/// and creating them only uses fields of the former.
#[test]
fn messages_have_the_keys_of_the_schema() {
    let user = "/qseow-proxy-connection/;n1;Open connection;LAB;goran;AppAccess;\
                /app/a421f4a2-c311-4ef4-ba41-fe2e6a2b0d69;UserAgent: 'Mozilla/5.0 (Windows NT 10.0; \
                Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36'";
    let imported = imported(&folder().join("v15.yaml")).vector_yaml;
    let vector: Value = yaml_serde::from_str(&imported).expect("YAML");
    let program = |transform: &str| -> String {
        let source = &vector["transforms"][transform]["source"];
        source.as_str().expect("a program").to_owned()
    };
    let written = |transform: &str| -> BTreeSet<String> {
        program(transform)
            .lines()
            .filter_map(|line| line.trim().strip_prefix('"')?.split_once("\": "))
            .map(|(key, _)| key.to_owned())
            .collect()
    };
    let logs = whole();
    let of_logs = |schema| -> BTreeSet<String> {
        logs.iter()
            .flat_map(|datagram| keys(schema, datagram))
            .collect()
    };
    assert_eq!(written("butler_sos_message"), keys(Schema::ButlerSos, user));
    assert_eq!(
        written("butler_sos_log_message"),
        of_logs(Schema::ButlerSos)
    );
    // These events cannot have some fields: they did not come through a network, and no app has a name.
    let known = |mut known: BTreeSet<String>| {
        known.extend(["app_name", "tags", "timestamp"].map(str::to_owned));
        known
    };
    let (users, logs) = (
        known(keys(Schema::Default, user)),
        known(of_logs(Schema::Default)),
    );
    for (transform, known, set) in [
        ("butler_sos_message", &users, ""),
        ("influxdb_point", &users, ""),
        ("new_relic_event", &users, "eventType"),
        ("qlik_sense_categories", &logs, "category"),
        ("butler_sos_log_message", &logs, "category"),
    ] {
        let program = program(transform);
        let fields: BTreeSet<&str> = program
            .lines()
            .filter(|line| !line.trim_start().starts_with('#'))
            .flat_map(|line| line.split(|c: char| !(c.is_ascii_alphanumeric() || "._".contains(c))))
            .filter_map(|word| word.strip_prefix('.'))
            .filter(|field| {
                !field.is_empty() && *field != set && field.starts_with(char::is_alphabetic)
            })
            .collect();
        for field in &fields {
            assert!(known.contains(*field), "{transform}: {field}");
        }
        assert!(fields.len() >= 3, "{transform}: {fields:?}");
    }
}
