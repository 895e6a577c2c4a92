//! The counts of an address.

use std::borrow::Cow;

use crate::{
    encoding::{Metric, MetricValue},
    event::{EventKind, TaskAction},
    payload::ErrorCode,
    pipeline::{Counters, RowGaps},
    schema::Details,
    source::Refusals,
};

/// The counts of an address. Everything that was received is in exactly one of the other counts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Totals {
    /// Datagrams received.
    pub received_datagrams: u64,
    /// Their length in bytes.
    pub received_bytes: u64,
    /// Datagrams from senders that are not allowed.
    pub refused: u64,
    /// The same, by the senders' networks.
    pub refusals: Refusals,
    /// Datagrams over their sender's rate limit.
    pub over_rate: u64,
    /// The pipeline's counts for the other datagrams.
    pub pipeline: Counters,
    /// Events and undecoded payloads that were dropped by a full queue or by an output that broke or ended, and
    /// datagrams that were being processed when a worker panicked.
    pub dropped: u64,
    /// Datagrams that the system dropped during this run before they were received; `None` if it does not report them.
    pub kernel_dropped: Option<u64>,
    /// Missing rows, by Qlik node and appender.
    pub row_gaps: RowGaps,
    /// The total size of the receive buffers in bytes, as granted by the system.
    pub receive_buffer_bytes: usize,
}

impl From<&Totals> for Details {
    fn from(totals: &Totals) -> Self {
        let pipeline = &totals.pipeline;
        let mut details = Self::default();
        details.add("datagrams", totals.received_datagrams);
        details.add("bytes", totals.received_bytes);
        details.add("events", pipeline.events());
        let by_kind = payload_kinds().map(|kind| (kind.name(), pipeline.events_of(kind)));
        details.add_counts("events_by_kind", by_kind);
        let tasks = TaskAction::ALL.iter();
        let tasks = tasks.map(|action| (action.as_str(), pipeline.tasks_of(*action)));
        details.add_counts("tasks", tasks);
        let derived = pipeline.derived_events();
        details.add_any("derived", (derived > 0).then_some(derived));
        details.add("excluded", pipeline.excluded);
        details.add_any("summarized", pipeline.summarized);
        details.add("undecoded", pipeline.undecoded_events());
        let by_code = ErrorCode::ALL
            .iter()
            .map(|code| (code.as_str(), pipeline.undecoded_by(*code)));
        details.add_counts("undecoded_by_code", by_code);
        details.add("refused", totals.refused);
        details.add("over_rate", totals.over_rate);
        details.add("dropped", totals.dropped);
        details.add_any("kernel_dropped", totals.kernel_dropped);
        details.add_any("row_gaps", pipeline.row_gaps);
        let gaps = totals.row_gaps.iter();
        details.add_counts(
            "row_gaps_by_appender",
            gaps.map(|(host, family, gaps)| (format!("{host} {}", family.as_str()), gaps)),
        );
        details
    }
}

/// The kinds of events that come from payloads, except for undecoded ones.
fn payload_kinds() -> impl Iterator<Item = EventKind> {
    let kinds = EventKind::ALL.iter().copied();
    kinds.filter(|kind| !kind.is_derived() && *kind != EventKind::Undecoded)
}

type Tag = (&'static str, Cow<'static, str>);

/// Adds the metrics of `now` for an address, given that `before` was emitted last.
pub(super) fn of_totals(address: &str, now: &Totals, before: &Totals, metrics: &mut Vec<Metric>) {
    let mut add = |name, tags: Vec<Tag>, value| {
        let address = ("address", address.to_owned().into());
        metrics.push(Metric {
            name,
            tags: [address].into_iter().chain(tags).collect(),
            value,
        });
    };
    add(
        "receive_buffer_bytes",
        vec![],
        MetricValue::gauge(now.receive_buffer_bytes as u64),
    );
    let mut count = |name, tags: Vec<Tag>, number: fn(&Totals) -> u64| {
        let more = number(now).saturating_sub(number(before));
        add(name, tags, MetricValue::Counter(more));
    };
    count("received_datagrams_total", vec![], |t| t.received_datagrams);
    count("received_bytes_total", vec![], |t| t.received_bytes);
    count("excluded_events_total", vec![], |t| t.pipeline.excluded);
    if now.pipeline.summarized.is_some() {
        count("summarized_events_total", vec![], |t| {
            t.pipeline.summarized.unwrap_or(0)
        });
    }
    if now.pipeline.derived_events() > 0 {
        count("derived_events_total", vec![], |t| {
            t.pipeline.derived_events()
        });
    }
    count("rate_limited_datagrams_total", vec![], |t| t.over_rate);
    count("queue_dropped_events_total", vec![], |t| t.dropped);
    if now.kernel_dropped.is_some() {
        count("kernel_dropped_datagrams_total", vec![], |t| {
            t.kernel_dropped.unwrap_or(0)
        });
    }
    let mut count_by = |name, tags, now: u64, before: u64| {
        add(name, tags, MetricValue::Counter(now.saturating_sub(before)));
    };
    for kind in payload_kinds() {
        let mut tags = vec![("event", kind.event().into())];
        tags.extend(kind.action().map(|action| ("action", action.into())));
        tags.extend(
            kind.service()
                .map(|service| ("service", service.as_str().into())),
        );
        let of = |totals: &Totals| totals.pipeline.events_of(kind);
        count_by("events_total", tags, of(now), of(before));
    }
    for action in TaskAction::ALL.iter().copied() {
        let tags = vec![("action", action.as_str().into())];
        let of = |totals: &Totals| totals.pipeline.tasks_of(action);
        count_by("tasks_total", tags, of(now), of(before));
    }
    for &code in ErrorCode::ALL {
        let tags = vec![("code", code.as_str().into())];
        let (now, before) = (
            now.pipeline.undecoded_by(code),
            before.pipeline.undecoded_by(code),
        );
        count_by("undecoded_events_total", tags, now, before);
    }
    for (host, family, gaps) in now.row_gaps.iter() {
        let tags = vec![
            ("host", host.to_owned().into()),
            ("appender", family.as_str().into()),
        ];
        count_by(
            "row_gaps_total",
            tags,
            gaps,
            before.row_gaps.of(host, family),
        );
    }
    for (range, number) in now.refusals.iter() {
        let before = before.refusals.of(range);
        let range = range.map_or_else(|| "other".into(), |range| range.to_string());
        let tags = vec![("sender_range", range.into())];
        count_by("refused_datagrams_total", tags, number, before);
    }
}
