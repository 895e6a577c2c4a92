//! How single values are imported.

use std::path::Path;

use qlik_sense_events::{config::Config, import::butler_sos::import};
use serde_json::{Value, json};

use super::{folder, imported, options, read, vector};

/// Names may look like numbers, booleans or dates in YAML.
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

/// The configuration for the Qlik Repository Service, for a host in Butler SOS's spelling.
#[test]
fn a_host_may_include_a_port() {
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

/// Every value may be empty, which loses nothing else.
#[test]
fn an_empty_value_only_loses_that_value() {
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

/// The values that both programs have to agree on, read back from the files.
#[test]
fn values_are_carried_over() {
    let import = imported(&folder().join("v15.yaml"));
    let config = Config::parse(&import.plugin_toml).expect("a configuration");
    assert_eq!(config.source.address[0].to_string(), "0.0.0.0:9987");
    assert_eq!(config.source.max_datagram_bytes, 32_768);
    assert_eq!(config.source.rate_limit.burst, 2_100);
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
    assert_eq!(tags, json!({ "qs_env": "prod" }));
    let vector: Value = yaml_serde::from_str(&import.vector_yaml).expect("YAML");
    let sinks = vector["sinks"].as_object().expect("sinks");
    let topics: Vec<&str> = sinks
        .values()
        .filter_map(|sink| sink["topic"].as_str())
        .collect();
    let (users, logs): (Vec<&str>, Vec<&str>) = topics
        .iter()
        .partition(|topic| topic.starts_with("qliksense/userevent"));
    assert_eq!(users.len(), 5);
    assert_eq!(
        logs,
        ["qliksense/logevent", "qliksense/logevent/{{ %subsystem }}"]
    );
    let uri = "http://influxdb.example.com:8087/api/v2/write\
               ?org=Example+Ltd.&bucket=qlik+events&precision=ns";
    assert_eq!(sinks["influxdb"]["uri"], uri);
    assert_eq!(sinks["new_relic"]["region"], "eu");
    assert_eq!(sinks["new_relic_2"]["account_id"], "7654321");
    // The second account also gets log events, the first one does not.
    let inputs = |sink: &str| sinks[sink]["inputs"].to_string();
    assert!(inputs("new_relic_2").contains("new_relic_log_event"));
    assert!(!inputs("new_relic").contains("new_relic_log_event"));
    assert!(inputs("influxdb").contains("influxdb_log_point"));
}

/// Whatever a value contains, it remains a value in TOML, in YAML and in comments.
#[test]
fn values_cannot_break_out_of_their_quotes() {
    let hostile = "a\": b\nsinks: # '''\"\"\"";
    let yaml = json!({ "Butler-SOS": {
        "userEvents": {
            "enable": true,
            "excludeUser": [{ "directory": "LAB", "userId": hostile }],
            "udpServerConfig": { "serverHost": hostile, "enableSourceValidation": true, "allowedSources": [hostile, "192.0.2.1"] },
            "tags": [{ "name": "note", "value": hostile }],
            "sendToMQTT": { "enable": true, "postTo": { "everythingTopic": { "enable": true, "topic": hostile } } },
            "sendToInfluxdb": { "enable": true },
            "sendToNewRelic": { "enable": true, "destinationAccount": [hostile, "known"] },
        },
        "logEvents": {
            "udpServerConfig": { "enableSourceValidation": true, "allowedSources": ["192.0.2.1"] },
            "source": { "engine": { "enable": true } },
            "tags": [{ "name": "note", "value": "another" }, { "name": hostile, "value": hostile }],
            "categorise": {
                "enable": true,
                "rules": [{
                    "description": hostile,
                    "logLevel": [hostile],
                    "action": hostile,
                    "category": [{ "name": hostile, "value": hostile }],
                    "filter": [{ "type": "so", "value": hostile }, { "type": hostile, "value": hostile }],
                }],
                "ruleDefault": { "enable": true, "category": [{ "name": hostile, "value": hostile }] },
            },
            "sendToMQTT": { "enable": true, "baseTopic": hostile, "postTo": { "baseTopic": true } },
            "sendToInfluxdb": { "enable": true },
            "sendToNewRelic": { "enable": true, "destinationAccount": ["known"] },
        },
        "mqttConfig": { "enable": true, "brokerHost": hostile },
        "newRelic": { "enable": true, "event": {
            "url": hostile,
            "attribute": { "static": [{ "name": hostile, "value": hostile }] },
            "header": [{ "name": hostile, "value": "x" }],
        } },
        "thirdPartyToolsCredentials": { "newRelic": [{ "accountName": "known", "accountId": hostile }] },
        "influxdbConfig": { "enable": true, "host": "h", "dbName": hostile, "auth": { "enable": true, "username": hostile } },
    } });
    let import = import(&yaml.to_string(), &options()).expect("an import");
    let config = Config::parse(&import.plugin_toml).expect("a configuration");
    let tags = serde_json::to_value(&config.output.tags).expect("tags");
    assert_eq!(tags, json!({}), "none is on all events");
    let vector: Value = yaml_serde::from_str(&import.vector_yaml).expect("YAML");
    let sinks = vector["sinks"].as_object().expect("sinks");
    let names: Vec<&String> = sinks.keys().collect();
    assert_eq!(
        names,
        [
            "diagnostics",
            "influxdb",
            "mqtt_everything",
            "mqtt_log_events",
            "new_relic"
        ]
    );
    assert_eq!(sinks["mqtt_log_events"]["topic"], hostile);
    for transform in [
        "qlik_sense_tags",
        "qlik_sense_categories",
        "new_relic_log_event",
    ] {
        let source = vector["transforms"][transform]["source"].to_string();
        let source: String = serde_json::from_str(&source).expect("VRL");
        let written = hostile.replace('"', "\\\"").replace('\n', "\\u{a}");
        assert!(source.contains(&format!("\"{written}\"")), "{source}");
        assert!(!source.contains("\nsinks"), "{source}");
    }
    assert_eq!(sinks["mqtt_everything"]["topic"], hostile);
    assert_eq!(sinks["mqtt_everything"]["host"], hostile);
    assert_eq!(sinks["influxdb"]["auth"]["user"], hostile);
    assert_eq!(sinks["new_relic"]["account_id"], hostile);
}
