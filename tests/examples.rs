//! Every example runs or is read by what it is for, and the documentation agrees with the program.
//!
//! Each test counts what it has seen, so that a file that is added without a test, or that a test no
//! longer finds, shows.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::Read,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use qlik_sense_events::{
    config::Config,
    decoding::{LogNamespace, QlikSenseDeserializer},
    event::{Arrival, DERIVED_EVENTS, Event, UserEvent},
    schema::Schema,
};
use roxmltree::{Document, Node};
use serde_json::Value;

#[allow(dead_code)]
#[path = "../examples/blacklist.rs"]
mod blacklist;
#[allow(dead_code)]
#[path = "../examples/decode.rs"]
mod decode;
#[allow(dead_code)]
#[path = "../examples/udp_framed.rs"]
mod udp_framed;

const PROGRAM: &str = env!("CARGO_BIN_EXE_qlik-sense-events");

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(file: &Path) -> String {
    fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

/// The files of a folder with an extension, by name.
fn files(folder: &str, extension: &str) -> BTreeMap<String, PathBuf> {
    fs::read_dir(root().join(folder))
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|found| found == extension))
        .map(|path| {
            let name = path.file_stem().expect("a name").to_string_lossy();
            (name.into_owned(), path)
        })
        .collect()
}

fn names(files: &BTreeMap<String, PathBuf>) -> Vec<&str> {
    files.keys().map(String::as_str).collect()
}

// Examples in Rust. Each is a module above, so that it is compiled here as well.

#[test]
fn every_rust_example_is_run_here() {
    let known = ["blacklist", "decode", "udp_framed"];
    assert_eq!(names(&files("examples", "rs")), known);
}

#[test]
fn the_decode_example() {
    let expected = r"LAB\goran logged in
LAB\goran opened a421f4a2-c311-4ef4-ba41-fe2e6a2b0d69 with Chrome
LAB\goran is gone
undecoded: the payload ends at byte 45, before its field `user_directory`; expected every field up to `message`, separated by `;`
";
    assert_eq!(decode::report().expect("events"), expected);
}

#[test]
fn the_blacklist_example() {
    let (json, excluded) = blacklist::report().expect("events");
    let event: Value = serde_json::from_str(&json).expect("one line of JSON");
    assert_eq!((&event["user"], excluded), (&Value::from(r"LAB\goran"), 2));
}

#[tokio::test]
async fn the_udp_framed_example() {
    let event = udp_framed::receive_one().await.expect("an event");
    assert_eq!(field(&event, "action"), "close");
}

// The configuration.

#[test]
fn every_configuration_is_accepted() {
    let configurations = files("examples", "toml");
    assert_eq!(names(&configurations), ["blacklist"]);
    for file in configurations.values() {
        let config = Config::load(file).expect("a configuration");
        config.pipeline().build().expect("a pipeline");
        let checked = Command::new(PROGRAM).arg("check").arg(file).output();
        assert!(checked.expect("the program").status.success());
    }
}

// Qlik Sense.

/// What the appender puts in the place of its patterns.
const VALUES: [(&str, &str); 11] = [
    ("%hostname", "pro2-win1"),
    ("%property{UserDirectory}", "LAB"),
    ("%property{UserId}", "goran"),
    ("%property{Origin}", "AppAccess"),
    (
        "%property{Context}",
        "/sales/app/a421f4a2-c311-4ef4-ba41-fe2e6a2b0d69",
    ),
    ("%property{Command}", ""),
    ("%message", ""),
    ("%longIso8601date", "20260131T100000.125+0100"),
    ("%rownum{9999}", "42"),
    ("%property{ProxySessionId}", "f8ba1ee3"),
    ("%property{Result}", "0"),
];

/// Qlik's converters, by the name of the pattern that they stand for.
const CONVERTERS: [(&str, &str); 3] = [
    ("hostname", "HostNamePatternConverter"),
    ("longIso8601date", "Iso8601TimeOffsetPatternConverter"),
    ("rownum", "CounterPatternConverter"),
];

#[test]
fn the_appenders_send_what_the_decoder_expects() {
    let appenders = files("examples/qlik", "xml");
    let known = ["LocalLogConfig", "LocalLogConfig-extended"];
    assert_eq!(names(&appenders), known);
    for event in check_appenders(&read(&appenders["LocalLogConfig"])) {
        let extension = (event.qlik_timestamp(), event.sequence());
        assert_eq!(extension, (None, None));
        assert_eq!((event.session_id(), event.result()), (None, None));
    }
    for event in check_appenders(&read(&appenders["LocalLogConfig-extended"])) {
        let time = event.qlik_timestamp().expect("a time").to_rfc3339();
        assert_eq!(time, "2026-01-31T09:00:00.125+00:00");
        assert_eq!(event.sequence(), Some(42));
        let extension = (event.session_id(), event.result());
        assert_eq!(extension, (Some("f8ba1ee3"), Some("0")));
        assert!(event.unreadable().is_empty());
    }
}

/// The events that the appenders of a file send.
fn check_appenders(text: &str) -> Vec<UserEvent> {
    let document = Document::parse(text).expect("XML");
    let mut seen = BTreeMap::new();
    for appender in elements(&document, "appender") {
        let name = appender.attribute("name").expect("a name");
        let order: Vec<&str> = children(appender).map(|c| c.tag_name().name()).collect();
        assert!(
            order.is_sorted_by_key(|tag| ["filter", "param", "layout"]
                .iter()
                .position(|known| known == tag)
                .expect("a known element")),
            "{name}: the proxy's schema wants filters, params, layout: {order:?}"
        );
        assert_eq!(
            appender.attribute("type"),
            Some("log4net.Appender.UdpAppender")
        );
        assert_eq!(param(appender, "remotePort"), "9997");
        assert_eq!(param(appender, "encoding"), "utf-8");
        seen.insert(name, sent(appender));
    }
    let actions = |name: &str| -> Vec<String> {
        let events: &Vec<UserEvent> = &seen[name];
        events
            .iter()
            .map(|event| format!("{} {}", event.kind().event(), event.kind().action()))
            .collect()
    };
    assert_eq!(seen.len(), 2);
    assert_eq!(actions("EventSession"), ["session start", "session stop"]);
    assert_eq!(
        actions("EventConnection"),
        ["connection open", "connection close"]
    );
    let logged: Vec<&str> = elements(&document, "appender-ref")
        .map(|reference| reference.attribute("ref").expect("an appender"))
        .collect();
    assert_eq!(logged, ["EventSession", "EventConnection"]);
    let logger = elements(&document, "logger").next().expect("a logger");
    assert_eq!(logger.attribute("name"), Some("AuditActivity.Proxy"));
    seen.into_values().flatten().collect()
}

/// The events of what an appender lets through: one a filter.
fn sent(appender: Node<'_, '_>) -> Vec<UserEvent> {
    let layout = children(appender)
        .find(|child| child.has_tag_name("layout"))
        .expect("a layout");
    let pattern = param(layout, "conversionPattern");
    let converters: Vec<(&str, &str)> = children(layout)
        .filter(|child| child.has_tag_name("converter"))
        .map(|converter| (param(converter, "name"), param(converter, "type")))
        .collect();
    let wanted: Vec<_> = CONVERTERS
        .iter()
        .filter(|(name, _)| pattern.contains(&format!("%{name}")))
        .collect();
    assert_eq!(converters.len(), wanted.len(), "{converters:?}");
    for ((name, class), (wanted, converter)) in converters.iter().zip(wanted) {
        assert_eq!(name, wanted);
        let class = class.strip_prefix("Qlik.Sense.Logging.log4net.Layout.Pattern.");
        assert_eq!(class, Some(*converter));
    }
    children(appender)
        .filter(|child| child.attribute("type") == Some("log4net.Filter.StringMatchFilter"))
        .map(|filter| {
            let matched = param(filter, "stringToMatch");
            let command = match matched.split_whitespace().collect::<Vec<_>>()[..] {
                ["connection", "Opened", ..] => "Open connection".to_owned(),
                ["connection", "Closed", ..] => "Close connection".to_owned(),
                [what, "session", ..] => format!("{what} session"),
                _ => panic!("{matched}"),
            };
            let datagram =
                VALUES
                    .iter()
                    .fold(pattern.to_owned(), |text, (name, value)| match *name {
                        "%property{Command}" => text.replace(name, &command),
                        "%message" => text.replace(name, &format!("{matched}; 'x'")),
                        _ => text.replace(name, value),
                    });
            assert!(!datagram.contains('%'), "{datagram}");
            let event = user_event(datagram);
            assert_eq!(event.host(), Some("pro2-win1"));
            assert_eq!(event.qlik_command(), Some(&*command));
            assert_eq!(event.user().expect("a user").to_string(), r"LAB\goran");
            assert_eq!(event.origin(), Some("AppAccess"));
            assert_eq!(event.virtual_proxy(), Some("sales"));
            assert!(event.app_id().is_some());
            assert_eq!(event.message(), Some(&*format!("{matched}; 'x'")));
            event
        })
        .collect()
}

fn user_event(datagram: String) -> UserEvent {
    let events = QlikSenseDeserializer::default()
        .parse(datagram.into(), LogNamespace::Legacy)
        .expect("events");
    match events.into_vec().pop() {
        Some(Event::User(event)) => event,
        other => panic!("{other:?}"),
    }
}

fn elements<'a>(
    document: &'a Document<'a>,
    tag: &'static str,
) -> impl Iterator<Item = Node<'a, 'a>> {
    document
        .descendants()
        .filter(move |node| node.has_tag_name(tag))
}

fn children<'a, 'd>(node: Node<'a, 'd>) -> impl Iterator<Item = Node<'a, 'd>> {
    node.children().filter(|child| child.is_element())
}

fn param<'a>(node: Node<'a, '_>, name: &str) -> &'a str {
    children(node)
        .find(|child| child.has_tag_name("param") && child.attribute("name") == Some(name))
        .and_then(|param| param.attribute("value"))
        .unwrap_or_else(|| panic!("no param {name}"))
}

// Vector.

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
            "influxdb",
            "kafka",
            "loki",
            "mqtt",
            "new_relic",
            "opentelemetry",
            "prometheus",
            "s3",
        ]
    );
    for (name, file) in &examples {
        let config = yaml(&read(file));
        // It receives from those that start the program.
        if name == "aggregator" {
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
        assert!(read(file).contains("plugin"), "{name}: diagnostics");
    }
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
    // The events are those of the example without an edge, made by the same program.
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

/// The source reads what the program writes, and the program takes these arguments.
fn check_source(source: &Value) {
    assert_eq!(source["type"], "exec");
    assert_eq!(source["mode"], "streaming");
    assert_eq!(source["decoding"]["codec"], "native");
    assert!(source.get("framing").is_none(), "the codec implies it");
    let command: Vec<&str> = values(&source["command"])
        .map(|word| word.as_str().expect("text"))
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

/// Starts the program, on a port that is free, until it says that it listens.
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

fn yaml(text: &str) -> Value {
    yaml_serde::from_str(text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// The values of an object or a list.
fn values(value: &Value) -> Box<dyn Iterator<Item = &Value> + '_> {
    match value {
        Value::Object(map) => Box::new(map.values()),
        Value::Array(list) => Box::new(list.iter()),
        _ => Box::new(std::iter::empty()),
    }
}

// The documentation.

fn documents() -> Vec<PathBuf> {
    let mut documents: Vec<PathBuf> = files("", "md").into_values().collect();
    documents.extend(files("docs", "md").into_values());
    assert!(documents.len() >= 10, "{documents:?}");
    documents
}

/// The fenced blocks of a language.
fn blocks(text: &str, language: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if let Some(found) = line.trim().strip_prefix("```") {
            let block: Vec<&str> = lines
                .by_ref()
                .take_while(|line| line.trim() != "```")
                .collect();
            if found == language {
                blocks.push(block.join("\n"));
            }
        }
    }
    blocks
}

#[test]
fn configurations_in_the_documentation_are_accepted() {
    let mut seen = 0;
    for document in documents() {
        for block in blocks(&read(&document), "toml") {
            if let Err(problems) = Config::parse(&block) {
                panic!("{}: {problems:?}\n{block}", document.display());
            }
            seen += 1;
        }
    }
    assert!(seen >= 3, "{seen}");
}

#[test]
fn vector_configurations_in_the_documentation_start_the_program() {
    let mut seen = 0;
    for document in documents() {
        for block in blocks(&read(&document), "yaml") {
            let config = yaml(&block);
            for source in values(&config["sources"]) {
                check_source(source);
                seen += 1;
            }
        }
    }
    assert!(seen >= 2, "{seen}");
}

/// Datagrams in the documentation, each followed by the event that it becomes.
#[test]
fn events_in_the_documentation_are_what_datagrams_become() {
    let (mut seen, mut count) = (BTreeSet::new(), 0);
    for document in documents() {
        let text = read(&document);
        let datagrams = blocks(&text, "text");
        for block in blocks(&text, "json") {
            let event: Value = serde_json::from_str(&block)
                .unwrap_or_else(|error| panic!("{}: {error}\n{block}", document.display()));
            // What follows from several datagrams is looked at in `tests/sessions`.
            let kind = event["event"].as_str().unwrap_or_default();
            let schema = match &event {
                _ if kind == "plugin" || DERIVED_EVENTS.contains(&kind) => continue,
                event if event["event"].is_string() => Schema::Default,
                event if event["ecs"].is_object() => Schema::Ecs,
                event if event["messageType"].is_string() => Schema::ButlerSos,
                _ => continue,
            };
            let found = datagrams
                .iter()
                .any(|datagram| decoded(datagram, schema).as_ref() == Some(&event));
            assert!(found, "{}: no datagram gives\n{block}", document.display());
            seen.insert(schema.as_str());
            count += 1;
        }
    }
    assert_eq!(seen.len(), Schema::ALL.len(), "{seen:?}");
    assert!(count >= 6, "{count}");
}

/// The event of a datagram, with the arrival that the documentation shows.
fn decoded(datagram: &str, schema: Schema) -> Option<Value> {
    let mut events = QlikSenseDeserializer::default()
        .parse(datagram.to_owned().into(), LogNamespace::Legacy)
        .ok()?;
    let timestamp = "2026-01-31T09:00:00Z".parse().expect("a time");
    let event = events.first_mut()?;
    event.set_arrival(Arrival::new(timestamp, [192, 0, 2, 20].into()));
    serde_json::to_value(schema.view(event)).ok()
}

fn field(event: &Event, name: &str) -> Value {
    serde_json::to_value(Schema::Default.view(event)).expect("an event")[name].clone()
}

#[test]
fn the_table_of_options_is_that_of_the_manifest() {
    let manifest: toml::Value = toml::from_str(&read(&root().join("plugin.toml"))).expect("TOML");
    let mut expected = BTreeMap::new();
    flatten("", &manifest, &mut expected);
    let readme = read(&root().join("README.md"));
    let documented: BTreeMap<String, String> = readme
        .lines()
        .filter_map(|line| {
            let mut cells = line.strip_prefix("| `")?.split(" | ");
            let key = cells.next()?.strip_suffix('`')?;
            let default = cells.next()?.strip_prefix('`')?.strip_suffix('`')?;
            let value: toml::Table = toml::from_str(&format!("value = {default}")).ok()?;
            key.contains('.')
                .then(|| (key.to_owned(), value["value"].to_string()))
        })
        .collect();
    assert_eq!(documented, expected);
    assert!(expected.len() >= 12, "{}", expected.len());
}

fn flatten(prefix: &str, value: &toml::Value, keys: &mut BTreeMap<String, String>) {
    match value {
        toml::Value::Table(table) if !table.is_empty() => {
            for (name, value) in table {
                let key = match prefix {
                    "" => name.clone(),
                    _ => format!("{prefix}.{name}"),
                };
                flatten(&key, value, keys);
            }
        }
        value => {
            keys.insert(prefix.to_owned(), value.to_string());
        }
    }
}

/// Every field of a schema is in its table of `docs/fields.md`, and nothing else is.
#[test]
fn every_field_is_documented() {
    let text = read(&root().join("docs/fields.md"));
    for (schema, heading) in [
        (Schema::Default, "Fields\n"),
        (Schema::Ecs, "The schema `ecs`\n"),
        (Schema::ButlerSos, "The schema `butler_sos`\n"),
    ] {
        let sections = text.split("\n## ").filter(|section| {
            let is_derived = schema == Schema::Default && section.starts_with("Sessions over time");
            section.starts_with(heading) || is_derived
        });
        // A row may be about several fields: | `apps`, `openApps` | …
        let documented: BTreeSet<&str> = sections
            .flat_map(str::lines)
            .filter_map(|line| line.strip_prefix("| `")?.split(" | ").next())
            .flat_map(|cell| cell.split("`, `"))
            .map(|name| name.trim_end_matches('`'))
            // Tables of values begin with what they are values of.
            .filter(|name| !name.is_empty())
            .collect();
        // A group is documented by its fields.
        let is_group = |field: &str| {
            let within = format!("{field}.");
            let mut fields = schema.fields().iter();
            !documented.contains(field) && fields.any(|field| field.starts_with(&within))
        };
        let fields = schema.fields().iter().copied();
        let expected: BTreeSet<&str> = fields.filter(|field| !is_group(field)).collect();
        assert_eq!(documented, expected, "{schema}");
    }
    assert_eq!(Schema::ALL.len(), 3);
}

#[test]
fn links_lead_somewhere() {
    let mut seen = 0;
    for document in documents() {
        let text = read(&document);
        for rest in text.split("](").skip(1) {
            let target = rest.split(')').next().unwrap_or_default();
            let file = target.split('#').next().unwrap_or_default();
            if file.is_empty() || file.contains("://") {
                continue;
            }
            let path = document.parent().expect("a folder").join(file);
            assert!(path.exists(), "{}: {target}", document.display());
            seen += 1;
        }
    }
    assert!(seen >= 10, "{seen}");
}
