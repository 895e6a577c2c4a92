//! Metrics of what Qlik nodes have sent besides user events.

use std::borrow::Cow;

use crate::{
    encoding::{Histogram, Metric, MetricValue},
    event::{Level, Service},
    pipeline::{
        Distribution, MethodClass, NodeStatistics, PEAK_RAM_LIMITS_BYTES,
        PROCESS_LIMITS_NANOSECONDS, Statistics,
    },
};

/// Adds the metrics of `now`, given that `before` was emitted last. Values that never occurred have no metric.
pub(super) fn of_nodes(now: &Statistics, before: &Statistics, metrics: &mut Vec<Metric>) {
    let nothing = NodeStatistics::default();
    for (host, now) in now.iter() {
        let before = before.of(host).unwrap_or(&nothing);
        let name = host.unwrap_or("other");
        let mut add = |metric_name, tags: Vec<Tag>, value| {
            let host = ("host", name.to_owned().into());
            metrics.push(Metric {
                name: metric_name,
                tags: [host].into_iter().chain(tags).collect(),
                value,
            });
        };
        of_log_events(now, before, &mut add);
        of_requests(now, before, &mut add);
        if let Some(distance) = now.clock_distance {
            let value = MetricValue::Gauge(distance.as_seconds_f64());
            add("clock_distance_seconds", vec![], value);
        }
    }
}

type Tag = (&'static str, Cow<'static, str>);

fn of_log_events(
    now: &NodeStatistics,
    before: &NodeStatistics,
    add: &mut impl FnMut(&'static str, Vec<Tag>, MetricValue),
) {
    let levels = Level::ALL.iter().copied().map(Some).chain([None]);
    for level in levels {
        for service in Service::ALL.iter().copied() {
            let count = now.log_events(level, service);
            if count > 0 {
                let more = count.saturating_sub(before.log_events(level, service));
                let level = level.map_or("other", Level::as_str);
                let tags = vec![
                    ("level", level.into()),
                    ("service", service.as_str().into()),
                ];
                add("log_events_total", tags, MetricValue::Counter(more));
            }
        }
    }
}

fn of_requests(
    now: &NodeStatistics,
    before: &NodeStatistics,
    add: &mut impl FnMut(&'static str, Vec<Tag>, MetricValue),
) {
    for class in MethodClass::ALL.iter().copied() {
        let (now, before) = (now.costs_of(class), before.costs_of(class));
        if now.requests == 0 {
            continue;
        }
        let tags = || vec![("method_class", class.as_str().into())];
        let more = now.requests.saturating_sub(before.requests);
        add(
            "performance_events_total",
            tags(),
            MetricValue::Counter(more),
        );
        let distributions = [
            (
                "performance_process_seconds",
                (now.process, before.process),
                (PROCESS_LIMITS_NANOSECONDS, 1e9),
            ),
            (
                "performance_peak_ram_bytes",
                (now.peak_ram, before.peak_ram),
                (PEAK_RAM_LIMITS_BYTES, 1.0),
            ),
        ];
        for (name, (now, before), unit) in distributions {
            if now.count > 0 {
                let value = MetricValue::Histogram(histogram(&now, &before, unit));
                add(name, tags(), value);
            }
        }
    }
}

/// The increase of a distribution, by bucket. `unit` is how many of its units make one of the metric's.
#[expect(clippy::cast_precision_loss, reason = "Vector has no other numbers")]
fn histogram(
    now: &Distribution,
    before: &Distribution,
    (limits, unit): ([u64; 10], f64),
) -> Histogram {
    let numbers = now.buckets.iter().zip(before.buckets);
    let numbers = numbers.map(|(now, before)| now.saturating_sub(before));
    let limits = limits.into_iter().map(|limit| limit as f64 / unit);
    Histogram {
        buckets: limits.zip(numbers).collect(),
        count: now.count.saturating_sub(before.count),
        sum: now.sum.saturating_sub(before.sum) as f64 / unit,
    }
}
