//! The units for systemd, as far as they can be checked without it, and with `systemd-analyze` if that is installed.

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    process::{Command, Stdio},
};

use qlik_sense_events::config::Config;

use crate::support::command;

/// All directives that the units may contain, by section.
const KNOWN: [(&str, &[&str]); 4] = [
    (
        "Unit",
        &["Description", "Documentation", "Requires", "After"],
    ),
    ("Socket", &["ListenDatagram", "ReceiveBuffer", "Service"]),
    (
        "Service",
        &[
            "ExecStart",
            "ExecReload",
            "StandardOutput",
            "StandardError",
            "LogRateLimitIntervalSec",
            "Restart",
            "RestartSec",
            "DynamicUser",
            "User",
            "StateDirectory",
            "StateDirectoryMode",
            "NoNewPrivileges",
            "CapabilityBoundingSet",
            "ProtectSystem",
            "ProtectHome",
            "ProtectKernelTunables",
            "ProtectKernelModules",
            "ProtectControlGroups",
            "PrivateDevices",
            "PrivateTmp",
            "RestrictAddressFamilies",
            "MemoryDenyWriteExecute",
            "MemoryMax",
            "Sockets",
        ],
    ),
    ("Install", &["WantedBy"]),
];

/// The units to copy from the examples, and those that the packages install.
const FOLDERS: [&str; 3] = [
    "examples/systemd/standalone",
    "examples/systemd/vector",
    "packaging/systemd",
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The directives of a unit: `Section.Name` to value.
fn directives(file: &str) -> BTreeMap<String, String> {
    let text = fs::read_to_string(root().join(file)).expect(file);
    let mut section = "";
    let mut directives = BTreeMap::new();
    for line in text
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
    {
        if let Some(name) = line
            .strip_prefix('[')
            .and_then(|line| line.strip_suffix(']'))
        {
            section = name;
            continue;
        }
        let (name, value) = line.split_once('=').expect("Name=value");
        let known = KNOWN.iter().find(|(known, _)| *known == section);
        let (_, names) = known.unwrap_or_else(|| panic!("{file}: [{section}]"));
        assert!(names.contains(&name), "{file}: {section}.{name}");
        let twice = directives.insert(format!("{section}.{name}"), value.to_owned());
        assert_eq!(twice, None, "{file}: {section}.{name}");
    }
    directives
}

fn files() -> Vec<String> {
    let mut files = Vec::new();
    for folder in FOLDERS {
        for file in fs::read_dir(root().join(folder)).expect("a folder") {
            let name = file.expect("a file").file_name();
            files.push(format!("{folder}/{}", name.to_str().expect("text")));
        }
    }
    files.sort();
    files
}

#[test]
fn these_tests_read_every_unit() {
    let expected = [
        ("examples/systemd/standalone/qlik-sense-events.service", 18),
        ("examples/systemd/standalone/qlik-sense-events.socket", 4),
        ("examples/systemd/vector/qlik-sense-events.conf", 3),
        ("examples/systemd/vector/qlik-sense-events.socket", 5),
        ("packaging/systemd/qlik-sense-events.service", 26),
        ("packaging/systemd/qlik-sense-events.socket", 4),
    ];
    let units: Vec<String> = files()
        .into_iter()
        .filter(|file| !file.ends_with(".yaml"))
        .collect();
    let counted: Vec<_> = units
        .iter()
        .map(|unit| (&**unit, directives(unit).len()))
        .collect();
    assert_eq!(counted, expected);
    assert_eq!(files().len(), expected.len() + 1);
}

#[test]
fn the_units_agree_with_the_program_and_each_other() {
    let config = Config::default();
    for folder in FOLDERS {
        let socket = directives(&format!("{folder}/qlik-sense-events.socket"));
        let address = socket["Socket.ListenDatagram"].parse().expect("an address");
        assert_eq!(&*config.source.address, [address]);
        let mebibytes = socket["Socket.ReceiveBuffer"].strip_suffix('M');
        let mebibytes: usize = mebibytes.expect("MiB").parse().expect("a number");
        assert_eq!(mebibytes << 20, config.source.receive_buffer_bytes);
    }
    let socket = directives("examples/systemd/vector/qlik-sense-events.socket");
    assert_eq!(socket["Socket.Service"], "vector.service");
    let service = directives("examples/systemd/vector/qlik-sense-events.conf");
    let own = directives("examples/systemd/standalone/qlik-sense-events.service");
    let packaged = directives("packaging/systemd/qlik-sense-events.service");
    for value in [
        &service["Service.Sockets"],
        &service["Unit.Requires"],
        &service["Unit.After"],
        &own["Unit.Requires"],
        &own["Unit.After"],
        &packaged["Unit.Requires"],
        &packaged["Unit.After"],
    ] {
        assert_eq!(value, "qlik-sense-events.socket");
    }
}

/// The commands of the services, and the one in Vector's configuration, start a program that listens.
#[test]
fn the_commands_start_the_program() {
    let own = directives("examples/systemd/standalone/qlik-sense-events.service");
    let started = own["Service.ExecStart"].split(' ').collect::<Vec<_>>();
    let packaged = directives("packaging/systemd/qlik-sense-events.service");
    let installed = packaged["Service.ExecStart"].split(' ').collect::<Vec<_>>();
    let vector = root().join("examples/systemd/vector/vector.yaml");
    let vector = fs::read_to_string(vector).expect("a file");
    let vector: serde_json::Value = yaml_serde::from_str(&vector).expect("YAML");
    let source = &vector["sources"]["qlik_sense"];
    assert_eq!(source["environment"], serde_json::json!({"LISTEN_PID": ""}));
    let told = source["command"].as_array().expect("a command");
    let told: Vec<&str> = told.iter().filter_map(|word| word.as_str()).collect();
    assert_eq!(source["decoding"]["codec"], told[3]);
    for words in [started, installed, told] {
        let mut command = command();
        command
            .args(&words[1..])
            .arg("--help")
            .stdout(Stdio::null());
        assert!(words[0].ends_with("qlik-sense-events"));
        assert!(command.status().expect("a status").success(), "{words:?}");
    }
}

#[test]
#[ignore = "needs systemd-analyze"]
fn systemd_accepts_the_units() {
    for folder in ["examples/systemd/standalone", "packaging/systemd"] {
        let temporary = tempfile::tempdir().expect("a folder");
        for name in ["qlik-sense-events.socket", "qlik-sense-events.service"] {
            let unit = fs::read_to_string(root().join(folder).join(name)).expect("a unit");
            // systemd checks that the program exists.
            let program = env!("CARGO_BIN_EXE_qlik-sense-events");
            let unit = unit
                .replace("/usr/local/bin/qlik-sense-events", program)
                .replace("/usr/bin/qlik-sense-events", program);
            fs::write(temporary.path().join(name), unit).expect("a file");
        }
        let output = Command::new("systemd-analyze")
            .args(["verify", "--man=no", "--recursive-errors=no"])
            .arg(temporary.path().join("qlik-sense-events.service"))
            .arg(temporary.path().join("qlik-sense-events.socket"))
            .output()
            .expect("systemd-analyze");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.success() && !said.contains("qlik-sense-events"),
            "{folder}: {said}"
        );
    }
}
