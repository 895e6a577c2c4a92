//! Values of the right type that cannot be intended.

use std::{fmt, ops::RangeInclusive, path::Path};

use super::{
    Config, EngineConfig, Manifest, app_names::is_host, read::Refused, suggest::nearest, tree::Step,
};
use crate::{decoding::MAX_DATAGRAM_BYTES, schema::SOURCE_TYPE, transform::sessions::ProxyConfig};

/// A minute to a year.
const TIMEOUT_SECS: RangeInclusive<u64> = 60..=31_536_000;

const RECEIVE_BUFFER_BYTES: RangeInclusive<usize> = 4_096..=1 << 30;

/// From the size of the longest event up to the memory of a usual machine.
const QUEUE_BYTES: RangeInclusive<usize> = 65_536..=1 << 30;

/// An option has the right type and a value that cannot be intended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrongValue {
    /// The key with its tables, for example `source.workers`.
    pub key: &'static str,
    /// The index in the list, from 0, if one value of a list is wrong.
    pub index: Option<usize>,
    /// What was expected.
    pub message: String,
}

impl fmt::Display for WrongValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.key)?;
        if let Some(index) = self.index {
            write!(f, "[{index}]")?;
        }
        write!(f, ": {}", self.message)
    }
}

impl WrongValue {
    /// The way to the value.
    pub(super) fn path(&self) -> Vec<Step> {
        let keys = self.key.split('.').map(|key| Step::Key(key.to_owned()));
        keys.chain(self.index.map(Step::Index)).collect()
    }

    /// Whether it is only wrong because it, or something in it, was rejected and removed.
    pub(super) fn follows_from(&self, refused: &[Refused]) -> bool {
        let path = self.path();
        refused
            .iter()
            .any(|refused| refused.path.starts_with(&path))
    }
}

/// What is wrong with a proxy that is queried for sessions.
pub(crate) fn wrong_of_proxy(proxy: &ProxyConfig, before: &[ProxyConfig]) -> Option<String> {
    let is_same = |other: &ProxyConfig| other.node().eq_ignore_ascii_case(proxy.node());
    if !proxy.host.is_empty() && before.iter().any(is_same) {
        let node = proxy.node();
        return Some(format!(
            "`node`: expected each node once, with all its virtual proxies; {node} is already listed above"
        ));
    }
    let is_prefix = |prefix: &str| {
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
        let is_whole = prefix.is_empty() || prefix.split('/').all(|part| !part.is_empty());
        is_whole && prefix.bytes().all(is_allowed)
    };
    if let Some(prefix) = proxy.virtual_proxies.iter().find(|it| !is_prefix(it)) {
        let meant = prefix.trim_matches('/');
        let meant = if is_prefix(meant) { meant } else { "sales" };
        return Some(format!(
            "`virtual_proxies`: expected prefixes as in the QMC, such as {meant:?}, without slashes around them, and \"\" \
             for the default virtual proxy; found {prefix:?}"
        ));
    }
    let message = if proxy.host.is_empty() || !is_host(&proxy.host) {
        return Some(format!(
            "`host`: expected a host name or an IP address, and nothing else; found {:?}",
            proxy.host
        ));
    } else if !is_host(&proxy.server_name) {
        "`server_name`: expected a name in the proxy's certificate"
    } else if proxy.port == 0 {
        "`port`: expected 1 to 65535; the default port of the service is 4243"
    } else if proxy.virtual_proxies.is_empty() {
        "`virtual_proxies`: expected at least one prefix; remove the key for the default virtual proxy"
    } else {
        return None;
    };
    Some(message.to_owned())
}

/// What is wrong with a node whose engine is queried for its health.
pub(crate) fn wrong_of_engine(engine: &EngineConfig, before: &[EngineConfig]) -> Option<String> {
    let is_same = |other: &EngineConfig| other.node().eq_ignore_ascii_case(engine.node());
    if !engine.host.is_empty() && before.iter().any(is_same) {
        let node = engine.node();
        return Some(format!(
            "`node`: expected each node once; {node} is already listed above"
        ));
    }
    let message = if engine.host.is_empty() || !is_host(&engine.host) {
        "`host`: expected a host name or an IP address, and nothing else"
    } else if !is_host(&engine.server_name) {
        "`server_name`: expected a name in the engine's certificate"
    } else if engine.port == 0 {
        "`port`: expected 1 to 65535; the default port of the engine is 4747"
    } else {
        return None;
    };
    Some(message.to_owned())
}

impl Config {
    /// Every value that cannot be intended, wherever the options come from.
    #[must_use]
    pub fn wrong_values(&self) -> Vec<WrongValue> {
        let source = &self.source;
        let mut wrong = Vec::new();
        let mut expect = |holds: bool, key, expected| {
            if !holds {
                let message = format!("expected {expected}");
                wrong.push(WrongValue {
                    key,
                    index: None,
                    message,
                });
            }
        };
        expect(
            self.plugin.name == SOURCE_TYPE,
            "plugin.name",
            "`qlik_sense`; this file belongs to another plugin",
        );
        let kinds = Manifest::default().kinds;
        expect(
            !self.plugin.kinds.is_empty() && self.plugin.kinds.iter().all(|it| kinds.contains(it)),
            "plugin.kinds",
            "`source` and `transform`; this file belongs to another plugin",
        );
        expect(
            !source.address.is_empty(),
            "source.address",
            "at least one address",
        );
        expect(
            (1..=64).contains(&source.workers),
            "source.workers",
            "1 to 64 workers",
        );
        expect(
            !source.allowed_senders.is_empty(),
            "source.allowed_senders",
            "at least one address or range, because an empty list accepts no sender; remove the key to accept every \
             sender",
        );
        expect(
            source.rate_limit.burst > 0,
            "source.rate_limit.burst",
            "at least 1 event",
        );
        expect(
            !self.transform.blacklist.events.is_empty(),
            "transform.blacklist.events",
            "at least one kind of event, because an empty list excludes nothing; remove the key for sessions and \
             connections",
        );
        let performance = &self.transform.performance;
        expect(
            (1..=3_600).contains(&performance.summary_interval_secs),
            "transform.performance.summary_interval_secs",
            "1 to 3600 seconds",
        );
        expect(
            (1..=1_000_000).contains(&performance.max_groups),
            "transform.performance.max_groups",
            "1 to 1000000 groups",
        );
        let sessions = &self.transform.sessions;
        expect(
            TIMEOUT_SECS.contains(&sessions.idle_timeout_secs),
            "transform.sessions.idle_timeout_secs",
            "60 to 31536000 seconds",
        );
        expect(
            TIMEOUT_SECS.contains(&sessions.inactivity_timeout_secs),
            "transform.sessions.inactivity_timeout_secs",
            "60 to 31536000 seconds",
        );
        expect(
            TIMEOUT_SECS.contains(&sessions.connection_timeout_secs),
            "transform.sessions.connection_timeout_secs",
            "60 to 31536000 seconds",
        );
        expect(
            (1..=10_000_000).contains(&sessions.max_users),
            "transform.sessions.max_users",
            "1 to 10000000 users",
        );
        expect(
            sessions.snapshot_interval_secs <= 86_400,
            "transform.sessions.snapshot_interval_secs",
            "0 to 86400 seconds",
        );
        let qps = &sessions.qps;
        expect(
            !sessions.enabled
                || !qps.enabled
                || !qps.proxies.is_empty()
                || self.transform.app_names.qrs.is_enabled(),
            "transform.sessions.qps.proxies",
            "at least one proxy, or `transform.app_names.qrs` to find those of the site",
        );
        expect(
            (10..=3_600).contains(&qps.interval_secs),
            "transform.sessions.qps.interval_secs",
            "10 to 3600 seconds",
        );
        expect(
            (1..=30).contains(&qps.timeout_secs),
            "transform.sessions.qps.timeout_secs",
            "1 to 30 seconds",
        );
        expect(
            cfg!(feature = "qrs") || !qps.enabled,
            "transform.sessions.qps.enabled",
            "false, because this program was built without the feature `qrs`",
        );
        let engine_health = &self.engine_health;
        expect(
            engine_health.nodes.len() <= 256,
            "engine_health.nodes",
            "at most 256 nodes",
        );
        expect(
            (5..=3_600).contains(&engine_health.interval_secs),
            "engine_health.interval_secs",
            "5 to 3600 seconds",
        );
        expect(
            (1..=30).contains(&engine_health.timeout_secs),
            "engine_health.timeout_secs",
            "1 to 30 seconds",
        );
        expect(
            cfg!(feature = "qrs") || engine_health.nodes.is_empty(),
            "engine_health.nodes",
            "no node, because this program was built without the feature `qrs`",
        );
        expect(
            (1..=10_000_000).contains(&self.queue.max_events),
            "queue.max_events",
            "1 to 10000000 events",
        );
        expect(
            QUEUE_BYTES.contains(&self.queue.max_bytes),
            "queue.max_bytes",
            "65536 to 1073741824 bytes",
        );
        expect(
            self.telemetry.interval_secs <= 86_400,
            "telemetry.interval_secs",
            "0 to 86400 seconds",
        );
        expect(
            RECEIVE_BUFFER_BYTES.contains(&source.receive_buffer_bytes),
            "source.receive_buffer_bytes",
            "4096 to 1073741824 bytes",
        );
        expect(
            source.gather_micros <= 10_000,
            "source.gather_micros",
            "0 to 10000 microseconds, 0 for none",
        );
        expect(
            (1..=MAX_DATAGRAM_BYTES).contains(&source.max_datagram_bytes),
            "source.max_datagram_bytes",
            "1 to 65507 bytes, the most that a UDP datagram can carry",
        );
        let qrs = &self.transform.app_names.qrs;
        expect(
            is_host(&qrs.host),
            "transform.app_names.qrs.host",
            "a host name or an IP address, and nothing else",
        );
        expect(
            is_host(&qrs.server_name),
            "transform.app_names.qrs.server_name",
            "a name in the service's certificate",
        );
        expect(
            qrs.port != 0,
            "transform.app_names.qrs.port",
            "1 to 65535; the default port of the service is 4242",
        );
        expect(
            qrs.user_parts().is_some(),
            "transform.app_names.qrs.user",
            r"DIRECTORY\user_id in ASCII and without `;`, for example INTERNAL\sa_api",
        );
        expect(
            (1..=86_400).contains(&qrs.interval_secs),
            "transform.app_names.qrs.interval_secs",
            "1 to 86400 seconds",
        );
        expect(
            (1..=600).contains(&qrs.timeout_secs),
            "transform.app_names.qrs.timeout_secs",
            "1 to 600 seconds",
        );
        expect(
            cfg!(feature = "qrs") || !qrs.is_enabled(),
            "transform.app_names.qrs.host",
            "no host, because this program was built without the feature `qrs`",
        );
        expect(
            cfg!(unix) || self.output.unix_stream().is_none(),
            "output.unix_stream",
            "no path, because Unix sockets are not available on this system",
        );
        expect(
            (1..=16).contains(&self.output.unix_stream_connections),
            "output.unix_stream_connections",
            "1 to 16 connections",
        );
        expect(
            is_socket_name(&self.output.local_socket),
            "output.local_socket",
            r"the name of a pipe, such as '\\.\pipe\qlik-sense-events'",
        );
        let pseudonymize = &self.transform.pseudonymize;
        expect(
            pseudonymize.key_file.as_os_str().is_empty() || pseudonymize.key_env.is_empty(),
            "transform.pseudonymize.key_env",
            "a key in `key_file` or in `key_env`, not in both",
        );
        wrong.extend(source.address.overlap().map(|overlap| WrongValue {
            key: "source.address",
            index: Some(overlap.place),
            message: overlap.to_string(),
        }));
        wrong.extend(self.wrong_paths());
        for (index, proxy) in qps.proxies.iter().enumerate() {
            let before = &qps.proxies[..index];
            let index = Some(index);
            let key = "transform.sessions.qps.proxies";
            let messages = wrong_of_proxy(proxy, before).into_iter();
            wrong.extend(messages.map(|message| WrongValue {
                key,
                index,
                message,
            }));
        }
        for (index, engine) in engine_health.nodes.iter().enumerate() {
            let message = wrong_of_engine(engine, &engine_health.nodes[..index]);
            wrong.extend(message.map(|message| WrongValue {
                key: "engine_health.nodes",
                index: Some(index),
                message,
            }));
        }
        let schema = self.output.schema;
        for (index, field) in self.output.drop_fields.iter().enumerate() {
            if !schema.fields().contains(&&**field) {
                let meant = match nearest(field, schema.fields()) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => "docs/fields.md lists its fields".to_owned(),
                };
                wrong.push(WrongValue {
                    key: "output.drop_fields",
                    index: Some(index),
                    message: format!("the schema `{schema}` has no such field; {meant}"),
                });
            }
        }
        wrong
    }
}

/// Whether a local socket can have this name, or none is configured.
#[cfg(not(windows))]
const fn is_socket_name(_: &Path) -> bool {
    true
}

/// Whether a local socket can have this name, or none is configured. On Windows it is a pipe, whose names have their
/// own form.
#[cfg(windows)]
fn is_socket_name(name: &Path) -> bool {
    use std::path::{Component, Prefix};

    let Some(Component::Prefix(prefix)) = name.components().next() else {
        return name.as_os_str().is_empty();
    };
    matches!(prefix.kind(), Prefix::DeviceNS(device) if device.eq_ignore_ascii_case("pipe"))
        && name.file_name().is_some()
}
