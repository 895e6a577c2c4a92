//! The client of engine health, against a service on this machine that asks for the client's certificate. What may go
//! wrong on the way is the same as for the Qlik Repository Service, whose tests have more of it.

use std::path::Path;

use qlik_sense_events::{
    config::{EngineConfig, EngineHealthConfig, QrsConfig},
    host::{
        engine_health::{Client, EngineHealthError},
        https::HttpsError,
        metrics::EngineHealth,
    },
};
use serde_json::json;
use tempfile::TempDir;

use crate::{
    https,
    qrs::support::{Answer, Repository, Site, engine_health, unused_port},
};

/// So long that no busy machine comes near it.
const PATIENT: u64 = 60;

struct Case {
    folder: TempDir,
    service: Repository,
}

impl Case {
    fn new(answer: Answer) -> Self {
        let (site, folder) = (Site::new(), tempfile::tempdir().expect("a folder"));
        site.export(folder.path());
        let service = site.service(answer);
        Self { folder, service }
    }

    fn engine(&self) -> EngineConfig {
        engine(self.service.address.port())
    }

    fn ask(&self) -> Result<EngineHealth, EngineHealthError> {
        ask(&config(self.folder.path()), &self.engine())
    }
}

fn engine(port: u16) -> EngineConfig {
    EngineConfig {
        host: "127.0.0.1".into(),
        port,
        ..EngineConfig::default()
    }
}

fn config(folder: &Path) -> EngineHealthConfig {
    EngineHealthConfig {
        certificate_file: folder.join("client.pem"),
        key_file: folder.join("client_key.pem"),
        root_file: folder.join("root.pem"),
        timeout_secs: PATIENT,
        ..EngineHealthConfig::default()
    }
}

fn ask(
    config: &EngineHealthConfig,
    engine: &EngineConfig,
) -> Result<EngineHealth, EngineHealthError> {
    Client::new(config, &QrsConfig::default(), engine)?.health()
}

/// The error, and what it says, which quotes nothing of an answer.
fn refused(outcome: Result<EngineHealth, EngineHealthError>) -> (EngineHealthError, String) {
    let error = outcome.expect_err("no health");
    let said = error.to_string();
    assert!(!said.contains("secret"), "{said}");
    assert!(!format!("{error:?}").contains("secret"), "{error:?}");
    (error, said)
}

#[test]
fn an_engine_says_how_it_is() {
    let health = Case::new(engine_health()).ask().expect("health");
    let expected = EngineHealth {
        ram_committed_bytes: Some(67_088_384),
        ram_allocated_bytes: Some(239_665_152),
        ram_free_bytes: Some(16 << 30),
        ram_total_bytes: Some(64 << 30),
        cpu_percent: Some(12.5),
        active_sessions: Some(3),
        sessions: Some(7),
        active_users: Some(2),
        users: Some(5),
        active_apps: Some(1),
        loaded_apps: Some(2),
        in_memory_apps: Some(3),
        is_saturated: Some(false),
        calls: Some(3_051),
        selections: Some(190),
        cache_hits: Some(12),
        cache_lookups: Some(40),
        cache_added: Some(28),
        cache_replaced: Some(0),
        cache_added_bytes: Some(4_096),
    };
    assert_eq!(health, expected);
    assert_eq!(health.ram_used_percent(), Some(75));
}

#[test]
fn what_an_engine_leaves_out_is_absent() {
    for (body, expected) in [
        (json!({"mem": {}}), EngineHealth::default()),
        (
            json!({"mem": {"free": 1, "totalPhysical": null}, "apps": null, "cpu": {}, "new": [1, {}]}),
            EngineHealth {
                ram_free_bytes: Some(1 << 20),
                ..EngineHealth::default()
            },
        ),
        // Numbers that cannot be: none of them is a reason to fail.
        (
            json!({"mem": {"free": -1.0, "totalPhysical": 1e300}}),
            EngineHealth {
                ram_free_bytes: Some(0),
                ram_total_bytes: Some(u64::MAX),
                ..EngineHealth::default()
            },
        ),
    ] {
        let answer = Answer::Body(body.to_string().into_bytes());
        assert_eq!(Case::new(answer).ask().expect("health"), expected, "{body}");
    }
}

#[test]
fn memory_in_use_is_a_share_of_all() {
    let used = |free, total| {
        let health = EngineHealth {
            ram_free_bytes: free,
            ram_total_bytes: total,
            ..EngineHealth::default()
        };
        health.ram_used_percent()
    };
    for (free, total, expected) in [
        (Some(1), Some(200), Some(100)),
        (Some(2), Some(3), Some(33)),
        (Some(1), Some(3), Some(67)),
        (Some(9), Some(3), Some(0)),
        (Some(0), Some(u64::MAX), Some(100)),
        (Some(0), Some(0), None),
        (None, Some(1), None),
        (Some(1), None, None),
    ] {
        assert_eq!(used(free, total), expected, "{free:?} of {total:?}");
    }
}

#[test]
fn the_request_is_qliks_own_path() {
    let case = Case::new(engine_health());
    case.ask().expect("health");
    let head = case.service.requests.recv().expect("a request");
    let line = head.lines().next().expect("a line");
    assert_eq!(line, "GET /engine/healthcheck HTTP/1.1");
    assert!(!head.to_lowercase().contains("xrfkey"), "{head}");
}

#[test]
fn invalid_answers_are_refused() {
    let shape = "expected an object with `mem`, the memory, and numbers";
    for (body, expected) in [
        (
            r#"{"mem":{"free":1},"version":"secret"#,
            "the JSON ends early",
        ),
        ("", "the JSON ends early"),
        ("<html>secret</html>", "this is not JSON"),
        (r#"{"mem":{}}"secret""#, "this is not JSON"),
        (r#"{"secret":1}"#, shape),
        (r#"["secret"]"#, shape),
        (r#"{"mem":{"free":"secret"}}"#, shape),
    ] {
        let (error, said) = refused(Case::new(Answer::Body(body.into())).ask());
        assert!(
            matches!(error, EngineHealthError::Body { .. }),
            "{body}: {said}"
        );
        assert!(
            said.ends_with(&format!("line 1: {expected}")),
            "{body}: {said}"
        );
    }
}

#[test]
fn the_timeout_is_that_of_the_configuration() {
    https::the_timeout_is_that_of_the_configuration(|folder, port, _| {
        let late = EngineHealthConfig {
            timeout_secs: 1,
            ..config(folder)
        };
        connected(ask(&late, &engine(port)))
    });
}

#[test]
fn an_answer_that_breaks_off_is_refused() {
    let (error, said) = refused(Case::new(Answer::Cut).ask());
    let is_broken = matches!(error, EngineHealthError::Https(HttpsError::Broken { .. }));
    assert!(is_broken, "{said}");
}

#[test]
fn other_statuses_are_explained() {
    let port = "; is this the port of a proxy instead of the engine, 4747?";
    for (status, advice) in [
        (302, port),
        (404, port),
        (
            403,
            "; the certificate is not authorised, or belongs to another site",
        ),
        (500, ""),
    ] {
        let (_, said) = refused(Case::new(Answer::Status(status)).ask());
        let expected = format!(" answered with status {status}{advice}");
        assert!(said.ends_with(&expected), "{said}");
    }
}

#[test]
fn a_port_without_a_listener_is_reported() {
    let case = Case::new(engine_health());
    let nobody = engine(unused_port());
    let (error, said) = refused(ask(&config(case.folder.path()), &nobody));
    let is_refused = matches!(error, EngineHealthError::Https(HttpsError::Connect { .. }));
    assert!(is_refused, "{said}");
}

/// The result of a request of which only the connection matters.
fn connected(outcome: Result<EngineHealth, EngineHealthError>) -> Result<(), HttpsError> {
    match outcome {
        Ok(_) => Ok(()),
        Err(EngineHealthError::Https(error)) => Err(error),
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn certificates_that_do_not_fit_are_refused() {
    https::certificates_that_do_not_fit_are_refused(engine_health(), |folder, port, name| {
        let engine = EngineConfig {
            server_name: name.into(),
            ..engine(port)
        };
        connected(ask(&config(folder), &engine))
    });
}

#[test]
fn files_that_are_not_named_are_those_for_the_repository_service() {
    let case = Case::new(engine_health());
    let named = config(case.folder.path());
    let qrs = QrsConfig {
        certificate_file: named.certificate_file,
        key_file: named.key_file,
        root_file: named.root_file,
        ..QrsConfig::default()
    };
    let unnamed = EngineHealthConfig {
        timeout_secs: PATIENT,
        ..EngineHealthConfig::default()
    };
    let client = Client::new(&unnamed, &qrs, &case.engine()).expect("a client");
    client.health().expect("health");
}
