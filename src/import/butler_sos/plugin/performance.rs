//! The filter of performance events, as the options of the transform.

use crate::{
    import::butler_sos::{
        Note,
        config::LogEvents,
        performance::{Accepted, filter},
    },
    transform::performance::{NameFilter, NamePattern, PerformanceConfig},
};

/// The transform that lets through what Butler SOS publishes, or one that is off where that is all or nothing.
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
    // None of them is empty or has white space around it, which is all that is refused.
    list.extend(
        names
            .iter()
            .cloned()
            .filter_map(|name| NamePattern::try_from(name).ok()),
    );
    filter
}
