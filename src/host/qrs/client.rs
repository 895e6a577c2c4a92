//! What the service is asked.

use std::io;

use super::QrsError;
use crate::{
    config::QrsConfig,
    host::https::{self, HttpsError, Service},
    transform::{
        AppTable,
        app_names::{AppListError, AppListProblem, MAX_LIST_BYTES, read_json},
    },
};

const _: () = assert!(https::MAX_ANSWER_BYTES == MAX_LIST_BYTES);

/// A client for one request. It is made anew for each, so that renewed certificates are used.
#[derive(Debug)]
pub struct Client {
    config: QrsConfig,
    https: https::Client,
}

impl Client {
    /// Reads the certificates and the key, and checks them.
    ///
    /// # Errors
    ///
    /// [`HttpsError`] that is [about the files](HttpsError::is_about_files).
    pub fn new(config: &QrsConfig) -> Result<Self, HttpsError> {
        let service = Service {
            name: "the repository service",
            host: config.host.clone(),
            port: config.port,
            server_name: config.server_name.clone(),
            certificate_file: config.certificate_file.clone(),
            key_file: config.key_file.clone(),
            root_file: config.root_file.clone(),
            timeout_secs: config.timeout_secs,
        };
        Ok(Self {
            config: config.clone(),
            https: https::Client::new(service)?,
        })
    }

    /// What asks, whose request another thread can break off.
    pub(in super::super) const fn https(&self) -> &https::Client {
        &self.https
    }

    /// Asks for the names of all apps that the user may read.
    ///
    /// # Errors
    ///
    /// [`QrsError`] with the reason.
    pub fn apps(&self) -> Result<AppTable, QrsError> {
        let user = Some(self.user());
        self.https.get("/qrs/app?xrfkey=", user, advise, |body| {
            read_json(body).map_err(|error| self.apps_error(error))
        })
    }

    /// The header that says who asks.
    fn user(&self) -> (&'static str, String) {
        let (directory, id) = self.config.user_parts().unwrap_or_default();
        (
            "X-Qlik-User",
            format!("UserDirectory={directory}; UserId={id}"),
        )
    }

    /// What is wrong with an answer may be the list in it, or the way here.
    fn apps_error(&self, error: io::Error) -> QrsError {
        let address = self.config.address();
        match error.downcast::<AppListError>() {
            Ok(AppListError {
                problem: AppListProblem::NoApps,
                ..
            }) => QrsError::NoApps {
                address,
                user: self.config.user.clone(),
            },
            Ok(source) => QrsError::Body { address, source },
            Err(error) => self.https.read_error(error).into(),
        }
    }
}

/// What to do about a status.
const fn advise(status: u16) -> &'static str {
    match status {
        400 => "; a proxy on the way may have changed the request",
        401 | 403 => "; the certificate or the user is not allowed to read apps",
        404 => "; is it the port of the repository service?",
        300..=399 => "; is it the port of a proxy and not of the repository service?",
        503 => "; the repository service is not ready",
        _ => "",
    }
}
