//! `simulate --serve`: the nodes of a simulated day answer requests, consistent with their datagrams.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpStream, UdpSocket},
    path::Path,
    process::Stdio,
    sync::Arc,
    time::{Duration, Instant},
};

use qlik_sense_events::{
    config::QrsConfig,
    host::qrs::Client,
    simulate::{Day, DayOptions, Families},
};
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject as _},
};
use serde_json::Value;
use tempfile::TempDir;

use crate::support::{Codec, Process, Running, command, finish};

const KEY: &str = "0123456789abcdef";

/// How long ago the site's day began.
const FROM: Duration = Duration::from_secs(90 * 60);

struct Site {
    _program: Process,
    folder: TempDir,
    addresses: Vec<SocketAddr>,
    start: Instant,
    _receiver: Option<UdpSocket>,
}

impl Site {
    fn start() -> Self {
        let receiver = UdpSocket::bind("127.0.0.1:0").expect("a port");
        let to = receiver.local_addr().expect("an address").to_string();
        Self {
            _receiver: Some(receiver),
            ..Self::sending_to(&to, "0")
        }
    }

    /// How many of a thousand datagrams are lost.
    fn sending_to(to: &str, lost: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let start = Instant::now();
        let mut program = command();
        let flags =
            "simulate --day --families all --hours 3 --logins 300 --skip 90 --serve-at 127.0.0.1:0";
        program
            .args(flags.split(' '))
            .args(["--to", to, "--lost", lost, "--serve"])
            .arg(folder.path())
            .stderr(Stdio::piped())
            .stdout(Stdio::null());
        let mut program = Process(program.spawn().expect("started"));
        let stderr = program.0.stderr.take().expect("standard error");
        let addresses = BufReader::new(stderr)
            .lines()
            .take(3)
            .map(|line| {
                let line = line.expect("text");
                let address = line
                    .split("https://")
                    .nth(1)
                    .and_then(|rest| rest.split(": ").next());
                address
                    .unwrap_or_else(|| panic!("{line}"))
                    .parse()
                    .expect("an address")
            })
            .collect();
        Self {
            _program: program,
            folder,
            addresses,
            start,
            _receiver: None,
        }
    }

    /// The status and the body of a response.
    fn get(&self, node: usize, path: &str, headers: &str) -> (u16, Value) {
        let config = client(self.folder.path());
        let answer = ask(self.addresses[node], config, path, headers).expect("an answer");
        let status = answer
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok());
        let body = answer.split("\r\n\r\n").nth(1).unwrap_or_default();
        (
            status.expect("a status"),
            serde_json::from_str(body).unwrap_or_default(),
        )
    }

    /// A request with the key in both places.
    fn get_with_key(&self, node: usize, path: &str) -> (u16, Value) {
        self.get(
            node,
            &format!("{path}?Xrfkey={KEY}"),
            &format!("X-Qlik-Xrfkey: {KEY}\r\n"),
        )
    }

    /// The same day, from the same options. It does not depend on when it begins.
    fn day() -> Day {
        Day::new(&DayOptions {
            users: 200,
            logins: 300,
            hours: 3,
            families: Families::ALL,
            ..DayOptions::default()
        })
    }
}

fn client(folder: &Path) -> ClientConfig {
    let pem = |name: &str| fs::read(folder.join(name)).expect("a file");
    let certificate = |name| CertificateDer::from_pem_slice(&pem(name)).expect("a certificate");
    let mut roots = RootCertStore::empty();
    roots.add(certificate("root.pem")).expect("an authority");
    let key = PrivateKeyDer::from_pem_slice(&pem("client_key.pem")).expect("a key");
    ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_client_auth_cert(vec![certificate("client.pem")], key)
        .expect("a client")
}

fn ask(
    address: SocketAddr,
    config: ClientConfig,
    path: &str,
    headers: &str,
) -> std::io::Result<String> {
    let name = ServerName::try_from("localhost").expect("a name");
    let connection = ClientConnection::new(Arc::new(config), name).expect("a client");
    let mut stream = StreamOwned::new(connection, TcpStream::connect(address)?);
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n"
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

#[test]
fn proxies_list_the_open_sessions() {
    let (site, day) = (Site::start(), Site::day());
    for (node, host) in day.nodes.hosts().iter().enumerate() {
        let mut listed = Vec::new();
        for prefix in ["", "/sales", "/partners", "/public", "/kiosk"] {
            let (status, answer) = site.get_with_key(node, &format!("/qps{prefix}/session"));
            assert_eq!(status, 200);
            for session in answer.as_array().expect("a list") {
                let prefix = prefix.trim_start_matches('/').to_owned();
                let text = |name: &str| session[name].as_str().expect("text").to_owned();
                assert_eq!(text("SessionId").len(), 36);
                listed.push((prefix, text("UserDirectory"), text("UserId")));
            }
        }
        let until = FROM + site.start.elapsed();
        let session = |one: &qlik_sense_events::simulate::ProxySession| {
            (
                one.virtual_proxy.to_owned(),
                one.directory.to_string(),
                one.user_id.to_string(),
            )
        };
        // The sessions that are open from before the first request to after the last response.
        let throughout = day
            .nodes
            .sessions_at(host, FROM)
            .filter(|one| one.end > until)
            .map(session);
        let mut missing: Vec<_> = throughout.collect();
        assert!(missing.len() > 5, "{missing:?}");
        listed.retain(|one| {
            let place = missing.iter().position(|other| other == one);
            place.map(|place| missing.swap_remove(place)).is_none()
        });
        assert_eq!(missing, []);
        // The others started or ended meanwhile.
        assert!(listed.len() < 5, "{listed:?}");
    }
}

#[test]
fn engines_report_their_health() {
    let (site, day) = (Site::start(), Site::day());
    for path in [
        "/engine/healthcheck",
        "/engine/healthcheck/",
        "/healthcheck",
    ] {
        let (status, health) = site.get(1, path, "");
        assert_eq!(status, 200);
        let truth = day.health_at(&day.nodes.hosts()[1], FROM + site.start.elapsed());
        let calls = health["apps"]["calls"].as_u64().expect("a number");
        assert!(
            calls > 500 && calls <= truth.calls,
            "{calls} {}",
            truth.calls
        );
        let total = health["mem"]["totalPhysical"].as_f64().expect("a number");
        assert!((total - 524_288.0).abs() < 0.1);
        for pointer in [
            "/mem/committed",
            "/mem/allocated",
            "/mem/free",
            "/cpu/total",
            "/session/active",
            "/session/total",
            "/users/active",
            "/users/total",
            "/apps/selections",
            "/cache/hits",
            "/cache/lookups",
            "/cache/added",
            "/cache/replaced",
            "/cache/bytes_added",
        ] {
            assert!(
                health.pointer(pointer).is_some_and(Value::is_number),
                "{pointer}"
            );
        }
        for pointer in [
            "/apps/active_docs",
            "/apps/loaded_docs",
            "/apps/in_memory_docs",
        ] {
            assert!(
                health.pointer(pointer).is_some_and(Value::is_array),
                "{pointer}"
            );
        }
        assert_eq!(health["saturated"], false);
    }
}

#[test]
fn the_repository_lists_apps_and_proxies() {
    let site = Site::start();
    let folder = site.folder.path();
    let config = QrsConfig {
        host: "127.0.0.1".to_owned(),
        port: site.addresses[2].port(),
        certificate_file: folder.join("client.pem"),
        key_file: folder.join("client_key.pem"),
        root_file: folder.join("root.pem"),
        ..QrsConfig::default()
    };
    let client = Client::new(&config).expect("a client");
    assert_eq!(client.apps().expect("apps").len(), 40);

    let user = "X-Qlik-User: UserDirectory=INTERNAL; UserId=sa_api\r\n";
    let headers = format!("X-Qlik-Xrfkey: {KEY}\r\n{user}");
    let (status, proxies) = site.get(0, &format!("/qrs/proxyservice/full?xrfkey={KEY}"), &headers);
    assert_eq!(status, 200);
    let ports: Vec<u16> = site.addresses.iter().map(SocketAddr::port).collect();
    for (number, proxy) in proxies.as_array().expect("a list").iter().enumerate() {
        let name = format!("pro2-win{}", number + 1);
        assert_eq!(proxy["serverNodeConfiguration"]["hostName"], name);
        assert_eq!(proxy["settings"]["restListenPort"], ports[number]);
        assert_eq!(proxy["settings"]["virtualProxies"][1]["prefix"], "sales");
    }
}

#[test]
fn a_request_that_qlik_would_refuse_is_refused() {
    let site = Site::start();
    let status = |path: &str, headers: &str| site.get(0, path, headers).0;
    assert_eq!(status("/qps/session", ""), 400);
    let other = "X-Qlik-Xrfkey: fedcba9876543210\r\n";
    assert_eq!(status(&format!("/qps/session?xrfkey={KEY}"), other), 400);
    assert_eq!(site.get_with_key(0, "/qrs/app").0, 403);
    assert_eq!(site.get_with_key(0, "/qps/unknown/session").0, 404);
    assert_eq!(site.get_with_key(0, "/qps//session").0, 200);
    assert_eq!(status("/engine/other", ""), 404);
    assert_eq!(status("/", ""), 404);

    // Clients without a certificate, or with one of another site, are refused.
    let config = client(site.folder.path());
    let stranger = Site::start();
    assert!(ask(stranger.addresses[0], config, "/engine/healthcheck", "").is_err());
    let root = fs::read(site.folder.path().join("root.pem")).expect("a file");
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_slice(&root).expect("a certificate"))
        .expect("an authority");
    let nobody = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    assert!(ask(site.addresses[0], nobody, "/engine/healthcheck", "").is_err());
}

#[test]
fn a_path_that_is_no_folder_and_a_file_without_a_certificate_are_named() {
    let refused = |folder: &Path, expected: &str| {
        let folder = folder.to_str().expect("UTF-8");
        let flags = [
            "simulate",
            "--day",
            "--skip",
            "90",
            "--serve-at",
            "127.0.0.1:0",
        ];
        let ended = finish(&[&flags[..], &["--serve", folder]].concat());
        assert_eq!(ended.status, 1, "{}", ended.stderr);
        assert!(ended.stderr.contains(expected), "{}", ended.stderr);
    };
    let site = Site::start();
    let file = site.folder.path().join("server.pem");
    refused(&file.join("certificates"), "cannot create the folder ");
    refused(
        &file,
        "server.pem is not a folder; name the folder of the certificates",
    );
    fs::write(&file, "").expect("a file");
    refused(
        site.folder.path(),
        "server.pem: the file contains no PEM certificate",
    );
}

#[test]
fn existing_certificates_are_used_but_must_be_complete() {
    let first = Site::start();
    let folder = first.folder.path();
    let root = fs::read(folder.join("root.pem")).expect("a file");
    let again = |folder: &Path| {
        let mut program = command();
        let flags = "simulate --day --hours 1 --logins 1 --skip 600 --to 127.0.0.1:9 --serve-at 127.0.0.1:0 --serve";
        program.args(flags.split(' ')).arg(folder);
        program.output().expect("ended")
    };
    again(folder);
    assert_eq!(fs::read(folder.join("root.pem")).expect("a file"), root);

    fs::remove_file(folder.join("server_key.pem")).expect("removed");
    let ended = again(folder);
    assert_eq!(ended.status.code(), Some(1));
    let stderr = String::from_utf8_lossy(&ended.stderr);
    assert!(stderr.contains("server_key.pem is missing"), "{stderr}");
}

const PREFIXES: [&str; 5] = ["", "sales", "partners", "public", "kiosk"];

/// The nodes and users of all sessions, sorted.
type WhoIsIn = Vec<(String, String)>;

impl Site {
    /// The sessions that the proxies of all nodes list.
    fn who_is_in(&self) -> WhoIsIn {
        let mut all = Vec::new();
        for node in 0..self.addresses.len() {
            for prefix in PREFIXES {
                let path = match prefix {
                    "" => "/qps/session".to_owned(),
                    prefix => format!("/qps/{prefix}/session"),
                };
                let (_, sessions) = self.get_with_key(node, &path);
                for session in sessions.as_array().expect("a list") {
                    let text = |name: &str| session[name].as_str().expect("text");
                    let user = format!("{}\\{}", text("UserDirectory"), text("UserId"));
                    all.push((format!("pro2-win{}", node + 1), user.to_lowercase()));
                }
            }
        }
        all.sort();
        all
    }

    /// A program that follows sessions, queries the proxies, and takes a snapshot every other second.
    fn receiver(&self, address: &str) -> Running {
        let proxies = self.addresses.iter().enumerate().map(|(node, address)| {
            format!(
                "[[transform.sessions.qps.proxies]]\nhost = \"127.0.0.1\"\nport = {}\nnode = \"pro2-win{}\"\n\
                 virtual_proxies = {PREFIXES:?}\n",
                address.port(),
                node + 1
            )
        });
        let config = format!(
            "[transform.sessions]\nenabled = true\nsnapshot_interval_secs = 2\n[transform.sessions.qps]\n\
             enabled = true\ninterval_secs = 10\n{}",
            proxies.collect::<String>()
        );
        let file = self.folder.path().join("config.toml");
        fs::write(&file, config).expect("a file");
        let mut program = command();
        program
            .args(["run", "--codec", "json", "--address", address, "--config"])
            .arg(file);
        Running::of(program, Codec::Json, 1)
    }
}

/// The sessions in the snapshots of one second, once they agree with the proxies.
fn until_right(program: &mut Running, site: &Site) -> WhoIsIn {
    let (mut second, mut seen) = (String::new(), WhoIsIn::new());
    loop {
        let event = program.events().one();
        if event["event"] != "session_snapshot" {
            continue;
        }
        let text = |name: &str| event[name].as_str().expect("text").to_lowercase();
        let of_event = text("timestamp")[..19].to_owned();
        if of_event != second {
            seen.sort();
            if !seen.is_empty() && seen == site.who_is_in() {
                return seen;
            }
            (second, seen) = (of_event, WhoIsIn::new());
        }
        seen.push((text("host"), text("user")));
    }
}

/// A tenth of the datagrams is lost, and the program starts when users have sessions and is killed twice, without a
/// saved state. Each time it finds out who has sessions.
#[test]
fn open_sessions_are_found_whatever_was_lost() {
    let port = UdpSocket::bind("127.0.0.1:0").expect("a port");
    let address = port.local_addr().expect("an address").to_string();
    drop(port);
    let site = Site::sending_to(&address, "100");
    for _ in 0..3 {
        let mut program = site.receiver(&address);
        let right = until_right(&mut program, &site);
        assert!(right.len() > 20, "{right:?}");
        program.kill();
    }
}
