//! One request: `GET /qrs/app`.

use std::{io, time::Duration};

use ureq::{
    Agent, Timeout, http,
    unversioned::{
        resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver},
        transport::{DefaultConnector, NextTimeout},
    },
};

use super::{QrsError, tls};
use crate::{
    config::{QrsConfig, authority},
    transform::{
        AppTable,
        app_names::{AppListError, AppListProblem, MAX_LIST_BYTES, read_json},
    },
};

/// The longest answer that is read, in bytes: some 100,000 apps as the service describes them.
pub const MAX_ANSWER_BYTES: u64 = MAX_LIST_BYTES;

/// How long to wait for a connection, at the most.
const MAX_CONNECT: Duration = Duration::from_secs(10);

const XRFKEY_CHARACTERS: &[u8] = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

/// A client for one request. It is made anew for each, so that renewed certificates are used.
#[derive(Debug)]
pub struct Client {
    config: QrsConfig,
    agent: Agent,
    connect: Duration,
}

impl Client {
    /// Reads the certificates and the key, and checks them.
    ///
    /// # Errors
    ///
    /// [`QrsError`] that is [about the files](QrsError::is_about_files).
    pub fn new(config: &QrsConfig) -> Result<Self, QrsError> {
        let whole = Duration::from_secs(config.timeout_secs);
        let connect = MAX_CONNECT.min(whole.mul_f32(0.8));
        let agent_config = Agent::config_builder()
            .tls_config(tls::config(config)?)
            .https_only(true)
            // A proxy of the environment is for the way out; this way is inside.
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
            address: config.address(),
            inner: DefaultResolver::default(),
        };
        let agent = Agent::with_parts(agent_config, DefaultConnector::new(), resolver);
        Ok(Self {
            config: config.clone(),
            agent,
            connect,
        })
    }

    /// A handle with which another thread can break off the request.
    #[must_use]
    pub(super) fn agent(&self) -> Agent {
        self.agent.clone()
    }

    /// Asks for the names of all apps that the user may read.
    ///
    /// # Errors
    ///
    /// [`QrsError`] with the reason.
    pub fn apps(&self) -> Result<AppTable, QrsError> {
        let name = authority(self.config.certificate_name(), self.config.port);
        let xrfkey = xrfkey();
        let (directory, id) = self.config.user_parts().unwrap_or_default();
        let answer = self
            .agent
            .get(format!("https://{name}/qrs/app?xrfkey={xrfkey}"))
            .header("Accept", "application/json")
            .header("X-Qlik-Xrfkey", &xrfkey)
            .header(
                "X-Qlik-User",
                format!("UserDirectory={directory}; UserId={id}"),
            )
            .call();
        let mut answer = answer.map_err(|error| self.error(error))?;
        if answer.status() != http::StatusCode::OK {
            return Err(QrsError::Status {
                address: self.config.address(),
                status: answer.status().as_u16(),
            });
        }
        let body = answer.body_mut().with_config().limit(MAX_ANSWER_BYTES);
        read_json(body.reader()).map_err(|error| self.body_error(error))
    }

    fn error(&self, error: ureq::Error) -> QrsError {
        let address = self.config.address();
        match error {
            ureq::Error::Timeout(Timeout::Connect | Timeout::Resolve) => QrsError::ConnectTimeout {
                address,
                secs: self.connect.as_secs().max(1),
            },
            ureq::Error::Timeout(_) => QrsError::Timeout {
                address,
                secs: self.config.timeout_secs,
            },
            ureq::Error::Rustls(source) => QrsError::Tls { address, source },
            ureq::Error::Io(error) => self.io_error(error),
            ureq::Error::BodyExceedsLimit(_) => QrsError::TooLarge { address },
            ureq::Error::Other(error) => match error.downcast::<Unresolved>() {
                Ok(unresolved) => QrsError::Name {
                    host: self.config.host.clone(),
                    reason: unresolved.0.to_string(),
                },
                Err(error) => QrsError::Broken {
                    address,
                    reason: error.to_string(),
                },
            },
            other => QrsError::Broken {
                address,
                reason: other.to_string(),
            },
        }
    }

    fn io_error(&self, error: io::Error) -> QrsError {
        use io::ErrorKind as Kind;
        let address = self.config.address();
        let inner = error
            .get_ref()
            .and_then(|inner| inner.downcast_ref::<rustls::Error>());
        if let Some(source) = inner {
            return QrsError::Tls {
                address,
                source: source.clone(),
            };
        }
        match error.kind() {
            Kind::ConnectionRefused
            | Kind::HostUnreachable
            | Kind::NetworkUnreachable
            | Kind::NetworkDown
            | Kind::AddrNotAvailable
            | Kind::PermissionDenied => QrsError::Connect {
                address,
                source: error,
            },
            // TLS says more about it than anybody wants to know.
            Kind::UnexpectedEof => QrsError::Broken {
                address,
                reason: "the service closed it".into(),
            },
            _ => QrsError::Broken {
                address,
                reason: error.to_string(),
            },
        }
    }

    /// What is wrong with an answer may be the list in it, or the way here.
    fn body_error(&self, error: io::Error) -> QrsError {
        let address = self.config.address();
        let error = match error.downcast::<AppListError>() {
            Ok(AppListError {
                problem: AppListProblem::NoApps,
                ..
            }) => {
                return QrsError::NoApps {
                    address,
                    user: self.config.user.clone(),
                };
            }
            Ok(source) => return QrsError::Body { address, source },
            Err(error) => error,
        };
        match error.downcast::<ureq::Error>() {
            Ok(error) => self.error(error),
            Err(error) => self.io_error(error),
        }
    }
}

/// 16 letters and digits. The service wants them twice, against requests that a browser was tricked into.
fn xrfkey() -> String {
    let characters = || fastrand::choice(XRFKEY_CHARACTERS).copied().unwrap_or(b'0');
    (0..16).map(|_| char::from(characters())).collect()
}

/// Finds the machine by its own name or address, whatever name its certificate has.
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
