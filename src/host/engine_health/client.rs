//! The request for an engine's health.

use super::{EngineHealthError, answer};
use crate::{
    config::{EngineConfig, EngineHealthConfig, QrsConfig},
    host::{
        https::{self, HttpsError, Service, file_or},
        metrics::EngineHealth,
    },
};

/// The path in Qlik's API.
const PATH: &str = "/engine/healthcheck";

/// A client for one request. A new one is made for each, so that renewed certificates are used.
#[derive(Debug)]
pub struct Client {
    https: https::Client,
}

impl Client {
    /// Reads the certificates and the key, and checks them. Files that `config` does not name are taken from `qrs`.
    ///
    /// # Errors
    ///
    /// [`HttpsError`] that is [about the files](HttpsError::is_about_files).
    pub fn new(
        config: &EngineHealthConfig,
        qrs: &QrsConfig,
        engine: &EngineConfig,
    ) -> Result<Self, HttpsError> {
        let service = Service {
            name: "the engine",
            host: engine.host.clone(),
            port: engine.port,
            server_name: engine.server_name.clone(),
            certificate_file: file_or(&config.certificate_file, &qrs.certificate_file),
            key_file: file_or(&config.key_file, &qrs.key_file),
            root_file: file_or(&config.root_file, &qrs.root_file),
            timeout_secs: config.timeout_secs,
        };
        Ok(Self {
            https: https::Client::new(service)?,
        })
    }

    /// The HTTPS client, whose request another thread can abort.
    pub(super) const fn https(&self) -> &https::Client {
        &self.https
    }

    /// The engine's address as `host:port`.
    #[must_use]
    pub fn address(&self) -> String {
        self.https.service().address()
    }

    /// Requests the health.
    ///
    /// # Errors
    ///
    /// [`EngineHealthError`] with the reason.
    pub fn health(&self) -> Result<EngineHealth, EngineHealthError> {
        self.https.get(PATH, None, advise, |body| {
            answer::read(body).map_err(|error| self.body_error(error))
        })
    }

    /// What is wrong with a response, without quoting it.
    fn body_error(&self, error: serde_json::Error) -> EngineHealthError {
        let expected = "expected an object with `mem`, the memory, and numbers";
        match self.https.json_problem(error, expected) {
            Ok((line, reason)) => EngineHealthError::Body {
                address: self.address(),
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
        401 | 403 => "; the certificate is not authorised, or belongs to another site",
        300..=399 | 404 => "; is this the port of a proxy instead of the engine, 4747?",
        _ => "",
    }
}
