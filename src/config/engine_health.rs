//! Which engines are queried for their health.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::transform::sessions::node_name;

/// `[engine_health]`: whether and how the engines of a site are queried for their health.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EngineHealthConfig {
    /// The nodes whose engines are queried. Default: none, for no requests.
    pub nodes: Vec<EngineConfig>,
    /// The client certificate, in PEM. Default: empty, which means the one for the Qlik Repository Service.
    pub certificate_file: PathBuf,
    /// Its private key, in PEM and without a password. Default: empty, as above.
    pub key_file: PathBuf,
    /// The certificate that signed the engines' certificates, in PEM. Default: empty, as above.
    pub root_file: PathBuf,
    /// Seconds from an engine's answer to the next request, 5 to 3,600. Default: 15.
    pub interval_secs: u64,
    /// Seconds for a whole request, 1 to 30. Default: 10.
    pub timeout_secs: u64,
}

/// A node whose engine is queried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EngineConfig {
    /// Its host, by name or IP address. There is no default.
    pub host: String,
    /// The port of the engine. Default: 4747.
    pub port: u16,
    /// The name that its certificate must have. Default: empty, which means `host`.
    pub server_name: String,
    /// The Qlik node, as its events name it. Default: empty, which means `host` up to the first dot.
    pub node: String,
}

impl EngineConfig {
    /// The Qlik node, as its events name it.
    #[must_use]
    pub fn node(&self) -> &str {
        node_name(&self.node, &self.host)
    }
}

impl Default for EngineHealthConfig {
    fn default() -> Self {
        Self {
            nodes: Vec::new(),
            certificate_file: PathBuf::new(),
            key_file: PathBuf::new(),
            root_file: PathBuf::new(),
            interval_secs: 15,
            timeout_secs: 10,
        }
    }
}

impl Default for EngineConfig {
    fn default() -> Self {
        Self {
            host: String::new(),
            port: 4747,
            server_name: String::new(),
            node: String::new(),
        }
    }
}
