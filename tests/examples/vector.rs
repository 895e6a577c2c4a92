//! Configurations of Vector.

use std::{
    io::Read,
    path::Path,
    process::{Command, Stdio},
};

use qlik_sense_events::event::EventKind;
use serde_json::{Value, json};

use crate::{PROGRAM, files, names, read, root};

#[test]
fn every_vector_example_starts_the_program() {
    let examples = files("examples/vector", "yaml");
    assert_eq!(
        names(&examples),
        [
            "aggregator",
            "console",
            "edge",
            "elasticsearch",
            "engine_health",
            "influxdb",
            "kafka",
            "loki",
            "mqtt",
            "new_relic",
            "opentelemetry",
            "prometheus",
            "s3",
            "victoria_logs",
        ]
    );
    for (name, file) in &examples {
        let config = yaml(&read(file));
        // One of them receives from those that start the program, the other queries Qlik's engines.
        if name == "aggregator" || name == "engine_health" {
            continue;
        }
        check_source(&config["sources"]["qlik_sense"]);
        for sink in values(&config["sinks"]) {
            assert_ne!(sink["inputs"], serde_json::json!(["qlik_sense"]), "{name}");
        }
        let reads = |from: &str| -> Vec<&Value> {
            values(&config["transforms"])
                .filter(|transform| transform["inputs"] == serde_json::json!([from]))
                .collect()
        };
        // Metrics have no fields to delete.
        let filters = reads("qlik_sense");
        let logs = filters
            .iter()
            .filter(|filter| filter["condition"]["type"] == "is_log");
        assert_eq!(logs.count(), 1, "{name}: one filter parts logs and metrics");
        let [cleaner] = reads("qlik_sense_logs")[..] else {
            panic!("{name}: one transform cleans for all")
        };
        for added in ["pid", "stream", "command"] {
            let program = cleaner["source"].as_str().expect("a remap");
            assert!(
                program.contains(&format!("del(.{added})\n")),
                "{name}: {added}"
            );
        }
        check_diagnostics(&config);
    }
}

/// The configuration in the manifest for Kubernetes, with the paths of the program and the options in its containers.
#[test]
fn vector_in_kubernetes_starts_the_copied_program() {
    let text = read(&root().join("examples/kubernetes/vector.yaml"));
    let manifests: Vec<Value> = text.split("\n---\n").map(yaml).collect();
    let [map, deployment, service] = &manifests[..] else {
        panic!("three manifests")
    };
    let config = yaml(map["data"]["vector.yaml"].as_str().expect("text"));
    let mut source = config["sources"]["qlik_sense"].clone();
    let pod = &deployment["spec"]["template"]["spec"];
    let copied = pod["initContainers"][0]["command"].as_array().expect("cp");
    let folder = copied[2].as_str().expect("a folder");
    assert_eq!(source["command"][0], format!("{folder}qlik-sense-events"));
    let file = source["command"][5].as_str().expect("a file");
    let name = file.strip_prefix("/etc/vector/").expect("of the map");
    let options = map["data"][name].as_str().expect("options");
    let temporary = tempfile::tempdir().expect("a folder");
    let file = temporary.path().join(name);
    std::fs::write(&file, options).expect("a file");
    source["command"][5] = json!(file);
    check_source(&source);

    let port = qlik_sense_events::config::Config::parse(options).expect("options");
    let port = port.source.address[0].port();
    let container = &pod["containers"][0];
    assert_eq!(container["ports"][0]["containerPort"], port);
    assert_eq!(container["ports"][0]["protocol"], "UDP");
    assert_eq!(service["spec"]["ports"][0]["port"], port);
    assert_eq!(service["spec"]["ports"][0]["protocol"], "UDP");
    assert_eq!(
        service["spec"]["selector"],
        deployment["spec"]["template"]["metadata"]["labels"]
    );
}

/// Events that a service logs a thousand times a second are not diagnostics: if everything that no route takes is
/// printed, there is a route for every kind of event.
#[test]
fn only_undecoded_payloads_are_printed_besides_diagnostics() {
    let examples = files("examples/vector", "yaml");
    let mut seen = Vec::new();
    for (name, file) in &examples {
        let config = yaml(&read(file));
        if config["sinks"]["diagnostics"]["inputs"] != json!(["qlik_sense_kind._unmatched"]) {
            continue;
        }
        seen.push(name.as_str());
        let routes = config["transforms"]["qlik_sense_kind"]["route"].to_string();
        for kind in EventKind::ALL {
            let event = kind.event();
            let word = match (name.as_str(), event) {
                (_, "undecoded") => continue,
                // Log and performance events have no type in the schema of Butler SOS.
                ("mqtt", "log" | "performance") => "qseow-".to_owned(),
                ("mqtt", "session" | "connection") => format!("qseow-proxy-{event}"),
                ("mqtt", "task") => kind.name().to_owned(),
                _ => event.to_owned(),
            };
            assert!(
                routes.contains(&format!("\\\"{word}\\\"")),
                "{name}: no route for {word}"
            );
        }
    }
    assert_eq!(seen, ["influxdb", "mqtt", "new_relic"]);
}

/// Each kind can have its own retention.
#[test]
fn every_kind_of_event_has_a_data_stream_of_its_own() {
    let examples = files("examples/vector", "yaml");
    for name in ["edge", "elasticsearch"] {
        let config = yaml(&read(&examples[name]));
        let source = config["transforms"]["qlik_sense_clean"]["source"].as_str();
        assert!(
            source
                .expect("a remap")
                .contains("\n.data_stream.dataset = .event.dataset\n"),
            "{name}"
        );
    }
    for name in ["aggregator", "elasticsearch"] {
        let config = yaml(&read(&examples[name]));
        let sink = &config["sinks"]["elasticsearch"];
        assert_eq!(sink["data_stream"]["dataset"], "qlik_sense", "{name}");
        // An id that already exists makes Vector treat the whole request as failed, so duplicates are removed before.
        assert_eq!(sink["id_key"], "document_id", "{name}");
        let inputs = json!(["qlik_sense_kind._unmatched", "qlik_sense_tasks"]);
        assert_eq!(sink["inputs"], inputs, "{name}");
        let once = &config["transforms"]["qlik_sense_tasks"];
        assert_eq!(once["fields"]["match"], json!(["document_id"]), "{name}");
    }
}

#[test]
fn the_example_for_a_socket_of_systemd_starts_the_program() {
    let config = yaml(&read(&root().join("examples/systemd/vector/vector.yaml")));
    check_source(&config["sources"]["qlik_sense"]);
    check_diagnostics(&config);
}

/// Vector listens where the program connects, and reads what it writes. Windows has no such sockets.
#[cfg(unix)]
#[test]
fn both_ends_of_the_example_for_a_unix_stream_fit_together() {
    let folder = root().join("examples/systemd/unix-stream");
    let config = yaml(&read(&folder.join("vector.yaml")));
    let file = read(&folder.join("qlik-sense-events.toml"));
    check_unix_stream(&config["sources"]["qlik_sense"], &file);
    let unit = read(&folder.join("qlik-sense-events.service"));
    assert!(
        unit.contains(" --config /etc/qlik-sense-events.toml\n"),
        "{unit}"
    );
}

#[test]
fn the_aggregator_listens_where_the_edges_send() {
    let examples = files("examples/vector", "yaml");
    let edge = yaml(&read(&examples["edge"]));
    let aggregator = yaml(&read(&examples["aggregator"]));
    let port = |address: &Value| {
        let address = address.as_str().expect("an address");
        address.rsplit(':').next().map(str::to_owned)
    };
    assert_eq!(edge["sinks"]["aggregator"]["type"], "vector");
    assert_eq!(aggregator["sources"]["edges"]["type"], "vector");
    assert_eq!(
        port(&edge["sinks"]["aggregator"]["address"]),
        port(&aggregator["sources"]["edges"]["address"])
    );
    // The events are those of the example without an edge, because the same program creates them.
    let direct = yaml(&read(&examples["elasticsearch"]));
    for path in [
        "/sources/qlik_sense/command",
        "/transforms/qlik_sense_clean/source",
    ] {
        assert_eq!(edge.pointer(path), direct.pointer(path), "{path}");
    }
    for path in [
        "/sinks/elasticsearch/mode",
        "/sinks/elasticsearch/data_stream",
    ] {
        assert_eq!(aggregator.pointer(path), direct.pointer(path), "{path}");
    }
}

/// The program's own messages, and no user events, are written to Vector's standard error.
fn check_diagnostics(config: &Value) {
    let sink = &config["sinks"]["diagnostics"];
    assert_eq!(
        (&sink["type"], &sink["target"]),
        (&"console".into(), &"stderr".into())
    );
    assert_eq!(sink["encoding"]["codec"], "json");
    let [input] = values(&sink["inputs"]).collect::<Vec<_>>()[..] else {
        panic!("one input: {sink}")
    };
    let (transform, route) = match input.as_str().expect("a name").split_once('.') {
        Some((transform, route)) => (&config["transforms"][transform], Some(route)),
        None => (&config["transforms"][input.as_str().expect("a name")], None),
    };
    assert_eq!(transform["inputs"], serde_json::json!(["qlik_sense_clean"]));
    let condition = match route {
        // This is what remains after the routes for user events.
        Some("_unmatched") => {
            assert!(transform["route"].get("users").is_some(), "{transform}");
            return;
        }
        Some(route) => &transform["route"][route],
        None => &transform["condition"],
    };
    let is_plugin = [
        r#".event == "plugin""#,
        r#".event.dataset == "qlik_sense.plugin""#,
    ];
    assert!(
        is_plugin.iter().any(|known| condition == known),
        "{condition}"
    );
}

/// The source can read what the program writes, and the program accepts these arguments.
pub fn check_source(source: &Value) {
    assert_eq!(source["type"], "exec");
    assert_eq!(source["mode"], "streaming");
    assert_eq!(source["streaming"]["respawn_interval_secs"], 1);
    assert_eq!(source["decoding"]["codec"], "native");
    assert!(source.get("framing").is_none(), "the codec implies it");
    // The repository contains files that are installed in a folder on Windows, or by a package.
    let command: Vec<&str> = values(&source["command"])
        .map(|word| word.as_str().expect("text"))
        .map(|word| match word.strip_prefix(r"C:\") {
            Some(path) if !Path::new(word).exists() => path.rsplit('\\').next().unwrap_or(path),
            _ => word.strip_prefix("/etc/qlik-sense-events/").unwrap_or(word),
        })
        .collect();
    let [program, arguments @ ..] = &command[..] else {
        panic!("no command")
    };
    assert_eq!(
        Path::new(program).file_stem(),
        Some("qlik-sense-events".as_ref())
    );
    assert!(
        arguments
            .windows(2)
            .any(|words| words == ["--codec", "native"])
    );
    assert_starts(arguments);
}

/// Checks that a source reads what the program writes with these options.
pub fn check_unix_stream(source: &Value, options: &str) {
    let options = qlik_sense_events::config::Config::parse(options);
    let options = options.expect("options").output;
    assert_eq!(
        (&source["type"], &source["mode"]),
        (&json!("socket"), &json!("unix_stream"))
    );
    assert_eq!(source["path"].as_str(), options.unix_stream.to_str());
    assert_eq!(source["decoding"]["codec"], options.codec.as_str());
    assert_eq!(source["host_key"], "");
}

/// Starts the program on a free port, until it reports that it listens.
fn assert_starts(arguments: &[&str]) {
    let mut child = Command::new(PROGRAM)
        .args(arguments)
        .args(["--address", "127.0.0.1:0"])
        .current_dir(root())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program");
    let mut stderr = child.stderr.take().expect("a pipe");
    let (mut said, mut buffer) = (Vec::new(), [0; 4096]);
    while let Ok(read @ 1..) = stderr.read(&mut buffer) {
        said.extend_from_slice(&buffer[..read]);
        if String::from_utf8_lossy(&said).contains("listening") {
            break;
        }
    }
    child.kill().expect("to end it");
    child.wait().expect("its status");
    let said = String::from_utf8_lossy(&said);
    assert!(said.contains("listening"), "{arguments:?}: {said}");
}

pub fn yaml(text: &str) -> Value {
    yaml_serde::from_str(text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// The values of an object or a list.
pub fn values(value: &Value) -> Box<dyn Iterator<Item = &Value> + '_> {
    match value {
        Value::Object(map) => Box::new(map.values()),
        Value::Array(list) => Box::new(list.iter()),
        _ => Box::new(std::iter::empty()),
    }
}
