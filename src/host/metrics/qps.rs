//! Metrics of the requests for sessions to proxies.

use std::time::Duration;

use crate::encoding::{Metric, MetricValue};

/// The state of a proxy that is queried for sessions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProxyCounts {
    /// The Qlik node.
    pub node: String,
    /// Whether the last request succeeded.
    pub is_up: bool,
    /// The time since its last answer; `None` if there was none.
    pub answer_age: Option<Duration>,
    /// The number of sessions in that answer.
    pub sessions: u64,
    /// The number of failed requests.
    pub failures: u64,
}

/// Adds the metrics of `now`, given that `before` was emitted last.
pub(super) fn of_qps(now: &[ProxyCounts], before: &[ProxyCounts], metrics: &mut Vec<Metric>) {
    for proxy in now {
        let before = before.iter().find(|before| before.node == proxy.node);
        let failures = before.map_or(0, |before| before.failures);
        let mut add = |name, value| {
            let tags = vec![("host", proxy.node.clone().into())];
            metrics.push(Metric { name, tags, value });
        };
        add("qps_up", MetricValue::gauge(proxy.is_up.into()));
        add(
            "qps_failures_total",
            MetricValue::Counter(proxy.failures.saturating_sub(failures)),
        );
        if let Some(age) = proxy.answer_age {
            add(
                "qps_answer_age_seconds",
                MetricValue::Gauge(age.as_secs_f64()),
            );
            add("qps_sessions", MetricValue::gauge(proxy.sessions));
        }
    }
}
