//! What was counted, told to the host: as metrics where it has them, otherwise as records.

use std::borrow::Cow;

use super::{
    diagnostics::Diagnostic,
    listener::{Listener, Totals},
    queue::Queue,
    refresh::AppNamesCounts,
    session_metrics::of_sessions,
};
use crate::{
    encoding::{Codec, Encoder, Metric, MetricValue, metrics_frame},
    event::Kind,
    schema::{Layout, Timestamp},
    transform::{Sessions, sessions::SessionStatistics},
    wire::ErrorCode,
};

/// Remembers what has been told: a host's counters add up and are told what is new, and records are
/// only worth it when there is something new.
#[derive(Debug)]
pub struct Telemetry {
    form: Form,
    told: Vec<Totals>,
    told_app_names: AppNamesCounts,
    told_sessions: Option<SessionStatistics>,
}

#[derive(Debug)]
enum Form {
    Metrics(Codec),
    /// Fluent Bit's records, that look so.
    Records(Layout),
}

impl Telemetry {
    /// Metrics in a codec, if it has them. Nothing has been told yet.
    #[must_use]
    pub fn metrics(codec: Codec, listeners: usize) -> Self {
        Self::new(Form::Metrics(codec), listeners)
    }

    /// Records of Fluent Bit, events about the plugin with all that was counted at an address. Nothing has been
    /// told yet.
    #[must_use]
    pub fn records(layout: Layout, listeners: usize) -> Self {
        Self::new(Form::Records(layout), listeners)
    }

    fn new(form: Form, listeners: usize) -> Self {
        Self {
            form,
            told: vec![Totals::default(); listeners],
            told_app_names: AppNamesCounts::default(),
            told_sessions: None,
        }
    }

    /// Offers a set of metrics to the queue. What an earlier set that still waits leaves no room for
    /// is part of the next one; there is always room for the set that `is_last`.
    pub fn tell(
        &mut self,
        listeners: &[Listener],
        sessions: Option<&Sessions>,
        queue: &Queue,
        app_names: Option<AppNamesCounts>,
        time: Timestamp,
        is_last: bool,
    ) {
        let sessions = sessions.map(Sessions::statistics);
        let totals: Vec<Totals> = listeners
            .iter()
            .map(|listener| listener.totals(queue))
            .collect();
        let frame = match &self.form {
            Form::Metrics(codec) => {
                let mut metrics = self.since_told(listeners, &totals, sessions.as_ref(), queue);
                if let Some(app_names) = &app_names {
                    of_app_names(app_names, &self.told_app_names, &mut metrics);
                }
                metrics_frame(*codec, &metrics, time)
            }
            Form::Records(layout) => self.changed(layout, listeners, &totals, is_last),
        };
        if let Some(frame) = frame
            && queue.offer_metrics(&frame, is_last)
        {
            self.told = totals;
            self.told_app_names = app_names.unwrap_or_default();
            self.told_sessions = sessions;
        }
    }

    fn since_told(
        &self,
        listeners: &[Listener],
        totals: &[Totals],
        sessions: Option<&SessionStatistics>,
        queue: &Queue,
    ) -> Vec<Metric> {
        let mut metrics = vec![Metric {
            name: "queue_events",
            tags: vec![],
            value: MetricValue::Gauge(queue.events()),
        }];
        for ((listener, totals), told) in listeners.iter().zip(totals).zip(&self.told) {
            of_listener(&listener.address.to_string(), totals, told, &mut metrics);
        }
        if let Some(sessions) = sessions {
            of_sessions(sessions, self.told_sessions.as_ref(), &mut metrics);
        }
        metrics
    }

    /// A record for each address where something was counted since.
    fn changed(
        &self,
        layout: &Layout,
        listeners: &[Listener],
        totals: &[Totals],
        is_last: bool,
    ) -> Option<Vec<u8>> {
        let message = if is_last { "stopped" } else { "running" };
        let mut records = Encoder::message_pack();
        for ((listener, totals), told) in listeners.iter().zip(totals).zip(&self.told) {
            if totals != told {
                let diagnostic = Diagnostic::of_totals(message, listener.address, totals);
                let event = diagnostic.event();
                // Numbers and names: there is nothing that could not be written.
                let _ = records.push_at(event.timestamp, &layout.plugin(&event));
            }
        }
        (!records.is_empty()).then(|| records.frame().to_vec())
    }

    /// What is new since this was last asked, as metrics for a host that has neither queue nor output of
    /// ours.
    #[cfg(feature = "linked")]
    pub fn take(
        &mut self,
        listeners: &[Listener],
        sessions: Option<&Sessions>,
        queue: &Queue,
    ) -> Vec<Metric> {
        let sessions = sessions.map(Sessions::statistics);
        let totals: Vec<Totals> = listeners
            .iter()
            .map(|listener| listener.totals(queue))
            .collect();
        let mut metrics = self.since_told(listeners, &totals, sessions.as_ref(), queue);
        metrics.retain(|metric| !metric.name.starts_with("queue_"));
        self.told = totals;
        self.told_sessions = sessions;
        metrics
    }
}

type Tag = (&'static str, Cow<'static, str>);

fn of_app_names(now: &AppNamesCounts, told: &AppNamesCounts, metrics: &mut Vec<Metric>) {
    metrics.push(Metric {
        name: "app_names",
        tags: vec![],
        value: MetricValue::Gauge(now.apps),
    });
    for (source, now, told) in [
        ("files", now.file_failures, told.file_failures),
        ("qrs", now.qrs_failures, told.qrs_failures),
    ] {
        metrics.push(Metric {
            name: "app_names_refresh_failures_total",
            tags: vec![("source", source.into())],
            value: MetricValue::Counter(now.saturating_sub(told)),
        });
    }
}

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
    for (host, lost) in now.lost_by_host.iter() {
        let tags = vec![("host", host.to_owned().into())];
        count_by(
            "lost_datagrams_total",
            tags,
            lost,
            told.lost_by_host.of(host),
        );
    }
    for (range, number) in now.refusals.iter() {
        let told = told.refusals.of(range);
        let range = range.map_or_else(|| "other".into(), |range| range.to_string());
        let tags = vec![("sender_range", range.into())];
        count_by("refused_datagrams_total", tags, number, told);
    }
}
