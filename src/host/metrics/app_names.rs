//! Metrics of app names: how many are known, and how often they could not be read.

use crate::encoding::{Metric, MetricValue};

/// Counts of app names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AppNamesCounts {
    /// The number of apps whose name is known.
    pub apps: u64,
    /// How often the files could not be reloaded.
    pub file_failures: u64,
    /// How often a request to the repository failed.
    pub qrs_failures: u64,
}

/// Adds the metrics of `now`, given that `before` was emitted last.
pub(super) fn of_app_names(
    now: &AppNamesCounts,
    before: &AppNamesCounts,
    metrics: &mut Vec<Metric>,
) {
    metrics.push(Metric {
        name: "app_names",
        tags: vec![],
        value: MetricValue::gauge(now.apps),
    });
    for (source, now, before) in [
        ("files", now.file_failures, before.file_failures),
        ("qrs", now.qrs_failures, before.qrs_failures),
    ] {
        metrics.push(Metric {
            name: "app_names_refresh_failures_total",
            tags: vec![("source", source.into())],
            value: MetricValue::Counter(now.saturating_sub(before)),
        });
    }
}
