//! The tracker's options.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// The options of the session tracker, `[transform.sessions]` in the configuration file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SessionsConfig {
    /// Whether to follow sessions and connections. Default: no.
    pub enabled: bool,
    /// Seconds after which a session with nothing open and without any event counts as ended, 60 to 31,536,000.
    /// Default: 7,200, four times Qlik Sense's own default for inactivity.
    pub idle_timeout_secs: u64,
    /// The *session inactivity timeout* of the virtual proxies, in seconds, 60 to 31,536,000. It distinguishes
    /// time-outs from logouts if a user has several sessions. Default: 1,800, Qlik Sense's own.
    pub inactivity_timeout_secs: u64,
    /// Seconds after which a connection counts as closed, 60 to 31,536,000. Default: 86,400.
    pub connection_timeout_secs: u64,
    /// The most users to follow, each counted once for each Qlik node, 1 to 10,000,000. Default: 100,000.
    pub max_users: usize,
    /// Seconds between snapshots of all open sessions, up to 86,400; 0 for none. Default: 300.
    pub snapshot_interval_secs: u64,
    /// The file that keeps the state across restarts. It contains user names. Default: empty, for none.
    pub state_file: PathBuf,
    /// `[transform.sessions.qps]`: whether proxies are queried for their sessions.
    pub qps: QpsConfig,
}

/// Whether and how a host queries the Qlik Proxy Service for sessions; the transform takes the
/// [list](super::Sessions::take_list).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct QpsConfig {
    /// Whether to query proxies. Default: no.
    pub enabled: bool,
    /// The proxies. Default: none, which means all that the Qlik Repository Service knows.
    pub proxies: Vec<ProxyConfig>,
    /// The client certificate, in PEM. Default: empty, which means the one for the Qlik Repository Service.
    pub certificate_file: PathBuf,
    /// Its private key, in PEM and without a password. Default: empty, as above.
    pub key_file: PathBuf,
    /// The certificate that signed the proxies' certificates, in PEM. Default: empty, as above.
    pub root_file: PathBuf,
    /// Seconds from a proxy's answer to the next request, 10 to 3,600. Default: 60.
    pub interval_secs: u64,
    /// Seconds for a whole request, 1 to 30. Default: 10.
    pub timeout_secs: u64,
}

/// A proxy to query.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ProxyConfig {
    /// Its host, by name or IP address. There is no default.
    pub host: String,
    /// The port of its REST API. Default: 4243.
    pub port: u16,
    /// The name that its certificate must have. Default: empty, which means `host`.
    pub server_name: String,
    /// The Qlik node, as its events name it. Default: empty, which means `host` up to the first dot.
    pub node: String,
    /// The prefixes of its virtual proxies. Default: that of the default virtual proxy, which is empty.
    pub virtual_proxies: Vec<String>,
}

impl ProxyConfig {
    /// The Qlik node, as its events name it.
    #[must_use]
    pub fn node(&self) -> &str {
        node_name(&self.node, &self.host)
    }
}

/// The Qlik node of a service: `node`, or without one `host` up to the first dot.
pub(crate) fn node_name<'c>(node: &'c str, host: &'c str) -> &'c str {
    let is_address = host.parse::<std::net::IpAddr>().is_ok();
    match host.split_once('.') {
        _ if !node.is_empty() => node,
        Some((name, _)) if !is_address => name,
        _ => host,
    }
}

impl SessionsConfig {
    /// The state file, if configured.
    #[must_use]
    pub fn state_file(&self) -> Option<&Path> {
        (self.enabled && !self.state_file.as_os_str().is_empty()).then_some(&*self.state_file)
    }
}

impl Default for SessionsConfig {
    fn default() -> Self {
        Self {
            enabled: false,
            idle_timeout_secs: 7_200,
            inactivity_timeout_secs: 1_800,
            connection_timeout_secs: 86_400,
            max_users: 100_000,
            snapshot_interval_secs: 300,
            state_file: PathBuf::new(),
            qps: QpsConfig::default(),
        }
    }
}

impl Default for QpsConfig {
    fn default() -> Self {
        Self {
            enabled: false,
            proxies: Vec::new(),
            certificate_file: PathBuf::new(),
            key_file: PathBuf::new(),
            root_file: PathBuf::new(),
            interval_secs: 60,
            timeout_secs: 10,
        }
    }
}

impl Default for ProxyConfig {
    fn default() -> Self {
        Self {
            host: String::new(),
            port: 4243,
            server_name: String::new(),
            node: String::new(),
            virtual_proxies: vec![String::new()],
        }
    }
}
