//! Options that are valid but have no effect.

use qlik_sense_events::{
    config::Config,
    transform::{BlacklistConfig, PerformanceConfig},
};

/// A warning for each; `room` is the number of events that the queue holds.
pub fn warnings(config: &Config, room: u64) -> Vec<String> {
    let mut warnings = Vec::new();
    let performance = &config.transform.performance;
    if !performance.enabled && *performance != PerformanceConfig::default() {
        warnings.push(
            "transform.performance: these options have no effect while `enabled` is false; set `enabled = true`, or \
             remove them"
                .to_owned(),
        );
    }
    let groups = performance.max_groups;
    if performance.enabled && groups as u64 > room {
        warnings.push(format!(
            "transform.performance.max_groups = {groups}: the queue holds at most {room} events and drops summaries \
             beyond that; raise queue.max_events and queue.max_bytes, or lower max_groups"
        ));
    }
    let sessions = &config.transform.sessions;
    if sessions.qps.enabled && !sessions.enabled {
        warnings.push(
            "transform.sessions.qps: no proxy is asked, because transform.sessions.enabled is false: write `enabled = true` \
             there too"
                .to_owned(),
        );
    }
    let blacklist = &config.transform.blacklist;
    let lists_nobody = blacklist.users.is_empty() && blacklist.files.is_empty();
    if lists_nobody && blacklist.events != BlacklistConfig::default().events {
        warnings.push(
            "transform.blacklist.events: has no effect, because `users` and `files` are empty"
                .to_owned(),
        );
    }
    let tags = config.output.tags_by_host.iter();
    let without = tags.filter(|(_, tags)| tags.is_empty());
    warnings.extend(without.map(|(host, _)| {
        format!(
            "output.tags_by_host.'{}': has no tags",
            host.escape_default()
        )
    }));
    warnings
}
