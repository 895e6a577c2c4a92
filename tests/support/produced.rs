//! What the program and the examples for Vector produce: fields, labels, metrics.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::{BufRead, BufReader, Read},
    net::UdpSocket,
    path::Path,
    process::{Command, Stdio},
    sync::OnceLock,
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use qlik_sense_events::schema::Schema;
use serde_json::{Map, Value};

/// The output of one run of the real program.
#[derive(Debug)]
pub struct Produced {
    /// The fields of its diagnostics; names of nested fields have dots.
    diagnostics: BTreeSet<String>,
    /// The same fields in the schema `ecs`.
    diagnostics_in_ecs: BTreeSet<String>,
    /// The tags of each metric.
    metrics: Metrics,
}

/// An example for Vector.
pub fn example(name: &str) -> Value {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let path = root.join(format!("examples/vector/{name}.yaml"));
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{name}: {error}"));
    yaml_serde::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The index template of the example for Elasticsearch.
pub fn index_template() -> Value {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let path = root.join("examples/elasticsearch/index-template.json");
    serde_json::from_str(&fs::read_to_string(path).expect("the template")).expect("JSON")
}

/// The fields that the index creates from others, according to its mappings.
pub fn copied(mappings: &Value) -> BTreeSet<String> {
    let mut targets = BTreeSet::new();
    for (key, value) in mappings.as_object().into_iter().flatten() {
        match (key.as_str(), value) {
            ("copy_to", Value::String(target)) => drop(targets.insert(target.clone())),
            ("copy_to", Value::Array(list)) => {
                targets.extend(list.iter().filter_map(Value::as_str).map(str::to_owned));
            }
            (_, inner) => targets.extend(copied(inner)),
        }
    }
    targets
}

impl Produced {
    /// Runs that follow sessions, receive a few datagrams including garbage, and are then stopped.
    pub fn real() -> &'static Self {
        static PRODUCED: OnceLock<Produced> = OnceLock::new();
        PRODUCED.get_or_init(|| {
            let (diagnostics, metrics) = run(Schema::Default);
            Produced {
                diagnostics,
                diagnostics_in_ecs: run(Schema::Ecs).0,
                metrics,
            }
        })
    }

    /// The labels and the structured metadata in `loki.yaml`.
    pub fn loki(&self) -> (BTreeSet<String>, BTreeSet<String>) {
        let config = example("loki");
        let program = config["transforms"]["qlik_sense_loki"]["source"]
            .as_str()
            .expect("a remap");
        let labels = keys_after(program, "labels = compact({");
        let deleted: BTreeSet<&str> = program
            .split("del(.")
            .skip(1)
            .filter_map(|rest| rest.split(')').next())
            .collect();
        let fields = Schema::Default
            .fields()
            .iter()
            .map(|field| (*field).to_owned());
        let metadata = fields
            .chain(self.diagnostics.iter().cloned())
            .filter(|field| !deleted.contains(field.as_str()))
            .map(|field| field.replace('.', "_"))
            .collect();
        (labels, metadata)
    }

    /// The fields in `elasticsearch.yaml` that can be queried: groups contain nothing themselves.
    pub fn elasticsearch(&self) -> BTreeSet<String> {
        let fields = Schema::Ecs.fields().iter().map(|field| (*field).to_owned());
        let fields: BTreeSet<String> = fields
            .chain(self.diagnostics_in_ecs.iter().cloned())
            .chain(copied(&index_template()))
            .collect();
        let is_within = |field: &String| {
            let within = format!("{field}.");
            fields.iter().any(|other| other.starts_with(&within))
        };
        fields.iter().filter(|f| !is_within(f)).cloned().collect()
    }

    /// The metrics in `prometheus.yaml`, with their labels.
    pub fn prometheus(&self) -> Metrics {
        let mut metrics = self.metrics.clone();
        let config = example("prometheus");
        let transforms = config["transforms"].as_object().expect("transforms");
        for metric in transforms
            .values()
            .filter(|transform| transform["type"] == "log_to_metric")
            .flat_map(|transform| transform["metrics"].as_array().expect("metrics"))
        {
            let part = |name: &str| metric[name].as_str().expect("text").to_owned();
            let tags = metric["tags"].as_object().cloned().unwrap_or_default();
            let name = format!("{}_{}", part("namespace"), part("name"));
            metrics.insert(name, tags.keys().cloned().collect());
        }
        let of_node = BTreeSet::from(["host".to_owned()]);
        for name in engine_health().metrics {
            metrics.insert(format!("qlik_sense_{name}"), of_node.clone());
        }
        metrics
    }
}

/// What `engine_health.yaml` makes of an engine's response.
pub struct EngineHealth {
    /// The fields of its events.
    pub fields: BTreeSet<String>,
    /// Its metrics, without the namespace.
    pub metrics: BTreeSet<String>,
}

pub fn engine_health() -> EngineHealth {
    let config = example("engine_health");
    let program = |name: &str| {
        config["transforms"][name]["source"]
            .as_str()
            .expect("a remap")
    };
    let (events, numbers) = (program("engine_health"), program("engine_numbers"));
    let mut fields = keys_after(events, "megabytes = {");
    fields.extend(keys_after(events, "merge(memory, {"));
    let mut metrics = keys_after(numbers, "gauges = {");
    metrics.extend(keys_after(numbers, "counters = {"));
    EngineHealth { fields, metrics }
}

/// The quoted keys of an object in VRL that starts with `start`.
fn keys_after(program: &str, start: &str) -> BTreeSet<String> {
    let at = program.find(start).expect("the object") + start.len();
    let object = &program[at..at + program[at..].find('}').expect("its end")];
    object
        .lines()
        .filter_map(|line| line.trim().strip_prefix('"')?.split_once('"'))
        .map(|(key, _)| key.to_owned())
        .collect()
}

type Metrics = BTreeMap<String, BTreeSet<String>>;

fn run(schema: Schema) -> (BTreeSet<String>, Metrics) {
    let folder = tempfile::tempdir().expect("a folder");
    let config = folder.path().join("sessions.toml");
    fs::write(&config, "[transform.sessions]\nenabled = true\n").expect("a configuration");
    let mut child = Command::new(env!("CARGO_BIN_EXE_qlik-sense-events"))
        .args(["run", "--codec", "native_json", "--address", "127.0.0.1:0"])
        .args(["--schema", schema.as_str()])
        .arg("--config")
        .arg(&config)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program");
    let mut stderr = BufReader::new(child.stderr.take().expect("a pipe"));
    let mut stdout = BufReader::new(child.stdout.take().expect("a pipe"));
    let mut said = String::new();
    stderr.read_line(&mut said).expect("that it listens");
    let said_first = Value::Object(log(&said));
    let place = match schema {
        Schema::Ecs => "/qlik_sense/plugin/address",
        _ => "/address",
    };
    let address = said_first.pointer(place).expect("where");
    let address = address.as_str().expect("an address").to_owned();
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    let mut events = String::new();
    for datagram in [
        "/proxy-session/;n;Start session;d;u;;;",
        "/proxy-connection/;n;Open connection;d;u;;;",
        "/proxy-connection/;n;Close connection;d;u;;;",
        "/proxy-session/;n;Stop session;d;u;;;",
        include_str!("../golden/log_proxy_login_refused.bin"),
        include_str!("../golden/performance_request.bin"),
        include_str!("../golden/task_failed.bin"),
        "garbage",
    ] {
        socket
            .send_to(datagram.as_bytes(), &address)
            .expect("to send");
        stdout.read_line(&mut events).expect("an event");
    }
    let process = Pid::from_raw(i32::try_from(child.id()).expect("an id"));
    kill(process, Signal::SIGTERM).expect("to end it");
    stdout.read_to_string(&mut events).expect("the metrics");
    stderr.read_to_string(&mut said).expect("the counters");
    assert!(child.wait().expect("its status").success());
    let mut diagnostics = BTreeSet::new();
    for line in said.lines() {
        flatten("", &log(line), &mut diagnostics);
    }
    let mut metrics = Metrics::new();
    for line in events.lines() {
        let line: Value = serde_json::from_str(line).expect("JSON");
        let Some(metric) = line.get("metric") else {
            continue;
        };
        let name = metric["name"].as_str().expect("a name");
        let namespace = metric["namespace"].as_str().expect("a namespace");
        let tags = metric["tags"].as_object().cloned().unwrap_or_default();
        let tags: BTreeSet<String> = tags.into_iter().map(|(tag, _)| tag).collect();
        let name = format!("{namespace}_{name}");
        if metric.get("aggregated_histogram").is_some() {
            // The format for Prometheus has this label.
            let bound = BTreeSet::from(["le".to_owned()]);
            metrics.insert(format!("{name}_bucket"), &tags | &bound);
            metrics.insert(format!("{name}_sum"), tags.clone());
            metrics.insert(format!("{name}_count"), tags);
        } else {
            metrics.entry(name).or_default().extend(tags);
        }
    }
    assert!(metrics.len() >= 8, "{metrics:?}");
    // This is only counted if a sender was refused.
    metrics
        .entry("qlik_sense_refused_datagrams_total".to_owned())
        .or_insert_with(|| ["address", "sender_range"].map(String::from).into());
    // This is only counted if a proxy is queried for sessions.
    metrics
        .entry("qlik_sense_qps_up".to_owned())
        .or_insert_with(|| ["host".to_owned()].into());
    (diagnostics, metrics)
}

/// The fields of a diagnostic.
fn log(line: &str) -> Map<String, Value> {
    let line: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    line["log"].as_object().expect("a log").clone()
}

fn flatten(prefix: &str, map: &Map<String, Value>, names: &mut BTreeSet<String>) {
    for (name, value) in map {
        let name = format!("{prefix}{name}");
        if let Value::Object(inner) = value {
            flatten(&format!("{name}."), inner, names);
        } else {
            names.insert(name);
        }
    }
}
