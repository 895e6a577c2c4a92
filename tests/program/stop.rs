//! Shutdown: everything that was received is written first, and counted.

#[cfg(unix)]
use std::thread;
use std::time::{Duration, Instant};

use crate::support::{CODECS, Running, Stopped, command, end, payload, sender, time, unstamped};
#[cfg(unix)]
use crate::{
    support::{ask_to_end, ended},
    unix::signal,
};

/// A datagram to the same machine is in the receiver's socket as soon as it has been sent.
pub fn everything_received_goes_out(end: impl FnOnce(Running) -> Stopped) {
    let program = Running::start(&[]);
    let count = program.capacity(2_000);
    for number in 0..count {
        program.send(payload::start(&number.to_string()));
    }
    let stopped = end(program);
    assert_eq!(stopped.status, Some(0));
    assert_eq!(stopped.events.len() as u64, count);
    for (number, event) in stopped.events.iter().enumerate() {
        assert_eq!(event["user_id"], number.to_string());
    }
    assert_eq!(stopped.count("events"), count);
    assert_eq!(stopped.count("datagrams"), count);
}

#[test]
fn no_event_is_lost_at_shutdown() {
    everything_received_goes_out(end);
}

#[test]
fn every_datagram_is_in_exactly_one_count() {
    let program = Running::configured(
        "[source]\nundecoded = \"drop\"\n[transform.blacklist]\nusers = ['INTERNAL\\*']\n",
    );
    let mut bytes = 0;
    for datagram in [
        &*payload::start("goran"),
        payload::OPEN,
        &payload::start_in("INTERNAL", "sa_engine"),
        payload::CUT,
        "",
        "garbage",
    ] {
        program.send(datagram);
        bytes += datagram.len() as u64;
    }
    let stopped = end(program);
    assert_eq!(stopped.events.len(), 2, "{:?}", stopped.events);
    for (name, expected) in [
        ("datagrams", 6),
        ("bytes", bytes),
        ("events", 2),
        ("excluded", 1),
        ("undecoded", 3),
    ] {
        assert_eq!(stopped.count(name), expected, "{name}");
    }
}

/// A program that takes long for each datagram: its patterns have so many states that the automaton for them keeps none.
fn slow() -> Running {
    // A linear congruential generator makes digits without a rhythm.
    let patterns: Vec<String> = (0..200)
        .map(|seed| format!("'LAB\\*{}x'", digits(seed, 20).join("*")))
        .collect();
    Running::configured(&format!(
        "[transform.blacklist]\nusers = [{}]\n",
        patterns.join(", ")
    ))
}

fn digits(seed: u64, count: usize) -> Vec<String> {
    let mut state = seed;
    let next = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % 10
    };
    std::iter::repeat_with(next)
        .take(count)
        .map(|digit| digit.to_string())
        .collect()
}

fn slow_datagram(number: u32) -> String {
    let length = if cfg!(debug_assertions) { 100 } else { 1_000 };
    payload::start(&digits(number.into(), length).concat())
}

/// How long a program that is asked to end may decode.
const DRAIN: Duration = Duration::from_secs(8);

/// A program that was asked to end while datagrams waited.
struct Ended {
    /// The number of datagrams.
    count: u64,
    took: Duration,
    /// What it left after the events by which the time for a datagram was measured.
    stopped: Stopped,
}

/// Sends as many datagrams as take about this long, and ends the program.
fn end_with_work_for(work: Duration, end: impl FnOnce(Running) -> Stopped) -> Ended {
    const PROBES: u32 = 5;
    let mut program = slow();
    // The first one also builds what matching takes.
    program.event_of(slow_datagram(0));
    let began = Instant::now();
    for number in 0..PROBES {
        program.event_of(slow_datagram(number));
    }
    let each = began.elapsed() / PROBES;
    let wanted = work.as_nanos().div_ceil(each.as_nanos());
    let count = program.capacity(u64::try_from(wanted).expect("not that many"));
    for number in (0..).take(usize::try_from(count).expect("not that many")) {
        program.send(slow_datagram(number));
    }
    let asked = Instant::now();
    let stopped = end(program);
    Ended {
        count,
        took: asked.elapsed(),
        stopped,
    }
}

/// Ends the program, but halts it for most of the time in which it may decode, which would keep a core busy. If it had
/// not yet noticed that it was asked to end, it decodes for all of that time.
#[cfg(unix)]
fn end_with_a_halt(program: Running) -> Stopped {
    use nix::sys::signal::Signal;

    ask_to_end(&program);
    thread::sleep(DRAIN / 16);
    signal(&program, Signal::SIGSTOP);
    thread::sleep(DRAIN - DRAIN / 8);
    signal(&program, Signal::SIGCONT);
    ended(program)
}

#[cfg(windows)]
use end as end_with_a_halt;

#[test]
fn slow_decoding_at_shutdown_loses_nothing() {
    // A machine that becomes so busy that it needs the whole time shows nothing.
    let in_time = std::iter::repeat_with(|| end_with_work_for(DRAIN / 4, end))
        .take(5)
        .find(|ended| ended.took < DRAIN);
    let Ended { count, stopped, .. } =
        in_time.expect("a machine that is not always four times slower");
    assert_eq!(stopped.status, Some(0), "{:?}", stopped.diagnostics);
    assert_eq!(stopped.events.len() as u64, count);
    assert_eq!(stopped.count("dropped"), 0);
}

#[test]
fn what_shutdown_has_no_time_to_decode_is_reported() {
    // Far more than it has time for: the time for each was perhaps measured while the machine was busy.
    let Ended { count, stopped, .. } = end_with_work_for(DRAIN * 8, end_with_a_halt);
    assert_eq!(stopped.status, Some(1), "{:?}", stopped.diagnostics);
    let [.., warning, totals, error] = &stopped.diagnostics[..] else {
        panic!("{:?}", stopped.diagnostics);
    };
    let dropped = count - stopped.events.len() as u64;
    assert_eq!(totals["message"], "stopped");
    assert_eq!(totals["dropped"], dropped);
    assert_eq!(warning["level"], "warn");
    let expected = format!(
        "dropped {dropped} datagrams at shutdown, because decoding what the receive buffers held took longer than 8 s; "
    );
    let message = warning["message"].as_str().expect("text");
    assert!(message.starts_with(&expected), "{message}");
    assert_eq!(error["level"], "error");
    let message = error["message"].as_str().expect("text");
    assert!(
        message.contains("there was no time to decode all that the receive buffers held"),
        "{message}"
    );
}

/// Each address has counts of its own.
#[test]
fn the_last_diagnostics_are_in_the_codec() {
    for codec in CODECS {
        let mut command = command();
        command.args(["run", "--codec", codec.name()]);
        command.args(["--address", "127.0.0.1:0", "--address", "127.0.0.1:0"]);
        let program = Running::of(command, codec, 2);
        let addresses = program.addresses();
        for address in &addresses {
            let socket = sender(*address);
            socket.send(payload::OPEN.as_bytes()).expect("sent");
        }
        let stopped = end(program);
        assert_eq!(stopped.status, Some(0));
        let last = &stopped.diagnostics[stopped.diagnostics.len() - 2..];
        for (diagnostic, address) in last.iter().zip(addresses) {
            time(diagnostic, codec);
            let mut expected = serde_json::json!({
                "source_type": "qlik_sense",
                "event": "plugin",
                "level": "info",
                "message": "stopped",
                "address": address.to_string(),
                "datagrams": 1,
                "bytes": payload::OPEN.len(),
                "events": 1,
                "events_by_kind": { "connection_open": 1 },
                "excluded": 0,
                "undecoded": 0,
                "refused": 0,
                "over_rate": 0,
                "dropped": 0,
            });
            if cfg!(target_os = "linux") {
                expected["kernel_dropped"] = 0.into();
            }
            assert_eq!(unstamped(diagnostic.clone()), expected, "{codec:?}");
        }
    }
}

/// A program that was asked to end and cannot write its events, and the pipe that nobody reads.
#[cfg(windows)]
fn asked_to_end_without_a_reader() -> (std::io::PipeReader, Running) {
    use crate::support::{Codec, ask_to_end};

    // More than a pipe holds.
    const EVENTS: usize = 1_000;
    let (reader, writer) = std::io::pipe().expect("a pipe");
    let mut command = command();
    command
        .args(["run", "--address", "127.0.0.1:0"])
        .stdout(writer);
    let program = Running::with_stdout_of(command, Codec::Json, 1);
    for _ in 0..EVENTS {
        program.send(payload::OPEN);
    }
    ask_to_end(&program);
    (reader, program)
}

/// The system keeps the program waiting in a write, which nothing but its end interrupts.
#[cfg(windows)]
#[test]
fn shutdown_waits_for_no_pipe_that_nobody_reads() {
    let (reader, mut program) = asked_to_end_without_a_reader();
    let (ended, diagnostics) = program.wait();
    assert_eq!(ended.code(), Some(1));
    let reason = diagnostics.last().expect("a reason")["message"].to_string();
    assert!(
        reason.contains("the reader of the output did not take all events"),
        "{reason}"
    );
    drop(reader);
}

/// The first Ctrl+C waits for the reader.
#[cfg(windows)]
#[test]
fn a_second_ctrl_c_ends_the_program_at_once() {
    use crate::support::press;

    let (reader, mut program) = asked_to_end_without_a_reader();
    while program.is_running() && press(&program).is_ok() {}
    let (ended, diagnostics) = program.wait();
    assert_eq!(ended.code(), Some(130));
    assert_eq!(diagnostics, Vec::<serde_json::Value>::new());
    drop(reader);
}
