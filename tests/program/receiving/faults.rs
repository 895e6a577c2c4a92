//! Faults that occur in years of operation.

use std::{
    fs::{self, OpenOptions},
    process::Stdio,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use nix::sys::signal::Signal;

use super::{
    Numbered, configured,
    linux::{go_on, halt, kibibytes, number, unread},
};
use crate::{
    support::{CODECS, Codec, Records, Running, command, payload},
    unix::{signal, stop},
};

/// Halting and continuing the program makes its wait for datagrams fail with EINTR, because the socket has a timeout.
/// Signals without an effect do not even do that.
#[test]
fn interrupted_waits_lose_nothing() {
    let mut program = Running::start(&[]);
    let mut sender = Numbered::new("127.0.0.1", program.addresses()[0]);
    for _ in 0..200 {
        signal(&program, Signal::SIGURG);
        signal(&program, Signal::SIGWINCH);
        sender.event();
        halt(&program);
        sender.event();
        go_on(&program);
        for event in program.events().several(2) {
            assert!(number(&event) < sender.sent);
        }
    }
    let stopped = stop(program, Signal::SIGTERM);
    assert_eq!(stopped.count("datagrams"), sender.sent);
    assert!(stopped.diagnostics.iter().all(|d| d["level"] == "info"));
}

/// A program whose output is a full device.
fn into_a_full_device(codec: Codec) -> Running {
    let full = OpenOptions::new().write(true).open("/dev/full");
    let mut command = command();
    command
        .args(["run", "--address", "127.0.0.1:0", "--codec", codec.name()])
        .stdout(Stdio::from(full.expect("a device")));
    Running::with_stdout_of(command, codec, 1)
}

fn ends_with_one_error(mut program: Running) {
    let (status, diagnostics) = program.wait();
    assert_eq!(status.code(), Some(1), "{diagnostics:?}");
    let mut errors = diagnostics.iter().filter(|d| d["level"] == "error");
    let error = errors.next().expect("an error")["message"].to_string();
    assert!(
        error.contains("cannot write events: No space left on device"),
        "{error}"
    );
    assert_eq!(errors.next(), None);
    // In `ecs` texts and counts have other names.
    let dropped = diagnostics.iter().find(|d| d["level"] == "warn");
    if let Some(message) = dropped.and_then(|dropped| dropped["message"].as_str()) {
        assert!(
            message.contains(" at shutdown, because the output failed: No space left on device"),
            "{message}"
        );
    }
}

#[test]
fn a_full_disk_ends_the_program_with_one_error() {
    for codec in CODECS {
        let program = into_a_full_device(codec);
        program.send(payload::OPEN);
        ends_with_one_error(program);
    }
}

/// The reason has to come before its consequences, such as a worker that finds the queue broken.
#[test]
fn a_full_disk_under_load_is_reported_as_the_reason() {
    for _ in 0..5 {
        let program = into_a_full_device(Codec::Json);
        let mut sender = Numbered::new("127.0.0.1", program.addresses()[0]);
        let stop = Arc::new(AtomicBool::new(false));
        let flood = thread::spawn({
            let stop = Arc::clone(&stop);
            move || {
                while !stop.load(Ordering::Relaxed) {
                    sender.event_or_refused();
                }
            }
        });
        ends_with_one_error(program);
        stop.store(true, Ordering::Relaxed);
        flood.join().expect("a sender");
    }
}

/// An error that only occurs during shutdown counts as well.
#[test]
fn a_full_disk_during_shutdown_is_an_error() {
    for _ in 0..5 {
        let program = into_a_full_device(Codec::Json);
        halt(&program);
        program.send(payload::OPEN);
        signal(&program, Signal::SIGTERM);
        go_on(&program);
        ends_with_one_error(program);
    }
}

/// Events that arrived but could not be written are dropped, and every one is counted.
#[test]
fn events_that_a_full_disk_did_not_take_are_counted() {
    for codec in CODECS {
        let mut program = into_a_full_device(codec);
        let mut sender = Numbered::new("127.0.0.1", program.addresses()[0]);
        halt(&program);
        for _ in 0..program.capacity(100) {
            sender.event();
            sender.garbage();
        }
        go_on(&program);
        let (_, diagnostics) = program.wait();
        let stopped = diagnostics.iter().find(|d| d["message"] == "stopped");
        let count = |name: &str| {
            stopped.expect("a summary")[name]
                .as_u64()
                .expect("a number")
        };
        assert!(count("datagrams") > 0 && count("undecoded") > 0);
        assert_eq!(count("dropped"), count("events") + count("undecoded"));
        assert_eq!(count("excluded"), 0);
    }
}

/// One thread sends garbage as fast as it can, while another sender's events are still decoded.
#[test]
fn events_are_decoded_during_a_flood_of_garbage() {
    const VALID: u64 = 300;
    let (_folder, command) = configured("[source]\nundecoded = \"drop\"\n", Codec::Json);
    let mut program = Running::of(command, Codec::Json, 1);
    let address = program.addresses()[0];
    let stop_flood = Arc::new(AtomicBool::new(false));
    let flood = thread::spawn({
        let stop = Arc::clone(&stop_flood);
        let mut garbage = Numbered::new("127.0.0.2", address);
        move || {
            while !stop.load(Ordering::Relaxed) {
                garbage.garbage();
            }
            garbage.sent
        }
    });
    let mut sender = Numbered::new("127.0.0.1", address);
    let mut seen = 0;
    // Datagrams of this sender that the kernel drops are sent again: this many are decoded during the flood.
    while seen < VALID {
        sender.event();
        while let Some(event) = program.events().waiting() {
            assert_eq!(event["sender"], "127.0.0.1");
            seen += 1;
        }
    }
    let peak = kibibytes(&program, "VmHWM");
    stop_flood.store(true, Ordering::Relaxed);
    let garbage = flood.join().expect("a sender");
    super::linux::drained(address);
    let stopped = stop(program, Signal::SIGTERM);
    let received = stopped.count("events");
    assert_eq!(received, seen + stopped.events.len() as u64);
    assert_eq!(
        garbage + sender.sent,
        received + stopped.count("undecoded") + stopped.count("kernel_dropped")
    );
    assert!(stopped.count("undecoded") > VALID);
    assert!(peak < 32 << 10, "{peak} KiB");
}

/// Empty datagrams that keep arriving do not keep the program running.
#[test]
fn a_flood_of_empty_datagrams_does_not_prevent_the_end() {
    let (_folder, command) = configured(
        "[source]\nundecoded = \"drop\"\nreceive_buffer_bytes = 65536\n",
        Codec::Json,
    );
    let program = Running::of(command, Codec::Json, 1);
    let address = program.addresses()[0];
    let stop_flood = Arc::new(AtomicBool::new(false));
    let floods: Vec<_> = (0..2)
        .map(|_| {
            let stop = Arc::clone(&stop_flood);
            let socket = crate::support::sender(address);
            thread::spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    // The send is refused as soon as the program has ended.
                    let _ = socket.send(&[]);
                }
            })
        })
        .collect();
    super::linux::until("something has been dropped", || kernel_drops(address) > 0);
    let stopped = stop(program, Signal::SIGTERM);
    stop_flood.store(true, Ordering::Relaxed);
    for flood in floods {
        flood.join().expect("a sender");
    }
    assert_eq!(stopped.status, Some(0));
    assert_eq!(stopped.count("undecoded"), stopped.count("datagrams"));
}

/// The datagrams that the kernel has dropped at a port.
fn kernel_drops(address: std::net::SocketAddr) -> u64 {
    let port = format!(":{:04X}", address.port());
    let table = fs::read_to_string("/proc/net/udp").expect("a table");
    let row = table.lines().find(|row| {
        row.split_ascii_whitespace()
            .nth(1)
            .is_some_and(|local| local.ends_with(&port))
    });
    let drops = row.and_then(|row| row.split_ascii_whitespace().last()?.parse().ok());
    drops.expect("a number")
}

/// The last metrics are written even if an earlier set still waits for the reader.
#[test]
fn waiting_metrics_do_not_hold_back_the_last_ones() {
    let config = "[source]\nundecoded = \"drop\"\n[telemetry]\ninterval_secs = 1\n\
                  [queue]\nmax_events = 50\n";
    let (_folder, command) = configured(config, Codec::Native);
    let (mut program, reader) = unread(command, Codec::Native);
    let mut sender = Numbered::new("127.0.0.1", program.addresses()[0]);
    sender.feed(&program, 8_000);
    // The writer is stuck, so the next metrics wait in the queue; their time can only be guessed.
    thread::sleep(Duration::from_millis(1_500));
    sender.feed(&program, 100);
    signal(&program, Signal::SIGTERM);
    let tasks = format!("/proc/{}/task", program.id());
    super::linux::until("the worker has ended", || {
        let tasks = fs::read_dir(&tasks).expect("tasks");
        let names = tasks.map(|task| fs::read_to_string(task.expect("a task").path().join("comm")));
        names.flatten().all(|name| name != "worker\n")
    });
    // The last metrics follow immediately.
    thread::sleep(Duration::from_millis(100));
    let mut records = Records::new(reader, Codec::Native);
    let events = records.by_ref().count() as u64;
    let (_, diagnostics) = program.wait();
    let last = diagnostics.last().expect("a diagnostic");
    let told = super::counters(&records.metrics);
    assert!(last["dropped"].as_u64() > Some(0));
    assert_eq!(told["received_datagrams_total"], sender.sent);
    assert_eq!(told["queue_dropped_events_total"], last["dropped"]);
    assert_eq!(
        events + told["queue_dropped_events_total"],
        last["events"].as_u64().expect("a number")
    );
}
