//! What was sent and what was received, for people and for programs.

use std::time::Duration;

use chrono::SecondsFormat;
use qlik_sense_events::{
    event::EventKind,
    payload::ErrorCode,
    pipeline::Counters,
    simulate::{MemoryDrop, Played},
};
use serde_json::{Map, Value, json};

/// What a simulation has sent, as names and numbers that add up; `of_which` are parts of the events.
pub struct Sent {
    /// Datagrams, including those that cannot be decoded.
    datagrams: Vec<(&'static str, u64)>,
    /// Kinds of events; together they are all events.
    kinds: Vec<(&'static str, u64)>,
    /// Parts of the events, by their users.
    of_which: Vec<(&'static str, u64)>,
    /// What the requests to the engine cost: sums, and those that cost most.
    cost: Vec<(&'static str, u64)>,
    /// What went wrong on the way.
    network: Vec<(&'static str, u64)>,
    /// The user who made the memory of a node drop, if any.
    memory_drop: Option<MemoryDrop>,
}

impl Sent {
    pub fn new(played: &Played, memory_drop: Option<&MemoryDrop>) -> Self {
        let tally = played.tally;
        let cost = tally.performance;
        let microseconds = |time: Duration| time.as_micros() as u64;
        Self {
            datagrams: vec![
                ("datagrams", played.datagrams),
                ("bytes", played.bytes),
                ("undecoded", tally.undecoded),
                ("events", tally.events()),
            ],
            kinds: vec![
                ("session_start", tally.session_start),
                ("session_stop", tally.session_stop),
                ("session_other", tally.session_other),
                ("connection_open", tally.connection_open),
                ("connection_close", tally.connection_close),
                ("connection_other", tally.connection_other),
                ("log_debug", tally.log_debug),
                ("log_info", tally.log_info),
                ("log_warn", tally.log_warn),
                ("log_error", tally.log_error),
                ("log_fatal", tally.log_fatal),
                ("performance", cost.requests),
                ("task_failed", tally.task_failed),
                ("task_aborting", tally.task_aborting),
                ("task_succeeded", tally.task_succeeded),
                ("task_distributed", tally.task_distributed),
            ],
            of_which: vec![
                ("service_account", tally.service_account),
                ("anonymous", tally.anonymous),
            ],
            cost: vec![
                ("process_us", microseconds(cost.process.sum)),
                ("max_process_us", microseconds(cost.process.max)),
                ("net_ram_bytes", cost.net_ram_bytes),
                ("max_net_ram_bytes", cost.max_net_ram_bytes),
                ("max_peak_ram_bytes", cost.max_peak_ram_bytes),
            ],
            network: vec![("given_up", played.given_up), ("refused", played.refused)],
            memory_drop: memory_drop.cloned(),
        }
    }

    /// As a JSON object, for programs.
    pub fn json(&self) -> String {
        let table = |numbers: &[(&'static str, u64)]| {
            let entries = numbers
                .iter()
                .map(|&(name, number)| (name.to_owned(), number.into()));
            entries.collect::<Map<String, Value>>()
        };
        let mut all = table(&self.datagrams);
        all.extend(table(&self.kinds));
        all.insert("of_which".to_owned(), table(&self.of_which).into());
        all.insert("cost".to_owned(), table(&self.cost).into());
        all.extend(table(&self.network));
        if let Some(drop) = &self.memory_drop {
            let culprit = json!({
                "host": *drop.host,
                "user": drop.user,
                "session_id": *drop.session_id,
                "app_id": *drop.app_id,
                "app_name": *drop.app_name,
                "object_id": *drop.object_id,
                "begin": drop.begin.to_rfc3339_opts(SecondsFormat::Millis, true),
                "end": drop.end.to_rfc3339_opts(SecondsFormat::Millis, true),
                "peak_ram_bytes": drop.peak_ram_bytes,
            });
            all.insert("memory_drop".to_owned(), culprit);
        }
        Value::Object(all).to_string()
    }

    /// As lines, for people. Kinds without events are left out.
    pub fn lines(&self) -> String {
        let indented = |indent: usize, numbers: &[(&'static str, u64)]| {
            let width = 20 - indent;
            let line = |&(name, number): &(&str, u64)| {
                format!("{:indent$}{name:<width$} {number:>9}\n", "")
            };
            numbers.iter().map(line).collect::<String>()
        };
        let seen = |&&(_, number): &&(&str, u64)| number > 0;
        let kinds: Vec<_> = self.kinds.iter().filter(seen).copied().collect();
        let cost: Vec<_> = self.cost.iter().filter(seen).copied().collect();
        [
            indented(0, &self.datagrams),
            indented(2, &kinds),
            "  of which\n".to_owned(),
            indented(4, &self.of_which),
            indented(0, &cost),
            indented(0, &self.network),
            self.memory_drop.as_ref().map_or_else(String::new, |drop| {
                format!(
                    "memory drop of {}: {} in {:?} ({}), object {}, {} to {}\n",
                    drop.host,
                    drop.user,
                    drop.app_name,
                    drop.app_id,
                    drop.object_id,
                    drop.begin.format("%H:%M:%S"),
                    drop.end.format("%H:%M:%S UTC")
                )
            }),
        ]
        .concat()
    }
}

/// The counts of a receiver, for people: a line for each kind with events.
pub fn received(counters: &Counters) -> String {
    let mut lines = format!("received   {:>9} datagrams\n", counters.datagrams);
    let kinds = EventKind::ALL.iter().copied();
    for kind in kinds.filter(|kind| !kind.is_derived() && *kind != EventKind::Undecoded) {
        let events = counters.events_of(kind);
        if events > 0 {
            let name = kind.name().replace('_', " ");
            lines += &format!("  {name:<16} {events:>9}\n");
        }
    }
    lines += &format!(
        "  {:<16} {:>9}  by the blacklist\n",
        "excluded", counters.excluded
    );
    if let Some(summarized) = counters.summarized {
        lines += &format!(
            "  {:<16} {summarized:>9}  into performance summaries\n",
            "summarized"
        );
    }
    let reasons: Vec<String> = ErrorCode::ALL
        .iter()
        .copied()
        .filter(|&code| counters.undecoded_by(code) > 0)
        .map(|code| format!("{code} {}", counters.undecoded_by(code)))
        .collect();
    lines += &format!(
        "  {:<16} {:>9}  {}",
        "undecoded",
        counters.undecoded_events(),
        reasons.join(", ")
    );
    if let Some(gaps) = counters.row_gaps {
        lines = lines.trim_end().to_owned();
        lines += &format!("\n  {:<16} {gaps:>9}  missing rows", "row gaps");
    }
    lines.trim_end().to_owned()
}
