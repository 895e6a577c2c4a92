//! The files that are written, and what is printed.

use std::{
    collections::BTreeSet,
    fs,
    path::Path,
    process::{Command, Output},
};

use serde_json::Value;

use super::{PLUGIN_TOML, PROGRAM, configurations, folder, imported, read, run, text};

/// The secrets in the configurations, which must not be in any output.
const SECRETS: [&str; 6] = [
    "KEY-OF-OPERATIONS",
    "KEY-OF-SECURITY",
    "PASSPHRASE-OF-THE-KEY",
    "PASSWORD-OF-INFLUXDB",
    "TOKEN-OF-INFLUXDB",
    "VALUE-OF-THE-HEADER",
];

#[test]
fn every_configuration_is_imported_as_expected() {
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
            let file = folder().join(format!("{name}.{kind}"));
            let here = Value::from(PLUGIN_TOML).to_string();
            let expected = read(&file).replace("\"/etc/qlik-sense-events/plugin.toml\"", &here);
            assert_eq!(*seen, expected, "{}", file.display());
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

/// Creates files with the names of certificates that Qlik Sense exports.
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

/// Imports a configuration into a folder with certificates, and returns what `check` says about the result.
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
fn written_configurations_pass_check() {
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
    assert!(text(&checked.stdout).contains("more from sense-1.example.com:4242"));
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
    assert!(text(&again.stderr).contains("vector.yaml: already exists"));
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
