//! `import-butler-sos`: what becomes of configurations of Butler SOS 9 to 15.
//!
//! `data/butler_sos/NAME.yaml` is a configuration of Butler SOS, of our own making. Beside it are the
//! plugin.toml, the configuration of Vector and the notes that come of it.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use qlik_sense_events::{
    config::Config,
    decoding::{LogNamespace, QlikSenseDeserializer},
    import::butler_sos::{Import, ImportError, Options, import},
    schema::Schema,
};
use serde_json::{Value, json};

const PROGRAM: &str = env!("CARGO_BIN_EXE_qlik-sense-events");

/// What must never be in any output: the secrets of the configurations.
const SECRETS: [&str; 6] = [
    "KEY-OF-OPERATIONS",
    "KEY-OF-SECURITY",
    "PASSPHRASE-OF-THE-KEY",
    "PASSWORD-OF-INFLUXDB",
    "TOKEN-OF-INFLUXDB",
    "VALUE-OF-THE-HEADER",
];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/butler_sos")
}

fn read(file: &Path) -> String {
    fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

/// The configurations, by name.
fn configurations() -> Vec<(String, PathBuf)> {
    let files = fs::read_dir(folder()).expect("a folder");
    let mut found: Vec<(String, PathBuf)> = files
        .map(|entry| entry.expect("an entry").path())
        .filter_map(|path| {
            let name = path
                .file_name()?
                .to_str()?
                .strip_suffix(".yaml")?
                .to_owned();
            (!name.contains('.')).then_some((name, path))
        })
        .collect();
    found.sort();
    assert!(!found.is_empty(), "no configuration");
    found
}

fn options() -> Options {
    Options {
        // Where the program has it unless told.
        plugin_toml: Path::new("/etc/qlik-sense-events")
            .join("plugin.toml")
            .display()
            .to_string(),
        resolve: |_| Vec::new(),
        allow_any_sender: false,
    }
}

fn imported(file: &Path) -> Import {
    import(&read(file), &options()).unwrap_or_else(|problem| panic!("{problem}"))
}

fn run(arguments: &[&str]) -> Output {
    let mut command = Command::new(PROGRAM);
    command.arg("import-butler-sos").args(arguments);
    command.output().expect("the program")
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("UTF-8")
}

/// Of paths that begin with `/`: those are relative to a drive on Windows.
#[cfg(unix)]
#[test]
fn every_configuration_becomes_what_is_beside_it() {
    for (name, file) in configurations() {
        let import = imported(&file);
        let notes: String = import
            .notes
            .iter()
            .map(|note| format!("{note}\n"))
            .collect();
        for (kind, seen) in [
            ("plugin.toml", &import.plugin_toml),
            ("vector.yaml", &import.vector_yaml),
            ("notes.txt", &notes),
        ] {
            let expected = folder().join(format!("{name}.{kind}"));
            assert_eq!(*seen, read(&expected), "{}", expected.display());
        }
    }
}

#[test]
fn no_secret_is_printed() {
    let mut held = BTreeSet::new();
    for (name, file) in configurations() {
        let written = run(&[file.to_str().expect("UTF-8")]);
        assert!(written.status.success(), "{name}");
        let from = read(&file);
        for secret in SECRETS {
            held.extend(from.contains(secret).then_some(secret));
            for output in [&written.stdout, &written.stderr] {
                assert!(!text(output).contains(secret), "{name}: {secret}");
            }
        }
    }
    assert_eq!(held, SECRETS.into(), "each secret is in a configuration");
}

/// Certificates as Qlik Sense exports them, as far as files can tell.
fn export_certificates(folder: &Path) {
    let made =
        rcgen::generate_simple_self_signed(["sense.example.com".into()]).expect("a certificate");
    for (name, pem) in [
        ("client.pem", made.cert.pem()),
        ("client_key.pem", made.signing_key.serialize_pem()),
        ("root.pem", made.cert.pem()),
    ] {
        fs::write(folder.join(name), pem).expect("a file");
    }
}

/// Imports a configuration into a folder with certificates, and says what `check` thinks of what is written.
fn imported_and_checked(yaml: &str) -> Output {
    let folder = tempfile::tempdir().expect("a folder");
    export_certificates(folder.path());
    let certificates = folder.path().display().to_string().replace('\\', "/");
    let file = folder.path().join("production.yaml");
    fs::write(&file, yaml.replace("/opt/butler-sos/cert", &certificates)).expect("a file");
    let written = run(&[
        file.to_str().expect("UTF-8"),
        "--output-dir",
        folder.path().to_str().expect("UTF-8"),
    ]);
    assert!(written.status.success(), "{}", text(&written.stderr));
    let mut check = Command::new(PROGRAM);
    check.arg("check").arg(folder.path().join("plugin.toml"));
    check.output().expect("the program")
}

#[test]
fn what_is_written_passes_check() {
    for (name, file) in configurations() {
        let checked = imported_and_checked(&read(&file));
        assert!(
            checked.status.success(),
            "{name}: {}",
            text(&checked.stderr)
        );
    }
    let host_with_port = read(&folder().join("v15.yaml")).replace(
        "hostIP: sense-1.example.com",
        "hostIP: sense-1.example.com:4242",
    );
    let checked = imported_and_checked(&host_with_port);
    assert!(checked.status.success(), "{}", text(&checked.stderr));
    assert!(text(&checked.stdout).contains("those of sense-1.example.com:4242"));
}

/// What YAML takes for a number, a truth value or a date is a name all the same.
#[test]
fn names_stay_as_they_are_written() {
    let names = [
        "4711",
        "007",
        "12e4",
        "1.10",
        "1e400",
        "0x1F",
        "0o17",
        "1_000",
        "+1",
        ".5",
        ".inf",
        "true",
        "No",
        "2026-01-31",
        "18446744073709551616",
        "-0",
        "\"1.10\"",
        "'quoted'",
        "!!str 12e4",
    ];
    for name in names {
        let yaml = format!(
            "Butler-SOS:\n  userEvents:\n    excludeUser:\n      - directory: {name}\n        userId: {name}\n    \
             tags:\n      - name: site\n        value: {name}\n"
        );
        let import = import(&yaml, &options()).expect(name);
        let config = Config::parse(&import.plugin_toml).expect(name);
        let name = name.trim_start_matches("!!str ").trim_matches(['"', '\'']);
        let user = config.transform.blacklist.users[0].to_string();
        assert_eq!(user, format!("{name}\\{name}"));
        let tags = serde_json::to_value(&config.output.tags).expect("tags");
        assert_eq!(tags["site"], name);
    }
}

/// The repository's configuration for a machine as it is written in Butler SOS's.
#[test]
fn the_port_behind_a_host_is_the_port() {
    for (written, host, port) in [
        ("sense1.example.com", "sense1.example.com", 4242),
        ("sense1.example.com:4242", "sense1.example.com", 4242),
        ("10.0.0.30:4243", "10.0.0.30", 4243),
        ("\"[fd00::7]:4243\"", "fd00::7", 4243),
        (
            "https://sense1.example.com:4242/",
            "sense1.example.com",
            4242,
        ),
        ("sense1:none", "", 4242),
        ("<IP or FQDN>", "", 4242),
    ] {
        let yaml = format!(
            "Butler-SOS:\n  userEvents:\n    enable: true\n  appNames:\n    enableAppNameExtract: true\n    \
             hostIP: {written}\n"
        );
        let import = import(&yaml, &options()).expect(written);
        let qrs = Config::parse(&import.plugin_toml)
            .expect(written)
            .transform
            .app_names
            .qrs;
        assert_eq!((&*qrs.host, qrs.port), (host, port), "{written}");
    }
    let of_others = vector(&json!({ "Butler-SOS": {
        "userEvents": {
            "sendToMQTT": { "enable": true, "postTo": { "everythingTopic": { "enable": true, "topic": "t" } } },
            "sendToInfluxdb": { "enable": true },
        },
        "mqttConfig": { "enable": true, "brokerHost": "mqtt.example.com:1884" },
        "influxdbConfig": { "enable": true, "host": "http://influxdb.example.com:8087", "dbName": "d" },
    } }));
    let mqtt = &of_others["sinks"]["mqtt_everything"];
    assert_eq!(
        (&mqtt["host"], &mqtt["port"]),
        (&json!("mqtt.example.com"), &json!(1884))
    );
    assert_eq!(
        of_others["sinks"]["influxdb"]["uri"],
        "http://influxdb.example.com:8087/write?db=d&precision=ns"
    );
}

/// Every value may be empty, and only what it says is lost.
#[test]
fn an_empty_value_costs_that_value_alone() {
    let whole = read(&folder().join("v15.yaml"));
    let lines: Vec<&str> = whole.lines().collect();
    let mut emptied = 0;
    for (place, line) in lines.iter().enumerate() {
        let empty = match line.split_once(": ") {
            Some((key, _)) => format!("{key}:"),
            None if line.trim_start().starts_with("- ") => {
                line.split_once("- ").expect("an entry").0.to_owned() + "-"
            }
            None => continue,
        };
        if line.starts_with('#') {
            continue;
        }
        let mut lines = lines.clone();
        lines[place] = &empty;
        let import = import(&lines.join("\n"), &options())
            .unwrap_or_else(|problem| panic!("{line}: {problem}"));
        let config = Config::parse(&import.plugin_toml)
            .unwrap_or_else(|problems| panic!("{line}: {problems:?}"));
        let users = config.transform.blacklist.users.len();
        assert!((3..=4).contains(&users), "{line}: {users} users");
        emptied += 1;
    }
    assert!(emptied > 100, "{emptied}");

    let import = import(
        "Butler-SOS:\n  userEvents:\n    excludeUser:\n      - directory: LAB\n        userId:\n      -\n      \
         - directory: LAB\n        userId: goran\n    tags:\n      - name: env\n      - name: site\n        value: north\n",
        &options(),
    )
    .expect("an import");
    let config = Config::parse(&import.plugin_toml).expect("a configuration");
    let users = &config.transform.blacklist.users;
    assert_eq!(
        users.iter().map(ToString::to_string).collect::<Vec<_>>(),
        [r"LAB\goran"]
    );
    let tags = serde_json::to_value(&config.output.tags).expect("tags");
    assert_eq!(tags, json!({ "site": "north" }));
    let notes: Vec<String> = import.notes.iter().map(ToString::to_string).collect();
    for expected in [
        r"userEvents.excludeUser[0]: left out: `LAB\`: the user id is empty",
        r"userEvents.excludeUser[1]: left out: `\`: the user directory is empty",
        "userEvents.tags[0]: left out: `env` has no value",
    ] {
        assert!(
            notes.iter().any(|note| note.starts_with(expected)),
            "{expected}: {notes:?}"
        );
    }
}

/// What both programs must agree on, read back from the files.
#[test]
fn values_arrive() {
    let import = imported(&folder().join("v15.yaml"));
    let config = Config::parse(&import.plugin_toml).expect("a configuration");
    assert_eq!(config.source.address[0].to_string(), "0.0.0.0:9987");
    assert_eq!(config.source.max_datagram_bytes, 32_768);
    assert_eq!(config.source.rate_limit.burst, 900);
    let users: Vec<String> = config
        .transform
        .blacklist
        .users
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        users[..3],
        [
            r"INTERNAL\sa_engine",
            r"INTERNAL\sa_repository",
            r"LAB\4711"
        ]
    );
    assert!(config.transform.blacklist.case_sensitive);
    let qrs = &config.transform.app_names.qrs;
    assert_eq!((&*qrs.host, qrs.interval_secs), ("sense-1.example.com", 60));
    assert_eq!(
        qrs.key_file,
        Path::new("/opt/butler-sos/cert/client_key.pem")
    );
    let tags = serde_json::to_value(&config.output.tags).expect("tags");
    assert_eq!(tags, json!({ "qs_env": "prod", "site": "7" }));
    let vector: Value = yaml_serde::from_str(&import.vector_yaml).expect("YAML");
    let sinks = vector["sinks"].as_object().expect("sinks");
    let topics: Vec<&str> = sinks
        .values()
        .filter_map(|sink| sink["topic"].as_str())
        .collect();
    assert_eq!(topics.len(), 5);
    assert!(
        topics
            .iter()
            .all(|topic| topic.starts_with("qliksense/userevent"))
    );
    let uri = "http://influxdb.example.com:8087/api/v2/write\
               ?org=Example+Ltd.&bucket=qlik+events&precision=ns";
    assert_eq!(sinks["influxdb"]["uri"], uri);
    assert_eq!(sinks["new_relic"]["region"], "eu");
    assert_eq!(sinks["new_relic_2"]["account_id"], "7654321");
}

/// Inputs name what is there, and every transform is read by somebody.
#[test]
fn configurations_of_vector_are_whole() {
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

/// Vector's configuration for a configuration of Butler SOS.
fn vector(of: &Value) -> Value {
    let import = import(&of.to_string(), &options()).expect("an import");
    yaml_serde::from_str(&import.vector_yaml).expect("YAML")
}

/// The examples for Butler SOS's destinations are what the import writes, so that they are checked once
/// for both.
#[test]
fn examples_are_what_is_imported() {
    let influxdb = vector(&json!({ "Butler-SOS": {
        "userEvents": { "enable": true, "sendToInfluxdb": { "enable": true } },
        "influxdbConfig": { "enable": true, "host": "127.0.0.1", "version": 1, "v1Config": { "dbName": "senseops" } },
    } }));
    let new_relic = vector(&json!({ "Butler-SOS": {
        "userEvents": { "enable": true, "sendToNewRelic": { "enable": true, "destinationAccount": ["a"] } },
        "newRelic": { "enable": true },
        "thirdPartyToolsCredentials": { "newRelic": [{ "accountName": "a", "accountId": "${NEW_RELIC_ACCOUNT_ID}" }] },
    } }));
    for (name, imported) in [("influxdb", influxdb), ("new_relic", new_relic)] {
        let example = example(name);
        assert_eq!(example["transforms"], imported["transforms"], "{name}");
        assert_eq!(example["sinks"], imported["sinks"], "{name}");
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
        "mqttConfig": { "enable": true, "brokerHost": "127.0.0.1" },
    } }));
    let example = example("mqtt");
    assert_eq!(example["sinks"], mqtt["sinks"]);
    let command = "butler_sos_command";
    assert_eq!(example["transforms"][command], mqtt["transforms"][command]);
}

/// The message that the import makes of an event in the schema `default` has the keys of the schema
/// `butler_sos`, and takes only fields that the former has.
#[test]
fn messages_have_the_keys_of_the_schema() {
    let datagram = "/qseow-proxy-connection/;n1;Open connection;LAB;goran;AppAccess;\
                    /app/a421f4a2-c311-4ef4-ba41-fe2e6a2b0d69;UserAgent: 'Mozilla/5.0 (Windows NT 10.0; \
                    Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36'";
    let events = QlikSenseDeserializer::default()
        .parse(datagram.into(), LogNamespace::Legacy)
        .expect("an event");
    let keys = |schema: Schema| -> BTreeSet<String> {
        let json = serde_json::to_value(schema.view(&events[0])).expect("JSON");
        json.as_object()
            .expect("an object")
            .keys()
            .cloned()
            .collect()
    };
    let imported = imported(&folder().join("v15.yaml")).vector_yaml;
    let vector: Value = yaml_serde::from_str(&imported).expect("YAML");
    let program = |transform: &str| -> String {
        let source = &vector["transforms"][transform]["source"];
        source.as_str().expect("a program").to_owned()
    };
    let message = program("butler_sos_message");
    let written: BTreeSet<String> = message
        .lines()
        .filter_map(|line| line.trim().strip_prefix('"')?.split_once("\": "))
        .map(|(key, _)| key.to_owned())
        .collect();
    assert_eq!(written, keys(Schema::ButlerSos));
    // Those that this event cannot have: it came through no network, and nobody has named its app.
    let mut known = keys(Schema::Default);
    known.extend(["app_name", "tags", "timestamp"].map(str::to_owned));
    for transform in ["butler_sos_message", "influxdb_point", "new_relic_event"] {
        let program = program(transform);
        let fields = program
            .split(|c: char| !(c.is_ascii_alphanumeric() || "._".contains(c)))
            .filter_map(|word| word.strip_prefix('.'))
            .filter(|field| !["", "eventType"].contains(field));
        let mut count = 0;
        for field in fields {
            assert!(known.contains(field), "{transform}: {field}");
            count += 1;
        }
        assert!(count > 10, "{transform}: {count}");
    }
}

#[test]
fn files_are_written_and_never_overwritten() {
    let folder = tempfile::tempdir().expect("a folder");
    let target = folder.path().join("new");
    let arguments = [
        self::folder()
            .join("v15_influxdb3.yaml")
            .display()
            .to_string(),
        "--output-dir".into(),
        target.display().to_string(),
    ];
    let arguments = [&*arguments[0], &*arguments[1], &*arguments[2]];
    let written = run(&arguments);
    assert!(written.status.success(), "{}", text(&written.stderr));
    assert!(written.stdout.is_empty());
    let plugin = target.join("plugin.toml");
    let checked = Command::new(PROGRAM).arg("check").arg(&plugin).output();
    let checked = checked.expect("the program");
    assert!(checked.status.success(), "{}", text(&checked.stderr));
    let vector: Value = yaml_serde::from_str(&read(&target.join("vector.yaml"))).expect("YAML");
    let command = vector["sources"]["qlik_sense"]["command"].as_array();
    let named = command.and_then(|words| words.last()).expect("a command");
    assert_eq!(Path::new(named.as_str().expect("text")), plugin);
    fs::remove_file(&plugin).expect("a file");
    let again = run(&arguments);
    assert_eq!(again.status.code(), Some(1));
    assert!(text(&again.stderr).contains("vector.yaml: is there already"));
    assert!(!plugin.exists(), "neither file is written");
}

#[test]
fn both_files_are_printed_and_notes_go_to_standard_error() {
    let file = folder().join("v9.yaml");
    let printed = run(&[file.to_str().expect("UTF-8")]);
    let (_, files) = text(&printed.stdout)
        .split_once("# ---------- plugin.toml ----------\n")
        .expect("a heading");
    let (plugin, vector) = files
        .split_once("\n# ---------- vector.yaml ----------\n")
        .expect("a heading");
    let import = imported(&file);
    assert_eq!(
        (plugin, vector),
        (&*import.plugin_toml, &*import.vector_yaml)
    );
    let lines = text(&printed.stderr).lines().count();
    assert_eq!(lines, import.notes.len(), "a line for each note");
}

/// What is wrong is said with file, line and key.
#[test]
fn mistakes_are_found() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("config.yaml");
    let rows = [
        ("a: b: c\n", "1: ", "mapping values are not allowed"),
        (
            "Butler-SOS: []\n",
            "1: Butler-SOS: ",
            "expected keys with values",
        ),
        ("butler: {}\n", "1: ", "missing field `Butler-SOS`"),
        (
            "Butler-SOS:\n  logLevel: info\n",
            "2: ",
            "missing field `userEvents`",
        ),
        (
            "Butler-SOS:\n  userEvents:\n    enable: true\n    udpServerConfig:\n      portUserActivityEvents: 99970\n",
            "5: userEvents.udpServerConfig.portUserActivityEvents: ",
            "99970 is no port; expected 1 to 65535",
        ),
        (
            "Butler-SOS:\n  userEvents:\n    udpServerConfig:\n      portUserActivityEvents: <port>\n",
            "4: userEvents.udpServerConfig.portUserActivityEvents: ",
            "expected a port, 1 to 65535",
        ),
        (
            "Butler-SOS:\n  userEvents: {}\n  influxdbConfig:\n    version: 4\n",
            "4: influxdbConfig.version: ",
            "expected 1, 2 or 3",
        ),
        (
            "Butler-SOS:\n  userEvents:\n    enable: yes\n",
            "3: userEvents.enable: ",
            "expected a boolean",
        ),
        (
            "Butler-SOS:\n  userEvents: {}\n  influxdbConfig:\n    v2Config:\n      token: [TOKEN-OF-INFLUXDB]\n",
            "5: influxdbConfig.v2Config.token: ",
            "expected text",
        ),
    ];
    for (yaml, place, message) in rows {
        fs::write(&file, yaml).expect("a file");
        let refused = run(&[file.to_str().expect("UTF-8")]);
        let said = text(&refused.stderr);
        assert_eq!(refused.status.code(), Some(2), "{said}");
        assert!(refused.stdout.is_empty());
        let (_, rest) = said.split_once("config.yaml:").expect("the file's name");
        assert!(rest.starts_with(place), "{place}: {said}");
        assert!(rest.contains(message), "{message}: {said}");
        assert!(!rest.contains("TOKEN-OF-INFLUXDB"), "{said}");
        assert_eq!(said.lines().count(), 1, "{said}");
    }
    let missing = run(&["/no/such/file.yaml"]);
    assert_eq!(missing.status.code(), Some(2));
    assert!(text(&missing.stderr).starts_with("/no/such/file.yaml: the configuration"));
}

/// Values that are not what a key expects, or not written as one would.
const VALUES: [&str; 16] = [
    "12e4",
    "0x1F",
    "-1",
    "1e400",
    ".inf",
    "~",
    "''",
    "host:4242",
    "https://host:1/",
    "'*'",
    "'a,b\\c'",
    "'\"LAB\\\\x\" # y'",
    "(null)",
    "10.0.0.300",
    "true",
    "[a, b]",
];

/// A damaged configuration is refused or imported, and what comes of it is whole: TOML that the program
/// accepts and YAML.
#[test]
fn damaged_configurations_do_no_harm() {
    let mut random = 7_u32;
    let mut below = |limit: usize| {
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (random >> 8) as usize % limit
    };
    let (mut imported, mut refused) = (0, 0);
    for (name, file) in configurations() {
        let whole = read(&file);
        for _ in 0..100 {
            let mut lines: Vec<String> = whole.lines().map(str::to_owned).collect();
            let place = below(lines.len());
            let line = lines[place].clone();
            match below(6) {
                0 => drop(lines.remove(place)),
                1 => lines[place] = line.replace(':', ""),
                2 => lines[place] = format!("  {line}"),
                3 => lines[place] = line.replace(": ", ": \"") + "\"",
                4 => {
                    let value = VALUES[below(VALUES.len())];
                    lines[place] = format!("{}: {value}", line.split(": ").next().unwrap_or(""));
                }
                _ => lines[place] = line.split(": ").next().unwrap_or("").to_owned() + ":",
            }
            match import(&lines.join("\n"), &options()) {
                Ok(import) => {
                    Config::parse(&import.plugin_toml)
                        .unwrap_or_else(|problems| panic!("{name}, {line}: {problems:?}"));
                    yaml_serde::from_str::<Value>(&import.vector_yaml)
                        .unwrap_or_else(|error| panic!("{name}, {line}: {error}"));
                    imported += 1;
                }
                Err(ImportError::Problem(problem)) => {
                    assert!(problem.line > 0, "{name}, {line}: {problem}");
                    refused += 1;
                }
                Err(ImportError::NoSender) => refused += 1,
                Err(error) => panic!("{name}, {line}: {error}"),
            }
        }
    }
    assert!(imported > 100 && refused > 100, "{imported} {refused}");
}

/// The allowed senders that come of `allowedSources` with validation on, and how many notes.
fn allowed(sources: &str, options: &Options) -> Result<(String, usize), ImportError> {
    let yaml = format!(
        "Butler-SOS:\n  userEvents:\n    udpServerConfig:\n      enableSourceValidation: true\n      \
         allowedSources: {sources}\n"
    );
    let import = import(&yaml, options)?;
    let config = Config::parse(&import.plugin_toml).expect("a configuration");
    let ranges = &config.source.allowed_senders;
    let ranges: Vec<String> = ranges.iter().map(ToString::to_string).collect();
    let notes = import.notes.iter();
    let notes = notes.filter(|note| note.key.contains("allowedSources"));
    Ok((ranges.join(" "), notes.count()))
}

#[test]
fn names_of_allowed_senders_are_looked_up() {
    let options = Options {
        resolve: |name| match name {
            "sense-1" => vec!["192.0.2.1".parse().expect("an address")],
            "name.invalid" | "<IP or FQDN>" => Vec::new(),
            other => panic!("{other} is no name"),
        },
        ..options()
    };
    let rows = [
        ("[sense-1, name.invalid]", "192.0.2.1", 2),
        ("[192.0.2.7, sense-1, 192.0.2.7]", "192.0.2.7 192.0.2.1", 1),
        ("[192.0.2.7, name.invalid]", "192.0.2.7", 1),
        (
            "[192.0.2.7, 192.0.2.300, 4711, 0x7f.1, 10.1, '']",
            "192.0.2.7",
            5,
        ),
        (
            "[192.0.2.0/24, null, ' 192.0.2.7 ']",
            "192.0.2.0/24 192.0.2.7",
            1,
        ),
    ];
    for (sources, ranges, notes) in rows {
        let seen = allowed(sources, &options).expect(sources);
        assert_eq!(seen, (ranges.into(), notes), "{sources}");
    }
}

/// Where no address is known, Butler SOS lets everyone in. This does so only when it is told.
#[test]
fn without_an_allowed_sender_nothing_is_imported_unless_told() {
    let permissive = Options {
        allow_any_sender: true,
        ..options()
    };
    for sources in ["[name.invalid]", "['<IP or FQDN>']", "[]", ""] {
        assert_eq!(
            allowed(sources, &options()),
            Err(ImportError::NoSender),
            "{sources}"
        );
        let (ranges, _) = allowed(sources, &permissive).expect(sources);
        assert_eq!(ranges, "0.0.0.0/0 ::/0", "{sources}");
    }
    let only_known = allowed("[192.0.2.7, name.invalid]", &permissive).expect("an import");
    assert_eq!(only_known.0, "192.0.2.7");

    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("production.yaml");
    fs::write(
        &file,
        "Butler-SOS:\n  userEvents:\n    udpServerConfig:\n      enableSourceValidation: true\n      \
         allowedSources: [name.invalid]\n",
    )
    .expect("a file");
    let file = file.to_str().expect("UTF-8");
    let target = folder.path().join("new");
    let target_name = target.to_str().expect("UTF-8");
    for arguments in [&[file][..], &[file, "--output-dir", target_name]] {
        let refused = run(arguments);
        assert_eq!(refused.status.code(), Some(1));
        assert!(
            refused.stdout.is_empty() && !target.exists(),
            "nothing is written"
        );
        let said = text(&refused.stderr);
        assert!(
            said.contains("production.yaml: userEvents.udpServerConfig.allowedSources: "),
            "{said}"
        );
        assert!(said.contains("--allow-any-sender"), "{said}");
    }
    let told = run(&[file, "--output-dir", target_name, "--allow-any-sender"]);
    assert!(told.status.success(), "{}", text(&told.stderr));
    assert!(text(&told.stderr).contains("EVERY sender is accepted"));
    assert!(target.join("plugin.toml").exists());
}

/// Whatever a value holds, it stays a value: in TOML, in YAML and in comments.
#[test]
fn values_cannot_leave_their_place() {
    let hostile = "a\": b\nsinks: # '''\"\"\"";
    let yaml = json!({ "Butler-SOS": {
        "userEvents": {
            "excludeUser": [{ "directory": "LAB", "userId": hostile }],
            "udpServerConfig": { "serverHost": hostile, "enableSourceValidation": true, "allowedSources": [hostile, "192.0.2.1"] },
            "tags": [{ "name": "note", "value": hostile }],
            "sendToMQTT": { "enable": true, "postTo": { "everythingTopic": { "enable": true, "topic": hostile } } },
            "sendToInfluxdb": { "enable": true },
            "sendToNewRelic": { "enable": true, "destinationAccount": [hostile, "known"] },
        },
        "mqttConfig": { "enable": true, "brokerHost": hostile },
        "newRelic": { "enable": true, "event": { "url": hostile, "header": [{ "name": hostile, "value": "x" }] } },
        "thirdPartyToolsCredentials": { "newRelic": [{ "accountName": "known", "accountId": hostile }] },
        "influxdbConfig": { "enable": true, "host": "h", "dbName": hostile, "auth": { "enable": true, "username": hostile } },
    } });
    let import = import(&yaml.to_string(), &options()).expect("an import");
    let config = Config::parse(&import.plugin_toml).expect("a configuration");
    let tags = serde_json::to_value(&config.output.tags).expect("tags");
    assert_eq!(tags["note"], hostile);
    let vector: Value = yaml_serde::from_str(&import.vector_yaml).expect("YAML");
    let sinks = vector["sinks"].as_object().expect("sinks");
    let names: Vec<&String> = sinks.keys().collect();
    assert_eq!(
        names,
        ["diagnostics", "influxdb", "mqtt_everything", "new_relic"]
    );
    assert_eq!(sinks["mqtt_everything"]["topic"], hostile);
    assert_eq!(sinks["mqtt_everything"]["host"], hostile);
    assert_eq!(sinks["influxdb"]["auth"]["user"], hostile);
    assert_eq!(sinks["new_relic"]["account_id"], hostile);
}
