//! The client of the Qlik Proxy Service, against a service on this machine that requires the client's certificate, with
//! every possible answer. Network faults are the same as for the Qlik Repository Service, whose tests cover more of
//! them.

use std::path::Path;

use crate::{
    https,
    qrs::support::{Answer, Repository, Site, sessions, unused_port},
};
use qlik_sense_events::{
    config::QrsConfig,
    host::{
        https::HttpsError,
        qps::{Answer as Answered, Client, QpsError},
        qrs::{self, QrsError},
    },
    transform::sessions::{ProxyConfig, QpsConfig},
};
use serde_json::{Value, json};
use tempfile::TempDir;

/// Longer than any busy machine takes.
const PATIENT: u64 = 60;

struct Case {
    folder: TempDir,
    service: Repository,
    proxy: ProxyConfig,
}

impl Case {
    fn new(answer: Answer) -> Self {
        let (site, folder) = (Site::new(), tempfile::tempdir().expect("a folder"));
        site.export(folder.path());
        let service = site.service(answer);
        let proxy = proxy(service.address.port());
        Self {
            folder,
            service,
            proxy,
        }
    }

    fn config(&self) -> QpsConfig {
        config(self.folder.path())
    }

    fn ask(&self) -> Result<Answered, QpsError> {
        ask(&self.config(), &self.proxy)
    }
}

fn proxy(port: u16) -> ProxyConfig {
    ProxyConfig {
        host: "127.0.0.1".into(),
        port,
        node: "pro2-win1".into(),
        ..ProxyConfig::default()
    }
}

fn config(folder: &Path) -> QpsConfig {
    QpsConfig {
        certificate_file: folder.join("client.pem"),
        key_file: folder.join("client_key.pem"),
        root_file: folder.join("root.pem"),
        timeout_secs: PATIENT,
        ..QpsConfig::default()
    }
}

fn ask(config: &QpsConfig, proxy: &ProxyConfig) -> Result<Answered, QpsError> {
    Client::new(config, &QrsConfig::default(), proxy)?.sessions()
}

fn users(answered: &Answered) -> Vec<(String, u32)> {
    let users = answered.list.users.iter();
    let mut users: Vec<_> = users
        .map(|user| {
            let directory = user.user_directory.as_deref().unwrap_or_default();
            (format!("{directory}\\{}", user.user_id), user.sessions)
        })
        .collect();
    users.sort();
    users
}

/// The error and its message, which quotes nothing from an answer.
fn refused(outcome: Result<Answered, QpsError>) -> (QpsError, String) {
    let error = outcome.expect_err("no sessions");
    let said = error.to_string();
    assert!(!said.contains("secret"), "{said}");
    assert!(!format!("{error:?}").contains("secret"), "{error:?}");
    (error, said)
}

#[test]
fn a_proxy_says_who_has_how_many_sessions() {
    let case = Case::new(sessions(&["goran", "anna", "goran"]));
    let answered = case.ask().expect("sessions");
    assert_eq!(&*answered.list.host, "pro2-win1");
    let expected = [(r"LAB\anna".to_owned(), 1), (r"LAB\goran".to_owned(), 2)];
    assert_eq!(users(&answered), expected);
    assert_eq!(answered.virtual_proxies, [(String::new(), 3)]);
    let said = format!("{answered:?}");
    assert!(!said.contains("secret"), "ids are forgotten: {said}");
    assert!(
        !said.contains("sales"),
        "groups are nobody's business: {said}"
    );
}

#[test]
fn the_request_is_what_the_proxy_asks_for() {
    let case = Case::new(sessions(&[]));
    let mut keys = Vec::new();
    for _ in 0..2 {
        case.ask().expect("sessions");
        let head = case.service.requests.recv().expect("a request");
        let line = head.lines().next().expect("a line");
        let key = line
            .strip_prefix("GET /qps/session?Xrfkey=")
            .and_then(|rest| rest.strip_suffix(" HTTP/1.1"))
            .unwrap_or_else(|| panic!("{line}"))
            .to_owned();
        assert_eq!(key.len(), 16);
        assert!(
            key.bytes().all(|byte| byte.is_ascii_alphanumeric()),
            "{key}"
        );
        let header = format!("x-qlik-xrfkey: {}\r\n", key.to_lowercase());
        assert!(head.to_lowercase().contains(&header), "{head}");
        keys.push(key);
    }
    assert_ne!(keys[0], keys[1], "a key is made for each request");
}

#[test]
fn all_virtual_proxies_together_are_an_answer() {
    let default = sessions(&["goran", "anna"]);
    let answers = vec![
        ("/qps/session", default.clone()),
        ("/qps/sales/session", sessions(&["maria"])),
        ("/qps/lab/x/session", default),
    ];
    let mut case = Case::new(Answer::Paths(answers));
    case.proxy.virtual_proxies = ["", "sales", "/lab/x/"].map(String::from).to_vec();
    let answered = case.ask().expect("sessions");
    let expected = ["anna", "goran", "maria"].map(|user| (format!(r"LAB\{user}"), 1));
    // A session that two of them list counts once.
    assert_eq!(users(&answered), expected);
    let by_proxy = [("", 2), ("sales", 1), ("/lab/x/", 2)];
    let by_proxy = by_proxy.map(|(prefix, sessions)| (prefix.to_owned(), sessions));
    assert_eq!(answered.virtual_proxies, by_proxy);
}

#[test]
fn an_unknown_virtual_proxy_is_reported_by_its_prefix() {
    let mut case = Case::new(Answer::Paths(vec![("/qps/session", sessions(&["goran"]))]));
    case.proxy.virtual_proxies = ["", "slaes"].map(String::from).to_vec();
    let (error, said) = refused(case.ask());
    assert!(matches!(error, QpsError::VirtualProxy { .. }), "{said}");
    let expected = r#" has no virtual proxy "slaes": it answered with status 404; "#;
    assert!(said.contains(expected), "{said}");
}

#[test]
fn an_empty_list_is_an_answer() {
    let answered = Case::new(Answer::Body(b"[]".to_vec()))
        .ask()
        .expect("nobody");
    assert_eq!(users(&answered), []);
}

#[test]
fn fifty_thousand_sessions_are_an_answer() {
    let users: Vec<String> = (0..50_000).map(|user| format!("user{user}")).collect();
    let users: Vec<&str> = users.iter().map(String::as_str).collect();
    let Answer::Body(body) = sessions(&users) else {
        unreachable!("that is its form")
    };
    let answered = Case::new(Answer::Chunked(body)).ask().expect("sessions");
    assert_eq!(answered.list.users.len(), 50_000);
    assert_eq!(answered.virtual_proxies[0].1, 50_000);
}

#[test]
fn more_sessions_than_any_proxy_has_are_refused() {
    let one = r#"{"UserId":"goran"},"#;
    let body = format!("[{}{}]", one.repeat(200_000), one.trim_end_matches(','));
    let (error, said) = refused(Case::new(Answer::Body(body.into())).ask());
    assert!(matches!(error, QpsError::TooMany { .. }), "{said}");
    assert!(said.ends_with(" list more than 200000 sessions"), "{said}");
}

#[test]
fn invalid_answers_are_refused() {
    let shapes = "expected an array of sessions, each with the user's directory and id";
    for (body, expected) in [
        (r#"[{"UserId":"secret"#, "the JSON ends early"),
        ("", "the JSON ends early"),
        ("<html>secret</html>", "this is not JSON"),
        (r#"[]{"UserId":"secret"}"#, "this is not JSON"),
        (r#""secret""#, shapes),
        (r#"{"UserId":"secret"}"#, shapes),
        (r#"[{"UserId":["secret"]}]"#, shapes),
        (r#"[{"SessionId":{"a":"secret"}}]"#, shapes),
    ] {
        let (error, said) = refused(Case::new(Answer::Body(body.into())).ask());
        assert!(matches!(error, QpsError::Body { .. }), "{body}: {said}");
        assert!(
            said.ends_with(&format!("line 1: {expected}")),
            "{body}: {said}"
        );
    }
}

#[test]
fn the_timeout_is_that_of_the_configuration() {
    https::the_timeout_is_that_of_the_configuration(|folder, port, _| {
        let late = QpsConfig {
            timeout_secs: 1,
            ..config(folder)
        };
        connected(ask(&late, &proxy(port)))
    });
}

#[test]
fn an_answer_that_breaks_off_is_refused() {
    let (error, said) = refused(Case::new(Answer::Cut).ask());
    let is_broken = matches!(error, QpsError::Https(HttpsError::Broken { .. }));
    assert!(is_broken, "{said}");
}

#[test]
fn other_statuses_are_explained() {
    for (status, advice) in [
        (
            302,
            "; is this the port of the hub instead of the REST API, 4243?",
        ),
        (400, "; a proxy on the way may have changed the request"),
        (
            403,
            "; the certificate is not authorised, or belongs to another site",
        ),
        (500, ""),
        (503, "; the proxy service is not ready"),
    ] {
        let (_, said) = refused(Case::new(Answer::Status(status)).ask());
        let expected = format!(" answered with status {status}{advice}");
        assert!(said.ends_with(&expected), "{said}");
    }
}

#[test]
fn a_port_without_a_listener_is_reported() {
    let mut case = Case::new(sessions(&[]));
    case.proxy.port = unused_port();
    let (error, said) = refused(case.ask());
    let is_refused = matches!(error, QpsError::Https(HttpsError::Connect { .. }));
    assert!(is_refused, "{said}");
}

/// The result of a request of which only the connection matters.
fn connected(outcome: Result<Answered, QpsError>) -> Result<(), HttpsError> {
    match outcome {
        Ok(_) => Ok(()),
        Err(QpsError::Https(error)) => Err(error),
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn certificates_that_do_not_fit_are_refused() {
    https::certificates_that_do_not_fit_are_refused(sessions(&["secret"]), |folder, port, name| {
        let proxy = ProxyConfig {
            server_name: name.into(),
            ..proxy(port)
        };
        connected(ask(&config(folder), &proxy))
    });
}

#[test]
fn files_that_are_not_named_are_those_for_the_repository_service() {
    let case = Case::new(sessions(&["goran"]));
    let QpsConfig {
        certificate_file,
        key_file,
        root_file,
        timeout_secs,
        ..
    } = case.config();
    let qrs = QrsConfig {
        certificate_file,
        key_file,
        root_file,
        ..QrsConfig::default()
    };
    let unnamed = QpsConfig {
        timeout_secs,
        ..QpsConfig::default()
    };
    let client = Client::new(&unnamed, &qrs, &case.proxy).expect("a client");
    assert_eq!(client.sessions().expect("sessions").list.users.len(), 1);
}

/// A proxy as the Qlik Repository Service describes it, with properties that are ignored.
fn proxy_service(host: &str, port: u16, prefixes: &[Value]) -> Value {
    let virtual_proxies: Vec<_> = prefixes
        .iter()
        .map(|prefix| json!({"id": "b1d8", "prefix": prefix, "description": "x", "privileges": null}))
        .collect();
    json!({
        "id": "9c3b",
        "serverNodeConfiguration": {"id": "17", "name": "Central", "hostName": host, "roles": []},
        "settings": {
            "id": "18",
            "listenPort": 443,
            "restListenPort": port,
            "virtualProxies": virtual_proxies,
        },
        "privileges": ["read"],
    })
}

#[test]
fn the_repository_service_knows_proxies_and_their_virtual_proxies() {
    let proxies = json!([
        proxy_service("pro2-win1.example.com", 4243, &[json!(""), json!("sales")]),
        proxy_service("pro2-win2.example.com", 4244, &[Value::Null]),
        proxy_service("pro2-win3.example.com", 4243, &[]),
    ]);
    let answer = Answer::Body(proxies.to_string().into_bytes());
    let case = Case::new(Answer::Paths(vec![("/qrs/proxyservice/full", answer)]));
    let QpsConfig {
        certificate_file,
        key_file,
        root_file,
        ..
    } = case.config();
    let qrs = QrsConfig {
        host: "127.0.0.1".into(),
        port: case.service.address.port(),
        certificate_file,
        key_file,
        root_file,
        timeout_secs: PATIENT,
        ..QrsConfig::default()
    };
    let ask = || qrs::Client::new(&qrs).expect("a client").proxies();
    let found = ask().expect("proxies");
    let found: Vec<_> = found
        .iter()
        .map(|it| (it.node(), &*it.host, it.port, it.virtual_proxies.join(" ")))
        .collect();
    let expected = [
        (
            "pro2-win1",
            "pro2-win1.example.com",
            4243,
            " sales".to_owned(),
        ),
        ("pro2-win2", "pro2-win2.example.com", 4244, String::new()),
    ];
    assert_eq!(found, expected);
    for (body, expected) in [
        (
            "[]",
            "contains no proxy; is the user INTERNAL\\sa_api allowed to read proxies?",
        ),
        (r#"[{"secret": 1}]"#, "is not a list of proxies: line 1: "),
    ] {
        let answer = Answer::Body(body.into());
        case.service.set(answer);
        let error: QrsError = ask().expect_err("none");
        let said = error.to_string();
        assert!(
            said.contains(expected) && !said.contains("secret"),
            "{said}"
        );
    }
}
