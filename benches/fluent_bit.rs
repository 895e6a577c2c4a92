//! The plugin for Fluent Bit under load, in the small host of its tests: datagrams of a simulated site over loopback at
//! increasing rates.
//!
//! `cargo bench --features fluent-bit --bench fluent_bit` builds the plugin as documented and prints a table of
//! docs/performance.md. CPU time includes the plugin's threads and the thread on which the host calls it; the host only
//! copies the records.

#![cfg_attr(not(target_os = "linux"), allow(dead_code))]

#[path = "../tests/fluent_bit/host/mod.rs"]
#[allow(dead_code, unused_imports, reason = "the tests use all of it")]
mod host;

use std::{
    fs,
    net::SocketAddr,
    ops::ControlFlow,
    thread,
    time::{Duration, Instant},
};

use host::{Instance, Version};
use qlik_sense_events::simulate::{Pace, Sender, Site, SiteOptions};

/// Whether the host exports the functions that its own plugins use.
const EXPORTS: bool = true;

const RATES: [u32; 5] = [1_000, 50_000, 100_000, 150_000, 200_000];
const SECONDS: u32 = 3;
const INTERVAL: Duration = Duration::from_millis(20);
const QUIET: Duration = Duration::from_millis(500);

fn main() {
    // `cargo test` also builds benchmarks, and runs them to see whether they start.
    if std::env::args().any(|argument| argument == "--test" || argument == "--list") {
        return;
    }
    println!("a simulated site over loopback, datagrams of 300 bytes on average");
    println!(
        "{:>10}{:>12}{:>12}{:>9}{:>14}",
        "rate /s", "sent", "received", "lost", "CPU us each"
    );
    for rate in RATES {
        measure(rate);
    }
}

fn measure(rate: u32) {
    let properties = [
        ("address", "127.0.0.1:0"),
        ("receive_buffer_size", "16777216"),
        ("blacklist", r"LAB\nobody*"),
    ];
    let instance = Instance::begin(Version::V5_1, &properties);
    let instance = instance.unwrap_or_else(|log| panic!("{log:?}"));
    let address = instance.addresses()[0];
    let before = cpu();
    let sender = thread::spawn(move || send(address, rate));
    let (mut bytes, mut last_news) = (0, Instant::now());
    while last_news.elapsed() < QUIET || !sender.is_finished() {
        thread::sleep(INTERVAL);
        instance.collect();
        if instance.state.record_bytes() > bytes {
            (bytes, last_news) = (instance.state.record_bytes(), Instant::now());
        }
    }
    let cpu = cpu() - before;
    let sent = sender.join().expect("the sender ends");
    let received = instance.exit(false).0.records().len() as u64;
    println!(
        "{rate:>10}{sent:>12}{received:>12}{:>9}{:>14.2}",
        sent - received,
        cpu.as_secs_f64() * 1e6 / received.max(1) as f64,
    );
}

fn send(address: SocketAddr, rate: u32) -> u64 {
    let mut site = Site::new(SiteOptions {
        odd_per_mille: 0,
        ..SiteOptions::default()
    });
    let pace = Pace {
        rate,
        count: Some(u64::from(rate) * u64::from(SECONDS)),
    };
    Sender::connect(address)
        .and_then(|sender| sender.play(&mut site, pace, |_| ControlFlow::Continue(())))
        .expect("sent")
        .datagrams
}

/// The CPU time of the plugin's threads so far.
fn cpu() -> Duration {
    let mut nanoseconds = 0;
    for task in fs::read_dir("/proc/self/task").expect("threads").flatten() {
        let read = |file| fs::read_to_string(task.path().join(file)).unwrap_or_default();
        let name = read("comm");
        if ["worker", "supervisor"].contains(&name.trim()) || name.starts_with("flb-in-") {
            let first = read("schedstat")
                .split(' ')
                .next()
                .and_then(|word| word.parse::<u64>().ok());
            nanoseconds += first.unwrap_or(0);
        }
    }
    Duration::from_nanos(nanoseconds)
}
