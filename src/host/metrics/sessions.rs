//! What the tracker of sessions has counted, as metrics.

use std::borrow::Cow;

use crate::{
    encoding::{Histogram, Metric, MetricValue},
    event::{EndReason, Kind},
    transform::sessions::{
        DURATION_LIMITS_SECS, DurationHistogram, HostStatistics, SessionStatistics,
    },
};

/// Adds the metrics of what is `now`, where `told` was told before.
pub(super) fn of_sessions(
    now: &SessionStatistics,
    told: Option<&SessionStatistics>,
    metrics: &mut Vec<Metric>,
) {
    let mut count = |name, number: fn(&SessionStatistics) -> u64| {
        let more = number(now).saturating_sub(told.map_or(0, number));
        metrics.push(metric(name, vec![], MetricValue::Counter(more)));
    };
    count("repeated_datagrams_total", |s| s.repeated);
    count("unfollowed_events_total", |s| s.unfollowed);
    count("evicted_users_total", |s| s.evicted_users);
    let nobody = HostStatistics::default();
    for (place, host) in now.hosts.iter().enumerate() {
        let told = told.and_then(|told| told.hosts.get(place));
        if host.is_used() {
            of_host(host, told.unwrap_or(&nobody), metrics);
        }
    }
}

fn of_host(now: &HostStatistics, told: &HostStatistics, metrics: &mut Vec<Metric>) {
    let name = now.host.as_deref().unwrap_or("other");
    let mut add = |metric_name, tags: Vec<Tag>, value| {
        let host = ("host", name.to_owned().into());
        let tags = [host].into_iter().chain(tags).collect();
        metrics.push(metric(metric_name, tags, value));
    };
    for (metric_name, number) in [
        ("active_users", now.active_users()),
        ("active_sessions", now.active_sessions()),
        ("active_connections", now.active_connections()),
    ] {
        add(metric_name, vec![], MetricValue::Gauge(number));
    }
    // What has never been counted makes no metric: most nodes have a few of these.
    let mut count = |metric_name, tags, now: u64, told: u64| {
        if now > 0 {
            let more = now.saturating_sub(told);
            add(metric_name, tags, MetricValue::Counter(more));
        }
    };
    for kind in Kind::ALL {
        let tags = vec![
            ("event", kind.event().into()),
            ("action", kind.action().into()),
        ];
        count(
            "user_events_total",
            tags,
            now.events_of(kind),
            told.events_of(kind),
        );
    }
    for reason in EndReason::ALL {
        let tags = || vec![("reason", reason.as_str().into())];
        let (sessions, told_sessions) = (now.ended_sessions(reason), told.ended_sessions(reason));
        count("ended_sessions_total", tags(), sessions, told_sessions);
        let (connections, told_connections) = (
            now.ended_connections(reason),
            told.ended_connections(reason),
        );
        count(
            "ended_connections_total",
            tags(),
            connections,
            told_connections,
        );
    }
    for (metric_name, now, told) in [
        (
            "session_duration_seconds",
            now.session_durations,
            told.session_durations,
        ),
        (
            "connection_duration_seconds",
            now.connection_durations,
            told.connection_durations,
        ),
    ] {
        if now.count > 0 {
            let value = MetricValue::Histogram(histogram(&now, &told));
            add(metric_name, vec![], value);
        }
    }
}

type Tag = (&'static str, Cow<'static, str>);

fn metric(name: &'static str, tags: Vec<Tag>, value: MetricValue) -> Metric {
    Metric { name, tags, value }
}

/// What is new in a histogram.
fn histogram(now: &DurationHistogram, told: &DurationHistogram) -> Histogram {
    let numbers = now.buckets.iter().zip(told.buckets);
    let numbers = numbers.map(|(now, told)| now.saturating_sub(told));
    Histogram {
        buckets: DURATION_LIMITS_SECS
            .into_iter()
            .map(f64::from)
            .zip(numbers)
            .collect(),
        count: now.count.saturating_sub(told.count),
        sum: now.sum.saturating_sub(told.sum).as_secs_f64(),
    }
}
