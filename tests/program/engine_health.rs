//! The health of engines that are queried while the program runs.

use std::{fs, time::Instant};

use tempfile::TempDir;

use crate::support::{
    Codec, DEADLINE, Running, assert_refused, assert_refused_nodes, check_online, payload,
    qrs::{Answer, Site, engine_health},
};

/// A folder with the files that the QMC exports, and a configuration with the shortest interval.
fn folder(site: &Site, port: u16) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    site.export(folder.path());
    let config = format!(
        "[engine_health]\ninterval_secs = 5\ncertificate_file = \"client.pem\"\nkey_file = \"client_key.pem\"\n\
         root_file = \"root.pem\"\n[[engine_health.nodes]]\nhost = \"127.0.0.1\"\nport = {port}\nnode = \"pro2-win1\"\n\
         [telemetry]\ninterval_secs = 1\n"
    );
    fs::write(folder.path().join("config.toml"), config).expect("a file");
    folder
}

/// The next diagnostic: its level and its message. That services were queried again is no news here.
fn diagnostic(program: &mut Running) -> (String, String) {
    loop {
        let diagnostic = program.diagnostics.one();
        let text = |name: &str| diagnostic[name].as_str().expect("text").to_owned();
        let (level, message) = (text("level"), text("message"));
        if message != "asked the services of Qlik Sense again" {
            return (level, message);
        }
    }
}

/// The values of a metric of the node so far.
fn values(program: &Running, name: &str) -> Vec<f64> {
    let metrics = program.output.as_ref().expect("a pipe").metrics.iter();
    let of_name = metrics.filter(|it| it["name"] == name && it["tags"]["host"] == "pro2-win1");
    let value = |kind: &str| {
        let kind = kind.to_owned();
        move |metric: &serde_json::Value| metric[&*kind]["value"].as_f64()
    };
    of_name
        .filter_map(|metric| value("gauge")(metric).or_else(|| value("counter")(metric)))
        .collect()
}

/// Waits until the metrics meet the condition.
fn until(program: &mut Running, is_as_wanted: impl Fn(&Running) -> bool) {
    let start = Instant::now();
    while !is_as_wanted(program) {
        assert!(start.elapsed() < DEADLINE, "the metrics do not come");
        program.events().frame().expect("metrics");
    }
}

#[test]
fn the_numbers_of_an_engine_are_metrics_while_it_answers() {
    let site = Site::new();
    let service = site.service(engine_health());
    let folder = folder(&site, service.address.port());
    let mut program = Running::in_folder(folder.path(), Codec::NativeJson);
    let read = "read the health of the engine of pro2-win1";
    assert_eq!(
        diagnostic(&mut program),
        ("info".to_owned(), read.to_owned())
    );
    let last = |program: &Running, name: &str| values(program, name).last().copied();
    until(&mut program, |it| last(it, "engine_up") == Some(1.0));
    for (name, expected) in [
        ("engine_ram_committed_bytes", 67_088_384.0),
        ("engine_ram_free_bytes", f64::from(1 << 30) * 16.0),
        ("engine_ram_total_bytes", f64::from(1 << 30) * 64.0),
        ("engine_cpu_percent", 12.5),
        ("engine_sessions", 7.0),
        ("engine_in_memory_apps", 3.0),
        ("engine_saturated", 0.0),
    ] {
        until(&mut program, |it| last(it, name) == Some(expected));
    }
    // What the engine counted before the first answer is not an increment.
    until(&mut program, |it| {
        !values(it, "engine_calls_total").is_empty()
    });
    assert_eq!(
        values(&program, "engine_calls_total").iter().sum::<f64>(),
        0.0
    );

    // A failure is reported once, and no outdated number is emitted.
    service.set(Answer::Status(503));
    program.ask_again();
    let (level, message) = diagnostic(&mut program);
    let expected = "cannot read the health of the engine of pro2-win1: 127.0.0.1:";
    assert!(
        level == "warn" && message.starts_with(expected),
        "{message}"
    );
    until(&mut program, |it| last(it, "engine_up") == Some(0.0));
    let before = values(&program, "engine_ram_free_bytes").len();
    let ups = values(&program, "engine_up").len();
    until(&mut program, |it| values(it, "engine_up").len() > ups);
    assert_eq!(values(&program, "engine_ram_free_bytes").len(), before);
    service.set(engine_health());
    program.ask_again();
    let (level, message) = diagnostic(&mut program);
    assert_eq!(level, "info");
    assert!(message.starts_with(&format!("{read} after ")), "{message}");
}

/// Nothing waits for an engine: neither the start, nor events, nor the end.
#[test]
fn a_silent_engine_blocks_nothing() {
    let site = Site::new();
    let service = site.service(Answer::Silence);
    let folder = folder(&site, service.address.port());
    let mut program = Running::in_folder(folder.path(), Codec::Json);
    service.requests.recv().expect("a request");
    program.send(payload::start("goran"));
    program.events().one();
    crate::support::ask_to_end(&program);
    let (status, diagnostics) = program.wait();
    assert!(status.success(), "{status} {diagnostics:?}");
}

#[test]
fn check_online_tries_the_engines() {
    let site = Site::new();
    let service = site.service(engine_health());
    let port = service.address.port();
    let folder = folder(&site, port);
    let config = folder.path().join("config.toml").display().to_string();
    let check = || check_online(&config);
    let ok = format!(
        "127.0.0.1:{port}: ok; the engine of pro2-win1 has committed 64 MiB of memory; 16 GiB of 64 GiB are free"
    );
    assert_eq!(check(), (0, ok, String::new()));
    service.set(Answer::Status(404));
    let (status, _, said) = check();
    let unknown = format!(
        "the engine of pro2-win1: 127.0.0.1:{port} answered with status 404; is this the port of a proxy"
    );
    assert!(status == 1 && said.starts_with(&unknown), "{said}");
    fs::write(folder.path().join("client_key.pem"), "no key").expect("a file");
    let (status, _, said) = check();
    let no_key = "client_key.pem: the file contains no PEM private key";
    assert!(status == 2 && said.ends_with(no_key), "{said}");
}

#[test]
fn impossible_options_are_refused() {
    let table = "[engine_health]";
    assert_refused(
        table,
        &[
            ("interval_secs = 4", "expected 5 to 3600 seconds"),
            ("timeout_secs = 31", "expected 1 to 30 seconds"),
        ],
    );
    assert_refused_nodes(table, "nodes", "engine");
}
