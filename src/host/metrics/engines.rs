//! Metrics of the health of engines.

use crate::{
    encoding::{Metric, MetricValue},
    schema::Details,
};

/// The only gauge that is not a whole number.
const CPU: &str = "engine_cpu_percent";

/// The state of an engine that is queried for its health.
#[derive(Debug, Clone, PartialEq)]
pub struct EngineCounts {
    /// The Qlik node.
    pub node: String,
    /// Its last answer; `None` if the last request failed.
    pub health: Option<EngineHealth>,
    /// The number of failed requests.
    pub failures: u64,
}

/// The health that an engine reports. A number that it leaves out is `None`.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct EngineHealth {
    /// Memory that its process has committed, in bytes.
    pub ram_committed_bytes: Option<u64>,
    /// Memory that it has obtained from the system, committed or reserved, in bytes.
    pub ram_allocated_bytes: Option<u64>,
    /// Free memory of the node, in bytes.
    pub ram_free_bytes: Option<u64>,
    /// Physical memory of the node, in bytes; older releases do not report it.
    pub ram_total_bytes: Option<u64>,
    /// Its CPU usage, in percent.
    pub cpu_percent: Option<f64>,
    /// Its active sessions.
    pub active_sessions: Option<u64>,
    /// All its sessions.
    pub sessions: Option<u64>,
    /// Users with an active session.
    pub active_users: Option<u64>,
    /// All users with a session.
    pub users: Option<u64>,
    /// Apps with activity.
    pub active_apps: Option<u64>,
    /// Apps in memory that have sessions or connections.
    pub loaded_apps: Option<u64>,
    /// All apps in memory.
    pub in_memory_apps: Option<u64>,
    /// Whether it is saturated, so that it cannot take on more work.
    pub is_saturated: Option<bool>,
    /// Requests since it started.
    pub calls: Option<u64>,
    /// Selections since it started.
    pub selections: Option<u64>,
    /// Results that it has found in its cache since it started.
    pub cache_hits: Option<u64>,
    /// Results that it has looked up in its cache.
    pub cache_lookups: Option<u64>,
    /// Results that it has added to its cache.
    pub cache_added: Option<u64>,
    /// Results that it has replaced in its cache.
    pub cache_replaced: Option<u64>,
    /// The size of the added results, in bytes.
    pub cache_added_bytes: Option<u64>,
}

impl EngineHealth {
    /// The used part of the node's memory, in percent; `None` if the engine does not report it.
    #[must_use]
    pub fn ram_used_percent(&self) -> Option<u64> {
        let (free, total) = (self.ram_free_bytes?, self.ram_total_bytes?);
        let used = total.saturating_sub(free);
        // The result is rounded, and cannot overflow whatever the engine reports.
        let percent =
            (u128::from(used) * 200 + u128::from(total)).checked_div(u128::from(total) * 2);
        percent.and_then(|percent| u64::try_from(percent).ok())
    }

    /// The gauges that are whole numbers, with the names of `examples/vector/engine_health.yaml`.
    fn gauges(&self) -> [(&'static str, Option<u64>); 12] {
        [
            ("engine_ram_committed_bytes", self.ram_committed_bytes),
            ("engine_ram_allocated_bytes", self.ram_allocated_bytes),
            ("engine_ram_free_bytes", self.ram_free_bytes),
            ("engine_ram_total_bytes", self.ram_total_bytes),
            ("engine_active_sessions", self.active_sessions),
            ("engine_sessions", self.sessions),
            ("engine_active_users", self.active_users),
            ("engine_users", self.users),
            ("engine_active_apps", self.active_apps),
            ("engine_loaded_apps", self.loaded_apps),
            ("engine_in_memory_apps", self.in_memory_apps),
            ("engine_saturated", self.is_saturated.map(u64::from)),
        ]
    }

    /// The counters, which start at 0 when the engine starts.
    const fn counters(&self) -> [(&'static str, Option<u64>); 7] {
        [
            ("engine_calls_total", self.calls),
            ("engine_selections_total", self.selections),
            ("engine_cache_hits_total", self.cache_hits),
            ("engine_cache_lookups_total", self.cache_lookups),
            ("engine_cache_added_total", self.cache_added),
            ("engine_cache_replaced_total", self.cache_replaced),
            ("engine_cache_added_bytes_total", self.cache_added_bytes),
        ]
    }
}

impl EngineCounts {
    /// Whether it has answered, or a request has failed.
    pub(super) const fn is_known(&self) -> bool {
        self.health.is_some() || self.failures > 0
    }
}

/// The numbers under the names of the metrics. Those that start at 0 when the engine starts are as it reports them.
impl From<&EngineCounts> for Details {
    fn from(engine: &EngineCounts) -> Self {
        let mut details = Self::default();
        details.add("host", engine.node.clone());
        details.add("engine_up", u64::from(engine.health.is_some()));
        details.add("engine_failures_total", engine.failures);
        if let Some(health) = &engine.health {
            details.add_any(CPU, health.cpu_percent);
            for (name, number) in health.gauges().into_iter().chain(health.counters()) {
                details.add_any(name, number);
            }
        }
        details
    }
}

/// Adds the metrics of `now`, given that `before` was emitted last.
///
/// An engine that does not answer has no numbers, so that outdated numbers are not taken for current ones.
pub(super) fn of_engines(now: &[EngineCounts], before: &[EngineCounts], metrics: &mut Vec<Metric>) {
    for engine in now {
        let before = before.iter().find(|before| before.node == engine.node);
        let mut add = |name, value| {
            let tags = vec![("host", engine.node.clone().into())];
            metrics.push(Metric { name, tags, value });
        };
        add(
            "engine_up",
            MetricValue::gauge(engine.health.is_some().into()),
        );
        let failures = before.map_or(0, |before| before.failures);
        add(
            "engine_failures_total",
            MetricValue::Counter(engine.failures.saturating_sub(failures)),
        );
        let Some(health) = &engine.health else {
            continue;
        };
        if let Some(percent) = health.cpu_percent {
            add(CPU, MetricValue::Gauge(percent));
        }
        for (name, number) in health.gauges() {
            if let Some(number) = number {
                add(name, MetricValue::gauge(number));
            }
        }
        // What was counted before the first answer is not part of any increment.
        let Some(earlier) = before.and_then(|before| before.health) else {
            continue;
        };
        for ((name, number), (_, earlier)) in health.counters().into_iter().zip(earlier.counters())
        {
            if let (Some(number), Some(earlier)) = (number, earlier) {
                // A smaller number means that the engine was restarted.
                add(
                    name,
                    MetricValue::Counter(number.checked_sub(earlier).unwrap_or(number)),
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXAMPLE: &str = include_str!("../../../examples/vector/engine_health.yaml");

    #[test]
    fn the_metrics_have_the_names_in_the_example() {
        let health = EngineHealth::default();
        let gauges = health.gauges().map(|(name, _)| name);
        let counters = health.counters().map(|(name, _)| name);
        let names: Vec<String> = [CPU]
            .into_iter()
            .chain(gauges)
            .chain(counters)
            .map(|name| format!("\"{name}\": "))
            .collect();
        for name in &names {
            assert_eq!(EXAMPLE.matches(&**name).count(), 1, "{name}");
        }
        let (_, numbers) = EXAMPLE.split_once("engine_numbers:").expect("metrics");
        assert_eq!(numbers.matches("\"engine_").count(), names.len());
    }

    /// The metrics that are emitted, for the numbers of calls now and when metrics were last emitted.
    fn calls(now: Option<u64>, before: Option<u64>) -> Option<MetricValue> {
        let engine = |calls: Option<u64>| EngineCounts {
            node: "n1".into(),
            health: calls.map(|calls| EngineHealth {
                calls: Some(calls),
                ..EngineHealth::default()
            }),
            failures: 0,
        };
        let mut metrics = Vec::new();
        of_engines(&[engine(now)], &[engine(before)], &mut metrics);
        let calls = metrics
            .into_iter()
            .find(|it| it.name == "engine_calls_total");
        calls.map(|metric| metric.value)
    }

    #[test]
    fn counters_are_increments_since_the_last_answer() {
        let counter = |number| Some(MetricValue::Counter(number));
        assert_eq!(calls(Some(12), Some(5)), counter(7));
        assert_eq!(calls(Some(3), Some(5)), counter(3), "it has started again");
        assert_eq!(calls(Some(5), None), None, "counted before it was queried");
        assert_eq!(calls(None, Some(5)), None);
    }
}
