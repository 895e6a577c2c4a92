//! The cost of a datagram from bytes to output: decoding alone, for the standard appender and the extended one, with a
//! blacklist of 10,000 entries, with app names, and with each codec after the blacklist; and the same for performance
//! events.
//!
//! `cargo bench --bench decode`; the datagrams are 1,000 of a simulated site.

mod support;

use std::{collections::HashSet, hint::black_box, net::IpAddr};

use chrono::DateTime;
use qlik_sense_events::{
    encoding::{Codec, Encoder},
    event::Arrival,
    pipeline::{Pipeline, PipelineConfig},
    schema::Layout,
    simulate::{Families, Site, SiteOptions},
    transform::{AppTable, BlacklistConfig, OutputBuffer},
};
use support::{Way, compare};
use uuid::Uuid;

const DATAGRAMS: usize = 1_000;

fn datagrams(extended: bool) -> Vec<Vec<u8>> {
    datagrams_of(SiteOptions {
        extended,
        ..SiteOptions::default()
    })
}

fn performance_datagrams() -> Vec<Vec<u8>> {
    datagrams_of(SiteOptions {
        families: Families {
            user: false,
            log: false,
            performance: true,
            task: false,
        },
        ..SiteOptions::default()
    })
}

fn datagrams_of(options: SiteOptions) -> Vec<Vec<u8>> {
    let mut site = Site::new(SiteOptions {
        odd_per_mille: 0,
        ..options
    });
    let mut datagrams = vec![Vec::new(); DATAGRAMS];
    for datagram in &mut datagrams {
        site.next_datagram(datagram);
    }
    datagrams
}

fn pipeline(exact_entries: usize, patterns: usize) -> Pipeline {
    let exact = (0..exact_entries).map(|n| format!(r"CORP\employee{n}"));
    let patterns = (0..patterns).map(|n| format!(r"CORP{n}\svc_*_{n}"));
    let users = exact
        .chain(patterns)
        .map(|entry| entry.parse().expect("an entry"))
        .collect();
    let config = PipelineConfig {
        blacklist: BlacklistConfig {
            users,
            ..BlacklistConfig::default()
        },
        ..PipelineConfig::default()
    };
    config.build().expect("no files to fail on")
}

/// The names of 20,000 apps, including every app in the datagrams.
fn app_names(datagrams: &[Vec<u8>]) -> AppTable {
    let mut pipeline = pipeline(0, 0);
    let mut output = OutputBuffer::default();
    for datagram in datagrams {
        pipeline.datagram(datagram, arrival(), &mut output);
    }
    let apps = output.iter().filter_map(|event| event.app_id());
    let mut ids: HashSet<Uuid> = apps.collect();
    ids.extend((0..20_000 - ids.len() as u128).map(Uuid::from_u128));
    let named = ids.into_iter().map(|id| (id, format!("App {id}").into()));
    named.collect()
}

fn arrival() -> Arrival {
    let timestamp = DateTime::from_timestamp(1_767_225_600, 123_456_789).expect("a time");
    Arrival::new(timestamp, IpAddr::from([192, 0, 2, 17]))
}

/// Decodes all datagrams.
fn decoding<'a>(name: &str, datagrams: &'a [Vec<u8>], mut pipeline: Pipeline) -> Way<'a> {
    let mut output = OutputBuffer::default();
    Way::new(name, move || {
        for datagram in datagrams {
            pipeline.datagram(black_box(datagram), arrival(), &mut output);
            black_box(output.drain());
        }
    })
}

/// Decodes all datagrams, checks them against a blacklist and encodes them, as many in a frame as a host reads at once.
fn encoding<'a>(codec: Codec, family: &str, datagrams: &'a [Vec<u8>]) -> Way<'a> {
    let mut pipeline = pipeline(10_000, 0);
    let mut output = OutputBuffer::default();
    let mut encoder = Encoder::new(codec, &Layout::default());
    let name = format!("decode + blacklist of 10,000 + {codec}{family}");
    Way::new(name, move || {
        for batch in datagrams.chunks(64) {
            for datagram in batch {
                pipeline.datagram(black_box(datagram), arrival(), &mut output);
                for event in &output {
                    encoder.push(event).expect("an event");
                }
                output.clear();
            }
            black_box(encoder.frame());
            encoder.clear();
        }
    })
}

fn main() {
    let (extended, performance) = (datagrams(true), performance_datagrams());
    let datagrams = datagrams(false);
    let mut ways: Vec<Way> = [
        ("decode", &datagrams, 0, 0),
        ("decode, extended appender", &extended, 0, 0),
        ("decode, performance events", &performance, 0, 0),
        ("decode + blacklist of 100", &datagrams, 100, 0),
        ("decode + blacklist of 10,000", &datagrams, 10_000, 0),
        ("decode + blacklist of 100 patterns", &datagrams, 0, 100),
    ]
    .into_iter()
    .map(|(name, datagrams, exact, patterns)| decoding(name, datagrams, pipeline(exact, patterns)))
    .collect();
    let mut named = pipeline(10_000, 0);
    named.replace_app_names(app_names(&datagrams));
    let name = "decode + blacklist of 10,000 + names of 20,000 apps";
    ways.push(decoding(name, &datagrams, named));
    ways.extend(
        Codec::ALL
            .iter()
            .map(|codec| encoding(*codec, "", &datagrams)),
    );
    ways.push(encoding(
        Codec::Native,
        ", performance events",
        &performance,
    ));
    compare(DATAGRAMS, ways);
}
