//! One request to a service.

use std::{
    io::{self, Read},
    path::PathBuf,
    time::Duration,
};

use serde_json::error::Category;
use ureq::{
    Agent, Timeout, http,
    unversioned::{
        resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver},
        transport::{DefaultConnector, NextTimeout},
    },
};

use super::{HttpsError, MAX_ANSWER_BYTES, tls};
use crate::config::{self, authority};

/// The longest time to wait for a connection.
const MAX_CONNECT: Duration = Duration::from_secs(10);

const XRFKEY_CHARACTERS: &[u8] = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

/// The address of a service, and the credentials for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// Its name in messages.
    pub name: &'static str,
    /// The machine, by name or IP address.
    pub host: String,
    /// The port.
    pub port: u16,
    /// The name that its certificate must have; empty means `host`.
    pub server_name: String,
    /// The client certificate, in PEM.
    pub certificate_file: PathBuf,
    /// Its private key, in PEM and without a password.
    pub key_file: PathBuf,
    /// The certificate of the authority that signed the service's certificate, in PEM.
    pub root_file: PathBuf,
    /// The time limit for a whole request, in seconds.
    pub timeout_secs: u64,
}

impl Service {
    /// Its address as `host:port`.
    #[must_use]
    pub fn address(&self) -> String {
        authority(&self.host, self.port)
    }

    fn certificate_name(&self) -> &str {
        if self.server_name.is_empty() {
            &self.host
        } else {
            &self.server_name
        }
    }
}

/// A client for a few requests. A new one is made from time to time, so that renewed certificates are used.
#[derive(Debug)]
pub struct Client {
    service: Service,
    agent: Agent,
    connect: Duration,
}

impl Client {
    /// Reads the certificates and the key, and checks them.
    ///
    /// # Errors
    ///
    /// [`HttpsError`] that is [about the files](HttpsError::is_about_files).
    pub fn new(service: Service) -> Result<Self, HttpsError> {
        let whole = Duration::from_secs(service.timeout_secs);
        let connect = MAX_CONNECT.min(whole.mul_f32(0.8));
        let agent_config = Agent::config_builder()
            .tls_config(tls::config(&service)?)
            .https_only(true)
            // Proxies from the environment are for outbound requests; this one stays inside the site.
            .proxy(None)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            .max_idle_connections(0)
            .timeout_global(Some(whole))
            .timeout_connect(Some(connect))
            .timeout_resolve(Some(connect))
            .user_agent(concat!("qlik-sense-events/", env!("CARGO_PKG_VERSION")))
            .build();
        let resolver = Machine {
            address: service.address(),
            inner: DefaultResolver::default(),
        };
        let agent = Agent::with_parts(agent_config, DefaultConnector::new(), resolver);
        Ok(Self {
            service,
            agent,
            connect,
        })
    }

    /// The service that it connects to.
    #[must_use]
    pub const fn service(&self) -> &Service {
        &self.service
    }

    /// A handle with which another thread can abort a request.
    #[must_use]
    pub(in super::super) fn agent(&self) -> Agent {
        self.agent.clone()
    }

    /// Requests `path` and reads the response. If the path ends with `=`, the request key is appended; other paths need
    /// none. `advise` returns advice for a status other than 200.
    ///
    /// # Errors
    ///
    /// The error of `read`, or one made from [`HttpsError`] if there was no response.
    pub fn get<T, E: From<HttpsError>>(
        &self,
        path: &str,
        header: Option<(&str, String)>,
        advise: fn(u16) -> &'static str,
        read: impl FnOnce(&mut dyn Read) -> Result<T, E>,
    ) -> Result<T, E> {
        let name = authority(self.service.certificate_name(), self.service.port);
        let xrfkey = path.ends_with('=').then(xrfkey);
        let key = xrfkey.as_deref().unwrap_or_default();
        let request = self
            .agent
            .get(format!("https://{name}{path}{key}"))
            .header("Accept", "application/json");
        let request = match &xrfkey {
            Some(key) => request.header("X-Qlik-Xrfkey", key),
            None => request,
        };
        let request = match header {
            Some((name, value)) => request.header(name, value),
            None => request,
        };
        let mut answer = request.call().map_err(|error| self.error(error))?;
        if answer.status() != http::StatusCode::OK {
            let status = answer.status().as_u16();
            return Err(E::from(HttpsError::Status {
                address: self.service.address(),
                status,
                advice: advise(status),
            }));
        }
        let body = answer.body_mut().with_config().limit(MAX_ANSWER_BYTES);
        read(&mut body.reader())
    }

    fn error(&self, error: ureq::Error) -> HttpsError {
        let address = self.service.address();
        match error {
            ureq::Error::Timeout(Timeout::Connect | Timeout::Resolve) => {
                HttpsError::ConnectTimeout {
                    address,
                    secs: self.connect.as_secs().max(1),
                }
            }
            ureq::Error::Timeout(_) => HttpsError::Timeout {
                address,
                secs: self.service.timeout_secs,
            },
            ureq::Error::Rustls(source) => self.tls_error(source),
            ureq::Error::Io(error) => self.io_error(error),
            ureq::Error::BodyExceedsLimit(_) => HttpsError::TooLarge { address },
            ureq::Error::Other(error) => match error.downcast::<Unresolved>() {
                Ok(unresolved) => HttpsError::Name {
                    host: self.service.host.clone(),
                    reason: match unresolved.0 {
                        ureq::Error::Io(error) => config::unresolved(&error),
                        error => error.to_string(),
                    },
                },
                Err(error) => HttpsError::Broken {
                    address,
                    reason: error.to_string(),
                },
            },
            other => HttpsError::Broken {
                address,
                reason: other.to_string(),
            },
        }
    }

    fn tls_error(&self, source: rustls::Error) -> HttpsError {
        HttpsError::Tls {
            address: self.service.address(),
            service: self.service.name,
            source,
        }
    }

    fn io_error(&self, error: io::Error) -> HttpsError {
        use io::ErrorKind as Kind;
        let address = self.service.address();
        let inner = error
            .get_ref()
            .and_then(|inner| inner.downcast_ref::<rustls::Error>());
        if let Some(source) = inner {
            return self.tls_error(source.clone());
        }
        match error.kind() {
            Kind::ConnectionRefused
            | Kind::HostUnreachable
            | Kind::NetworkUnreachable
            | Kind::NetworkDown
            | Kind::AddrNotAvailable
            | Kind::PermissionDenied => HttpsError::Connect {
                address,
                source: error,
            },
            // The TLS error has more detail than is useful.
            Kind::UnexpectedEof => HttpsError::Broken {
                address,
                reason: "the service closed it".into(),
            },
            _ => HttpsError::Broken {
                address,
                reason: error.to_string(),
            },
        }
    }

    /// Why a response could not be read.
    pub fn read_error(&self, error: io::Error) -> HttpsError {
        match error.downcast::<ureq::Error>() {
            Ok(error) => self.error(error),
            Err(error) => self.io_error(error),
        }
    }

    /// At which line, from 1, and why a response is not the JSON that was `expected`. It quotes nothing of it.
    ///
    /// # Errors
    ///
    /// [`HttpsError`] when the response could not be read.
    pub fn json_problem(
        &self,
        error: serde_json::Error,
        expected: &'static str,
    ) -> Result<(usize, &'static str), HttpsError> {
        let line = error.line().max(1);
        let reason = match error.classify() {
            Category::Io => return Err(self.read_error(error.into())),
            Category::Eof => "the JSON ends early",
            Category::Syntax => "this is not JSON",
            Category::Data => expected,
        };
        Ok((line, reason))
    }
}

/// 16 letters and digits. A service requires them both in the URL and in a header, as protection against cross-site
/// request forgery.
fn xrfkey() -> String {
    let characters = || fastrand::choice(XRFKEY_CHARACTERS).copied().unwrap_or(b'0');
    (0..16).map(|_| char::from(characters())).collect()
}

/// Resolves the service's own host name or address, whichever name its certificate has.
#[derive(Debug)]
struct Machine {
    address: String,
    inner: DefaultResolver,
}

#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Unresolved(#[source] ureq::Error);

impl Resolver for Machine {
    fn resolve(
        &self,
        _: &http::Uri,
        config: &ureq::config::Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let uri = format!("https://{}/", self.address)
            .parse::<http::Uri>()
            .map_err(|error| ureq::Error::Http(error.into()))?;
        match self.inner.resolve(&uri, config, timeout) {
            Err(error @ (ureq::Error::Io(_) | ureq::Error::HostNotFound)) => {
                Err(ureq::Error::Other(Box::new(Unresolved(error))))
            }
            resolved => resolved,
        }
    }
}
