//! What a real Vector does with the written configurations: the one in `VECTOR`, or in the path.

pub mod destinations;
mod rules;

use std::{
    collections::BTreeMap,
    env, fs,
    io::Write,
    path::Path,
    process::{Command, Output, Stdio},
};

use chrono::{DateTime, TimeDelta, Utc};
use qlik_sense_events::{
    config::Config, encoding::Encoder, event::Arrival, import::butler_sos::import,
    transform::OutputBuffer,
};
use serde_json::{Value, json};

use super::{configurations, imported, options};

/// The environment variables that the configurations use.
const VARIABLES: [&str; 5] = [
    "INFLUXDB_PASSWORD",
    "INFLUXDB_TOKEN",
    "NEW_RELIC_LICENSE_KEY",
    "NEW_RELIC_LICENSE_KEY_2",
    "QLIK_SENSE_HASH_KEY",
];

/// Vector with a configuration, and with environment variables enabled.
fn command(config: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env::var("VECTOR").unwrap_or_else(|_| "vector".into()));
    command
        .arg("--dangerously-allow-env-var-interpolation")
        .args(arguments)
        .arg(config);
    for variable in VARIABLES {
        command.env(variable, "0123456789abcdef0123456789abcdef");
    }
    command
}

fn output_of(output: &Output) -> String {
    [&output.stdout, &output.stderr]
        .map(|bytes| String::from_utf8_lossy(bytes).into_owned())
        .join("\n")
}

#[test]
#[ignore = "needs Vector"]
fn written_configurations_are_valid() {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, file) in configurations() {
        // Its topic is not a valid template, as a note says.
        if name == "v12_mqtt" {
            continue;
        }
        let config = folder.path().join(format!("{name}.yaml"));
        fs::write(&config, imported(&file).vector_yaml).expect("a file");
        let validated = command(&config, &["validate", "--no-environment"]).output();
        let validated = validated.expect("Vector");
        assert!(
            validated.status.success(),
            "{name}: {}",
            output_of(&validated)
        );
    }
}

/// The output of each sink for these datagrams, with the imported configuration of Butler SOS: lines by the sink's
/// name.
fn sent(from: &Value, datagrams: &[String]) -> BTreeMap<String, Vec<String>> {
    let import = import(&from.to_string(), &options()).expect("an import");
    let plugin = Config::parse(&import.plugin_toml).expect("a configuration");
    let mut config: Value = yaml_serde::from_str(&import.vector_yaml).expect("YAML");
    let folder = tempfile::tempdir().expect("a folder");
    config["data_dir"] = json!(folder.path());
    config["sources"] =
        json!({ "qlik_sense": { "type": "stdin", "decoding": { "codec": "native" } } });
    let sinks = config["sinks"].as_object_mut().expect("sinks");
    for (name, sink) in sinks.iter_mut() {
        let codec = if name == "influxdb" { "text" } else { "json" };
        *sink = json!({
            "type": "file",
            "inputs": sink["inputs"],
            "path": folder.path().join(name),
            "encoding": { "codec": codec },
        });
    }
    let names: Vec<String> = sinks.keys().cloned().collect();
    let file = folder.path().join("vector.json");
    fs::write(&file, config.to_string()).expect("a file");
    let mut vector = command(&file, &["--quiet", "--config"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("Vector");
    let mut stdin = vector.stdin.take().expect("a pipe");
    let written = stdin.write_all(&native(&plugin, datagrams));
    written.expect("Vector reads");
    drop(stdin);
    let ended = vector
        .wait_with_output()
        .expect("Vector ends with its input");
    assert!(ended.status.success(), "{}", output_of(&ended));
    let lines = |name: &String| {
        let text = fs::read_to_string(folder.path().join(name)).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    };
    names
        .iter()
        .map(|name| (name.clone(), lines(name)))
        .collect()
}

/// What the program writes for Vector.
fn native(plugin: &Config, datagrams: &[String]) -> Vec<u8> {
    let mut encoder = Encoder::new(
        plugin.output.codec,
        &plugin.output.layout().expect("fields"),
    );
    let mut pipeline = plugin.pipeline().build().expect("a pipeline");
    let mut output = OutputBuffer::default();
    let arrival: DateTime<Utc> = "2026-01-31T13:05:07Z".parse().expect("a time");
    for datagram in datagrams {
        let arrival = Arrival::new(arrival, [192, 0, 2, 20].into());
        pipeline.datagram(datagram.as_bytes(), arrival, &mut output);
    }
    // This is long enough for summaries to be sent.
    pipeline.tick(arrival + TimeDelta::hours(1), &mut output);
    for event in output.into_events() {
        encoder.push(&event).expect("an event");
    }
    encoder.frame().to_vec()
}
