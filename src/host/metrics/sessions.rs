//! Metrics of the session tracker.

use std::borrow::Cow;

use crate::{
    encoding::{Histogram, Metric, MetricValue},
    event::{EndReason, EventKind},
    transform::sessions::{
        DURATION_LIMITS_SECS, DurationHistogram, HostStatistics, SessionStatistics,
    },
};

/// Adds the metrics of `now`, given that `before` was emitted last.
pub(super) fn of_sessions(
    now: &SessionStatistics,
    before: Option<&SessionStatistics>,
    metrics: &mut Vec<Metric>,
) {
    let mut count = |name, number: fn(&SessionStatistics) -> u64| {
        let more = number(now).saturating_sub(before.map_or(0, number));
        metrics.push(metric(name, vec![], MetricValue::Counter(more)));
    };
    count("repeated_datagrams_total", |s| s.repeated);
    count("unfollowed_events_total", |s| s.unfollowed);
    count("evicted_users_total", |s| s.evicted_users);
    let nobody = HostStatistics::default();
    for (place, host) in now.hosts.iter().enumerate() {
        let before = before.and_then(|before| before.hosts.get(place));
        if host.is_used() {
            of_host(host, before.unwrap_or(&nobody), metrics);
        }
    }
}

fn of_host(now: &HostStatistics, before: &HostStatistics, metrics: &mut Vec<Metric>) {
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
        add(metric_name, vec![], MetricValue::gauge(number));
    }
    // Values that never occurred have no metric, because most nodes have only a few of them.
    let mut count = |metric_name, tags, now: u64, before: u64| {
        if now > 0 {
            let more = now.saturating_sub(before);
            add(metric_name, tags, MetricValue::Counter(more));
        }
    };
    for kind in EventKind::ALL.iter().copied() {
        let mut tags = vec![("event", kind.event().into())];
        tags.extend(kind.action().map(|action| ("action", action.into())));
        count(
            "user_events_total",
            tags,
            now.events_of(kind),
            before.events_of(kind),
        );
    }
    for &reason in EndReason::ALL {
        let tags = || vec![("reason", reason.as_str().into())];
        let (sessions, before_sessions) =
            (now.ended_sessions(reason), before.ended_sessions(reason));
        count("ended_sessions_total", tags(), sessions, before_sessions);
        let (connections, before_connections) = (
            now.ended_connections(reason),
            before.ended_connections(reason),
        );
        count(
            "ended_connections_total",
            tags(),
            connections,
            before_connections,
        );
    }
    for (metric_name, now, before) in [
        (
            "session_duration_seconds",
            now.session_durations,
            before.session_durations,
        ),
        (
            "connection_duration_seconds",
            now.connection_durations,
            before.connection_durations,
        ),
    ] {
        if now.count > 0 {
            let value = MetricValue::Histogram(histogram(&now, &before));
            add(metric_name, vec![], value);
        }
    }
}

type Tag = (&'static str, Cow<'static, str>);

fn metric(name: &'static str, tags: Vec<Tag>, value: MetricValue) -> Metric {
    Metric { name, tags, value }
}

/// The increase of a histogram.
fn histogram(now: &DurationHistogram, before: &DurationHistogram) -> Histogram {
    let numbers = now.buckets.iter().zip(before.buckets);
    let numbers = numbers.map(|(now, before)| now.saturating_sub(before));
    Histogram {
        buckets: DURATION_LIMITS_SECS
            .into_iter()
            .map(f64::from)
            .zip(numbers)
            .collect(),
        count: now.count.saturating_sub(before.count),
        sum: now.sum.saturating_sub(before.sum).as_secs_f64(),
    }
}
