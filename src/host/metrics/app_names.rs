//! How many app names are known, and how often they could not be read.

use crate::encoding::{Metric, MetricValue};

/// Counts of app names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AppNamesCounts {
    /// Apps whose name is known.
    pub apps: u64,
    /// How often reloading the files failed.
    pub file_failures: u64,
    /// The number of failed requests to the repository.
    pub qrs_failures: u64,
}

/// Adds the metrics of `now`, given that `before` was last emitted.
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
