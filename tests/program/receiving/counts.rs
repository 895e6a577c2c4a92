//! The counts of each address, on standard error and as metrics for Vector, compared with the simulator's.

use std::collections::BTreeMap;

use nix::sys::signal::Signal;
use qlik_sense_events::simulate::{Datagram, Site, SiteOptions, Tally};
use serde_json::{Value, json};

use super::{configured, counters, linux::drained};
use crate::{
    support::{CODECS, Codec, Running, sender},
    unix::stop,
};

const DATAGRAMS: u64 = 1_500;

/// The counts that a site's datagrams must lead to.
#[derive(Default)]
struct Truth {
    datagrams: u64,
    bytes: u64,
    excluded: u64,
    kinds: BTreeMap<&'static str, u64>,
    codes: BTreeMap<&'static str, u64>,
}

impl Truth {
    fn add(&mut self, datagram: &Datagram, bytes: usize) {
        let tally = datagram.tally();
        self.datagrams += 1;
        self.bytes += bytes as u64;
        self.excluded += tally.service_account;
        if tally.service_account == 0 {
            for (kind, count) in kinds(tally) {
                *self.kinds.entry(kind).or_default() += count;
            }
        }
        if let Datagram::Undecoded { code } = datagram {
            *self.codes.entry(code).or_default() += 1;
        }
    }
}

fn kinds(tally: Tally) -> impl Iterator<Item = (&'static str, u64)> {
    let counts = [
        ("session_start", tally.session_start),
        ("session_stop", tally.session_stop),
        ("session_other", tally.session_other),
        ("connection_open", tally.connection_open),
        ("connection_close", tally.connection_close),
        ("connection_other", tally.connection_other),
    ];
    counts.into_iter().filter(|(_, count)| *count > 0)
}

/// Sends the datagrams of a site. Those with several events are left out if they contain service accounts, because the
/// simulator does not say of which kinds those events are.
fn play(program: &Running, place: usize) -> Truth {
    let address = program.addresses()[place];
    let socket = sender(address);
    let options = SiteOptions {
        odd_per_mille: 300,
        seed: place as u64 + 5,
        ..SiteOptions::default()
    };
    let (mut site, mut bytes, mut truth) = (Site::new(options), Vec::new(), Truth::default());
    let round = program.capacity(100);
    while truth.datagrams < DATAGRAMS {
        if truth.datagrams % round == 0 {
            drained(address);
        }
        let datagram = site.next_datagram(&mut bytes);
        let tally = datagram.tally();
        if tally.service_account > 0 && tally.events() > 1 {
            continue;
        }
        truth.add(&datagram, bytes.len());
        socket.send(&bytes).expect("sent");
    }
    truth
}

fn counted(codec: Codec) {
    let config = "[transform.blacklist]\nusers = ['INTERNAL\\sa_*']\n\
                  [telemetry]\ninterval_secs = 1\n";
    let (_folder, mut command) = configured(config, codec);
    command.args(["--address", "127.0.0.1:0"]);
    let mut program = Running::of(command, codec, 2);
    let truths = [0, 1].map(|place| play(&program, place));
    // At least one set of metrics arrives while the program runs.
    if codec != Codec::Json {
        let records = program.events();
        while records.metrics.is_empty() {
            records.frame().expect("a frame");
        }
    }
    let addresses = program.addresses();
    let stopped = stop(program, Signal::SIGTERM);
    let summaries = &stopped.diagnostics[stopped.diagnostics.len() - 2..];
    for ((truth, address), summary) in truths.iter().zip(&addresses).zip(summaries) {
        let undecoded: u64 = truth.codes.values().sum();
        assert!(truth.codes.len() >= 3 && truth.kinds.len() == 6 && truth.excluded > 0);
        let expected = json!({
            "address": address.to_string(),
            "datagrams": truth.datagrams,
            "bytes": truth.bytes,
            "events": truth.kinds.values().sum::<u64>(),
            "events_by_kind": truth.kinds,
            "excluded": truth.excluded,
            "undecoded": undecoded,
            "undecoded_by_code": truth.codes,
            "refused": 0,
            "over_rate": 0,
            "dropped": 0,
            "kernel_dropped": 0,
        });
        for (name, expected) in expected.as_object().expect("a map") {
            assert_eq!(&summary[name], expected, "{codec:?} {name}");
        }
        let of_address = |metric: &&Value| metric["tags"]["address"] == address.to_string();
        let metrics: Vec<Value> = stopped.metrics.iter().filter(of_address).cloned().collect();
        assert_eq!(metrics.is_empty(), codec == Codec::Json);
        if codec != Codec::Json {
            metrics_agree(truth, &metrics, codec);
        }
    }
}

fn metrics_agree(truth: &Truth, metrics: &[Value], codec: Codec) {
    let mut expected: BTreeMap<String, u64> = [
        ("received_datagrams_total", truth.datagrams),
        ("received_bytes_total", truth.bytes),
        ("excluded_events_total", truth.excluded),
        ("rate_limited_datagrams_total", 0),
        ("queue_dropped_events_total", 0),
        ("kernel_dropped_datagrams_total", 0),
    ]
    .map(|(name, count)| (name.to_owned(), count))
    .into();
    expected.insert("events_total performance".to_owned(), 0);
    for action in ["failed", "aborting", "succeeded", "distributed"] {
        expected.insert(format!("events_total {action} task"), 0);
        expected.insert(format!("tasks_total {action}"), 0);
    }
    for service in ["engine", "proxy", "repository", "scheduler"] {
        expected.insert(format!("events_total log {service}"), 0);
    }
    for (kind, count) in &truth.kinds {
        // Tags are sorted by name, so the action comes before the event.
        let (event, action) = kind.split_once('_').expect("two names");
        expected.insert(format!("events_total {action} {event}"), *count);
    }
    for code in [
        "empty",
        "too_large",
        "unknown_type",
        "missing_field",
        "invalid_encoding",
    ] {
        let count = truth.codes.get(code).copied().unwrap_or(0);
        expected.insert(format!("undecoded_events_total {code}"), count);
    }
    assert_eq!(counters(metrics), expected, "{codec:?}");
    let gauge = metrics
        .iter()
        .find(|metric| metric["name"] == "receive_buffer_bytes");
    let bytes = gauge.expect("a gauge")["gauge"]["value"].as_f64();
    assert!(bytes > Some(0.0));
}

#[test]
fn every_count_agrees_with_the_simulator() {
    for codec in CODECS {
        counted(codec);
    }
}

/// With an interval of 0 there are none, not even at the end.
#[test]
fn metrics_can_be_turned_off() {
    for codec in [Codec::Native, Codec::NativeJson] {
        let (_folder, command) = configured("[telemetry]\ninterval_secs = 0\n", codec);
        let mut program = Running::of(command, codec, 1);
        program.event_of(crate::support::payload::OPEN);
        let stopped = stop(program, Signal::SIGTERM);
        assert_eq!(stopped.metrics, Vec::<Value>::new(), "{codec:?}");
    }
}

/// The number of waiting events is one gauge for the whole program.
#[test]
fn the_queue_is_a_gauge() {
    let (_folder, command) = configured("", Codec::NativeJson);
    let stopped = stop(Running::of(command, Codec::NativeJson, 1), Signal::SIGTERM);
    let gauge = stopped
        .metrics
        .iter()
        .find(|metric| metric["name"] == "queue_events")
        .expect("a gauge");
    assert_eq!(gauge["gauge"]["value"], 0.0);
    assert_eq!(gauge["kind"], "absolute");
    assert_eq!(gauge["tags"], json!({}));
}

/// Rows that are still missing at the end count as lost. A node that has lost none has the count 0.
#[test]
fn rows_that_never_arrive_are_counted_by_node_and_appender() {
    let (_folder, command) = configured("", Codec::NativeJson);
    let program = Running::of(command, Codec::NativeJson, 1);
    let address = program.addresses()[0];
    let socket = sender(address);
    for (host, row) in [("n1", 1), ("n1", 5), ("n2", 7), ("n1", 3), ("n2", 8)] {
        let datagram = format!("/qlik-sense-session/2/;{host};;{row};;0;Stop session;LAB;goran;;;");
        socket.send(datagram.as_bytes()).expect("sent");
    }
    drained(address);
    let stopped = stop(program, Signal::SIGTERM);
    let summary = stopped.diagnostics.last().expect("a summary");
    assert_eq!(summary["datagrams"], 5, "{summary}");
    assert_eq!(summary["row_gaps"], 2, "{summary}");
    assert_eq!(
        summary["row_gaps_by_appender"],
        json!({"n1 qseow-proxy-session": 2})
    );
    let counted = counters(&stopped.metrics);
    let gaps: Vec<_> = counted
        .iter()
        .filter(|(name, _)| name.starts_with("row_gaps_total"))
        .map(|(name, count)| (&**name, *count))
        .collect();
    assert_eq!(
        gaps,
        [
            ("row_gaps_total qseow-proxy-session n1", 2),
            ("row_gaps_total qseow-proxy-session n2", 0)
        ]
    );
}

/// None of these is a loss: a counter that wraps, a proxy that restarts, datagrams that overtake each other or arrive
/// twice, and two appenders on one node.
#[test]
fn only_rows_that_never_arrive_are_gaps() {
    let (_folder, command) = configured("", Codec::Json);
    let program = Running::of(command, Codec::Json, 1);
    let address = program.addresses()[0];
    let socket = sender(address);
    let rows: [(&str, &str, &[u32]); 6] = [
        ("end", "session", &[9_997, 9_998, 9_999, 1, 2, 3]),
        ("end-of-another", "session", &[9_998, 9_999, 0, 1]),
        ("restarted", "session", &[4_321, 4_322, 1, 2, 3]),
        ("reordered", "session", &[7, 9, 8, 11, 11, 12, 10, 13]),
        ("reordered", "connection", &[100, 101, 102]),
        ("loses", "connection", &[9_998, 2, 3, 9_999, 6]),
    ];
    let most = rows.iter().map(|(.., rows)| rows.len()).max().unwrap_or(0);
    // The rows of the nodes alternate, as if they came from several nodes.
    for place in 0..most {
        for (host, family, rows) in rows {
            let Some(row) = rows.get(place) else {
                continue;
            };
            let command = if family == "session" {
                "Stop session"
            } else {
                "Open connection"
            };
            let datagram = format!(
                "/qlik-sense-{family}/2/;{host};20260131T095959.987+0100;{row};id;0;{command};LAB;goran;;;"
            );
            socket.send(datagram.as_bytes()).expect("sent");
        }
    }
    drained(address);
    let stopped = stop(program, Signal::SIGTERM);
    let summary = stopped.diagnostics.last().expect("a summary");
    // Rows 1, 4 and 5 of the last node never arrive.
    assert_eq!(summary["row_gaps"], 3, "{summary}");
    assert_eq!(
        summary["row_gaps_by_appender"],
        json!({"loses qseow-proxy-connection": 3})
    );
    for event in &stopped.events {
        assert_eq!(event["timestamp"], "2026-01-31T08:59:59.987000000Z");
    }
}
