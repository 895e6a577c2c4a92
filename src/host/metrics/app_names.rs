//! How many names of apps are known, and how often they could not be had.

use crate::encoding::{Metric, MetricValue};

/// What is known of names of apps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AppNamesCounts {
    /// Apps whose name is known.
    pub apps: u64,
    /// How often files were not read again.
    pub file_failures: u64,
    /// How many requests to the repository have failed.
    pub qrs_failures: u64,
}

/// Adds the metrics of what is `now`, where `before` was emitted last.
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
