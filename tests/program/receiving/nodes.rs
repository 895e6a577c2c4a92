//! Metrics of what Qlik nodes send besides user events, compared with the simulator's truth, and metrics of their
//! clocks.

use std::{collections::BTreeMap, time::SystemTime};

use chrono::{DateTime, TimeDelta, Utc};
use nix::sys::signal::Signal;
use qlik_sense_events::simulate::{Datagram, Families, Request, Site, SiteOptions};
use serde_json::{Value, json};

use super::{configured, counters, linux::drained};
use crate::{
    support::{Codec, Running, sender},
    unix::stop,
};

const NATIVE: [Codec; 2] = [Codec::NativeJson, Codec::Native];

const DATAGRAMS: u64 = 4_000;

fn now() -> DateTime<Utc> {
    SystemTime::now().into()
}

/// What a histogram must contain; sums are exact.
#[derive(Default)]
struct Sizes {
    count: u64,
    sum: f64,
    /// How many are at most as large as a limit in the middle.
    up_to_middle: u64,
}

impl Sizes {
    fn add(&mut self, value: Option<f64>, middle: f64) {
        if let Some(value) = value {
            self.count += 1;
            self.sum += value;
            self.up_to_middle += u64::from(value <= middle);
        }
    }
}

#[derive(Default)]
struct Truth {
    counters: BTreeMap<String, u64>,
    /// By node and class.
    process: BTreeMap<(String, &'static str), Sizes>,
    peak_ram: BTreeMap<(String, &'static str), Sizes>,
}

impl Truth {
    fn add(&mut self, datagram: &Datagram) {
        match datagram {
            Datagram::Log(row) => {
                // Tags are sorted by name.
                let name = format!(
                    "log_events_total {} {} {}",
                    row.host, row.level, row.service
                );
                *self.counters.entry(name).or_default() += 1;
            }
            Datagram::Performance(request) => self.add_request(request),
            _ => {}
        }
    }

    fn add_request(&mut self, request: &Request) {
        let (class, _) = request.method.split_once("::").expect("a class");
        let name = format!("performance_events_total {} {class}", request.host);
        *self.counters.entry(name).or_default() += 1;
        let key = || (request.host.to_string(), class);
        let seconds = request.process.map(|time| time.as_secs_f64());
        self.process.entry(key()).or_default().add(seconds, 0.1);
        let bytes = request.peak_ram_bytes.map(|bytes| bytes as f64);
        let bucket = f64::from(1 << 26);
        self.peak_ram.entry(key()).or_default().add(bytes, bucket);
    }
}

fn play(program: &Running) -> Truth {
    let address = program.addresses()[0];
    let socket = sender(address);
    let mut site = Site::new(SiteOptions {
        odd_per_mille: 200,
        families: Families {
            user: false,
            log: true,
            performance: true,
            task: false,
        },
        ..SiteOptions::default()
    });
    let (mut bytes, mut truth) = (Vec::new(), Truth::default());
    let round = program.capacity(100);
    for number in 0..DATAGRAMS {
        if number % round == 0 {
            drained(address);
        }
        site.set_time(now());
        let datagram = site.next_datagram(&mut bytes);
        // The simulator does not describe each of several events in one datagram.
        if let Datagram::Relay(_) = datagram {
            continue;
        }
        truth.add(&datagram);
        socket.send(&bytes).expect("sent");
    }
    truth
}

/// The sums of the histograms with a name, by node and class.
fn histograms(metrics: &[Value], name: &str, middle: f64) -> BTreeMap<(String, String), Sizes> {
    let mut sizes: BTreeMap<_, Sizes> = BTreeMap::new();
    for metric in metrics.iter().filter(|metric| metric["name"] == name) {
        assert_eq!(metric["kind"], "incremental");
        let tag = |name: &str| metric["tags"][name].as_str().expect("a tag").to_owned();
        let sizes = sizes.entry((tag("host"), tag("method_class"))).or_default();
        let histogram = &metric["aggregated_histogram"];
        sizes.count += histogram["count"].as_u64().expect("a count");
        sizes.sum += histogram["sum"].as_f64().expect("a sum");
        for bucket in histogram["buckets"].as_array().expect("buckets") {
            if bucket["upper_limit"].as_f64() <= Some(middle) {
                sizes.up_to_middle += bucket["count"].as_u64().expect("a count");
            }
        }
    }
    sizes
}

fn assert_histograms(
    metrics: &[Value],
    (name, middle): (&str, f64),
    truth: &BTreeMap<(String, &'static str), Sizes>,
) {
    let counted = histograms(metrics, name, middle);
    let expected = truth.iter().filter(|(_, sizes)| sizes.count > 0);
    let mut up_to_middle = 0;
    for ((host, class), sizes) in expected.clone() {
        let counted = &counted[&(host.clone(), (*class).to_owned())];
        assert_eq!(counted.count, sizes.count, "{name} {host} {class}");
        assert_eq!(counted.up_to_middle, sizes.up_to_middle, "{host} {class}");
        let off = (counted.sum - sizes.sum).abs();
        assert!(off <= 1e-9 * sizes.sum, "{name} {host} {class}: {off}");
        up_to_middle += sizes.up_to_middle;
    }
    assert_eq!(counted.len(), expected.clone().count());
    let all: u64 = expected.map(|(_, sizes)| sizes.count).sum();
    assert!(0 < up_to_middle && up_to_middle < all, "{name}");
}

/// This includes requests that are only part of a summary.
#[test]
fn log_events_and_the_costs_of_requests_are_counted_by_node() {
    const SUMMARIES: &str = "[transform.performance]\nenabled = true\nmin_process_ms = 1000\n";
    for (codec, more) in NATIVE.into_iter().zip(["", SUMMARIES]) {
        let config = format!("[telemetry]\ninterval_secs = 1\n{more}");
        let (_folder, command) = configured(&config, codec);
        let mut program = Running::of(command, codec, 1);
        let truth = play(&program);
        // Metrics that are sent at the end add to an earlier set.
        let records = program.events();
        while !records
            .metrics
            .iter()
            .any(|metric| metric["name"] == "log_events_total")
        {
            records.frame().expect("a frame");
        }
        let stopped = stop(program, Signal::SIGTERM);
        assert!(truth.counters.len() > 15, "{:?}", truth.counters);
        let counted = counters_of_nodes(&stopped.metrics);
        assert_eq!(counted, truth.counters, "{codec:?}");
        for (name, middle, truth) in [
            ("performance_process_seconds", 0.1, &truth.process),
            (
                "performance_peak_ram_bytes",
                f64::from(1 << 26),
                &truth.peak_ram,
            ),
        ] {
            assert_histograms(&stopped.metrics, (name, middle), truth);
        }
    }
}

fn counters_of_nodes(metrics: &[Value]) -> BTreeMap<String, u64> {
    let names = ["log_events_total", "performance_events_total"];
    let metrics: Vec<Value> = metrics
        .iter()
        .filter(|metric| names.iter().any(|name| metric["name"] == *name))
        .cloned()
        .collect();
    counters(&metrics)
}

const OF_NODES: [&str; 5] = [
    "log_events_total",
    "performance_events_total",
    "performance_process_seconds",
    "performance_peak_ram_bytes",
    "clock_distance_seconds",
];

/// A site that only sends user events, as with Butler SOS's appenders, gets no additional metrics.
#[test]
fn events_that_never_arrive_have_no_metrics() {
    let (_folder, command) = configured("", Codec::NativeJson);
    let mut program = Running::of(command, Codec::NativeJson, 1);
    program.event_of(crate::support::payload::OPEN);
    let stopped = stop(program, Signal::SIGTERM);
    assert!(!stopped.metrics.is_empty());
    for metric in &stopped.metrics {
        assert!(!OF_NODES.iter().any(|name| metric["name"] == *name));
    }
}

/// A row in the engine's log, written this many seconds from now.
fn row(host: &str, row: u32, seconds: i64) -> String {
    let time = now() + TimeDelta::seconds(seconds);
    let time = time.format("%Y%m%dT%H%M%S.%3f%z");
    format!(
        "/qseow-engine/;{row};{time};2026-01-31 14:06:00,000;WARN;{host};System.Engine.Engine;LAB\\qlikservice;Slow;;;;;;;;;;;;x"
    )
}

#[test]
fn a_wrong_clock_is_reported_once_and_again_when_it_is_right() {
    let config = "[telemetry]\ninterval_secs = 1\n";
    let (_folder, command) = configured(config, Codec::NativeJson);
    let mut program = Running::of(command, Codec::NativeJson, 1);
    for (host, seconds) in [("behind", -40), ("right", 0), ("ahead", 90)] {
        for number in 1..=3 {
            program.event_of(row(host, number, seconds));
        }
        // A single wrong time has no effect.
        program.event_of(row(host, 4, 4_000_000_000));
    }
    let mut said = [program.diagnostics.one(), program.diagnostics.one()];
    said.sort_by_key(|said| said["message"].to_string());
    for (said, host, direction) in [
        (&said[0], "ahead", "s ahead of this machine's"),
        (&said[1], "behind", "s behind this machine's"),
    ] {
        assert_eq!(said["level"], "warn");
        let message = said["message"].as_str().expect("a text");
        let beginning = format!("the clock of the Qlik node {host} is ");
        assert!(message.starts_with(&beginning) && message.contains(direction));
    }
    let last = |program: &mut Running, host: &str| loop {
        let metrics = &program.events().metrics;
        let gauge = metrics.iter().rfind(|metric| {
            metric["name"] == "clock_distance_seconds" && metric["tags"] == json!({"host": host})
        });
        if let Some(gauge) = gauge {
            break gauge["gauge"]["value"].as_f64().expect("a number");
        }
        program.events().frame().expect("a frame");
    };
    for (host, expected) in [("behind", 40.0), ("right", 0.0), ("ahead", -90.0)] {
        let distance = last(&mut program, host);
        // The node's time is in milliseconds.
        let delay = distance - expected;
        assert!((-0.001..5.0).contains(&delay), "{host} {distance}");
    }
    for number in 5..=6 {
        program.event_of(row("behind", number, 0));
    }
    let said = program.diagnostics.one();
    let message = said["message"].as_str().expect("a text");
    let expected = "the clock of the Qlik node behind agrees with this machine's again, to within ";
    assert!(message.starts_with(expected), "{message}");
    assert_eq!(said["level"], "info");
    // Nothing was reported twice.
    let stopped = stop(program, Signal::SIGTERM);
    let clocks = stopped.diagnostics.iter().filter(|said| {
        let message = said["message"].as_str().expect("a text");
        message.contains("clock")
    });
    assert_eq!(clocks.count(), 0, "{:?}", stopped.diagnostics);
}

/// Nodes that a sender invents are counted together.
#[test]
fn invented_nodes_are_counted_together() {
    let (_folder, command) = configured("", Codec::NativeJson);
    let mut program = Running::of(command, Codec::NativeJson, 1);
    for number in 0..300 {
        program.event_of(row(&format!("host{number}"), 1, 0));
    }
    let stopped = stop(program, Signal::SIGTERM);
    let counted = counters_of_nodes(&stopped.metrics);
    assert_eq!(counted.len(), 257);
    assert_eq!(counted["log_events_total other warn engine"], 300 - 256);
    assert_eq!(counted["log_events_total host0 warn engine"], 1);
}
