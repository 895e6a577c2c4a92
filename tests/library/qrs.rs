//! The client of the Qlik Repository Service, against a service on this machine, with right and wrong certificates and
//! with every possible answer.

#[allow(dead_code)]
#[path = "../support/qrs.rs"]
pub mod support;

use std::{
    fs,
    net::{Ipv4Addr, TcpListener},
    path::Path,
    thread,
};

use qlik_sense_events::{
    config::QrsConfig,
    host::{
        https::HttpsError,
        qrs::{Client, QrsError},
    },
    transform::AppTable,
};
use rcgen::KeyPair;
use support::{Answer, Repository, Site, unused_port};
use tempfile::TempDir;

const SALES: &str = "a421f4a2-c311-4ef4-ba41-fe2e6a2b0d69";

/// Longer than any busy machine takes.
const PATIENT: u64 = 60;

fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder")
}

fn sales() -> Answer {
    Answer::Apps(vec![(SALES.into(), "Sales".into())])
}

fn config(folder: &Path, port: u16) -> QrsConfig {
    QrsConfig {
        host: "127.0.0.1".into(),
        port,
        certificate_file: folder.join("client.pem"),
        key_file: folder.join("client_key.pem"),
        root_file: folder.join("root.pem"),
        timeout_secs: PATIENT,
        ..QrsConfig::default()
    }
}

fn apps(config: &QrsConfig) -> Result<AppTable, QrsError> {
    Client::new(config)?.apps()
}

/// The outcome of one request to a service of the same site with this answer.
fn asked(answer: Answer) -> Result<AppTable, QrsError> {
    let (site, folder) = (Site::new(), folder());
    site.export(folder.path());
    let service = site.service(answer);
    apps(&config(folder.path(), service.address.port()))
}

fn name(names: &AppTable, id: &str) -> Option<String> {
    names.get(id.parse().expect("an id")).map(ToOwned::to_owned)
}

#[test]
fn the_request_is_what_the_service_asks_for() {
    let (site, folder) = (Site::new(), folder());
    site.export(folder.path());
    let service = site.service(sales());
    let config = QrsConfig {
        user: r"LAB\goran".into(),
        ..config(folder.path(), service.address.port())
    };
    let client = Client::new(&config).expect("a client");
    let mut keys = Vec::new();
    for _ in 0..2 {
        let names = client.apps().expect("apps");
        assert_eq!(
            (names.len(), name(&names, SALES).as_deref()),
            (1, Some("Sales"))
        );
        let head = service.requests.recv().expect("a request");
        let mut lines = head.lines();
        let line = lines.next().expect("a line");
        let key = line
            .strip_prefix("GET /qrs/app?xrfkey=")
            .and_then(|rest| rest.strip_suffix(" HTTP/1.1"))
            .unwrap_or_else(|| panic!("{line}"))
            .to_owned();
        assert!(
            key.len() == 16 && key.bytes().all(|byte| byte.is_ascii_alphanumeric()),
            "{key}"
        );
        let header = |name: &str| {
            let mut lines = head.lines().filter_map(|line| line.split_once(": "));
            let found = lines.find(|(found, _)| found.eq_ignore_ascii_case(name));
            found.map(|(_, value)| value.to_owned())
        };
        assert_eq!(header("X-Qlik-Xrfkey").as_ref(), Some(&key));
        let user = header("X-Qlik-User");
        assert_eq!(user.as_deref(), Some("UserDirectory=LAB; UserId=goran"));
        assert_eq!(header("Accept").as_deref(), Some("application/json"));
        assert_eq!(header("Host"), Some(config.address()));
        keys.push(key);
    }
    assert_ne!(keys[0], keys[1], "a key is made for each request");
}

#[test]
fn both_versions_of_tls_and_a_body_in_pieces_are_read() {
    let (site, folder) = (Site::new(), folder());
    site.export(folder.path());
    let body = support::described(&[(SALES.into(), "Verkauf, Köln".into())]).to_string();
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let answer = Answer::Chunked(body.clone().into());
        let service = Repository::with_versions(&site, &site, &["127.0.0.1"], answer, &[version]);
        let names = apps(&config(folder.path(), service.address.port())).expect("apps");
        assert_eq!(name(&names, SALES).as_deref(), Some("Verkauf, Köln"));
    }
}

/// Qlik's keys are RSA keys, in the old or the new form.
#[test]
fn keys_of_either_form_are_accepted() {
    let pkcs_8 = include_str!("../data/rsa-key.pem");
    let key = KeyPair::from_pem(pkcs_8).expect("a key");
    let (site, folder) = (Site::new(), folder());
    site.export_with(folder.path(), &key);
    // The new form is the old one in an envelope of 26 bytes at this length.
    let pkcs_1 = pem::encode(&pem::Pem::new(
        "RSA PRIVATE KEY",
        &key.serialize_der()[26..],
    ));
    let service = site.service(sales());
    let config = config(folder.path(), service.address.port());
    for form in [pkcs_8, &pkcs_1, &pkcs_1.replace('\n', "\r\n")] {
        fs::write(&config.key_file, form).expect("a file");
        assert_eq!(apps(&config).expect("apps").len(), 1);
    }
}

#[test]
fn twenty_thousand_apps_are_read() {
    let list: Vec<(String, String)> = (0..20_000)
        .map(|number| {
            (
                format!("00000000-0000-4000-8000-{number:012x}"),
                format!("App {number}"),
            )
        })
        .collect();
    let names = asked(Answer::Apps(list)).expect("apps");
    assert_eq!(names.len(), 20_000);
    let last = name(&names, "00000000-0000-4000-8000-000000004e1f");
    assert_eq!(last.as_deref(), Some("App 19999"));
}

/// The error and its message.
fn refused(outcome: Result<AppTable, QrsError>) -> (QrsError, String) {
    let error = outcome.expect_err("no apps");
    let said = error.to_string();
    (error, said)
}

#[test]
fn a_service_of_another_site_is_not_trusted() {
    // The second one is a site that was reinstalled on the same machine.
    for name in ["other.example.com", "sense.example.com"] {
        let (site, other, folder) = (Site::new(), Site::named(name), folder());
        site.export(folder.path());
        let service = Repository::start(&other, &site, &["127.0.0.1"], sales());
        let (error, said) = refused(apps(&config(folder.path(), service.address.port())));
        assert!(
            matches!(error, QrsError::Https(HttpsError::Tls { .. })),
            "{said}"
        );
        assert!(
            said.ends_with("the service's certificate is not signed by `root_file`"),
            "{said}"
        );
        assert!(service.requests.try_recv().is_err(), "nothing was asked");
    }
}

/// The service says why and closes; whether that arrives before the request fails is a matter of timing.
#[test]
fn a_client_of_another_site_is_not_let_in() {
    let (site, other, folder) = (Site::new(), Site::named("other.example.com"), folder());
    other.export(folder.path());
    fs::write(folder.path().join("root.pem"), site.root()).expect("a file");
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let service = Repository::with_versions(&site, &site, &["127.0.0.1"], sales(), &[version]);
        let (error, said) = refused(apps(&config(folder.path(), service.address.port())));
        assert!(
            matches!(
                error,
                QrsError::Https(HttpsError::Tls { .. })
                    | QrsError::Https(HttpsError::Broken { .. })
            ),
            "{said}"
        );
        assert!(said.contains("the client certificate"), "{said}");
        assert!(!said.contains("docs.rs"), "{said}");
        assert!(service.requests.try_recv().is_err(), "nothing was answered");
    }
}

#[test]
fn the_certificate_must_have_the_name() {
    let (site, folder) = (Site::new(), folder());
    site.export(folder.path());
    let service = Repository::start(&site, &site, &["sense.example.com"], sales());
    let config = config(folder.path(), service.address.port());
    let (error, said) = refused(apps(&config));
    assert!(
        matches!(error, QrsError::Https(HttpsError::Tls { .. })),
        "{said}"
    );
    assert!(
        said.contains("sense.example.com"),
        "the right name is told: {said}"
    );
    assert!(
        said.ends_with("to a name in the service's certificate"),
        "{said}"
    );
    // The machine has another address, but its certificate has the name.
    let named = QrsConfig {
        server_name: "sense.example.com".into(),
        ..config.clone()
    };
    assert_eq!(apps(&named).expect("apps").len(), 1);
    let head = service.requests.recv().expect("a request");
    let host = format!("host: sense.example.com:{}\r\n", config.port);
    assert!(head.to_lowercase().contains(&host), "{head}");
    let other = QrsConfig {
        server_name: "other.example.com".into(),
        ..config
    };
    assert!(matches!(
        apps(&other),
        Err(QrsError::Https(HttpsError::Tls { .. }))
    ));
}

#[test]
fn a_name_is_resolved() {
    let (site, folder) = (Site::new(), folder());
    site.export(folder.path());
    let service = Repository::start(&site, &site, &["localhost"], sales());
    let local = QrsConfig {
        host: "localhost".into(),
        ..config(folder.path(), service.address.port())
    };
    assert_eq!(apps(&local).expect("apps").len(), 1);
    let nowhere = QrsConfig {
        host: "nowhere.invalid".into(),
        ..local
    };
    let (error, said) = refused(apps(&nowhere));
    // Without a resolver this takes long and fails as a connection.
    assert!(
        matches!(
            error,
            QrsError::Https(HttpsError::Name { .. })
                | QrsError::Https(HttpsError::ConnectTimeout { .. })
        ),
        "{said}"
    );
    assert!(said.contains("nowhere.invalid"), "{said}");
}

#[test]
fn a_port_without_a_listener_is_reported() {
    let (site, folder) = (Site::new(), folder());
    site.export(folder.path());
    let port = unused_port();
    let (error, said) = refused(apps(&config(folder.path(), port)));
    assert!(
        matches!(error, QrsError::Https(HttpsError::Connect { .. })),
        "{said}"
    );
    assert!(
        said.starts_with(&format!("cannot connect to 127.0.0.1:{port}: ")),
        "{said}"
    );
}

/// The port speaks another protocol than TLS.
#[test]
fn another_protocol_is_recognised() {
    use std::io::Write as _;
    let (site, folder) = (Site::new(), folder());
    site.export(folder.path());
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let port = listener.local_addr().expect("an address").port();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let _ = stream
                .expect("a connection")
                .write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
        }
    });
    let (error, said) = refused(apps(&config(folder.path(), port)));
    assert!(
        matches!(
            error,
            QrsError::Https(HttpsError::Tls { .. }) | QrsError::Https(HttpsError::Broken { .. })
        ),
        "{said}"
    );
}

#[test]
fn the_timeout_is_that_of_the_configuration() {
    crate::https::the_timeout_is_that_of_the_configuration(|folder, port, _| {
        let config = QrsConfig {
            timeout_secs: 1,
            ..config(folder, port)
        };
        match apps(&config) {
            Ok(_) => Ok(()),
            Err(QrsError::Https(error)) => Err(error),
            Err(error) => panic!("{error}"),
        }
    });
}

/// A service that says nothing at all, one that stops within its answer, and a port where the system accepts the
/// connection, but no program does.
#[test]
fn late_answers_time_out() {
    let (site, folder) = (Site::new(), folder());
    site.export(folder.path());
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let nobody = listener.local_addr().expect("an address").port();
    let services = [Answer::Silence, Answer::Stalls].map(|answer| site.service(answer));
    // What is said after the shortest of these times in which this machine gets as far as it can, however busy it is.
    let late = |port, is_connected: bool| {
        let mut config = config(folder.path(), port);
        for secs in [1, 4, 16, PATIENT] {
            config.timeout_secs = secs;
            let (error, said) = refused(apps(&config));
            match error {
                QrsError::Https(HttpsError::ConnectTimeout { .. }) if is_connected => {}
                QrsError::Https(HttpsError::Timeout { .. }) if !is_connected => {}
                QrsError::Https(HttpsError::ConnectTimeout { .. }) => {
                    assert!(said.starts_with("cannot connect to "), "{said}");
                    return;
                }
                QrsError::Https(HttpsError::Timeout { secs: s, .. }) if s == secs => {
                    let expected = format!(" did not answer within {secs} s");
                    assert!(said.ends_with(&expected), "{said}");
                    return;
                }
                _ => panic!("{said}"),
            }
        }
        panic!("this machine does not get so far within {PATIENT} s");
    };
    thread::scope(|scope| {
        let late = &late;
        for port in services.each_ref().map(|service| service.address.port()) {
            scope.spawn(move || late(port, true));
        }
        scope.spawn(move || late(nobody, false));
    });
}

#[test]
fn other_statuses_are_explained() {
    for (status, advice) in [
        (
            302,
            "; is this the port of a proxy instead of the repository service?",
        ),
        (400, "; a proxy on the way may have changed the request"),
        (
            401,
            "; the certificate or the user is not allowed to read this",
        ),
        (
            403,
            "; the certificate or the user is not allowed to read this",
        ),
        (404, "; is this the port of the repository service?"),
        (500, ""),
        (503, "; the repository service is not ready"),
    ] {
        let (error, said) = refused(asked(Answer::Status(status)));
        assert!(
            matches!(error, QrsError::Https(HttpsError::Status { status: s, .. }) if s == status),
            "{said}"
        );
        assert!(
            said.ends_with(&format!(" answered with status {status}{advice}")),
            "{said}"
        );
    }
}

#[test]
fn broken_answers_are_reported() {
    let body = |text: &str| asked(Answer::Body(text.into()));
    let broken = format!("[{{\"id\": \"{SALES}\", \"name\": \"Sal");
    for (text, expected) in [
        (
            &*broken,
            "is not a list of apps: line 1: the JSON ends early",
        ),
        (
            "<html>secret</html>",
            "is not a list of apps: line 1: this is not valid JSON from here on",
        ),
        (
            "\"secret\"",
            "expected an array of apps with `id` and `name`, one such app, or an object from ids to names, found text",
        ),
        (
            "[{\"id\": \"x\", \"name\": \"y\"}]",
            "is not a list of apps: line 1: expected an app's id",
        ),
        ("", "the JSON ends early"),
    ] {
        let (error, said) = refused(body(text));
        assert!(matches!(error, QrsError::Body { .. }), "{text}: {said}");
        assert!(said.contains(expected), "{text}: {said}");
        assert!(!said.contains("secret"), "an answer is not quoted: {said}");
    }
    let (error, said) = refused(body("[]"));
    assert!(matches!(error, QrsError::NoApps { .. }), "{said}");
    assert!(
        said.ends_with(r"contains no app; is the user INTERNAL\sa_api allowed to read apps?"),
        "{said}"
    );
    let (error, said) = refused(asked(Answer::Cut));
    assert!(
        matches!(error, QrsError::Https(HttpsError::Broken { .. })),
        "{said}"
    );
    assert!(!said.contains("docs.rs"), "{said}");
}

#[test]
fn an_endless_answer_is_cut_off() {
    let (error, said) = refused(asked(Answer::Endless));
    assert!(
        matches!(error, QrsError::Https(HttpsError::TooLarge { .. })),
        "{said}"
    );
    assert!(said.ends_with(" is larger than 64 MiB"), "{said}");
}

#[test]
fn files_that_cannot_be_used_are_reported() {
    let (site, other, folder) = (Site::new(), Site::new(), folder());
    site.export(folder.path());
    let good = config(folder.path(), 4242);
    Client::new(&good).expect("a client");
    let at = |name: &str, text: &str| {
        let file = folder.path().join(name);
        fs::write(&file, text).expect("a file");
        file
    };
    let foreign_key = KeyPair::generate().expect("a key").serialize_pem();
    let protected =
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
    let old_protected = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: \
                         AES-256-CBC,00\n\nAAAA\n-----END RSA PRIVATE KEY-----\n";
    let no_certificate = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let none = folder.path().join("none.pem");
    let with = |change: &dyn Fn(&mut QrsConfig)| {
        let mut config = good.clone();
        change(&mut config);
        config
    };
    let rows = [
        (
            with(&|c| c.certificate_file.clone_from(&none)),
            "none.pem: cannot read the file that `certificate_file` names: ",
        ),
        (
            with(&|c| c.key_file.clone_from(&none)),
            "none.pem: cannot read the file that `key_file` names: ",
        ),
        (
            with(&|c| c.root_file.clone_from(&none)),
            "none.pem: cannot read the file that `root_file` names: ",
        ),
        (
            with(&|c| c.certificate_file = at("empty.pem", "")),
            "empty.pem: the file contains no PEM certificate",
        ),
        (
            with(&|c| c.root_file = at("key.pem", &foreign_key)),
            "key.pem: the file contains no PEM certificate",
        ),
        (
            with(&|c| c.root_file = at("bad.pem", no_certificate)),
            "bad.pem: cannot use the certificate: ",
        ),
        (
            with(&|c| c.key_file = at("root.pem", &other.root())),
            "root.pem: the file contains no PEM private key",
        ),
        (
            with(&|c| c.key_file = at("p.pem", protected)),
            "p.pem: the private key is protected with a password",
        ),
        (
            with(&|c| c.key_file = at("q.pem", old_protected)),
            "q.pem: the private key is protected with a password",
        ),
        (
            with(&|c| c.key_file = at("foreign.pem", &foreign_key)),
            "client.pem: cannot use the certificate: ",
        ),
    ];
    for (config, expected) in &rows {
        let error = Client::new(config).expect_err(expected);
        let said = error.to_string();
        assert!(error.is_about_files(), "{said}");
        assert!(said.contains(expected), "{expected}: {said}");
        let secret = foreign_key.lines().nth(1).expect("a line of the key");
        assert!(
            !format!("{said}{error:?}").contains(secret),
            "a key is not quoted"
        );
    }
}
