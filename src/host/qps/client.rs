//! Requests to a proxy.

use std::time::SystemTime;

use super::{QpsError, answer::Counting};
use crate::{
    config::QrsConfig,
    host::https::{self, HttpsError, MayAsk, Service, file_or},
    transform::sessions::{ProxyConfig, QpsConfig, SessionList},
};

/// A client for the requests that make up one answer. A new one is made for each answer, so that renewed certificates
/// are used.
#[derive(Debug)]
pub struct Client {
    proxy: ProxyConfig,
    https: https::Client,
}

/// The answer of a proxy.
#[derive(Debug)]
pub struct Answer {
    /// The users who have sessions.
    pub list: SessionList,
    /// How many sessions each virtual proxy lists, by prefix.
    pub virtual_proxies: Vec<(String, usize)>,
}

impl Client {
    /// Reads the certificates and the key, and checks them. Files that `config` does not name are taken from `qrs`.
    ///
    /// # Errors
    ///
    /// [`HttpsError`] that is [about the files](HttpsError::is_about_files).
    pub fn new(
        config: &QpsConfig,
        qrs: &QrsConfig,
        proxy: &ProxyConfig,
    ) -> Result<Self, HttpsError> {
        let service = Service {
            name: "the proxy service",
            host: proxy.host.clone(),
            port: proxy.port,
            server_name: proxy.server_name.clone(),
            certificate_file: file_or(&config.certificate_file, &qrs.certificate_file),
            key_file: file_or(&config.key_file, &qrs.key_file),
            root_file: file_or(&config.root_file, &qrs.root_file),
            timeout_secs: config.timeout_secs,
        };
        Ok(Self {
            proxy: proxy.clone(),
            https: https::Client::new(service)?,
        })
    }

    /// The proxy's address as `host:port`.
    #[must_use]
    pub fn address(&self) -> String {
        self.https.service().address()
    }

    /// Requests the sessions of all virtual proxies, one after the other. If one request fails, there is no answer.
    ///
    /// # Errors
    ///
    /// [`QpsError`] with the reason.
    pub fn sessions(&self) -> Result<Answer, QpsError> {
        self.sessions_while(&|_| true)
            .unwrap_or(Err(QpsError::Panicked))
    }

    /// As [`sessions`](Self::sessions), but `None` if `may_ask` allows no further request.
    pub(super) fn sessions_while(&self, may_ask: MayAsk<'_>) -> Option<Result<Answer, QpsError>> {
        let asked = SystemTime::now().into();
        let mut counting = Counting::default();
        let mut virtual_proxies = Vec::new();
        for virtual_proxy in &self.proxy.virtual_proxies {
            if !may_ask(&self.https) {
                return None;
            }
            match self.ask(virtual_proxy, &mut counting) {
                Ok(sessions) => virtual_proxies.push((virtual_proxy.clone(), sessions)),
                Err(error) => return Some(Err(error)),
            }
            if counting.has_too_many() {
                let address = self.address();
                return Some(Err(QpsError::TooMany { address }));
            }
        }
        let list = SessionList {
            host: self.proxy.node().into(),
            asked,
            users: counting.into_users(),
        };
        Some(Ok(Answer {
            list,
            virtual_proxies,
        }))
    }

    fn ask(&self, virtual_proxy: &str, counting: &mut Counting) -> Result<usize, QpsError> {
        let path = match virtual_proxy.trim_matches('/') {
            "" => "/qps/session?Xrfkey=".to_owned(),
            prefix => format!("/qps/{prefix}/session?Xrfkey="),
        };
        let answered = self.https.get(&path, None, advise, |body| {
            let read = counting.read(body);
            read.map_err(|error| self.body_error(virtual_proxy, error))
        });
        match answered {
            Err(QpsError::Https(HttpsError::Status {
                address,
                status: 404,
                ..
            })) => Err(QpsError::VirtualProxy {
                address,
                virtual_proxy: virtual_proxy.to_owned(),
            }),
            answered => answered,
        }
    }

    /// What is wrong with a response, without quoting it: it contains session ids, which are secrets.
    fn body_error(&self, virtual_proxy: &str, error: serde_json::Error) -> QpsError {
        let expected = "expected an array of sessions, each with the user's directory and id";
        match self.https.json_problem(error, expected) {
            Ok((line, reason)) => QpsError::Body {
                address: self.address(),
                virtual_proxy: virtual_proxy.to_owned(),
                line,
                reason,
            },
            Err(error) => error.into(),
        }
    }
}

/// The advice for a status.
const fn advise(status: u16) -> &'static str {
    match status {
        400 => "; a proxy on the way may have changed the request",
        401 | 403 => "; the certificate is not authorised, or belongs to another site",
        300..=399 => "; is this the port of the hub instead of the REST API, 4243?",
        503 => "; the proxy service is not ready",
        _ => "",
    }
}
