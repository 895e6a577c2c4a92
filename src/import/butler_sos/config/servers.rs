//! The servers that Butler SOS queries: engines for their health, proxies for sessions.

use std::collections::BTreeMap;

use serde::{Deserialize, de::IgnoredAny};

use super::super::values::{Count, Text, list, or_default};

/// `serversToMonitor`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, expecting = "keys with values")]
pub(in super::super) struct ServersToMonitor {
    /// Milliseconds.
    pub(in super::super) polling_interval: Option<Count>,
    pub(in super::super) reject_unauthorized: Option<bool>,
    #[serde(deserialize_with = "list")]
    pub(in super::super) servers: Vec<Server>,
}

/// An entry of `servers`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, expecting = "keys with values")]
pub(in super::super) struct Server {
    /// The engine.
    #[serde(deserialize_with = "or_default")]
    pub(in super::super) host: Text,
    #[serde(deserialize_with = "or_default")]
    pub(in super::super) user_sessions: ServerSessions,
    /// Headers of requests to the engine; their values may be secret and are not kept.
    #[serde(deserialize_with = "or_default")]
    pub(in super::super) headers: BTreeMap<String, IgnoredAny>,
}

/// `userSessions` of a server.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, expecting = "keys with values")]
pub(in super::super) struct ServerSessions {
    #[serde(deserialize_with = "or_default")]
    pub(in super::super) enable: bool,
    /// The proxy.
    #[serde(deserialize_with = "or_default")]
    pub(in super::super) host: Text,
    #[serde(deserialize_with = "list")]
    pub(in super::super) virtual_proxies: Vec<VirtualProxy>,
}

/// An entry of `virtualProxies`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, expecting = "keys with values")]
pub(in super::super) struct VirtualProxy {
    /// Its prefix after a slash; a slash alone for the default virtual proxy.
    pub(in super::super) virtual_proxy: Option<Text>,
}

/// `userSessions`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, expecting = "keys with values")]
pub(in super::super) struct UserSessions {
    #[serde(deserialize_with = "or_default")]
    pub(in super::super) enable_session_extract: bool,
    /// Milliseconds.
    pub(in super::super) polling_interval: Option<Count>,
}
