//! The engines and proxies of a site, which both programs query.

use super::super::{
    Note,
    config::{ButlerSos, Server},
    values::Text,
};
use crate::{
    config::{Config, EngineConfig, wrong_of_engine, wrong_of_proxy},
    transform::sessions::ProxyConfig,
};

/// Adds the engines, and the proxies if Butler SOS asks them for sessions.
pub(super) fn servers(from: &ButlerSos, config: &mut Config, notes: &mut Vec<Note>) {
    engines(from, config, notes);
    proxies(from, config, notes);
    let (engines, proxies) = (
        &config.engine_health.nodes,
        &config.transform.sessions.qps.proxies,
    );
    let is_any_written = !engines.is_empty() || !proxies.is_empty();
    if is_any_written && from.servers_to_monitor.reject_unauthorized == Some(false) {
        notes.push(Note::new(
            "serversToMonitor.rejectUnauthorized",
            "false, but certificates are verified here; if one was issued to another name than `host`, set \
             `server_name` of that node",
        ));
    }
}

fn engines(from: &ButlerSos, config: &mut Config, notes: &mut Vec<Note>) {
    let monitored = &from.servers_to_monitor;
    if monitored.servers.is_empty() {
        return;
    }
    let engine_health = &mut config.engine_health;
    for (place, server) in monitored.servers.iter().enumerate() {
        let key = format!("serversToMonitor.servers[{place}]");
        if is_behind_proxy(server) {
            notes.push(Note::new(
                &key,
                "left out: Butler SOS queries the engine through a proxy, with headers or below a path, and \
                 `[engine_health]` queries it directly; add its host to `nodes`",
            ));
            continue;
        }
        let (host, port) = server.host.host_and_port();
        let engine = EngineConfig {
            host: host.to_owned(),
            port: port.unwrap_or(EngineConfig::default().port),
            ..EngineConfig::default()
        };
        if let Some(wrong) = wrong_of_engine(&engine, &engine_health.nodes) {
            notes.push(Note::new(&key, &left_out(&wrong, &server.host)));
            continue;
        }
        note_guesses(&format!("{key}.host"), host, port, engine.port, notes);
        engine_health.nodes.push(engine);
    }
    if engine_health.nodes.is_empty() {
        return;
    }
    if let Some(interval) = monitored.polling_interval {
        engine_health.interval_secs = interval.seconds_of_milliseconds().clamp(5, 3_600);
    }
    notes.push(Note::new(
        "serversToMonitor",
        "`[engine_health]` queries the engines; its metrics have other names than Butler SOS's measurements, and no \
         sink of vector.yaml takes them yet: see docs/engine-health.md, or remove the table",
    ));
}

fn proxies(from: &ButlerSos, config: &mut Config, notes: &mut Vec<Note>) {
    if !from.user_sessions.enable_session_extract {
        return;
    }
    let qps = &mut config.transform.sessions.qps;
    for (place, server) in from.servers_to_monitor.servers.iter().enumerate() {
        let sessions = &server.user_sessions;
        if !sessions.enable {
            continue;
        }
        let key = format!("serversToMonitor.servers[{place}].userSessions");
        let (host, port) = sessions.host.host_and_port();
        let prefixes = sessions.virtual_proxies.iter();
        let prefixes = prefixes.filter_map(|it| it.virtual_proxy.as_ref());
        let proxy = ProxyConfig {
            host: host.to_owned(),
            port: port.unwrap_or(ProxyConfig::default().port),
            virtual_proxies: prefixes
                .map(|Text(prefix)| prefix.trim_matches('/').to_owned())
                .collect(),
            ..ProxyConfig::default()
        };
        if let Some(wrong) = wrong_of_proxy(&proxy, &qps.proxies) {
            notes.push(Note::new(&key, &left_out(&wrong, &sessions.host)));
            continue;
        }
        note_guesses(&format!("{key}.host"), host, port, proxy.port, notes);
        qps.proxies.push(proxy);
    }
    if qps.proxies.is_empty() {
        notes.push(Note::new(
            "userSessions",
            "not imported; `transform.sessions` follows sessions, and its `qps` queries the proxies",
        ));
        return;
    }
    if let Some(interval) = from.user_sessions.polling_interval {
        qps.interval_secs = interval.seconds_of_milliseconds().clamp(10, 3_600);
    }
    notes.push(Note::new(
        "userSessions",
        "`transform.sessions.qps` has the proxies but is switched off, because its events and metrics are not Butler \
         SOS's measurements; to use it, set `enabled = true` there and in `transform.sessions`, and give vector.yaml \
         a sink for them: see docs/sessions.md",
    ));
}

fn left_out(wrong: &str, Text(host): &Text) -> String {
    let found = if host.is_empty() {
        "`host` is missing".to_owned()
    } else {
        format!("`host` is '{}'", host.escape_debug())
    };
    format!("left out: {wrong}; {found}")
}

/// Whether requests to the engine need what only a proxy understands.
fn is_behind_proxy(server: &Server) -> bool {
    let host = server.host.0.trim();
    let host = host.split_once("://").map_or(host, |(_, rest)| rest);
    let path = host.split_once('/').map_or("", |(_, path)| path);
    !server.headers.is_empty() || !path.is_empty()
}

/// Notes what the file does not say: the port, and the Qlik node of an IP address.
fn note_guesses(key: &str, host: &str, port: Option<u16>, used: u16, notes: &mut Vec<Note>) {
    if port.is_none() {
        let message =
            format!("without a port Butler SOS queries 443; here it is {used}, the service's own");
        notes.push(Note::new(key, &message));
    }
    if host.parse::<std::net::IpAddr>().is_ok() {
        let message = format!(
            "the Qlik node at {host} is not known; set `node` to its name, as in the field `host` of its events"
        );
        notes.push(Note::new(key, &message));
    }
}
