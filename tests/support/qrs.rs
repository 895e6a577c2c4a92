//! A Qlik Repository Service, Qlik Proxy Service or engine on this machine, reduced to lists and health: HTTPS with
//! client certificates, with the certificates of a simulated site.

use std::{
    fs,
    io::{Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    path::Path,
    sync::{Arc, Mutex, mpsc},
    thread,
};

use rcgen::{
    BasicConstraints, Certificate, CertificateParams, CertifiedIssuer, DnType,
    ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose,
};
use rustls::{
    RootCertStore, ServerConfig, ServerConnection, StreamOwned, SupportedProtocolVersion,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer},
    server::WebPkiClientVerifier,
};
use serde_json::{Value, json};

/// The certificate authority of a site, and what it has signed.
pub struct Site {
    authority: CertifiedIssuer<'static, KeyPair>,
}

impl Site {
    pub fn new() -> Self {
        Self::named("sense.example.com")
    }

    /// A site whose authority is named after a machine, as in Qlik Sense.
    pub fn named(machine: &str) -> Self {
        let mut params = CertificateParams::default();
        let name = &mut params.distinguished_name;
        name.push(DnType::CommonName, format!("{machine}-CA"));
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().expect("a key");
        let authority = CertifiedIssuer::self_signed(params, key).expect("an authority");
        Self { authority }
    }

    /// A certificate for names of machines and IP addresses, with its key.
    pub fn server(&self, names: &[&str]) -> (Certificate, KeyPair) {
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        let mut params = CertificateParams::new(names).expect("names");
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let key = KeyPair::generate().expect("a key");
        (self.sign(params, &key), key)
    }

    fn client(&self, key: &KeyPair) -> Certificate {
        let mut params = CertificateParams::default();
        let name = &mut params.distinguished_name;
        name.push(DnType::CommonName, "QlikClient");
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        self.sign(params, key)
    }

    fn sign(&self, params: CertificateParams, key: &KeyPair) -> Certificate {
        params.signed_by(key, &self.authority).expect("signed")
    }

    /// Writes the files that the QMC exports: `client.pem`, `client_key.pem` and `root.pem`.
    pub fn export(&self, folder: &Path) {
        self.export_with(folder, &KeyPair::generate().expect("a key"));
    }

    /// Writes the same files, with a given key.
    pub fn export_with(&self, folder: &Path, key: &KeyPair) {
        let write = |name: &str, pem: String| fs::write(folder.join(name), pem).expect("a file");
        write("client.pem", self.client(key).pem());
        write("client_key.pem", key.serialize_pem());
        write("root.pem", self.root());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;

            // docs/app-names.md recommends this.
            let owner_only = fs::Permissions::from_mode(0o600);
            fs::set_permissions(folder.join("client_key.pem"), owner_only).expect("permissions");
        }
    }

    /// `root.pem`.
    pub fn root(&self) -> String {
        self.authority.pem()
    }

    /// A service of the site on 127.0.0.1, which trusts the site's clients.
    pub fn service(&self, answer: Answer) -> Repository {
        Repository::start(self, self, &["127.0.0.1"], answer)
    }
}

/// A port on which nothing listens.
pub fn unused_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    listener.local_addr().expect("an address").port()
}

/// How the service answers a request.
#[derive(Clone)]
pub enum Answer {
    /// With these apps, in the service's format.
    Apps(Vec<(String, String)>),
    /// With this body and status 200.
    Body(Vec<u8>),
    /// With this body and status 200, in chunks.
    Chunked(Vec<u8>),
    /// With another status.
    Status(u16),
    /// Starts a response and never completes it, while the connection stays open.
    Stalls,
    /// With nothing at all.
    Silence,
    /// Closes the connection before the announced length is reached.
    Cut,
    /// With an endless body.
    Endless,
    /// With a different answer for each path, and status 404 for others.
    Paths(Vec<(&'static str, Answer)>),
}

/// A service that listens.
pub struct Repository {
    pub address: SocketAddr,
    answer: Arc<Mutex<Answer>>,
    /// The heads of the requests, in order.
    pub requests: mpsc::Receiver<String>,
}

impl Repository {
    /// A service of `site` that trusts the clients of `clients`.
    pub fn start(site: &Site, clients: &Site, names: &[&str], answer: Answer) -> Self {
        Self::with_versions(site, clients, names, answer, rustls::ALL_VERSIONS)
    }

    pub fn with_versions(
        site: &Site,
        clients: &Site,
        names: &[&str],
        answer: Answer,
        versions: &[&'static SupportedProtocolVersion],
    ) -> Self {
        let config = Arc::new(config(site, clients, names, versions));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let address = listener.local_addr().expect("an address");
        let answer = Arc::new(Mutex::new(answer));
        let (sender, requests) = mpsc::channel();
        let answers = Arc::clone(&answer);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (stream, config) = (stream.expect("a connection"), Arc::clone(&config));
                let (sender, answers) = (sender.clone(), Arc::clone(&answers));
                thread::spawn(move || serve(stream, config, &sender, &answers));
            }
        });
        Self {
            address,
            answer,
            requests,
        }
    }

    /// Changes how it answers from now on.
    pub fn set(&self, answer: Answer) {
        *self.answer.lock().expect("an answer") = answer;
    }
}

fn config(
    site: &Site,
    clients: &Site,
    names: &[&str],
    versions: &[&'static SupportedProtocolVersion],
) -> ServerConfig {
    let provider = Arc::new(ring::default_provider());
    let mut roots = RootCertStore::empty();
    let root: CertificateDer<'static> = clients.authority.der().clone();
    roots.add(root).expect("an authority");
    let verifier =
        WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
            .build()
            .expect("a verifier");
    let (certificate, key) = site.server(names);
    let key = PrivateKeyDer::try_from(key.serialize_der()).expect("a key");
    ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .expect("versions")
        .with_client_cert_verifier(verifier)
        .with_single_cert(vec![certificate.der().clone()], key)
        .expect("a certificate")
}

/// Serves one request. A client that goes away or is refused is not an error of the service.
fn serve(
    stream: TcpStream,
    config: Arc<ServerConfig>,
    requests: &mpsc::Sender<String>,
    answer: &Mutex<Answer>,
) {
    let connection = ServerConnection::new(config).expect("a connection");
    let mut stream = StreamOwned::new(connection, stream);
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read(&mut byte) {
            Ok(1) => head.push(byte[0]),
            _ => return,
        }
    }
    let head = String::from_utf8(head).expect("a head is text");
    let answer = answer.lock().expect("an answer").clone().of(&head);
    // The test may not need the request.
    let _ = requests.send(head);
    let _ = say(&mut stream, answer);
    stream.conn.send_close_notify();
    let _ = stream.flush();
}

impl Answer {
    /// The answer for a request.
    fn of(self, head: &str) -> Self {
        let Self::Paths(answers) = self else {
            return self;
        };
        let path = head.split([' ', '?']).nth(1).expect("a path");
        let mut answers = answers.into_iter();
        let answer = answers.find(|(of, _)| *of == path);
        answer.map_or(Self::Status(404), |(_, answer)| answer)
    }
}

fn say(stream: &mut (impl Read + Write), answer: Answer) -> std::io::Result<()> {
    match answer {
        Answer::Apps(apps) => say(
            stream,
            Answer::Body(described(&apps).to_string().into_bytes()),
        ),
        Answer::Body(body) => {
            write!(
                stream,
                "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n",
                body.len()
            )?;
            stream.write_all(&body)
        }
        Answer::Chunked(body) => {
            stream.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")?;
            for piece in body.chunks(1_000) {
                write!(stream, "{:x}\r\n", piece.len())?;
                stream.write_all(piece)?;
                stream.write_all(b"\r\n")?;
            }
            stream.write_all(b"0\r\n\r\n")
        }
        Answer::Status(status) => {
            write!(
                stream,
                "HTTP/1.1 {status} Something\r\nContent-Length: 0\r\n\r\n"
            )
        }
        Answer::Stalls => {
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n[")?;
            stream.flush()?;
            until_gone(stream)
        }
        Answer::Silence => until_gone(stream),
        Answer::Cut => stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n["),
        Answer::Endless => {
            stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n[")?;
            let spaces = vec![b' '; 1 << 16];
            loop {
                stream.write_all(&spaces)?;
            }
        }
        Answer::Paths(_) => unreachable!("one of them was chosen"),
    }
}

fn until_gone(stream: &mut impl Read) -> std::io::Result<()> {
    while stream.read(&mut [0; 64])? > 0 {}
    Ok(())
}

/// Apps in the service's condensed form.
pub fn described(apps: &[(String, String)]) -> Value {
    apps.iter()
        .map(|(id, name)| {
            json!({
                "id": id,
                "name": name,
                "appId": "",
                "publishTime": "2026-01-31T09:00:00.000Z",
                "published": true,
                "stream": {"id": "aaec8d41-5201-43ab-809f-3063750dfafd", "name": "Everyone", "privileges": null},
                "savedInProductVersion": "12.2029.0",
                "migrationHash": "5f8d2c9a7e6b4d3c1a0f9e8d7c6b5a4f3e2d1c0b",
                "availabilityStatus": 0,
                "privileges": null,
            })
        })
        .collect()
}

/// Sessions of these users, each with an id of its own, in the proxy's format.
pub fn sessions(users: &[&str]) -> Answer {
    let sessions: Value = users
        .iter()
        .enumerate()
        .map(|(number, user)| {
            json!({
                "UserDirectory": "LAB",
                "UserId": user,
                "Attributes": [{"group": "sales"}, {"group": "lab"}],
                "SessionId": format!("secret-{number}-{}", user),
            })
        })
        .collect();
    Answer::Body(sessions.to_string().into_bytes())
}

/// The health of an engine, as it describes it.
pub fn engine_health() -> Answer {
    let health = json!({
        "version": "12.2029.0",
        "started": "20260131T080000.000Z",
        "mem": {"committed": 63.980_468_75, "allocated": 228.5625, "free": 16_384.0, "totalPhysical": 65_536.0},
        "cpu": {"total": 12.5},
        "session": {"active": 3, "total": 7},
        "apps": {
            "active_docs": ["a"],
            "loaded_docs": ["a", "b"],
            "in_memory_docs": ["a", "b", "c"],
            "calls": 3_051,
            "selections": 190,
        },
        "users": {"active": 2, "total": 5},
        "cache": {"hits": 12, "lookups": 40, "added": 28, "replaced": 0, "bytes_added": 4_096},
        "saturated": false,
    });
    Answer::Body(health.to_string().into_bytes())
}
