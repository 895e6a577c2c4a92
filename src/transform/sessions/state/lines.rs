//! The lines of a state as serde reads and writes them. Absent values are left out.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// Borrowed when writing, owned after reading.
pub(super) type Text<'a> = Cow<'a, str>;

/// The first line. Another version may have more fields.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Head<'a> {
    pub(super) format: Text<'a>,
    pub(super) version: u32,
    /// Nanoseconds since 1970-01-01T00:00:00Z, like all times that are not ages.
    pub(super) saved: i64,
}

/// Any other line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Line<'a> {
    /// Users refer to endpoints by number, from 0. The format calls them origins.
    #[serde(rename = "origin")]
    Endpoint(EndpointLine<'a>),
    User(UserLine<'a>),
    End(EndLine),
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EndpointLine<'a> {
    pub(super) user_agent: Text<'a>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) virtual_proxy: Option<Text<'a>>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct UserLine<'a> {
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) host: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) user_directory: Option<Text<'a>>,
    pub(super) user_id: Text<'a>,
    /// Milliseconds, like all ages.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) stopped_ago: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) listed_ago: Option<u64>,
    #[serde(skip_serializing_if = "is_default", default)]
    pub(super) unlisted: u8,
    pub(super) sessions: Vec<SessionState<'a>>,
    pub(super) connections: Vec<ConnectionState<'a>>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SessionState<'a> {
    pub(super) number: u8,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) session_id: Option<Text<'a>>,
    #[serde(rename = "origin", skip_serializing_if = "Option::is_none", default)]
    pub(super) endpoint: Option<usize>,
    pub(super) start: i64,
    pub(super) start_seen: bool,
    /// No event showed it; its proxy listed it.
    #[serde(skip_serializing_if = "is_default", default)]
    pub(super) only_listed: bool,
    pub(super) last: i64,
    pub(super) ambiguous: bool,
    pub(super) connections: u32,
    pub(super) since_ago: u64,
    pub(super) seen_ago: u64,
    pub(super) apps: Vec<AppState<'a>>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ConnectionState<'a> {
    /// The number of its session; `None` if that has ended.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) session: Option<u8>,
    pub(super) app: AppState<'a>,
    #[serde(rename = "origin", skip_serializing_if = "Option::is_none", default)]
    pub(super) endpoint: Option<usize>,
    pub(super) start: i64,
    pub(super) ambiguous: bool,
    pub(super) opened_ago: u64,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) stopped: Option<StoppedState<'a>>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AppState<'a> {
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) name: Option<Text<'a>>,
    #[serde(skip_serializing_if = "str::is_empty", default)]
    pub(super) path: Text<'a>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StoppedState<'a> {
    pub(super) at: i64,
    pub(super) ago: u64,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) session_id: Option<Text<'a>>,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// The last line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EndLine {
    pub(super) users: u64,
    pub(super) checksum: u64,
}
