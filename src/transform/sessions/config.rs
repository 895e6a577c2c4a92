//! The tracker's options.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// The options of the session tracker, `[transform.sessions]` in the configuration file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SessionsConfig {
    /// Whether sessions and connections are followed. Default: no.
    pub enabled: bool,
    /// Seconds after which a session with nothing open and without any event is taken to have ended,
    /// 60 to 31,536,000. Default: 7,200, four times Qlik Sense's own default for inactivity.
    pub idle_timeout_secs: u64,
    /// The *session inactivity timeout* of the virtual proxies, in seconds, 60 to 31,536,000. It tells
    /// time-outs from log-outs where a user has several sessions. Default: 1,800, Qlik Sense's own.
    pub inactivity_timeout_secs: u64,
    /// Seconds after which a connection is taken to be closed, 60 to 31,536,000. Default: 86,400.
    pub connection_timeout_secs: u64,
    /// Users that are followed at most, each counted once for each Qlik node, 1 to 10,000,000.
    /// Default: 100,000.
    pub max_users: usize,
    /// Seconds from one snapshot of all open sessions to the next, up to 86,400; 0 for none.
    /// Default: 300.
    pub snapshot_interval_secs: u64,
    /// Where the state is kept from one run to the next; empty for nowhere, the default. It names
    /// users.
    pub state_file: PathBuf,
}

impl SessionsConfig {
    /// The state file, where there is to be one.
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
        }
    }
}
