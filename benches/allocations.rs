//! How many allocations a datagram causes between bytes and output, once all reused memory has grown and all user
//! agents are known.
//!
//! `cargo bench --bench allocations`. The remaining allocations come from percent-encoded paths in contexts when
//! decoding, and from users in the blacklist whose directory or id is not ASCII, which is folded by a table.

use std::net::IpAddr;

use allocation_counter::measure;
use chrono::DateTime;
use qlik_sense_events::{
    encoding::{Codec, Encoder},
    event::Arrival,
    pipeline::{Pipeline, PipelineConfig},
    schema::Layout,
    simulate::{Families, Site, SiteOptions},
    transform::{BlacklistConfig, OutputBuffer},
};

const DATAGRAMS: usize = 10_000;

fn datagrams(families: Families) -> Vec<Vec<u8>> {
    let mut site = Site::new(SiteOptions {
        odd_per_mille: 0,
        families,
        ..SiteOptions::default()
    });
    let mut datagrams = vec![Vec::new(); DATAGRAMS];
    for datagram in &mut datagrams {
        site.next_datagram(datagram);
    }
    datagrams
}

fn pipeline(entries: usize) -> Pipeline {
    let users = (0..entries)
        .map(|n| format!(r"CORP\employee{n}").parse().expect("an entry"))
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

/// Prints the allocations of `work`, a pass over all datagrams, from its second pass on.
fn report(name: &str, mut work: impl FnMut()) {
    work();
    let allocations = measure(work);
    println!(
        "{name:34} {:.4} allocations and {:.1} bytes a datagram",
        allocations.count_total as f64 / DATAGRAMS as f64,
        allocations.bytes_total as f64 / DATAGRAMS as f64,
    );
}

fn main() {
    let performance = datagrams(Families {
        user: false,
        log: false,
        performance: true,
        task: false,
    });
    let datagrams = datagrams(SiteOptions::default().families);
    let timestamp = DateTime::from_timestamp(1_767_225_600, 123_456_789).expect("a time");
    let arrival = Arrival::new(timestamp, IpAddr::from([192, 0, 2, 17]));
    for (name, datagrams, entries) in [
        ("decode", &datagrams, 0),
        ("decode + blacklist of 10,000", &datagrams, 10_000),
        ("decode performance events", &performance, 0),
    ] {
        let mut pipeline = pipeline(entries);
        let mut output = OutputBuffer::default();
        report(name, || {
            for datagram in datagrams {
                pipeline.datagram(datagram, arrival, &mut output);
                drop(output.drain());
            }
        });
    }
    let mut named = pipeline(0);
    let mut output = OutputBuffer::default();
    for datagram in &datagrams {
        named.datagram(datagram, arrival, &mut output);
    }
    let ids = output.drain().filter_map(|event| event.app_id());
    named.replace_app_names(ids.map(|id| (id, "Sales".into())).collect());
    report("decode + names of apps", || {
        for datagram in &datagrams {
            named.datagram(datagram, arrival, &mut output);
            drop(output.drain());
        }
    });
    // Only encoding is measured: the events already exist.
    let mut pipeline = pipeline(0);
    let mut events = OutputBuffer::default();
    for datagram in &datagrams {
        pipeline.datagram(datagram, arrival, &mut events);
    }
    for &codec in Codec::ALL {
        let mut encoder = Encoder::new(codec, &Layout::default());
        report(&format!("encode {codec}"), || {
            for event in &events {
                encoder.push(event).expect("an event");
                if encoder.len() >= Encoder::FULL_BYTES {
                    encoder.clear();
                }
            }
        });
    }
}
