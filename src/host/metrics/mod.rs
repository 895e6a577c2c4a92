//! What was counted, told to the host: as metrics where it has them, otherwise as records.

mod app_names;
mod sessions;
mod totals;

use std::{fmt, net::SocketAddr};

pub use self::{app_names::AppNamesCounts, totals::Totals};
use self::{app_names::of_app_names, sessions::of_sessions, totals::of_totals};
use crate::{
    encoding::{Codec, Encoder, Metric, MetricValue, metrics_frame},
    host::{diagnostics::Diagnostic, runtime::queue::Queue},
    schema::{Layout, Timestamp},
    transform::sessions::SessionStatistics,
};

/// Everything that is counted, at one moment.
#[derive(Debug, Clone, Default)]
pub struct Counted {
    /// At each address.
    pub addresses: Vec<(SocketAddr, Totals)>,
    /// Events that wait in the queue.
    pub queue_events: u64,
    /// By the tracker of sessions, where they are followed.
    pub sessions: Option<SessionStatistics>,
    /// Of names of apps, where anybody asked for them.
    pub app_names: Option<AppNamesCounts>,
}

/// Remembers what has been told: a host's counters add up and are told what is new, and records are
/// only worth it when there is something new.
#[derive(Debug)]
pub struct Telemetry {
    form: Form,
    told: Counted,
}

enum Form {
    Metrics(Codec),
    /// Fluent Bit's records, that look so.
    Records(Layout),
    /// To a host that keeps metrics of its own.
    Given(Box<dyn FnMut(Vec<Metric>) + Send>),
}

impl Telemetry {
    /// Metrics in a codec, if it has them. Nothing has been told yet.
    #[must_use]
    pub fn metrics(codec: Codec) -> Self {
        Self::new(Form::Metrics(codec))
    }

    /// Records of Fluent Bit, events about the plugin with all that was counted at an address. Nothing has been
    /// told yet.
    #[must_use]
    pub fn records(layout: Layout) -> Self {
        Self::new(Form::Records(layout))
    }

    /// Metrics that `give` gets, for a host that has metrics of its own. Nothing has been told yet.
    #[must_use]
    pub fn given(give: impl FnMut(Vec<Metric>) + Send + 'static) -> Self {
        Self::new(Form::Given(Box::new(give)))
    }

    fn new(form: Form) -> Self {
        Self {
            form,
            told: Counted::default(),
        }
    }

    /// Tells what is new. What an earlier set of metrics that still waits in the queue leaves no room for
    /// is part of the next one; there is always room for the set that `is_last`.
    pub fn tell<F>(&mut self, now: Counted, queue: &Queue<F>, time: Timestamp, is_last: bool) {
        let is_told = match &mut self.form {
            Form::Metrics(codec) => metrics_frame(*codec, &since(&now, &self.told), time)
                .is_some_and(|frame| queue.offer_metrics(&frame, is_last)),
            Form::Records(layout) => changed(layout, &now, &self.told, is_last)
                .is_some_and(|frame| queue.offer_metrics(&frame, is_last)),
            Form::Given(give) => {
                give(since(&now, &self.told));
                true
            }
        };
        if is_told {
            self.told = now;
        }
    }

    /// Says that sessions are followed anew, and counted from zero.
    pub fn reset_sessions(&mut self) {
        self.told.sessions = None;
    }
}

/// The metrics of what is `now`, where `told` was told before: every host's, so that none lacks any.
fn since(now: &Counted, told: &Counted) -> Vec<Metric> {
    let mut metrics = vec![Metric {
        name: "queue_events",
        tags: vec![],
        value: MetricValue::Gauge(now.queue_events),
    }];
    let nothing = Totals::default();
    for (place, (address, totals)) in now.addresses.iter().enumerate() {
        let told = told.addresses.get(place).map_or(&nothing, |told| &told.1);
        of_totals(&address.to_string(), totals, told, &mut metrics);
    }
    if let Some(sessions) = &now.sessions {
        of_sessions(sessions, told.sessions.as_ref(), &mut metrics);
    }
    if let Some(app_names) = &now.app_names {
        let told = told.app_names.unwrap_or_default();
        of_app_names(app_names, &told, &mut metrics);
    }
    metrics
}

/// A record for each address where something was counted since.
fn changed(layout: &Layout, now: &Counted, told: &Counted, is_last: bool) -> Option<Vec<u8>> {
    let message = if is_last { "stopped" } else { "running" };
    let mut records = Encoder::message_pack(layout);
    let nothing = Totals::default();
    for (place, (address, totals)) in now.addresses.iter().enumerate() {
        let told = told.addresses.get(place).map_or(&nothing, |told| &told.1);
        if totals != told {
            let diagnostic = Diagnostic::of_totals(message, *address, totals);
            // Numbers and names: there is nothing that could not be written.
            let _ = records.push(&diagnostic.event());
        }
    }
    (!records.is_empty()).then(|| records.frame().to_vec())
}

impl fmt::Debug for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Metrics(codec) => f.debug_tuple("Metrics").field(codec).finish(),
            Self::Records(layout) => f.debug_tuple("Records").field(layout).finish(),
            Self::Given(_) => f.write_str("Given"),
        }
    }
}
