//! Options that are right and can do nothing.

use qlik_sense_events::{
    config::Config,
    transform::{BlacklistConfig, PerformanceConfig},
};

/// What to say of each; `room` is how many events the queue takes.
pub fn warnings(config: &Config, room: u64) -> Vec<String> {
    let mut warnings = Vec::new();
    let performance = &config.transform.performance;
    if !performance.enabled && *performance != PerformanceConfig::default() {
        warnings.push(
            "transform.performance: its options do nothing, because `enabled` is false: write `enabled = true`, or \
             leave them out"
                .to_owned(),
        );
    }
    let groups = performance.max_groups;
    if performance.enabled && groups as u64 > room {
        warnings.push(format!(
            "transform.performance.max_groups = {groups}: the queue has room for {room} events or fewer, and drops \
             summaries beyond: raise queue.max_events and queue.max_bytes, or lower it"
        ));
    }
    let blacklist = &config.transform.blacklist;
    let lists_nobody = blacklist.users.is_empty() && blacklist.files.is_empty();
    if lists_nobody && blacklist.events != BlacklistConfig::default().events {
        warnings.push(
            "transform.blacklist.events: it does nothing, because neither `users` nor `files` names anybody".to_owned(),
        );
    }
    let tags = config.output.tags_by_host.iter();
    let without = tags.filter(|(_, tags)| tags.is_empty());
    warnings.extend(without.map(|(host, _)| {
        format!(
            "output.tags_by_host.'{}': there are no tags in it",
            host.escape_default()
        )
    }));
    warnings
}
