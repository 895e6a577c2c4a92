//! What was counted, as metrics of the host.

use std::borrow::Cow;

use super::{
    listener::{Listener, Totals},
    queue::Queue,
};
use crate::{
    encoding::{Codec, Metric, MetricValue, metrics_frame},
    event::Kind,
    schema::Timestamp,
    wire::ErrorCode,
};

/// Remembers what has been told, because the host adds up: its counters are told what is new.
#[derive(Debug)]
pub struct Telemetry {
    codec: Codec,
    told: Vec<Totals>,
}

impl Telemetry {
    /// Nothing has been told yet.
    #[must_use]
    pub fn new(codec: Codec, listeners: usize) -> Self {
        Self {
            codec,
            told: vec![Totals::default(); listeners],
        }
    }

    /// Offers a set of metrics to the queue. What an earlier set that still waits leaves no room for
    /// is part of the next one; there is always room for the set that `is_last`.
    pub fn tell(&mut self, listeners: &[Listener], queue: &Queue, time: Timestamp, is_last: bool) {
        let totals: Vec<Totals> = listeners
            .iter()
            .map(|listener| listener.totals(queue))
            .collect();
        let mut metrics = vec![Metric {
            name: "queue_events",
            tags: vec![],
            value: MetricValue::Gauge(queue.events()),
        }];
        for ((listener, totals), told) in listeners.iter().zip(&totals).zip(&self.told) {
            of_listener(&listener.address.to_string(), totals, told, &mut metrics);
        }
        if let Some(frame) = metrics_frame(self.codec, &metrics, time)
            && queue.offer_metrics(&frame, is_last)
        {
            self.told = totals;
        }
    }
}

type Tag = (&'static str, Cow<'static, str>);

fn of_listener(address: &str, now: &Totals, told: &Totals, metrics: &mut Vec<Metric>) {
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
        MetricValue::Gauge(now.receive_buffer_bytes as u64),
    );
    let mut count = |name, tags: Vec<Tag>, number: fn(&Totals) -> u64| {
        let more = number(now).saturating_sub(number(told));
        add(name, tags, MetricValue::Counter(more));
    };
    count("received_datagrams_total", vec![], |t| t.received_datagrams);
    count("received_bytes_total", vec![], |t| t.received_bytes);
    count("excluded_events_total", vec![], |t| t.pipeline.excluded);
    count("rate_limited_datagrams_total", vec![], |t| t.over_rate);
    count("queue_dropped_events_total", vec![], |t| t.dropped);
    if now.kernel_dropped.is_some() {
        count("kernel_dropped_datagrams_total", vec![], |t| {
            t.kernel_dropped.unwrap_or(0)
        });
    }
    let mut count_by = |name, tags, now: u64, told: u64| {
        add(name, tags, MetricValue::Counter(now.saturating_sub(told)));
    };
    for kind in Kind::ALL {
        let tags = vec![
            ("event", kind.event().into()),
            ("action", kind.action().into()),
        ];
        let (now, told) = (now.pipeline.events_of(kind), told.pipeline.events_of(kind));
        count_by("events_total", tags, now, told);
    }
    for code in ErrorCode::ALL {
        let tags = vec![("code", code.as_str().into())];
        let (now, told) = (
            now.pipeline.undecoded_by(code),
            told.pipeline.undecoded_by(code),
        );
        count_by("undecoded_events_total", tags, now, told);
    }
    for (range, number) in now.refusals.iter() {
        let told = told.refusals.of(range);
        let range = range.map_or_else(|| "other".into(), |range| range.to_string());
        let tags = vec![("sender_range", range.into())];
        count_by("refused_datagrams_total", tags, number, told);
    }
}
