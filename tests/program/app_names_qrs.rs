//! Names of apps from a Qlik Repository Service, while the program runs.

use std::{fs, path::Path};

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{
    Running, ask_to_end, finish, payload,
    qrs::{Answer, Site},
    record,
};

const SALES: &str = "a421f4a2-c311-4ef4-ba41-fe2e6a2b0d69";

fn sales(name: &str) -> Answer {
    Answer::Apps(vec![(SALES.into(), name.into())])
}

/// A folder with the files that the QMC exports, and a configuration with requests every second.
fn folder(site: &Site, port: u16, more: &str) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    site.export(folder.path());
    let config = format!(
        "[transform.app_names.qrs]\nhost = \"127.0.0.1\"\nport = {port}\ninterval_secs = 1\n{more}"
    );
    fs::write(folder.path().join("config.toml"), config).expect("a file");
    folder
}

fn start(folder: TempDir) -> Running {
    let config = fs::read_to_string(folder.path().join("config.toml")).expect("a file");
    Running::configured_in(folder, &config)
}

fn app_name(program: &mut Running) -> Value {
    program.event_of(payload::OPEN)["app_name"].clone()
}

/// The next diagnostic: its level and its message.
fn diagnostic(program: &mut Running) -> (String, String) {
    let diagnostic = program.diagnostics.one();
    let text = |name: &str| diagnostic[name].as_str().expect("text").to_owned();
    (text("level"), text("message"))
}

/// Sends the event again until it has the name: names reach a worker a moment later.
fn until_named(program: &mut Running, name: &str) {
    while app_name(program) != name {}
}

#[test]
fn names_are_read_refreshed_and_kept_if_the_service_fails() {
    let site = Site::new();
    let service = site.service(sales("Sales"));
    let port = service.address.port();
    let mut program = start(folder(&site, port, ""));
    let read = format!("read app names from 127.0.0.1:{port}");
    assert_eq!(
        diagnostic(&mut program),
        ("info".into(), format!("{read}: 1 app"))
    );
    until_named(&mut program, "Sales");

    // A new name is not reported.
    service.set(sales("Verkauf"));
    until_named(&mut program, "Verkauf");

    // A failure is reported once, however often it occurs, and again when its reason changes.
    service.set(Answer::Status(503));
    let (level, message) = diagnostic(&mut program);
    assert_eq!(level, "warn");
    let stay = "cannot refresh app names; the previous ones stay in use: 127.0.0.1:";
    assert!(message.starts_with(stay), "{message}");
    assert!(
        message.ends_with("status 503; the repository service is not ready"),
        "{message}"
    );
    for _ in 0..3 {
        service.requests.recv().expect("a request");
    }
    while service.requests.try_recv().is_ok() {}
    for _ in 0..2 {
        service.requests.recv().expect("another try");
    }
    service.set(Answer::Body(b"[{".to_vec()));
    let (level, message) = diagnostic(&mut program);
    assert_eq!(level, "warn");
    assert!(
        message.contains("is not a list of apps: line 1: the JSON ends early"),
        "{message}"
    );
    assert_eq!(app_name(&mut program), "Verkauf");

    service.set(sales("Ventes"));
    let (level, message) = diagnostic(&mut program);
    assert_eq!(level, "info");
    assert!(message.starts_with(&format!("{read} after ")), "{message}");
    assert!(message.ends_with(": 1 app"), "{message}");
    until_named(&mut program, "Ventes");
}

/// Nothing waits for the service: neither the start, nor events, nor the end.
#[test]
fn a_silent_service_blocks_nothing() {
    let site = Site::new();
    let service = site.service(Answer::Silence);
    let more = "timeout_secs = 600\n";
    let mut program = start(folder(&site, service.address.port(), more));
    service.requests.recv().expect("a request");
    assert_eq!(app_name(&mut program), Value::Null);
    ask_to_end(&program);
    let (status, diagnostics) = program.wait();
    assert!(status.success(), "{status} {diagnostics:?}");
}

/// The service starts after the program, which reports once that it cannot reach it.
#[test]
fn a_service_may_start_after_the_program() {
    let site = Site::new();
    let service = site.service(Answer::Status(403));
    let mut program = start(folder(&site, service.address.port(), ""));
    let (level, message) = diagnostic(&mut program);
    assert_eq!(level, "warn");
    assert!(
        message.starts_with("cannot read app names: 127.0.0.1:"),
        "{message}"
    );
    assert_eq!(app_name(&mut program), Value::Null);
    service.set(sales("Sales"));
    let (level, message) = diagnostic(&mut program);
    assert_eq!(level, "info", "{message}");
    until_named(&mut program, "Sales");
}

#[test]
fn a_name_from_a_file_takes_precedence_over_the_service() {
    let site = Site::new();
    let other = "5f0c3a52-6f0e-4c8c-9a3b-8d6a1f2c7b11";
    let apps = vec![
        (SALES.into(), "Sales".into()),
        (other.into(), "Finance".into()),
    ];
    let service = site.service(Answer::Apps(apps));
    let more = "[transform.app_names]\nfiles = [\"apps.csv\"]\n";
    let folder = folder(&site, service.address.port(), more);
    fs::write(folder.path().join("apps.csv"), format!("{SALES},By hand\n")).expect("a file");
    let mut program = start(folder);
    assert_eq!(diagnostic(&mut program).0, "info");
    let open = payload::OPEN.replace(SALES, other);
    while program.event_of(&open)["app_name"] != "Finance" {}
    assert_eq!(app_name(&mut program), "By hand");
    // The file changes, and the names from the service stay.
    let file = program.folder().join("apps.csv");
    let new = program.folder().join("new.csv");
    fs::write(&new, format!("{SALES},By another hand\n")).expect("a file");
    fs::rename(new, file).expect("replaced");
    let expected = "reloaded the files of app names: 1 app";
    assert_eq!(diagnostic(&mut program), ("info".into(), expected.into()));
    until_named(&mut program, "By another hand");
    assert_eq!(program.event_of(&open)["app_name"], "Finance");
}

/// Renewed certificates are used for the next request.
#[test]
fn renewed_certificates_are_used() {
    let (site, other) = (Site::new(), Site::named("other.example.com"));
    let service = site.service(sales("Sales"));
    let folder = folder(&site, service.address.port(), "");
    let root = |site: &Site, folder: &Path| fs::write(folder.join("root.pem"), site.root());
    root(&other, folder.path()).expect("a file");
    let mut program = start(folder);
    let (level, message) = diagnostic(&mut program);
    assert_eq!(level, "warn");
    assert!(
        message.contains("is not signed by `root_file`"),
        "{message}"
    );
    root(&site, program.folder()).expect("a file");
    // The file may be read while it is still empty.
    while diagnostic(&mut program).0 != "info" {}
    until_named(&mut program, "Sales");
}

#[test]
fn metrics_count_the_names() {
    let site = Site::new();
    let service = site.service(sales("Sales"));
    let more = "[telemetry]\ninterval_secs = 1\n";
    let folder = folder(&site, service.address.port(), more);
    let config = folder.path().join("config.toml").display().to_string();
    let mut program = Running::start(&["--codec", "native_json", "--config", &config]);
    let value = |program: &Running, name: &str, kind: &str| {
        let metrics = program.output.as_ref().expect("a pipe").metrics.iter();
        let of_name = metrics.filter(|metric| metric["name"] == name);
        let values = of_name.filter_map(|metric| metric[kind]["value"].as_f64());
        values.fold(0.0, f64::max)
    };
    let read_on = |program: &mut Running| {
        program.events().frame().expect("metrics");
    };
    while value(&program, "app_names", "gauge") < 1.0 {
        read_on(&mut program);
    }
    let failures = "app_names_refresh_failures_total";
    assert!(value(&program, failures, "counter") < 1.0);
    service.set(Answer::Status(500));
    while value(&program, failures, "counter") < 1.0 {
        read_on(&mut program);
    }
}

#[test]
fn unusable_files_are_refused_at_start() {
    let site = Site::new();
    let folder = folder(&site, 4242, "");
    let config = folder.path().join("config.toml").display().to_string();
    let checked = finish(&["check", &config]);
    assert_eq!((checked.status, &*checked.stderr), (0, ""));
    let key = folder.path().join("client_key.pem");
    fs::write(&key, "no key").expect("a file");
    let ran = finish(&["run", "--address", "127.0.0.1:0", "--config", &config]);
    assert_eq!((ran.status, &*ran.stdout), (2, ""));
    let expected = format!("{}: the file contains no PEM private key", key.display());
    assert_eq!(record(ran.stderr.as_bytes())["message"], expected);
    let checked = finish(&["check", &config]);
    assert_eq!((checked.status, &*checked.stdout), (2, ""));
    assert_eq!(checked.stderr.trim_end(), expected);
}

#[test]
fn check_online_tries_the_service() {
    let site = Site::new();
    let service = site.service(sales("Sales"));
    let port = service.address.port();
    let folder = folder(&site, port, "");
    let config = folder.path().join("config.toml").display().to_string();
    let checked = finish(&["check", "--online", &config]);
    assert_eq!((checked.status, &*checked.stderr), (0, ""));
    let expected = format!("127.0.0.1:{port}: ok; names of 1 app");
    assert_eq!(
        checked.stdout.lines().last(),
        Some(&*expected),
        "{}",
        checked.stdout
    );
    service.set(Answer::Status(403));
    let checked = finish(&["check", "--online", &config]);
    assert_eq!(checked.status, 1);
    let expected = format!(
        "127.0.0.1:{port} answered with status 403; the certificate or the user is not allowed to read this"
    );
    assert_eq!(checked.stderr.trim_end(), expected);
    fs::write(&config, "").expect("a file");
    let checked = finish(&["check", "--online", &config]);
    assert_eq!(checked.status, 2);
    assert!(
        checked.stderr.contains("transform.app_names.qrs.host"),
        "{}",
        checked.stderr
    );
}

#[test]
fn impossible_options_are_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = folder.path().join("config.toml").display().to_string();
    let rows = [
        (
            "host = \"https://sense.example.com\"",
            "expected a host name or an IP address",
        ),
        (
            "host = \"sense.example.com:4242\"",
            "expected a host name or an IP address",
        ),
        (
            "server_name = \"a/b\"",
            "expected a name in the service's certificate",
        ),
        ("port = 0", "expected 1 to 65535"),
        ("user = 'sa_api'", "expected DIRECTORY\\user_id"),
        ("user = 'INTERNAL\\a;b'", "expected DIRECTORY\\user_id"),
        (
            "user = \"INTERNAL\\\\a\\nb\"",
            "in double quotes, a backslash starts an escape sequence",
        ),
        ("interval_secs = 0", "expected 1 to 86400 seconds"),
        ("timeout_secs = 601", "expected 1 to 600 seconds"),
    ];
    for (line, expected) in rows {
        fs::write(&config, format!("[transform.app_names.qrs]\n{line}\n")).expect("a file");
        let checked = finish(&["check", &config]);
        assert_eq!(checked.status, 2, "{line}");
        let expected = format!("{config}:2: transform.app_names.qrs.{line}: {expected}");
        assert!(checked.stderr.starts_with(&expected), "{}", checked.stderr);
    }
}
