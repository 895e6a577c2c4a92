//! What was counted, told to the host: as metrics where it has them, otherwise as records.

mod app_names;
mod sessions;
mod totals;

pub use self::{app_names::AppNamesCounts, totals::Totals};
use self::{app_names::of_app_names, sessions::of_sessions, totals::of_totals};
use crate::{
    encoding::{Codec, Encoder, Metric, MetricValue, metrics_frame},
    host::{
        diagnostics::Diagnostic,
        runtime::{listener::Listener, queue::Queue},
    },
    schema::{Layout, Timestamp},
    transform::{Sessions, sessions::SessionStatistics},
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
            of_totals(&listener.address.to_string(), totals, told, &mut metrics);
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
