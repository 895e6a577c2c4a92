//! SIGHUP reloads the files of transforms and queries services if there is no terminal; on a terminal it ends the program.

use std::fs;

use nix::sys::signal::Signal;
use serde_json::Value;
use tempfile::TempDir;

use super::{signal, stop};
use crate::support::{Running, payload};

const CONFIG: &str = "[transform.blacklist]\nfiles = [\"users.txt\"]\n";

fn program(config: &str) -> Running {
    let folder: TempDir = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("users.txt"), "LAB\\maria\n").expect("a list");
    Running::configured_in(folder, config)
}

fn diagnostic(program: &mut Running) -> (Value, String) {
    let diagnostic = program.diagnostics.one();
    let message = diagnostic["message"].as_str().expect("text").to_owned();
    (diagnostic["level"].clone(), message)
}

#[test]
fn files_are_reloaded_and_a_changed_configuration_is_reported() {
    let mut program = program(CONFIG);
    let file = program.folder().join("config.toml");
    let name = file.display();

    signal(&program, Signal::SIGHUP);
    let (level, message) = diagnostic(&mut program);
    assert_eq!(
        (level, &*message),
        ("info".into(), "reloaded the blacklist: 1 entry")
    );

    fs::write(&file, format!("{CONFIG}[output]\nschema = \"ecs\"\n")).expect("a file");
    signal(&program, Signal::SIGHUP);
    let (level, message) = diagnostic(&mut program);
    let expected = format!("{name} has changed; restart to apply it");
    assert_eq!((level, message), ("warn".into(), expected));
    assert_eq!(
        diagnostic(&mut program).1,
        "reloaded the blacklist: 1 entry"
    );

    fs::write(&file, format!("{CONFIG}[output]\nschema = \"ECS\"\n")).expect("a file");
    signal(&program, Signal::SIGHUP);
    let (level, message) = diagnostic(&mut program);
    let expected = format!("{name} has changed and is now invalid; ");
    assert!(
        level == "error" && message.starts_with(&expected),
        "{message}"
    );
    assert_eq!(
        diagnostic(&mut program).1,
        "reloaded the blacklist: 1 entry"
    );

    let event = program.event_of(payload::start("goran"));
    assert_eq!(
        event["user_id"], "goran",
        "the configuration read at start stays in effect"
    );
    assert_eq!(stop(program, Signal::SIGTERM).status, Some(0));
}

#[test]
fn without_files_there_is_nothing_to_reload() {
    let mut program = program("");
    signal(&program, Signal::SIGHUP);
    let (level, message) = diagnostic(&mut program);
    assert_eq!(level, "info");
    assert_eq!(
        message,
        "nothing to reload: transform.blacklist.files and transform.app_names.files name no file"
    );
    program.event_of(payload::OPEN);
    assert_eq!(stop(program, Signal::SIGTERM).status, Some(0));
}

#[cfg(feature = "qrs")]
#[test]
fn services_are_asked_at_once() {
    use crate::support::{
        DEADLINE,
        qrs::{Answer, Repository, Site, engine_health, sessions},
    };

    const PATHS: [&str; 4] = [
        "/engine/healthcheck",
        "/qps/session",
        "/qrs/app",
        "/qrs/proxyservice/full",
    ];
    let (site, folder) = (Site::new(), tempfile::tempdir().expect("a folder"));
    site.export(folder.path());
    let service = Repository::start(&site, &site, &["localhost"], Answer::Silence);
    let port = service.address.port();
    let proxies = serde_json::json!([{
        "serverNodeConfiguration": {"hostName": "localhost"},
        "settings": {"restListenPort": port, "virtualProxies": [{"prefix": ""}]},
    }]);
    let apps = vec![(
        "a421f4a2-c311-4ef4-ba41-fe2e6a2b0d69".into(),
        "Sales".into(),
    )];
    let answers = [
        engine_health(),
        sessions(&["maria"]),
        Answer::Apps(apps),
        Answer::Body(proxies.to_string().into_bytes()),
    ];
    service.set(Answer::Paths(PATHS.into_iter().zip(answers).collect()));
    let config = format!(
        "[transform.app_names.qrs]\nhost = 'localhost'\nport = {port}\ninterval_secs = 86400\n\
         [transform.sessions]\nenabled = true\n[transform.sessions.qps]\nenabled = true\ninterval_secs = 3600\n\
         [engine_health]\ninterval_secs = 3600\nnodes = [{{ host = 'localhost', port = {port} }}]\n"
    );
    let mut program = Running::configured_in(folder, &config);
    let asked = || {
        let mut paths: Vec<String> = (0..PATHS.len())
            .map(|_| {
                let head = service.requests.recv_timeout(DEADLINE);
                let head = head.expect("a request");
                let path = head.split([' ', '?']).nth(1).expect("a path");
                path.to_owned()
            })
            .collect();
        paths.sort();
        paths
    };
    assert_eq!(asked(), PATHS);
    signal(&program, Signal::SIGHUP);
    while diagnostic(&mut program).1 != "asked the services of Qlik Sense again" {}
    assert_eq!(asked(), PATHS);
    assert_eq!(stop(program, Signal::SIGTERM).status, Some(0));
}
