//! The filter for performance events, as options of the transform.

use crate::{
    import::butler_sos::{
        Note,
        config::LogEvents,
        performance::{Accepted, filter},
    },
    transform::performance::{NameFilter, NamePattern, PerformanceConfig},
};

/// The transform that lets through what Butler SOS publishes. It is off if that is everything or nothing.
pub(super) fn performance(from: &LogEvents, notes: &mut Vec<Note>) -> PerformanceConfig {
    let mut config = PerformanceConfig::default();
    let Some(filter) = filter(from, notes) else {
        return config;
    };
    config.enabled = filter.leaves_out();
    config.apps = names(&filter.apps);
    config.object_types = names(&filter.object_types);
    config.methods = names(&filter.methods);
    config
}

fn names(accepted: &Accepted) -> NameFilter {
    let mut filter = NameFilter::default();
    let (names, list) = match accepted {
        Accepted::AllBut(names) => (names, &mut filter.exclude),
        Accepted::Only(names) => (names, &mut filter.include),
    };
    // No name is empty or has white space around it, and nothing else is refused.
    list.extend(
        names
            .iter()
            .cloned()
            .filter_map(|name| NamePattern::try_from(name).ok()),
    );
    filter
}
