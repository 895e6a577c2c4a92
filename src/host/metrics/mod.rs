//! Reports counts to the host: as metrics if the host supports them, otherwise as records.

mod app_names;
mod engines;
mod nodes;
mod qps;
mod sessions;
mod totals;

use std::{fmt, net::SocketAddr};

pub use self::{
    app_names::AppNamesCounts,
    engines::{EngineCounts, EngineHealth},
    qps::ProxyCounts,
    totals::Totals,
};
use self::{
    app_names::of_app_names, engines::of_engines, nodes::of_nodes, qps::of_qps,
    sessions::of_sessions, totals::of_totals,
};
use crate::{
    encoding::{Codec, Encoder, Metric, MetricValue, metrics_frame},
    host::{
        diagnostics::Diagnostic,
        runtime::{queue::Contents, queues::Queues},
    },
    pipeline::Statistics,
    schema::{Layout, Timestamp},
    transform::sessions::SessionStatistics,
};

/// All counts at one moment.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    /// The counts of each address.
    pub addresses: Vec<(SocketAddr, Totals)>,
    /// The number of events that wait in the queue.
    pub queue_events: u64,
    /// What Qlik nodes have sent besides user events.
    pub nodes: Statistics,
    /// The session tracker's statistics, if sessions are followed.
    pub sessions: Option<SessionStatistics>,
    /// The counts of app names, if configured.
    pub app_names: Option<AppNamesCounts>,
    /// The state of the proxies that are queried for sessions.
    pub proxies: Vec<ProxyCounts>,
    /// The state of the engines that are queried for their health.
    pub engines: Vec<EngineCounts>,
}

/// Emits counts, and remembers what was emitted last: a host's counters need increments, and records of addresses are
/// sent only if something has changed.
#[derive(Debug)]
pub struct Telemetry {
    form: Form,
    emitted: Snapshot,
}

enum Form {
    Metrics(Codec),
    /// Records for Fluent Bit, in this layout.
    Records(Layout),
    /// A function of a host that keeps its own metrics.
    Callback(Box<dyn FnMut(Vec<Metric>) + Send>),
}

impl Telemetry {
    /// Emits metrics in a codec, if the codec has them.
    #[must_use]
    pub fn metrics(codec: Codec) -> Self {
        Self::new(Form::Metrics(codec))
    }

    /// Emits records for Fluent Bit: events about the plugin, with the counts of an address or the health of an engine.
    #[must_use]
    pub fn records(layout: Layout) -> Self {
        Self::new(Form::Records(layout))
    }

    /// Passes metrics to `record`, for a host that keeps its own.
    #[must_use]
    pub fn callback(record: impl FnMut(Vec<Metric>) + Send + 'static) -> Self {
        Self::new(Form::Callback(Box::new(record)))
    }

    fn new(form: Form) -> Self {
        Self {
            form,
            emitted: Snapshot::default(),
        }
    }

    /// Emits what is new. If an earlier set of metrics still waits in the queue, this one becomes part of the next;
    /// there is always room for the set that `is_last`.
    pub fn emit<C: Contents>(
        &mut self,
        now: Snapshot,
        queues: &Queues<C>,
        time: Timestamp,
        is_last: bool,
    ) {
        let is_emitted = match &mut self.form {
            Form::Metrics(codec) => metrics_frame(*codec, &since(&now, &self.emitted, time), time)
                .is_some_and(|frame| queues.offer_metrics(&frame, 1, is_last)),
            Form::Records(layout) => records(layout, &now, &self.emitted, is_last)
                .is_some_and(|(frame, records)| queues.offer_metrics(&frame, records, is_last)),
            Form::Callback(record) => {
                record(since(&now, &self.emitted, time));
                true
            }
        };
        if is_emitted {
            self.emitted = now;
        }
    }

    /// Notes that the session tracker was reset and counts from zero again.
    pub fn reset_sessions(&mut self) {
        self.emitted.sessions = None;
    }
}

/// The metrics of `now`, given that `before` was emitted last. They are the same for every host.
fn since(now: &Snapshot, before: &Snapshot, time: Timestamp) -> Vec<Metric> {
    let gauge = |name, value| Metric {
        name,
        tags: vec![],
        value: MetricValue::Gauge(value),
    };
    let mut metrics = vec![
        gauge("queue_events", now.queue_events as f64),
        // Counters stop when nothing arrives as well as when the program is gone; this gauge stops only in the latter
        // case.
        gauge(
            "report_time_seconds",
            time.0.timestamp_millis() as f64 / 1_000.0,
        ),
    ];
    let nothing = Totals::default();
    for (place, (address, totals)) in now.addresses.iter().enumerate() {
        let before = before.addresses.get(place).map_or(&nothing, |it| &it.1);
        of_totals(&address.to_string(), totals, before, &mut metrics);
    }
    of_nodes(&now.nodes, &before.nodes, &mut metrics);
    if let Some(sessions) = &now.sessions {
        of_sessions(sessions, before.sessions.as_ref(), &mut metrics);
    }
    if let Some(app_names) = &now.app_names {
        let before = before.app_names.unwrap_or_default();
        of_app_names(app_names, &before, &mut metrics);
    }
    of_qps(&now.proxies, &before.proxies, &mut metrics);
    of_engines(&now.engines, &before.engines, &mut metrics);
    metrics
}

/// A record for each engine, and for each address whose counts have changed; and the number of records.
fn records(
    layout: &Layout,
    now: &Snapshot,
    before: &Snapshot,
    is_last: bool,
) -> Option<(Vec<u8>, u64)> {
    let message = if is_last { "stopped" } else { "running" };
    let (mut records, mut count) = (Encoder::message_pack(layout), 0);
    // Numbers and names can always be written.
    let mut add =
        |diagnostic: Diagnostic<'_>| count += u64::from(records.push(&diagnostic.event()).is_ok());
    for engine in now.engines.iter().filter(|engine| engine.is_known()) {
        add(Diagnostic::of_engine(engine));
    }
    let nothing = Totals::default();
    for (place, (address, totals)) in now.addresses.iter().enumerate() {
        let before = before.addresses.get(place).map_or(&nothing, |it| &it.1);
        if totals != before {
            add(Diagnostic::of_totals(message, *address, totals));
        }
    }
    (count > 0).then(|| (records.frame().to_vec(), count))
}

impl fmt::Debug for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Metrics(codec) => f.debug_tuple("Metrics").field(codec).finish(),
            Self::Records(layout) => f.debug_tuple("Records").field(layout).finish(),
            Self::Callback(_) => f.write_str("Callback"),
        }
    }
}
