//! Requests to the Qlik Repository Service.

use std::io::{self, BufReader};

use serde::Deserialize;

use super::QrsError;
use crate::{
    config::{QrsConfig, is_host},
    host::https::{self, HttpsError, Service},
    transform::{
        AppTable,
        app_names::{AppListError, AppListProblem, MAX_LIST_BYTES, read_json},
        sessions::ProxyConfig,
    },
};

const _: () = assert!(https::MAX_ANSWER_BYTES == MAX_LIST_BYTES);

/// A client for one request. A new one is made for each, so that renewed certificates are used.
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

    /// The HTTPS client, whose request another thread can abort.
    pub(in super::super) const fn https(&self) -> &https::Client {
        &self.https
    }

    /// Requests the names of all apps that the user may read.
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

    /// Requests all proxies of the site that the user may read, with their virtual proxies.
    ///
    /// # Errors
    ///
    /// [`QrsError`] with the reason.
    pub fn proxies(&self) -> Result<Vec<ProxyConfig>, QrsError> {
        let user = Some(self.user());
        let path = "/qrs/proxyservice/full?xrfkey=";
        let proxies: Vec<ProxyService> = self.https.get(path, user, advise, |body| {
            serde_json::from_reader(BufReader::new(body)).map_err(|error| self.json_error(error))
        })?;
        let proxies: Vec<_> = proxies
            .into_iter()
            .filter_map(ProxyService::config)
            .collect();
        if proxies.is_empty() {
            return Err(QrsError::NoProxies {
                address: self.config.address(),
                user: self.config.user.clone(),
            });
        }
        Ok(proxies)
    }

    /// What is wrong with a response, without quoting it.
    fn json_error(&self, error: serde_json::Error) -> QrsError {
        if error.is_io() {
            return self.https.read_error(error.into()).into();
        }
        QrsError::Proxies {
            address: self.config.address(),
            line: error.line().max(1),
        }
    }

    /// The header with the requesting user.
    fn user(&self) -> (&'static str, String) {
        let (directory, id) = self.config.user_parts().unwrap_or_default();
        (
            "X-Qlik-User",
            format!("UserDirectory={directory}; UserId={id}"),
        )
    }

    /// The list itself may be wrong, or the response could not be read.
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

/// A proxy, as the service describes it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ProxyService {
    server_node_configuration: ServerNode,
    settings: ProxySettings,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ServerNode {
    host_name: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ProxySettings {
    rest_listen_port: u16,
    virtual_proxies: Vec<VirtualProxy>,
}

#[derive(Debug, Deserialize)]
struct VirtualProxy {
    prefix: Option<String>,
}

impl ProxyService {
    /// `None` if the proxy has no virtual proxy, so that it cannot have sessions, or if its host name is not usable.
    fn config(self) -> Option<ProxyConfig> {
        let virtual_proxies = self.settings.virtual_proxies.into_iter();
        let virtual_proxies: Vec<_> = virtual_proxies
            .map(|virtual_proxy| virtual_proxy.prefix.unwrap_or_default())
            .collect();
        let host = self.server_node_configuration.host_name;
        (!virtual_proxies.is_empty() && is_host(&host) && !host.is_empty()).then(|| ProxyConfig {
            host,
            port: self.settings.rest_listen_port,
            virtual_proxies,
            ..ProxyConfig::default()
        })
    }
}

/// The advice for a status.
const fn advise(status: u16) -> &'static str {
    match status {
        400 => "; a proxy on the way may have changed the request",
        401 | 403 => "; the certificate or the user is not allowed to read this",
        404 => "; is this the port of the repository service?",
        300..=399 => "; is this the port of a proxy instead of the repository service?",
        503 => "; the repository service is not ready",
        _ => "",
    }
}
