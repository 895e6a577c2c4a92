//! A reader that is slower than the senders: what it gets is in order, and what it does not get is counted.

use nix::sys::signal::Signal;

use super::{
    Numbered, configured, counters,
    linux::{BUFFER, go_on, halt, kibibytes, number, unread},
};
use crate::{
    support::{Codec, Records, payload},
    unix::signal,
};

const QUEUE: u64 = 500;
/// More than fits into the queue, the pipe and the write in progress.
const EVENTS: u64 = 8_000;
/// More than fits into the smaller receive buffer.
const BURST: u64 = 2_000;
const REFUSED: u64 = 300;
/// The number of events beyond the burst of the rate limit.
const OVER: u64 = 200;

/// sent = out + excluded + undecoded + refused + over the rate + dropped by the queue + dropped by the kernel. This is
/// exact, because each datagram here is one event.
fn every_datagram_is_accounted_for(when_full: &str, undecoded: &str, codec: Codec) {
    let all = EVENTS + BURST + EVENTS / 4;
    let (_folder, command) = configured(
        &format!(
            "[source]\n{BUFFER}undecoded = \"{undecoded}\"\n\
             allowed_senders = [\"127.0.0.1\", \"127.0.0.3\"]\n\
             [source.rate_limit]\nevents_per_sec = 1\nburst = {all}\n\
             [transform.blacklist]\nusers = ['INTERNAL\\sa_*']\n\
             [queue]\nmax_events = {QUEUE}\nwhen_full = \"{when_full}\"\n\
             [telemetry]\ninterval_secs = 1\n"
        ),
        codec,
    );
    let (mut program, reader) = unread(command, codec);
    let address = program.addresses()[0];
    let mut sender = Numbered::new("127.0.0.1", address);

    // There is no reader yet.
    sender.feed(&program, EVENTS);
    let mut stranger = Numbered::new("127.0.0.2", address);
    stranger.feed(&program, REFUSED);
    // The whole burst at once: as many events in a datagram as fit, then more.
    let mut chatty = Numbered::new("127.0.0.3", address);
    chatty.feed(&program, all + OVER);
    // The program is busy with something else.
    halt(&program);
    for _ in 0..BURST {
        sender.event();
    }
    go_on(&program);
    super::linux::drained(address);
    let before_reading = sender.sent;

    // A reader appears.
    let mut records = Records::new(reader, codec);
    sender.feed(&program, EVENTS / 4);
    signal(&program, Signal::SIGTERM);
    let out: Vec<_> = records.by_ref().collect();
    let metrics = records.metrics;
    let (status, diagnostics) = program.wait();
    assert_eq!(status.code(), Some(0));

    let last = diagnostics.last().expect("a diagnostic");
    let count = |name: &str| last[name].as_u64().expect("a number");
    let sent = sender.sent + stranger.sent + chatty.sent;
    let out_undecoded = out.iter().filter(|event| event["event"] == "undecoded");
    let out_undecoded = out_undecoded.count() as u64;
    let gone = [
        "excluded",
        "refused",
        "over_rate",
        "dropped",
        "kernel_dropped",
    ]
    .map(count);
    let silent = if undecoded == "drop" {
        count("undecoded")
    } else {
        0
    };
    assert_eq!(
        sent,
        out.len() as u64 + silent + gone.iter().sum::<u64>(),
        "{last}"
    );
    // Everything that the kernel did not drop was received, and each datagram is in one count.
    assert_eq!(sent, count("datagrams") + count("kernel_dropped"));
    let pipeline = count("events") + count("excluded") + count("undecoded");
    assert_eq!(
        count("datagrams"),
        pipeline + count("refused") + count("over_rate")
    );
    assert!(gone.iter().all(|&gone| gone > 0), "{last}");
    assert_eq!(count("refused"), REFUSED);
    // One event a second is allowed again.
    assert!((1..=OVER).contains(&count("over_rate")), "{last}");
    assert_eq!(out_undecoded > 0, undecoded == "forward");

    // Each sender's events are in order, and the policy was followed.
    let is_of = |event: &&serde_json::Value, sender: &str| event["sender"] == sender;
    for sender in ["127.0.0.1", "127.0.0.3"] {
        let numbers = out.iter().filter(|event| is_of(event, sender)).map(number);
        let numbers: Vec<u64> = numbers.collect();
        assert!(numbers.is_sorted_by(|a, b| a < b), "{sender}");
    }
    let kept: Vec<u64> = out
        .iter()
        .filter(|event| is_of(event, "127.0.0.1"))
        .map(number)
        .filter(|&number| number < before_reading)
        .collect();
    // With both policies, what was in the pipe or on its way there has been written.
    assert!(kept[0] < 50, "the first events are out: {}", kept[0]);

    if codec != Codec::Json {
        let told = counters(&metrics);
        for (metric, field) in [
            ("received_datagrams_total", "datagrams"),
            ("received_bytes_total", "bytes"),
            ("excluded_events_total", "excluded"),
            ("refused_datagrams_total 127.0.0.0/24", "refused"),
            ("rate_limited_datagrams_total", "over_rate"),
            ("queue_dropped_events_total", "dropped"),
            ("kernel_dropped_datagrams_total", "kernel_dropped"),
        ] {
            assert_eq!(told[metric], count(field), "{metric}");
        }
    }
}

#[test]
fn drop_newest_accounts_for_every_datagram() {
    every_datagram_is_accounted_for("drop_newest", "forward", Codec::Json);
}

#[test]
fn drop_oldest_accounts_for_every_datagram() {
    every_datagram_is_accounted_for("drop_oldest", "drop", Codec::Native);
}

/// A full queue keeps either the first or the last events.
#[test]
fn the_policy_decides_which_events_are_kept() {
    for (when_full, keeps_last) in [("drop_newest", false), ("drop_oldest", true)] {
        let config =
            format!("[source]\n{BUFFER}[queue]\nmax_events = 500\nwhen_full = \"{when_full}\"\n");
        let (_folder, command) = configured(&config, Codec::Json);
        let (mut program, reader) = unread(command, Codec::Json);
        let mut sender = Numbered::new("127.0.0.1", program.addresses()[0]);
        sender.feed(&program, EVENTS);
        signal(&program, Signal::SIGTERM);
        let out: Vec<u64> = Records::new(reader, Codec::Json)
            .map(|event| number(&event))
            .collect();
        let (_, diagnostics) = program.wait();
        let last = diagnostics.last().expect("a diagnostic");
        let dropped = last["dropped"].as_u64().expect("a number");
        assert_eq!(out.len() as u64 + dropped, EVENTS, "{when_full}");
        assert!(dropped > QUEUE && out.is_sorted_by(|a, b| a < b));
        assert_eq!(out[0], 0, "{when_full}");
        // The last of them arrived last, or were in the queue when it was filled.
        let near_the_end = out[out.len() - 100];
        assert_eq!(near_the_end == EVENTS - 100, keeps_last, "{near_the_end}");
    }
}

/// Such numbers must not be hidden in a record with the level info.
#[test]
fn drops_cause_a_warning_at_once_and_at_shutdown() {
    for (bound, expected) in [
        ("max_events = 500", "queue.max_events (500) is reached"),
        (
            "max_bytes = 65536",
            "queue.max_bytes (65536) is reached, with ",
        ),
    ] {
        let config = format!("[source]\n{BUFFER}[queue]\n{bound}\n");
        let (_folder, command) = configured(&config, Codec::Json);
        let (mut program, reader) = unread(command, Codec::Json);
        let mut sender = Numbered::new("127.0.0.1", program.addresses()[0]);
        sender.feed(&program, EVENTS);
        let warning = program.diagnostics.one();
        assert_eq!(warning["level"], "warn");
        let message = warning["message"].as_str().expect("text");
        assert!(
            message.starts_with("the queue is full and drops events, "),
            "{message}"
        );
        assert!(message.contains(expected), "{message}");
        // Vector ends without having read what waits for it.
        drop(reader);
        let (status, diagnostics) = program.wait();
        assert_eq!(status.code(), Some(0));
        let [warning, stopped] = &diagnostics[..] else {
            panic!("{diagnostics:?}")
        };
        assert_eq!(stopped["message"], "stopped");
        assert_eq!(warning["level"], "warn");
        let message = warning["message"].as_str().expect("text");
        assert!(
            message.contains(" events at shutdown, because the reader of the output has ended; "),
            "{message}"
        );
    }
}

#[test]
fn drops_of_the_system_cause_a_warning_at_once() {
    let (_folder, command) = configured("[source]\nreceive_buffer_bytes = 4096\n", Codec::Json);
    let (mut program, _reader) = unread(command, Codec::Json);
    let mut sender = Numbered::new("127.0.0.1", program.addresses()[0]);
    halt(&program);
    for _ in 0..BURST {
        sender.event();
    }
    go_on(&program);
    let warning = program.diagnostics.one();
    assert_eq!(warning["level"], "warn");
    let message = warning["message"].as_str().expect("text");
    assert!(
        message.starts_with("the system drops datagrams at 127.0.0.1:"),
        "{message}"
    );
    assert!(message.contains("source.receive_buffer_bytes"), "{message}");
    signal(&program, Signal::SIGTERM);
}

/// The queue is limited in bytes, whatever the number of events.
#[test]
fn memory_is_bounded_without_a_reader() {
    let config = format!("[source]\n{BUFFER}[queue]\nmax_events = 10000000\n");
    let (_folder, command) = configured(&config, Codec::Json);
    let (mut program, reader) = unread(command, Codec::Json);
    let address = program.addresses()[0];
    let datagram = payload::start("goran") + &"x".repeat(60_000);
    const SENT: u64 = 600;
    for _ in 0..SENT {
        super::linux::drained(address);
        program.send(&datagram);
    }
    super::linux::drained(address);
    let peak = kibibytes(&program, "VmHWM");
    assert!(peak < 48 << 10, "{peak} KiB");
    signal(&program, Signal::SIGTERM);
    let out = Records::new(reader, Codec::Json).count() as u64;
    let (_, diagnostics) = program.wait();
    let last = diagnostics.last().expect("a diagnostic");
    let dropped = last["dropped"].as_u64().expect("a number");
    assert!(dropped > 0);
    assert_eq!((out + dropped, &last["kernel_dropped"]), (SENT, &0.into()));
}
