//! Sessions that a Qlik Proxy Service lists while the program runs.

use std::fs;

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{
    Codec, Running, assert_refused, assert_refused_nodes, check_online, finish, payload,
    qrs::{Answer, Repository, Site, sessions},
};

/// A folder with the files that the QMC exports, and a configuration with the shortest interval.
fn folder(site: &Site, port: u16, more: &str) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    site.export(folder.path());
    let config = format!(
        "[transform.sessions]\nenabled = true\nsnapshot_interval_secs = 1\n[transform.sessions.qps]\nenabled = true\n\
         interval_secs = 10\nproxies = [{{ host = \"127.0.0.1\", port = {port}, node = \"pro2-win1\" }}]\n{more}"
    );
    fs::write(folder.path().join("config.toml"), config).expect("a file");
    folder
}

/// The next diagnostic: its level and its message. That services were queried again is no news here.
fn diagnostic(program: &mut Running) -> (String, String) {
    loop {
        let diagnostic = program.diagnostics.one();
        assert!(!diagnostic.to_string().contains("secret"), "{diagnostic}");
        let text = |name: &str| diagnostic[name].as_str().expect("text").to_owned();
        let (level, message) = (text("level"), text("message"));
        if message != "asked the services of Qlik Sense again" {
            return (level, message);
        }
    }
}

/// The next event of a kind about a user.
fn until(program: &mut Running, event: &str, user_id: &str) -> Value {
    loop {
        let next = program.events().one();
        assert!(!next.to_string().contains("secret"), "{next}");
        if next["event"] == event && next["user_id"] == user_id {
            return next;
        }
    }
}

/// The last value of a gauge of the node; `None` if there was none.
fn gauge(program: &Running, name: &str) -> Option<f64> {
    let metrics = program.output.as_ref().expect("a pipe").metrics.iter();
    let of_name = metrics.filter(|it| it["name"] == name && it["tags"]["host"] == "pro2-win1");
    of_name
        .filter_map(|it| it["gauge"]["value"].as_f64())
        .next_back()
}

#[test]
fn listed_sessions_are_open_and_stay_so_if_the_proxy_fails() {
    let site = Site::new();
    let service = site.service(sessions(&["maria", "goran"]));
    let port = service.address.port();
    let folder = folder(&site, port, "[telemetry]\ninterval_secs = 1\n");
    let mut program = Running::in_folder(folder.path(), Codec::NativeJson);
    let lists = (
        "info".to_owned(),
        "read 2 sessions from the proxy of pro2-win1".to_owned(),
    );
    assert_eq!(diagnostic(&mut program), lists);
    program.send(payload::start("goran"));

    let snapshot = until(&mut program, "session_snapshot", "maria");
    assert_eq!(snapshot["start_seen"], false);
    assert_eq!(snapshot["host"], "pro2-win1");
    assert_eq!(gauge(&program, "qps_up"), Some(1.0));
    assert_eq!(gauge(&program, "qps_sessions"), Some(2.0));
    assert!(gauge(&program, "qps_answer_age_seconds").is_some_and(|age| age < 60.0));

    // A failure is reported once, and ends no session.
    service.set(Answer::Status(503));
    program.ask_again();
    let (level, message) = diagnostic(&mut program);
    let expected = "cannot read sessions from the proxy of pro2-win1; until it answers, its sessions are followed by events alone: 127.0.0.1:";
    assert!(
        level == "warn" && message.starts_with(expected),
        "{message}"
    );
    assert!(
        message.ends_with("the proxy service is not ready"),
        "{message}"
    );
    while gauge(&program, "qps_up") != Some(0.0) {
        until(&mut program, "session_snapshot", "maria");
    }
    service.set(sessions(&["goran"]));
    program.ask_again();
    let (level, message) = diagnostic(&mut program);
    assert_eq!(level, "info");
    let again = "read 1 session from the proxy of pro2-win1 after ";
    assert!(
        message.starts_with(again) && message.contains(" failure"),
        "{message}"
    );
}

#[test]
fn a_session_that_two_lists_lack_has_ended() {
    let site = Site::new();
    let service = site.service(sessions(&["maria", "goran"]));
    let folder = folder(&site, service.address.port(), "");
    let mut program = Running::in_folder(folder.path(), Codec::Json);
    until(&mut program, "session_snapshot", "maria");
    // A list is compared after five seconds, and replaced by a newer one until then.
    service.set(sessions(&["goran"]));
    program.ask_again();
    let mut snapshots = 0;
    let summary = loop {
        let next = program.events().one();
        match next["event"].as_str() {
            Some("session_summary") => break next,
            Some("session_snapshot") if next["user_id"] == "goran" => snapshots += 1,
            _ => continue,
        }
        if snapshots == 7 {
            program.ask_again();
        }
    };
    assert_eq!(summary["user_id"], "maria");
    assert_eq!(summary["end_reason"], "not_listed");
    assert_eq!(
        (&summary["start_seen"], &summary["end_seen"]),
        (&false.into(), &false.into())
    );
}

/// Nothing waits for a proxy: neither the start, nor events, nor the end.
#[test]
fn a_silent_proxy_blocks_nothing() {
    let site = Site::new();
    let service = site.service(Answer::Silence);
    let folder = folder(&site, service.address.port(), "timeout_secs = 30\n");
    let mut program = Running::in_folder(folder.path(), Codec::Json);
    service.requests.recv().expect("a request");
    program.send(payload::start("goran"));
    until(&mut program, "session", "goran");
    crate::support::ask_to_end(&program);
    let (status, diagnostics) = program.wait();
    assert!(status.success(), "{status} {diagnostics:?}");
}

#[test]
fn proxies_are_found_through_the_repository_service() {
    let site = Site::new();
    let proxy = Repository::start(&site, &site, &["localhost"], sessions(&["maria"]));
    let described = serde_json::json!([{
        "serverNodeConfiguration": {"hostName": "localhost"},
        "settings": {"restListenPort": proxy.address.port(), "virtualProxies": [{"prefix": ""}]},
    }]);
    let proxies = Answer::Body(described.to_string().into_bytes());
    let apps = Answer::Apps(vec![(
        "a421f4a2-c311-4ef4-ba41-fe2e6a2b0d69".into(),
        "Sales".into(),
    )]);
    let answers = vec![("/qrs/proxyservice/full", proxies), ("/qrs/app", apps)];
    let repository = site.service(Answer::Paths(answers));
    let folder = tempfile::tempdir().expect("a folder");
    site.export(folder.path());
    let config = format!(
        "[transform.app_names.qrs]\nhost = \"127.0.0.1\"\nport = {}\n[transform.sessions]\nenabled = true\n\
         snapshot_interval_secs = 1\n[transform.sessions.qps]\nenabled = true\n",
        repository.address.port()
    );
    fs::write(folder.path().join("config.toml"), config).expect("a file");
    let mut program = Running::in_folder(folder.path(), Codec::Json);
    let snapshot = until(&mut program, "session_snapshot", "maria");
    assert_eq!(snapshot["host"], "localhost");
    let messages: Vec<String> = (0..3).map(|_| diagnostic(&mut program).1).collect();
    let found = format!(
        "found 1 proxy through 127.0.0.1:{}",
        repository.address.port()
    );
    for expected in [&found, "read 1 session from the proxy of localhost"] {
        assert!(
            messages.iter().any(|message| message == expected),
            "{messages:?}"
        );
    }
    let config = folder.path().join("config.toml").display().to_string();
    let checked = finish(&["check", "--online", &config]);
    assert_eq!((checked.status, &*checked.stderr), (0, ""));
    let expected = format!(
        "127.0.0.1:{}: ok; names of 1 app\nlocalhost:{}: ok; sessions of 1 user on localhost, by virtual proxy: \"\" 1\n",
        repository.address.port(),
        proxy.address.port()
    );
    assert!(checked.stdout.ends_with(&expected), "{}", checked.stdout);
}

#[test]
fn check_online_tries_the_proxies() {
    let site = Site::new();
    let service = site.service(sessions(&["secret", "secret", "anna"]));
    let port = service.address.port();
    let folder = folder(&site, port, "");
    let config = folder.path().join("config.toml").display().to_string();
    let check = || check_online(&config);
    let ok = |users: u32, sessions: u32| {
        format!(
            "127.0.0.1:{port}: ok; sessions of {users} users on pro2-win1, by virtual proxy: \"\" {sessions}"
        )
    };
    assert_eq!(check(), (0, ok(2, 3), String::new()));
    service.set(sessions(&[]));
    let nobody = format!(
        "127.0.0.1:{port}: the virtual proxy \"\" has no sessions; if you know of one, the prefix is wrong"
    );
    assert_eq!(check(), (0, ok(0, 0), nobody));
    service.set(Answer::Status(404));
    let (status, _, stderr) = check();
    let unknown = format!(
        "the proxy of pro2-win1: 127.0.0.1:{port} has no virtual proxy \"\": it answered with status 404; "
    );
    assert!(status == 1 && stderr.starts_with(&unknown), "{stderr}");
    fs::write(folder.path().join("client_key.pem"), "no key").expect("a file");
    let (status, _, stderr) = check();
    let no_key = "client_key.pem: the file contains no PEM private key";
    assert!(status == 2 && stderr.ends_with(no_key), "{stderr}");
}

#[test]
fn impossible_options_are_refused() {
    let table = "[transform.sessions]\nenabled = true\n[transform.sessions.qps]";
    assert_refused(
        table,
        &[
            (
                "enabled = true",
                "expected at least one proxy, or `transform.app_names.qrs`",
            ),
            ("interval_secs = 9", "expected 10 to 3600 seconds"),
            ("timeout_secs = 31", "expected 1 to 30 seconds"),
            (
                "proxies = [{ host = \"a\", virtual_proxies = [] }]",
                "expected at least one prefix",
            ),
            (
                "proxies = [{ host = \"a\", virtual_proxies = [\"a?b\"] }]",
                "expected prefixes",
            ),
        ],
    );
    assert_refused_nodes(table, "proxies", "proxy");
}
