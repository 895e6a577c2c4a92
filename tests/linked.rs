//! What a source and a transform that are linked into a Vector stand on: options as its users write them,
//! events as values, the end, and the shapes of vector-lib's traits.
#![cfg(feature = "linked")]

use std::{
    collections::BTreeSet,
    fs,
    net::UdpSocket,
    sync::mpsc::{self, Receiver, Sender},
    time::Duration,
};

use qlik_sense_events::{
    config::{Config, LinkedConfig, reference},
    encoding::{Metric, MetricValue},
    host::{
        diagnostics::{Diagnostic, Report},
        linked::{self, Batch, ExcludeUsersConfig, Running},
    },
    schema::Schema,
};
use serde_json::{Value as Json, json};
use vrl::value::Value;

/// Long enough for a machine that does much else.
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Clone)]
struct Log(Sender<String>);

impl Report for Log {
    fn write(&mut self, diagnostic: &Diagnostic<'_>) {
        let mut line = String::new();
        diagnostic.line(&mut line).expect("text");
        // The test may have heard enough.
        let _ = self.0.send(line);
    }
}

fn options(options: Json) -> LinkedConfig {
    serde_json::from_value(options).expect("options")
}

struct Source {
    running: Running,
    metrics: Receiver<Vec<Metric>>,
    batches: Receiver<Batch>,
    lines: Receiver<String>,
    sender: UdpSocket,
}

impl Source {
    fn start(mut given: Json) -> Self {
        given["address"] = json!("127.0.0.1:0");
        let ((log, lines), (sender, batches)) = (mpsc::channel(), mpsc::channel());
        let pass_on = move |batch| sender.send(batch).map_err(std::io::Error::other);
        let (record, metrics) = mpsc::channel();
        let record = move |metrics| {
            // The test may have seen enough.
            let _ = record.send(metrics);
        };
        let failed = |failure| panic!("{failure:?}");
        let options = options(given);
        let running = linked::start(options.config(), Log(log), record, failed, pass_on);
        let running = running.expect("it listens");
        let line = lines
            .recv_timeout(PATIENCE)
            .expect("it says that it listens");
        let address = line
            .split(' ')
            .find_map(|word| word.strip_prefix("address="))
            .expect("an address");
        let sender = UdpSocket::bind("127.0.0.1:0").expect("a port");
        sender.connect(address).expect("an address");
        Self {
            running,
            metrics,
            batches,
            lines,
            sender,
        }
    }

    fn send(&self, datagram: &str) {
        self.sender.send(datagram.as_bytes()).expect("sent");
    }

    /// Batches until there are so many events in them.
    fn events(&self, count: usize) -> (Vec<Value>, u64, u64) {
        let (mut events, mut bytes, mut dropped) = (Vec::new(), 0, 0);
        while events.len() < count {
            let batch = self.batches.recv_timeout(PATIENCE).expect("a batch");
            events.extend(batch.events);
            bytes += batch.bytes;
            dropped += batch.dropped;
        }
        (events, bytes, dropped)
    }
}

fn datagram(user: &str) -> String {
    format!("/qseow-proxy-session/;pro2-win1;Start session;LAB;{user};;/hub;Start session")
}

fn field<'v>(event: &'v Value, name: &str) -> Option<&'v Value> {
    event.as_object()?.get(name)
}

fn text<'v>(event: &'v Value, name: &str) -> &'v str {
    let bytes = field(event, name).and_then(Value::as_bytes).expect(name);
    std::str::from_utf8(bytes).expect("text")
}

#[test]
fn options_are_those_of_the_program() {
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
fn slips_are_told_by_key() {
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
            "output.codec: the host gets events as values",
        ),
        (
            json!({"output": {"drop_fields": ["x"]}}),
            "output.drop_fields[0] = \"x\": ",
        ),
        (json!({"queue": {"max_events": 1}}), "queue: unknown key"),
        (json!({"telemetry": {}}), "telemetry: unknown key"),
    ];
    for (given, expected) in &rows {
        let error = serde_json::from_value::<LinkedConfig>(given.clone()).expect_err(expected);
        assert!(error.to_string().starts_with(expected), "{error}");
    }
}

/// The keys of the properties of a schema, with those of tables within it.
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

/// The keys of a table, with those of tables within it.
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
    assert!(entry.explanation.starts_with("What becomes of payloads"));
}

#[test]
fn datagrams_become_values() {
    let source = Source::start(json!({
        "output": {"tags": {"site": "Lund"}, "drop_fields": ["user"]},
        "transform": {"blacklist": {"users": [r"LAB\sa_*"]}},
    }));
    let datagrams = [
        datagram("sa_engine"),
        datagram("goran"),
        "garbage".to_owned(),
    ];
    datagrams.iter().for_each(|datagram| source.send(datagram));
    let (events, bytes, dropped) = source.events(2);
    assert_eq!(bytes, datagrams.iter().map(|d| d.len() as u64).sum::<u64>());
    assert_eq!(dropped, 1);
    assert_eq!(text(&events[0], "user_id"), "goran");
    assert!(field(&events[0], "timestamp").is_some_and(Value::is_timestamp));
    assert_eq!(
        text(field(&events[0], "tags").expect("tags"), "site"),
        "Lund"
    );
    assert!(field(&events[0], "user").is_none());
    assert_eq!(text(&events[1], "event"), "undecoded");
}

#[test]
fn what_the_options_drop_is_counted() {
    let source = Source::start(json!({"undecoded": "drop"}));
    source.send("garbage");
    source.send(&datagram("goran"));
    let (events, _, dropped) = source.events(1);
    assert_eq!((events.len(), dropped), (1, 1));
}

#[test]
fn at_the_end_nothing_is_left_and_the_port_is_free() {
    let source = Source::start(json!({"workers": 1}));
    let address = source.sender.peer_addr().expect("an address");
    for number in 0..500 {
        source.send(&datagram(&format!("user{number}")));
    }
    source.running.stop();
    let (mut received, mut dropped) = (0, 0);
    while let Ok(batch) = source.batches.recv_timeout(PATIENCE) {
        received += batch.events.len();
        dropped += batch.dropped;
    }
    assert_eq!((received, dropped), (500, 0));
    source.running.conclude();
    let line = source.lines.recv_timeout(PATIENCE).expect("a report");
    assert!(line.starts_with("stopped "), "{line}");
    let counted = source.metrics.try_iter().flatten();
    let counted = counted.filter(|metric| metric.name == "received_datagrams_total");
    let counted: u64 = counted
        .map(|metric| match metric.value {
            MetricValue::Counter(more) => more,
            _ => panic!("{metric:?}"),
        })
        .sum();
    assert_eq!(counted, 500);
    UdpSocket::bind(address).expect("the port is free");
}

#[test]
fn a_host_that_goes_takes_the_workers_with_it() {
    let source = Source::start(json!({}));
    let address = source.sender.peer_addr().expect("an address");
    drop(source.running);
    // The batches end when the worker has.
    while source.batches.recv_timeout(PATIENCE).is_ok() {}
    UdpSocket::bind(address).expect("the port is free");
}

#[test]
fn users_are_excluded_in_every_schema() {
    for schema in Schema::ALL {
        let source = Source::start(json!({"output": {"schema": schema}}));
        let config: ExcludeUsersConfig =
            serde_json::from_value(json!({"users": [r"lab\SA_*"], "schema": schema}))
                .expect("options");
        let exclude = config.build(Log(mpsc::channel().0)).expect("no file");
        source.send(&datagram("sa_engine"));
        source.send(&datagram("goran"));
        source.send("garbage");
        let excluded: Vec<bool> = source
            .events(3)
            .0
            .iter()
            .map(|event| exclude.excludes(event))
            .collect();
        assert_eq!(excluded, [true, false, false], "{schema}");
    }
}

#[test]
fn files_of_excluded_users_are_read_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("users.txt");
    fs::write(&file, "LAB\\maria\n").expect("written");
    let config: ExcludeUsersConfig =
        serde_json::from_value(json!({"files": [file]})).expect("options");
    let (log, lines) = mpsc::channel();
    let exclude = config.build(Log(log)).expect("a list");
    let event = |user: &str| {
        Value::from_iter([
            ("user_directory".to_owned(), Value::from("LAB")),
            ("user_id".to_owned(), Value::from(user)),
        ])
    };
    assert!(exclude.excludes(&event("maria")) && !exclude.excludes(&event("goran")));

    fs::write(&file, "LAB\\goran and more\nbad line\n").expect("written");
    let line = lines.recv_timeout(PATIENCE).expect("a report");
    assert!(
        line.contains("users.txt:2") && line.contains("the old rules stay"),
        "{line}"
    );
    assert!(exclude.excludes(&event("maria")));

    fs::write(&file, "LAB\\goran\n").expect("written");
    let line = lines.recv_timeout(PATIENCE).expect("a report");
    assert_eq!(line, "the blacklist was read again");
    assert!(exclude.excludes(&event("goran")) && !exclude.excludes(&event("maria")));

    // The thread that watches the file ends with the transform.
    drop(exclude);
    assert!(lines.recv_timeout(PATIENCE).is_err());

    fs::remove_file(&file).expect("removed");
    assert!(config.build(Log(mpsc::channel().0)).is_err());
}

/// `docs/vector-linked.md` shows configurations, which are read as Vector hands them over: without `type` and
/// `inputs`.
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
