//! The basis of a source and a transform that are linked into a Vector: options as users write them, events as values,
//! a host that stands still, shutdown, and the state that survives it.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    net::{SocketAddr, UdpSocket},
    sync::mpsc::{self, Receiver, Sender},
    time::Duration,
};

use qlik_sense_events::{
    config::{Config, LinkedConfig, reference},
    encoding::{Metric, MetricValue, OwnedValue},
    host::{
        diagnostics::{Diagnostic, Report},
        linked::{self, Batch, Batches, ExcludeUsersConfig, Running},
    },
    schema::Schema,
};
use serde_json::{Value as Json, json};

/// Long enough for a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Clone)]
struct Log(Sender<String>);

impl Report for Log {
    fn write(&mut self, diagnostic: &Diagnostic<'_>) {
        let mut line = String::new();
        diagnostic.line(&mut line).expect("text");
        // The test may have stopped listening.
        let _ = self.0.send(line);
    }
}

fn options(options: Json) -> LinkedConfig {
    serde_json::from_value(options).expect("options")
}

struct Source {
    running: Running,
    batches: Batches,
    metrics: Receiver<Vec<Metric>>,
    /// The sums of counters, by name.
    counters: BTreeMap<&'static str, u64>,
    lines: Receiver<String>,
    sender: UdpSocket,
    tasks: tokio::runtime::Runtime,
}

impl Source {
    fn start(mut given: Json) -> Self {
        given["address"] = json!("127.0.0.1:0");
        let ((log, lines), (recorder, metrics)) = (mpsc::channel(), mpsc::channel());
        // The test may have stopped listening.
        let record = move |metrics| drop(recorder.send(metrics));
        let (running, batches) =
            linked::start(options(given).config(), Log(log), record).expect("it listens");
        let sender = UdpSocket::bind("127.0.0.1:0").expect("a port");
        let tasks = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .expect("a runtime");
        let source = Self {
            running,
            batches,
            metrics,
            counters: BTreeMap::new(),
            lines,
            sender,
            tasks,
        };
        let line = source.line("listening ");
        let mut words = line.split(' ');
        let address = words.find_map(|word| word.strip_prefix("address="));
        let address = address.expect("an address");
        source.sender.connect(address).expect("an address");
        source
    }

    fn address(&self) -> SocketAddr {
        self.sender.peer_addr().expect("an address")
    }

    fn send(&self, datagram: &str) {
        self.sender.send(datagram.as_bytes()).expect("sent");
    }

    /// The next line with this beginning.
    fn line(&self, begin: &str) -> String {
        loop {
            let line = self.lines.recv_timeout(PATIENCE).expect(begin);
            if line.starts_with(begin) {
                return line;
            }
        }
    }

    /// The next batch; `None` at the end.
    fn batch(&mut self) -> Option<Batch> {
        let next = async { tokio::time::timeout(PATIENCE, self.batches.next()).await };
        self.tasks.block_on(next).expect("a batch, or the end")
    }

    /// Batches until they contain this many events.
    fn events(&mut self, count: usize) -> (Vec<OwnedValue>, u64, u64) {
        let (mut events, mut bytes, mut dropped) = (Vec::new(), 0, 0);
        while events.len() < count {
            let batch = self.batch().expect("a batch");
            events.extend(values(&batch));
            bytes += batch.bytes;
            dropped += batch.dropped;
        }
        (events, bytes, dropped)
    }

    /// Waits until a counter has this value.
    fn await_counter(&mut self, name: &str, expected: u64) {
        while self.counters.get(name).copied().unwrap_or_default() < expected {
            let metrics = self.metrics.recv_timeout(PATIENCE).expect(name);
            for metric in metrics {
                if let MetricValue::Counter(more) = metric.value {
                    *self.counters.entry(metric.name).or_default() += more;
                }
            }
        }
        assert_eq!(self.counters[name], expected, "{name}");
    }

    /// Shuts down; what still waits is dropped. Returns the messages until then.
    fn end(self) -> Vec<String> {
        self.running.stop();
        self.batches.conclude().expect("no fault");
        self.lines.iter().collect()
    }
}

fn values(batch: &Batch) -> impl Iterator<Item = OwnedValue> {
    batch.values().map(|value| value.expect("a value"))
}

fn datagram(user: &str) -> String {
    format!("/qseow-proxy-session/;pro2-win1;Start session;LAB;{user};;/hub;Start session")
}

/// The text of a field, whose name has a dot before each nested part. `None` if it is not text.
fn text_of<'v>(event: &'v OwnedValue, name: &str) -> Option<&'v str> {
    match name.split('.').try_fold(event, OwnedValue::get)? {
        OwnedValue::Text(text) => Some(text),
        _ => None,
    }
}

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

/// Vector's own metrics have its machine in the tag `host`, so the node is in another one.
#[cfg(feature = "qrs")]
#[test]
fn the_health_of_an_engine_is_a_set_of_metrics_of_its_node() {
    use crate::qrs::support::{Site, engine_health};

    let (site, folder) = (Site::new(), tempfile::tempdir().expect("a folder"));
    site.export(folder.path());
    let service = site.service(engine_health());
    let file = |name: &str| folder.path().join(name).display().to_string();
    let source = Source::start(json!({"engine_health": {
        "certificate_file": file("client.pem"),
        "key_file": file("client_key.pem"),
        "root_file": file("root.pem"),
        "nodes": [{"host": "127.0.0.1", "port": service.address.port(), "node": "pro2-win1"}],
    }}));
    source.line("read the health of the engine of pro2-win1");
    let free = Metric {
        name: "engine_ram_free_bytes",
        tags: vec![("node", "pro2-win1".into())],
        value: MetricValue::Gauge(17_179_869_184.0),
    };
    let mut sets = source.metrics.iter();
    let set = sets.find(|metrics| metrics.contains(&free)).expect("a set");
    let of_engine = set.iter().filter(|it| it.name.starts_with("engine_"));
    // All gauges, and the number of failures; counters are increments, which need a second set.
    assert!(of_engine.count() >= 15, "{set:?}");
    source.end();
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

#[test]
fn datagrams_become_values() {
    let mut source = Source::start(json!({
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
    assert_eq!(text_of(&events[0], "user_id"), Some("goran"));
    let time = events[0].get("timestamp");
    assert!(matches!(time, Some(OwnedValue::Timestamp(_))), "{time:?}");
    assert_eq!(text_of(&events[0], "tags.site"), Some("Lund"));
    assert_eq!(events[0].get("user"), None);
    assert_eq!(text_of(&events[1], "event"), Some("undecoded"));
}

#[test]
fn dropped_events_are_counted() {
    let mut source = Source::start(json!({"undecoded": "drop"}));
    // No other event arrives, but the loss is still reported.
    source.send("garbage");
    let batch = source.batch().expect("a batch");
    assert_eq!((batch.bytes, batch.dropped, batch.len()), (7, 1, 0));
    source.send(&datagram("goran"));
    let (events, _, dropped) = source.events(1);
    assert_eq!((events.len(), dropped), (1, 0));
}

#[test]
fn at_the_end_nothing_is_left_and_the_port_is_free() {
    let mut source = Source::start(json!({"workers": 1}));
    for number in 0..500 {
        source.send(&datagram(&format!("user{number}")));
    }
    source.running.stop();
    let (mut received, mut dropped) = (0, 0);
    while let Some(batch) = source.batch() {
        received += batch.len();
        dropped += batch.dropped;
    }
    assert_eq!((received, dropped), (500, 0));
    source.await_counter("received_datagrams_total", 500);
    let address = source.address();
    let lines = source.end();
    let line = lines.last().expect("a report");
    assert!(
        line.starts_with("stopped ") && line.contains(" events=500 "),
        "{line}"
    );
    UdpSocket::bind(address).expect("the port is free");
}

#[test]
fn workers_end_with_a_dropped_host() {
    let Source {
        running,
        batches,
        sender,
        ..
    } = Source::start(json!({}));
    drop((batches, running));
    UdpSocket::bind(sender.peer_addr().expect("an address")).expect("the port is free");
}

/// A sink that stands still accepts nothing for minutes, and nothing here may wait for it.
#[test]
fn a_host_that_takes_nothing_stops_neither_counters_nor_the_end_nor_what_is_saved() {
    let folder = tempfile::tempdir().expect("a folder");
    let state_file = folder.path().join("sessions.jsonl");
    let given = json!({
        "queue": {"max_events": 1},
        "transform": {"sessions": {"enabled": true, "state_file": state_file}},
    });
    let mut source = Source::start(given.clone());
    source.send(&datagram("user0"));
    // Until it waits, nothing counts as too much.
    source.await_counter("received_datagrams_total", 1);
    (1..30).for_each(|number| source.send(&datagram(&format!("user{number}"))));
    source.await_counter("queue_dropped_events_total", 29);
    let line = source.line("the queue is full");
    assert!(line.contains("queue.max_events"), "{line}");

    let lines = source.end();
    let line = lines.last().expect("a report");
    assert!(line.starts_with("stopped "), "{line}");
    assert!(
        line.contains(" datagrams=30 ") && line.contains(" dropped=30 "),
        "{line}"
    );

    let source = Source::start(given);
    drop(source.line(&format!(
        "{}: resumed the sessions of 30 users",
        state_file.display()
    )));
}

#[test]
fn app_names_are_counted_as_in_every_host() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("apps.csv");
    fs::write(
        &file,
        "id,name\na421f4a2-c311-4ef4-ba41-fe2e6a2b0d69,Sales\n",
    )
    .expect("written");
    let source = Source::start(json!({"transform": {"app_names": {"files": [file]}}}));
    let metrics = source.metrics.recv_timeout(PATIENCE).expect("metrics");
    let apps = metrics.iter().find(|metric| metric.name == "app_names");
    let value = &apps.expect("the gauge").value;
    assert!(matches!(value, MetricValue::Gauge(1.0)), "{value:?}");
}

/// Vector's `internal_metrics` sets the tag `host` itself, to the machine that it runs on.
#[test]
fn metrics_name_the_node_in_a_tag_that_vector_does_not_set() {
    let source = Source::start(json!({"transform": {"sessions": {"enabled": true}}}));
    for node in ["pro2-win1", "pro2-win2"] {
        source.send(&format!(
            "/proxy-session/;{node};Start session;LAB;goran;;;"
        ));
    }
    let mut open = BTreeSet::new();
    while open.len() < 2 {
        let metrics = source.metrics.recv_timeout(PATIENCE).expect("metrics");
        for metric in metrics {
            assert!(
                metric.tags.iter().all(|&(name, _)| name != "host"),
                "{metric:?}"
            );
            if metric.name == "active_sessions" {
                open.extend(metric.tags);
            }
        }
    }
    let nodes = ["pro2-win1", "pro2-win2"].map(|node| ("node", node.into()));
    assert_eq!(open, BTreeSet::from(nodes));
}

#[test]
fn users_are_excluded_in_every_schema() {
    let config: ExcludeUsersConfig =
        serde_json::from_value(json!({"users": [r"lab\SA_*"]})).expect("options");
    let exclude = config.build(Log(mpsc::channel().0)).expect("no file");
    for &schema in Schema::ALL {
        let mut source = Source::start(json!({"output": {"schema": schema}}));
        source.send(&datagram("sa_engine"));
        source.send(&datagram("goran"));
        source.send("garbage");
        let excluded: Vec<bool> = source
            .events(3)
            .0
            .iter()
            .map(|event| exclude.excludes(|name| text_of(event, name)))
            .collect();
        assert_eq!(excluded, [true, false, false], "{schema}");
    }
}

const REQUEST: &str = r"/qseow-qix-perf/;1;20260131T140600.000Z;2026-01-31 14:06:00,000;INFO;n1;QixPerformance.Engine.Engine;LAB\qlikservice;s;LAB;goran;20260131T140600.000Z;e;0f3d9c1e-7b64-4a58-8d2f-2c5e91ab7740;43;GenericObject::GetLayout;1;1;0;0;0;7;a;1;2;tile";

const TASK: &str = r"/scheduler-task-failed/;n1;Nightly;Sales;LAB\goran;d1b6a1f2-0b73-4a1e-9d04-3c7f95a2e610;;2026-01-31 06:00:12,345;INFO;(null);x";

#[test]
fn kinds_of_events_are_excluded_in_every_schema() {
    let users = json!([r"LAB\goran"]);
    for (events, expected) in [
        (json!(["session", "connection"]), [true, false, false, true]),
        (json!(["performance"]), [false, true, false, false]),
        (json!(["task"]), [false, false, true, false]),
        (json!(["log"]), [false; 4]),
    ] {
        let options = json!({"users": users, "events": events});
        let config: ExcludeUsersConfig = serde_json::from_value(options).expect("options");
        let exclude = config.build(Log(mpsc::channel().0)).expect("no file");
        for &schema in Schema::ALL {
            let mut source = Source::start(json!({
                "output": {"schema": schema},
                "transform": {"sessions": {"enabled": true}},
            }));
            let stop = datagram("goran").replace("Start", "Stop");
            source.send(&datagram("goran"));
            source.send(REQUEST);
            source.send(TASK);
            source.send(&stop);
            let excluded: Vec<bool> = source
                .events(5)
                .0
                .iter()
                .map(|event| exclude.excludes(|name| text_of(event, name)))
                .collect();
            // The last two are the session's stop and its summary.
            let [.., stop] = expected;
            let expected = [&expected[..], &[stop]].concat();
            assert_eq!(excluded, expected, "{schema} {events}");
        }
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
    let excludes = |user: &str| {
        exclude.excludes(|name| match name {
            "user_directory" => Some("LAB"),
            "user_id" => Some(user),
            _ => None,
        })
    };
    assert!(excludes("maria") && !excludes("goran"));

    fs::write(&file, "LAB\\goran and more\nbad line\n").expect("written");
    let line = lines.recv_timeout(PATIENCE).expect("a report");
    assert!(
        line.contains("users.txt:2") && line.contains("the previous entries stay in effect"),
        "{line}"
    );
    assert!(excludes("maria"));

    fs::write(&file, "LAB\\goran\n").expect("written");
    let line = lines.recv_timeout(PATIENCE).expect("a report");
    assert_eq!(line, "reloaded the blacklist: 1 entry");
    assert!(excludes("goran") && !excludes("maria"));

    // The thread that watches the file ends with the transform.
    drop(exclude);
    assert!(lines.recv_timeout(PATIENCE).is_err());

    fs::remove_file(&file).expect("removed");
    assert!(config.build(Log(mpsc::channel().0)).is_err());
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
