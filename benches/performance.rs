//! The cost of a performance event from bytes to output, and of one that is summarized in one of 10,000 groups.
//!
//! `cargo bench --bench performance`; the datagrams are 10,000, one of each group.

mod support;

use std::{hint::black_box, net::IpAddr};

use chrono::DateTime;
use qlik_sense_events::{
    encoding::{Codec, Encoder},
    event::Arrival,
    pipeline::{Pipeline, PipelineConfig},
    schema::Layout,
    transform::{BlacklistConfig, OutputBuffer, PerformanceConfig, performance::Milliseconds},
};
use support::{Way, compare};

/// The default limit of groups in an interval.
const GROUPS: usize = 10_000;

/// Requests of about 380 bytes, by 100 users in 100 apps.
fn datagrams() -> Vec<String> {
    (0..GROUPS)
        .map(|number| {
            let (user, app) = (number / 100, number % 100);
            let micros = number * 7_919 % 30_000;
            format!(
                "/qseow-qix-perf/;{row};20260131T140506.210+0100;2026-01-31 14:05:06,210;INFO;pro2-win1;\
                 QixPerformance.Engine.Engine;LAB\\qlikservice;c0de71aa-40b2-4d0e-8f31-0c9b8f2d{user:04};LAB;\
                 employee{user};20260131T140506.208+0100;8c7f2d11-6a5b-4f30-9e21-b10c44d7a903;\
                 0f3d9c1e-7b64-4a58-8d2f-2c5e91ab{app:04};42;GenericObject::GetLayout;{ms}.{part:03};{ms}.{part:03};0;\
                 0.021;11.05;7;TgFKZs;20480;{peak};barchart",
                row = number % 9_999 + 1,
                ms = micros / 1_000,
                part = micros % 1_000,
                peak = number * 6_151 % 5_000_000,
            )
        })
        .collect()
}

fn pipeline(performance: PerformanceConfig) -> Pipeline {
    let users = (0..10_000).map(|n| format!(r"CORP\employee{n}").parse().expect("an entry"));
    let config = PipelineConfig {
        blacklist: BlacklistConfig {
            users: users.collect(),
            ..BlacklistConfig::default()
        },
        performance,
        ..PipelineConfig::default()
    };
    config.build().expect("no files to fail on")
}

fn main() {
    let datagrams = &datagrams();
    let timestamp = DateTime::from_timestamp(1_767_225_600, 123_456_789).expect("a time");
    let arrival = Arrival::new(timestamp, IpAddr::from([192, 0, 2, 17]));
    let summed_up = || PerformanceConfig {
        enabled: true,
        min_process_ms: Milliseconds::new(1_000.0).expect("a time"),
        ..PerformanceConfig::default()
    };
    let by_name = || PerformanceConfig {
        methods: serde_json::from_str(r#"{"exclude": ["GenericObject::*"]}"#).expect("a filter"),
        ..summed_up()
    };
    let mut ways: Vec<Way> = [
        ("decode", PerformanceConfig::default()),
        ("decode + thresholds, 10,000 groups", summed_up()),
        (
            "decode + filter by name, 10,000 groups",
            PerformanceConfig {
                min_process_ms: Milliseconds::default(),
                ..by_name()
            },
        ),
        (
            "decode + thresholds, 1,000 of 10,000 groups at a time",
            PerformanceConfig {
                max_groups: 1_000,
                ..summed_up()
            },
        ),
    ]
    .into_iter()
    .map(|(name, config)| {
        let mut pipeline = pipeline(config);
        let mut output = OutputBuffer::default();
        Way::new(name, move || {
            for datagram in datagrams {
                pipeline.datagram(black_box(datagram.as_bytes()), arrival, &mut output);
                black_box(output.drain());
            }
        })
    })
    .collect();
    let mut pipeline = pipeline(PerformanceConfig::default());
    let mut output = OutputBuffer::default();
    let mut encoder = Encoder::new(Codec::Native, &Layout::default());
    let name = "decode + blacklist of 10,000 + native";
    ways.push(Way::new(name, move || {
        for batch in datagrams.chunks(64) {
            for datagram in batch {
                pipeline.datagram(black_box(datagram.as_bytes()), arrival, &mut output);
                for event in &output {
                    encoder.push(event).expect("an event");
                }
                output.clear();
            }
            black_box(encoder.frame());
            encoder.clear();
        }
    }));
    compare(GROUPS, ways);
}
