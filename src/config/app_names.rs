//! `[transform.app_names]`: files, and the Qlik Repository Service.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::transform::AppNamesConfig;

/// Where app names come from. A name from a file takes precedence over that of the repository.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AppNameSourcesConfig {
    /// Files with app names, as CSV or JSON. Default: none.
    pub files: Vec<PathBuf>,
    /// `[transform.app_names.qrs]`: the Qlik Repository Service.
    pub qrs: QrsConfig,
}

impl AppNameSourcesConfig {
    /// What the transform is built from.
    #[must_use]
    pub fn transform(&self) -> AppNamesConfig {
        AppNamesConfig {
            files: self.files.clone(),
        }
    }
}

/// The Qlik Repository Service that knows the names of a site's apps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct QrsConfig {
    /// The host of the service, by name or IP address. Default: empty, for no requests.
    pub host: String,
    /// The service's port. Default: 4242.
    pub port: u16,
    /// The name that the service's certificate must have. Default: empty, which means `host`.
    pub server_name: String,
    /// The client certificate, in PEM. Default: `client.pem`, as Qlik exports it.
    pub certificate_file: PathBuf,
    /// Its private key, in PEM and without a password. Default: `client_key.pem`.
    pub key_file: PathBuf,
    /// The certificate that signed the service's certificate, in PEM. Default: `root.pem`.
    pub root_file: PathBuf,
    /// The Qlik Sense user of the requests, `DIR\id`. Default: `INTERNAL\sa_api`.
    pub user: String,
    /// Seconds between requests, 1 to 86,400. Default: 300.
    pub interval_secs: u64,
    /// Seconds for a whole request, 1 to 600. Default: 30.
    pub timeout_secs: u64,
}

impl Default for QrsConfig {
    fn default() -> Self {
        Self {
            host: String::new(),
            port: 4242,
            server_name: String::new(),
            certificate_file: "client.pem".into(),
            key_file: "client_key.pem".into(),
            root_file: "root.pem".into(),
            user: r"INTERNAL\sa_api".into(),
            interval_secs: 300,
            timeout_secs: 30,
        }
    }
}

impl QrsConfig {
    /// Whether a service is configured.
    #[must_use]
    pub const fn is_enabled(&self) -> bool {
        !self.host.is_empty()
    }

    /// The name that the service's certificate must have.
    #[must_use]
    pub fn certificate_name(&self) -> &str {
        if self.server_name.is_empty() {
            &self.host
        } else {
            &self.server_name
        }
    }

    /// The user's directory and id; `None` if `user` is not a `DIR\id` that a header can carry.
    #[must_use]
    pub fn user_parts(&self) -> Option<(&str, &str)> {
        let is_usable = |part: &&str| {
            let bytes = || part.bytes();
            !part.is_empty() && bytes().all(|byte| (0x20..0x7F).contains(&byte) && byte != b';')
        };
        let (directory, id) = self.user.split_once('\\')?;
        Some((directory, id)).filter(|(directory, id)| is_usable(directory) && is_usable(id))
    }

    /// The service's address as `host:port`.
    #[must_use]
    pub fn address(&self) -> String {
        authority(&self.host, self.port)
    }
}

/// `host:port`, with an IPv6 address in brackets.
pub(crate) fn authority(host: &str, port: u16) -> String {
    if host.contains(':') {
        format!("[{host}]:{port}")
    } else {
        format!("{host}:{port}")
    }
}

/// Whether this can be the name of a machine, or its IP address without brackets.
pub(crate) fn is_host(text: &str) -> bool {
    let is_name = text
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte));
    text.parse::<std::net::IpAddr>().is_ok() || is_name
}
