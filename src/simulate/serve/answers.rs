//! What the services of a node answer.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::http::{Answer, Request};
use crate::simulate::{Day, Health};

/// The prefixes of the site's virtual proxies; that of the first one is empty.
const VIRTUAL_PROXIES: [&str; 5] = ["", "sales", "partners", "public", "kiosk"];

const MEBIBYTE: f64 = 1_048_576.0;

/// The site, and the time there.
#[derive(Debug)]
pub(super) struct Site {
    pub(super) day: Arc<Day>,
    /// The time of the day at `start`.
    pub(super) from: Duration,
    pub(super) start: Instant,
    /// The ports of the nodes.
    pub(super) ports: Vec<u16>,
}

impl Site {
    /// The answer of a node.
    pub(super) fn answer(&self, node: usize, request: &Request) -> Answer {
        if request.method != "GET" {
            return Answer::status(405);
        }
        let path = request.path.trim_matches('/');
        if let "engine/healthcheck" | "healthcheck" = path {
            let host = &self.day.nodes.hosts()[node];
            return Answer::json(&health(
                &self.day.health_at(host, self.now()),
                self.day.begin,
            ));
        }
        let Some((service, call)) = path.split_once('/') else {
            return Answer::status(404);
        };
        if !matches!(service, "qrs" | "qps") {
            return Answer::status(404);
        }
        if !has_key(request) {
            return Answer::status(400);
        }
        match service {
            "qps" => self.proxy(node, call.trim_start_matches('/')),
            // The repository requires a user whose access rights apply.
            _ if request.header("X-Qlik-User").is_none() => Answer::status(403),
            _ => self.repository(call),
        }
    }

    fn now(&self) -> Duration {
        self.from + self.start.elapsed()
    }

    /// The repository is the same on all nodes.
    fn repository(&self, call: &str) -> Answer {
        match call.strip_suffix("/full").unwrap_or(call) {
            "app" => Answer::json(&self.apps()),
            "proxyservice" => Answer::json(&self.proxies()),
            "virtualproxyconfig" => Answer::json(&virtual_proxies()),
            _ => Answer::status(404),
        }
    }

    fn apps(&self) -> Value {
        let apps = self.day.nodes.apps().iter();
        apps.map(|app| {
            json!({
                "id": *app.id,
                "name": *app.name,
                "appId": "",
                "publishTime": "2026-01-05T08:00:00.000Z",
                "published": true,
                "fileSize": app.ram_bytes / 8,
                "savedInProductVersion": "12.2029.0",
                "availabilityStatus": 0,
                "privileges": null,
            })
        })
        .collect()
    }

    fn proxies(&self) -> Value {
        let nodes = self.day.nodes.hosts().iter().zip(&self.ports).enumerate();
        nodes
            .map(|(number, (host, port))| {
                json!({
                    "id": id(1, number),
                    "serverNodeConfiguration": {
                        "id": id(2, number),
                        "name": if number == 0 { "Central" } else { host },
                        "hostName": **host,
                        "isCentral": number == 0,
                        "privileges": null,
                    },
                    "settings": {
                        "id": id(3, number),
                        "listenPort": 443,
                        "allowHttp": false,
                        "unencryptedListenPort": 80,
                        "restListenPort": port,
                        "virtualProxies": virtual_proxies(),
                    },
                    "privileges": null,
                })
            })
            .collect()
    }

    /// The sessions of a virtual proxy on this node.
    fn proxy(&self, node: usize, call: &str) -> Answer {
        let prefix = match call.strip_suffix("session") {
            Some("") => "",
            Some(prefix) if prefix.ends_with('/') => prefix.trim_end_matches('/'),
            _ => return Answer::status(404),
        };
        if !VIRTUAL_PROXIES.contains(&prefix) {
            return Answer::status(404);
        }
        let host = &self.day.nodes.hosts()[node];
        let sessions = self.day.nodes.sessions_at(host, self.now());
        let sessions = sessions.filter(|session| session.virtual_proxy == prefix);
        let sessions: Value = sessions
            .map(|session| {
                json!({
                    "UserDirectory": *session.directory,
                    "UserId": *session.user_id,
                    "Attributes": [{"group": "everyone"}],
                    "SessionId": session.cookie,
                })
            })
            .collect();
        Answer::json(&sessions)
    }
}

/// Whether the same 16 letters and digits are in the query and in a header.
fn has_key(request: &Request) -> bool {
    let key = request.parameter("xrfkey");
    key.is_some_and(|key| {
        key.len() == 16
            && key.bytes().all(|byte| byte.is_ascii_alphanumeric())
            && request.header("X-Qlik-Xrfkey") == Some(key)
    })
}

fn virtual_proxies() -> Value {
    let proxies = VIRTUAL_PROXIES.iter().enumerate();
    proxies
        .map(|(number, prefix)| {
            json!({
                "id": id(4, number),
                "prefix": prefix,
                "description": if prefix.is_empty() { "Central Proxy (Default)" } else { prefix },
                "sessionInactivityTimeout": 30,
                "defaultVirtualProxy": prefix.is_empty(),
                "privileges": null,
            })
        })
        .collect()
}

/// A guid for an object of a kind.
fn id(sort: u32, number: usize) -> String {
    format!("5e7f1ce5-{sort:04}-4000-8000-{number:012}")
}

/// The format of the engine: memory in MB, and the time when it started.
fn health(health: &Health, started: DateTime<Utc>) -> Value {
    let mb = |bytes: u64| bytes as f64 / MEBIBYTE;
    let ids = |apps: &[Arc<str>]| -> Vec<Value> { apps.iter().map(|id| json!(**id)).collect() };
    json!({
        "version": "12.2029.0",
        "started": started.format("%Y%m%dT%H%M%S%.3fZ").to_string(),
        "mem": {
            "committed": mb(health.committed_bytes),
            "allocated": mb(health.allocated_bytes),
            "free": mb(health.free_bytes),
            "totalPhysical": mb(health.total_bytes),
        },
        "cpu": {"total": health.cpu_percent},
        "session": {"active": health.sessions.0, "total": health.sessions.1},
        "apps": {
            "active_docs": ids(&health.active_apps),
            "loaded_docs": ids(&health.loaded_apps),
            "in_memory_docs": ids(&health.in_memory_apps),
            "calls": health.calls,
            "selections": health.selections,
        },
        "users": {"active": health.users.0, "total": health.users.1},
        "cache": {
            "hits": health.cache_hits,
            "lookups": health.cache_lookups,
            "added": health.cache_added,
            "replaced": 0,
            "bytes_added": health.cache_bytes_added,
        },
        "saturated": health.is_saturated(),
    })
}
