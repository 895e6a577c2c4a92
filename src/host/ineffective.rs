//! Options that are valid but have no effect, or one that cannot be intended.

use std::net::IpAddr;

use crate::{
    config::{Config, Loaded, Written},
    schema::Schema,
};

/// A table that is switched off by an option.
struct Switch {
    /// The table, with a dot at its end.
    table: &'static str,
    is_on: fn(&Config) -> bool,
    /// Options that are used all the same.
    is_used: fn(&Config, &str) -> bool,
    /// What switches it off, and what to do.
    reason: &'static str,
}

const fn used_nowhere_else(_: &Config, _: &str) -> bool {
    false
}

/// The switches, each before those within its table.
const SWITCHES: [Switch; 7] = [
    Switch {
        table: "source.rate_limit.",
        is_on: |config| config.source.rate_limit.events_per_sec > 0,
        is_used: used_nowhere_else,
        reason: "source.rate_limit.events_per_sec is 0, for no limit; set it",
    },
    Switch {
        table: "transform.blacklist.",
        is_on: |config| {
            let blacklist = &config.transform.blacklist;
            !blacklist.users.is_empty() || !blacklist.files.is_empty()
        },
        is_used: used_nowhere_else,
        reason: "`users` and `files` of the blacklist are empty; add users",
    },
    Switch {
        table: "transform.app_names.qrs.",
        is_on: |config| config.transform.app_names.qrs.is_enabled(),
        is_used: |config, option| {
            // The proxies and the engines accept the same certificate.
            let qps = &config.transform.sessions.qps;
            let engine_health = &config.engine_health;
            let [of_proxies, of_engines] = match option {
                "certificate_file" => [&qps.certificate_file, &engine_health.certificate_file],
                "key_file" => [&qps.key_file, &engine_health.key_file],
                "root_file" => [&qps.root_file, &engine_health.root_file],
                _ => return false,
            }
            .map(|file| file.as_os_str().is_empty());
            (config.transform.sessions.enabled && qps.enabled && of_proxies)
                || (!engine_health.nodes.is_empty() && of_engines)
        },
        reason: "transform.app_names.qrs.host is empty; set it",
    },
    Switch {
        table: "transform.performance.",
        is_on: |config| config.transform.performance.enabled,
        is_used: used_nowhere_else,
        reason: "transform.performance.enabled is false; set it to true",
    },
    Switch {
        table: "transform.sessions.",
        is_on: |config| config.transform.sessions.enabled,
        is_used: used_nowhere_else,
        reason: "transform.sessions.enabled is false; set it to true",
    },
    Switch {
        table: "transform.sessions.qps.",
        is_on: |config| config.transform.sessions.qps.enabled,
        is_used: used_nowhere_else,
        reason: "transform.sessions.qps.enabled is false; set it to true",
    },
    Switch {
        table: "engine_health.",
        is_on: |config| !config.engine_health.nodes.is_empty(),
        is_used: used_nowhere_else,
        reason: "engine_health.nodes is empty; add nodes",
    },
];

/// A warning for each, with file and line.
#[must_use]
pub fn warnings(loaded: &Loaded) -> Vec<String> {
    let config = &loaded.config;
    // The first option without effect of each reason, and the others.
    let mut causes: Vec<(&'static str, &Written, Vec<&Written>)> = Vec::new();
    for option in loaded.written().iter().filter(|option| option.is_changed) {
        let Some(reason) = switched_off(config, option) else {
            continue;
        };
        match causes.iter_mut().find(|(known, ..)| *known == reason) {
            Some((_, _, others)) => others.push(option),
            None => causes.push((reason, option, Vec::new())),
        }
    }
    let mut warnings: Vec<String> = causes
        .into_iter()
        .map(|(reason, first, others)| {
            let advice = if others.is_empty() {
                "or remove this option".to_owned()
            } else {
                let others = others
                    .iter()
                    .map(|it| format!("{} (line {})", it.key, it.line));
                let others = others.collect::<Vec<_>>().join(", ");
                format!("or remove this option and {others}, which have none either")
            };
            let message = format!("has no effect, because {reason}, {advice}");
            loaded.about(&first.key, message)
        })
        .collect();
    let performance = &config.transform.performance;
    if performance.enabled && !performance.summarizes() {
        let message = "has no effect, because without a threshold or a filter every request goes through on its own; \
                       set min_process_ms, min_peak_ram_bytes, or what to include or exclude";
        warnings.push(loaded.about("transform.performance.enabled", message));
    }
    for (name, filter) in performance.filters() {
        if performance.enabled && !filter.include.is_empty() && filter.include == filter.exclude {
            let message =
                "the same as `include`, so no name is selected; `exclude` takes precedence";
            let key = format!("transform.performance.{name}.exclude");
            warnings.push(loaded.about(&key, message));
        }
    }
    let mut users = config.transform.blacklist.users.iter();
    if users.any(|user| user.parts().any(|parts| parts == ("*", "*"))) {
        let message = r"'*\*' matches every user, so the events of all users are left out";
        warnings.push(loaded.about("transform.blacklist.users", message));
    }
    let time = match config.output.schema {
        Schema::Ecs => "@timestamp",
        _ => "timestamp",
    };
    if config.output.drop_fields.iter().any(|field| field == time) {
        let message = format!(
            "without `{time}`, sinks use the time of arrival or refuse events, as data streams of Elasticsearch and \
             OpenSearch do"
        );
        warnings.push(loaded.about("output.drop_fields", message));
    }
    let plugin = &config.plugin;
    if version(&plugin.version) > version(env!("CARGO_PKG_VERSION")) {
        let message = format!(
            "the file was written for a later version of the program; this is {}",
            env!("CARGO_PKG_VERSION")
        );
        warnings.push(loaded.about("plugin.version", message));
    }
    let sessions = &config.transform.sessions;
    if sessions.enabled && sessions.idle_timeout_secs < sessions.inactivity_timeout_secs {
        let message = format!(
            "shorter than inactivity_timeout_secs ({}), so a session ends here before Qlik Sense ends it; raise \
             idle_timeout_secs well above that",
            sessions.inactivity_timeout_secs
        );
        warnings.push(loaded.about("transform.sessions.idle_timeout_secs", message));
    }
    warnings.extend(of_nodes(loaded));
    let tags = config.output.tags_by_host.iter();
    let without = tags.filter(|(_, tags)| tags.is_empty());
    warnings.extend(without.map(|(host, _)| {
        let message = format!("the node '{}' has no tags", host.escape_default());
        loaded.about("output.tags_by_host", message)
    }));
    warnings
}

/// A warning of each proxy and engine that is named by its address only. Events have the name of its node.
fn of_nodes(loaded: &Loaded) -> impl Iterator<Item = String> {
    let Config {
        transform,
        engine_health,
        ..
    } = &loaded.config;
    let sessions = &transform.sessions;
    let is_used = sessions.enabled && sessions.qps.enabled;
    let proxies = sessions.qps.proxies.iter().filter(move |_| is_used);
    let proxies = proxies.map(|proxy| (&proxy.host, &proxy.node)).enumerate();
    let engines = engine_health.nodes.iter();
    let engines = engines
        .map(|engine| (&engine.host, &engine.node))
        .enumerate();
    let proxies = proxies.map(|it| ("transform.sessions.qps.proxies", it));
    let engines = engines.map(|it| ("engine_health.nodes", it));
    proxies
        .chain(engines)
        .filter(|(_, (_, (host, node)))| node.is_empty() && host.parse::<IpAddr>().is_ok())
        .map(|(list, (place, (host, _)))| {
            let message = format!(
                "`host` is an address and `node` is missing, so {host} counts as a node of its own; set `node` to the \
                 name that events have in `host`"
            );
            loaded.about(&format!("{list}[{place}]"), message)
        })
}

/// The numbers of a version such as `0.1.0`.
fn version(text: &str) -> Vec<u64> {
    text.split('.')
        .map_while(|part| part.parse().ok())
        .collect()
}

/// Why an option has no effect.
fn switched_off(config: &Config, option: &Written) -> Option<&'static str> {
    SWITCHES.iter().find_map(|switch| {
        let name = option.key.strip_prefix(switch.table)?;
        let is_off = !(switch.is_on)(config) && !(switch.is_used)(config, name);
        is_off.then_some(switch.reason)
    })
}
