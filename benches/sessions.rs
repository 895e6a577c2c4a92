//! The cost of following sessions: memory for 100,000 users with a session, time and allocations per event, and the
//! state file.
//!
//! `cargo bench --bench sessions`. Each part runs in a separate process, so that it cannot reuse memory that another
//! one has freed; `cargo bench --bench sessions -- state` runs only one of them.

use std::{
    env, fs,
    hint::black_box,
    process::{Command, exit},
    time::Instant,
};

use allocation_counter::measure;
use chrono::{DateTime, TimeDelta, Utc};
use qlik_sense_events::{
    event::Arrival,
    pipeline::{Pipeline, PipelineConfig},
    simulate::{Day, DayOptions},
    transform::{OutputBuffer, Sessions, SessionsConfig},
};

const USERS: u32 = 100_000;

/// The number of runs, of which the best counts.
const RUNS: u32 = 20;

const CHROME: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 \
                      (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36";

fn pipeline(follows: bool) -> Pipeline {
    let config = PipelineConfig {
        sessions: SessionsConfig {
            enabled: follows,
            ..SessionsConfig::default()
        },
        ..PipelineConfig::default()
    };
    config.build().expect("no files to fail on")
}

fn sessions(pipeline: &Pipeline) -> Sessions {
    pipeline.sessions().expect("followed").clone()
}

fn begin() -> DateTime<Utc> {
    DateTime::from_timestamp(1_767_225_600, 0).expect("a time")
}

fn send(pipeline: &mut Pipeline, datagram: &str, time: DateTime<Utc>, output: &mut OutputBuffer) {
    pipeline.datagram(datagram.as_bytes(), Arrival::local(time), output);
    drop(output.drain());
}

/// A session and this many connections for every user, with session ids if `extended`.
fn fill(pipeline: &mut Pipeline, connections: u32, extended: bool) {
    let mut output = OutputBuffer::default();
    for user in 0..USERS {
        let time = begin() + TimeDelta::milliseconds(i64::from(user));
        let mut say = |family: &str, command: &str, context: &str, message: &str| {
            let who = format!("{command};CORPORATE;firstname.lastname{user};AppAccess");
            let datagram = if extended {
                format!(
                    "/qlik-sense-{family}/2/;pro2-win{};20260101T000000.000+0000;1;\
                     00000000-0000-4000-8000-{user:012};0;{who};{context};{message}",
                    user % 4
                )
            } else {
                let host = user % 4;
                format!("/qseow-proxy-{family}/;pro2-win{host};{who};{context};{message}")
            };
            send(pipeline, &datagram, time, &mut output);
        };
        say("session", "Start session", "/hub", "Start session for user");
        for number in 0..connections {
            let app = (user + number) % 300;
            let context = format!("/app/00000000-0000-4000-8000-{app:012}");
            say(
                "connection",
                "Open connection",
                &context,
                &format!("Opened; UserAgent: '{CHROME}'"),
            );
        }
    }
}

/// The resident memory of the process in bytes, as reported by Linux.
fn resident() -> u64 {
    let status = fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = status
        .split(' ')
        .nth(1)
        .and_then(|pages| pages.parse().ok());
    pages.unwrap_or(0_u64) * 4_096
}

fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

fn memory(connections: u32, extended: bool) {
    let before = resident();
    let mut kept = None;
    let allocations = measure(|| {
        let mut pipeline = pipeline(true);
        fill(&mut pipeline, connections, extended);
        kept = Some(pipeline);
    });
    let resident = resident().saturating_sub(before);
    let hosts = sessions(kept.as_ref().expect("kept"))
        .statistics()
        .expect("followed")
        .hosts;
    let active: u64 = hosts.iter().map(|host| host.active_sessions()).sum();
    assert_eq!(active, u64::from(USERS));
    println!(
        "{USERS} users, each a session and {connections} connections{}: {:.1} MiB allocated, {:.1} MiB at most, \
         {:.1} MiB resident",
        if extended { " and session ids" } else { "" },
        mebibytes(u64::try_from(allocations.bytes_current).unwrap_or(0)),
        mebibytes(allocations.bytes_max),
        mebibytes(resident),
    );
}

fn state() {
    let mut pipeline = pipeline(true);
    fill(&mut pipeline, 2, false);
    let sessions = sessions(&pipeline);
    let start = Instant::now();
    let parts: Vec<Vec<u8>> = sessions.state().collect();
    let written = start.elapsed();
    let bytes: usize = parts.iter().map(Vec::len).sum();
    let text = parts.concat();
    let start = Instant::now();
    let other = Sessions::new(&SessionsConfig::default());
    other.restore(&mut &*text, begin()).expect("the state");
    println!(
        "state of {USERS} users: {:.1} MiB in {} parts, written in {:.0} ms, read in {:.0} ms",
        mebibytes(bytes as u64),
        parts.len(),
        written.as_secs_f64() * 1e3,
        start.elapsed().as_secs_f64() * 1e3,
    );
}

/// A day on a site, without the tracker and with it.
fn events(users: usize, logins: usize) {
    let day = Day::new(&DayOptions {
        users,
        logins,
        ..DayOptions::default()
    });
    let arrivals: Vec<Arrival> = day
        .deliveries
        .iter()
        .map(|delivery| {
            let time = begin() + TimeDelta::from_std(delivery.arrival).expect("a time");
            Arrival::local(time)
        })
        .collect();
    let datagrams = day.deliveries.len() as f64;
    let mut results = [[0.0; 2]; 2];
    for (follows, result) in [false, true].into_iter().zip(&mut results) {
        let mut best = f64::MAX;
        let mut allocations = 0;
        for _ in 0..RUNS {
            let mut pipeline = pipeline(follows);
            let mut output = OutputBuffer::default();
            let start = Instant::now();
            let counted = measure(|| {
                for (delivery, arrival) in day.deliveries.iter().zip(&arrivals) {
                    pipeline.datagram(&delivery.datagram, *arrival, &mut output);
                    black_box(output.drain());
                }
            });
            best = best.min(start.elapsed().as_nanos() as f64);
            allocations = counted.count_total;
        }
        *result = [best / datagrams, allocations as f64 / datagrams];
    }
    let [without, with] = results;
    println!(
        "{datagrams} datagrams of a day of {users} users: decoded in {:.0} ns and {:.2} allocations each, \
         with the tracker {:.0} ns and {:.2}, so it takes {:.0} ns and {:.2}",
        without[0],
        without[1],
        with[0],
        with[1],
        with[0] - without[0],
        with[1] - without[1],
    );
}

fn main() {
    let parts: [(&str, fn()); 6] = [
        ("sessions", || memory(0, false)),
        ("connections", || memory(2, false)),
        ("extended", || memory(2, true)),
        ("state", state),
        ("small", || events(100, 1_000)),
        ("large", || events(5_000, 50_000)),
    ];
    let wanted = env::args()
        .skip(1)
        .find(|argument| !argument.starts_with('-'));
    if let Some(name) = wanted {
        let part = parts.iter().find(|(known, _)| *known == name);
        part.expect("a part").1();
        return;
    }
    let this = env::current_exe().expect("this program");
    for (name, _) in parts {
        let status = Command::new(&this).arg(name).status().expect("a process");
        if !status.success() {
            exit(1);
        }
    }
}
