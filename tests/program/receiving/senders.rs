//! Who may send, and how much.

use std::{
    collections::BTreeMap,
    net::{SocketAddr, UdpSocket},
};

use serde_json::Value;

use super::{Numbered, configured, counters};
use crate::support::{Codec, Running, end, finish, payload, record};

const ALLOWED: &str = "[source]\nallowed_senders = [\"127.0.0.1\", \"127.1.0.0/16\"]\n";

fn senders(events: &[Value]) -> Vec<&str> {
    let senders = events.iter().map(|event| event["sender"].as_str());
    senders.map(|sender| sender.expect("text")).collect()
}

#[test]
#[cfg_attr(
    windows,
    ignore = "Wine sends from 127.0.0.1, whichever address a socket has"
)]
fn other_senders_are_refused_and_counted_by_network() {
    for codec in [Codec::Native, Codec::NativeJson, Codec::Json] {
        let (_folder, command) = configured(ALLOWED, codec);
        let program = Running::of(command, codec, 1);
        let address = program.addresses()[0];
        for from in [
            "127.0.0.2",
            "127.0.0.1",
            "127.0.0.77",
            "127.1.255.255",
            "127.2.0.1",
            "127.0.0.3",
        ] {
            Numbered::new(from, address).event();
        }
        let stopped = end(program);
        assert_eq!(senders(&stopped.events), ["127.0.0.1", "127.1.255.255"]);
        assert_eq!(
            (stopped.count("datagrams"), stopped.count("refused")),
            (6, 4)
        );
        assert_eq!(stopped.count("events") + stopped.count("excluded"), 2);
        let told = counters(&stopped.metrics);
        let refused: BTreeMap<_, _> = told
            .iter()
            .filter_map(|(name, count)| {
                Some((name.strip_prefix("refused_datagrams_total ")?, *count))
            })
            .collect();
        if codec == Codec::Json {
            assert!(refused.is_empty());
        } else {
            let expected = [("127.0.0.0/24", 3), ("127.2.0.0/24", 1)];
            assert_eq!(refused, expected.into(), "{codec:?}");
        }
    }
}

/// A mistake in the list would otherwise look like a node that sends nothing.
#[test]
#[cfg_attr(
    windows,
    ignore = "Wine sends from 127.0.0.1, whichever address a socket has"
)]
fn each_refused_sender_is_named_once_and_at_once() {
    let (_folder, command) = configured(ALLOWED, Codec::Json);
    let mut program = Running::of(command, Codec::Json, 1);
    let address = program.addresses()[0];
    let warning = |program: &mut Running, count, sender| {
        let warning = program.diagnostics.one();
        assert_eq!(warning["level"], "warn");
        let expected = format!(
            "source.allowed_senders has refused {count} at {address} so far, now from {sender}; if this is a Qlik \
             node or a relay, add its address to source.allowed_senders"
        );
        assert_eq!(warning["message"], expected);
    };
    let mut first = Numbered::new("127.0.0.2", address);
    first.event();
    warning(&mut program, "1 datagram", "127.0.0.2");
    first.event();
    Numbered::new("127.0.0.3", address).event();
    Numbered::new("127.0.0.1", address).event();
    warning(&mut program, "3 datagrams", "127.0.0.3");
    first.event();
    // What the program has not yet reported is reported when it ends.
    Numbered::new("127.0.0.4", address).event();
    let stopped = end(program);
    assert_eq!(stopped.diagnostics.len(), 2, "{:?}", stopped.diagnostics);
    let last = stopped.diagnostics[0]["message"].as_str().expect("text");
    assert!(
        last.contains(" refused 5 datagrams ") && last.contains(" now from 127.0.0.4; "),
        "{last}"
    );
}

/// An IPv6 socket shows IPv4 senders as `::ffff:127.0.0.1`.
#[test]
#[ignore = "needs IPv6"]
fn ipv4_senders_are_recognised_on_an_ipv6_socket() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("config.toml");
    std::fs::write(&file, ALLOWED).expect("a file");
    let mut command = crate::support::command();
    command
        .args([
            "run",
            "--address",
            "[::]:0",
            "--codec",
            "native",
            "--config",
        ])
        .arg(file);
    let program = Running::of(command, Codec::Native, 1);
    let port = program.addresses()[0].port();
    for from in ["127.0.0.1", "127.0.0.2"] {
        Numbered::new(from, SocketAddr::from(([127, 0, 0, 1], port))).event();
    }
    let socket = UdpSocket::bind("[::1]:0").expect("a port");
    let to: SocketAddr = format!("[::1]:{port}").parse().expect("an address");
    socket.send_to(payload::OPEN.as_bytes(), to).expect("sent");
    let stopped = end(program);
    assert_eq!(senders(&stopped.events), ["127.0.0.1"]);
    let told = counters(&stopped.metrics);
    assert_eq!(told["refused_datagrams_total 127.0.0.0/24"], 1);
    assert_eq!(told["refused_datagrams_total ::/64"], 1);
    assert_eq!(stopped.count("refused"), 2);
}

/// `run` and `check` report mistakes with file, line and key.
#[test]
fn mistakes_are_refused_at_start() {
    for (config, expected) in [
        (
            "[source]\n\nallowed_senders = []\n",
            "3: source.allowed_senders = []: expected at least one address or range",
        ),
        (
            "[source]\nallowed_senders = [\"qlik.example.com\"]\n",
            "2: source.allowed_senders[0] = \"qlik.example.com\": expected an IP address or a range",
        ),
        (
            "[source]\nallowed_senders = [\"10.0.0.0/8\", \"qlik.example.com\"]\n",
            "2: source.allowed_senders[1] = \"qlik.example.com\": expected an IP address or a range",
        ),
        (
            "[source]\nallowed_senders = [\n  \"10.0.0.0/8\",\n  \"10.1.2.3/16\",\n]\n",
            "4: source.allowed_senders[1] = \"10.1.2.3/16\": the address has bits beyond its prefix; \
             did you mean \"10.1.0.0/16\"?",
        ),
        (
            "[source.rate_limit]\nburst = 0\n",
            "2: source.rate_limit.burst = 0: expected at least 1 event",
        ),
        (
            "[source.rate_limit]\nevents_per_sec = -1\n",
            "2: source.rate_limit.events_per_sec = -1: expected a whole number from 0 to 4294967295",
        ),
        (
            "[queue]\nwhen_full = \"block\"\n",
            "2: queue.when_full = \"block\": expected `drop_newest` or `drop_oldest`",
        ),
        (
            "[queue]\nmax_events = 0\n",
            "2: queue.max_events = 0: expected 1 to 10000000 events",
        ),
        (
            "[telemetry]\ninterval_secs = 100000\n",
            "2: telemetry.interval_secs = 100000: expected 0 to 86400 seconds",
        ),
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("config.toml").display().to_string();
        std::fs::write(&file, config).expect("a file");
        let ran = finish(&["run", "--address", "127.0.0.1:0", "--config", &file]);
        assert_eq!((ran.status, &*ran.stdout), (2, ""), "{config}");
        let diagnostic = record(ran.stderr.as_bytes());
        let message = diagnostic["message"].as_str().expect("text");
        assert!(
            message.starts_with(&format!("{file}:{expected}")),
            "{message}"
        );
        let checked = finish(&["check", &file]);
        assert_eq!((checked.status, checked.stderr.trim_end()), (2, message));
    }
}

/// Each sender has its own burst; datagrams beyond it are counted and dropped.
#[test]
#[cfg_attr(
    windows,
    ignore = "Wine sends from 127.0.0.1, whichever address a socket has"
)]
fn the_rate_limit_applies_to_each_sender() {
    const BURST: u64 = 20;
    const MORE: u64 = 80;
    let config = format!("[source.rate_limit]\nevents_per_sec = 1\nburst = {BURST}\n");
    let (_folder, command) = configured(&config, Codec::Native);
    let program = Running::of(command, Codec::Native, 1);
    let address = program.addresses()[0];
    let mut chatty = Numbered::new("127.0.0.1", address);
    let mut quiet = Numbered::new("127.0.0.2", address);
    for _ in 0..BURST + MORE {
        chatty.event();
    }
    for _ in 0..BURST {
        quiet.event();
    }
    let stopped = end(program);
    let of = |sender| {
        senders(&stopped.events)
            .into_iter()
            .filter(|&s| s == sender)
            .count() as u64
    };
    assert_eq!(of("127.0.0.2"), BURST);
    // One event a second is allowed again, and the test may be slow.
    assert!((BURST..BURST + MORE).contains(&of("127.0.0.1")));
    let over = stopped.count("over_rate");
    assert_eq!(of("127.0.0.1") + over, BURST + MORE);
    assert_eq!(stopped.count("datagrams"), 2 * BURST + MORE);
    let said = |diagnostic: &Value, text: &str| {
        let message = diagnostic["message"].as_str().expect("text");
        diagnostic["level"] == "warn" && message.contains(text)
    };
    for text in [
        "source.rate_limit has dropped ",
        " now from 127.0.0.1: more than events_per_sec = 1 and burst = 20 allow; ",
    ] {
        let warnings = stopped.diagnostics.iter().filter(|it| said(it, text));
        assert_eq!(warnings.count(), 1, "{:?}", stopped.diagnostics);
    }
    let told = counters(&stopped.metrics);
    assert_eq!(told["rate_limited_datagrams_total"], over);
}

/// A relay's datagram counts as all its events, and is accepted or dropped as a whole.
#[test]
fn a_datagram_costs_as_many_events_as_it_holds() {
    let config = "[source.rate_limit]\nevents_per_sec = 1\nburst = 3\n";
    let mut program = Running::configured(config);
    let four = [1, 2, 3, 4].map(|number| payload::start(&number.to_string()));
    program.send(four.join("\n"));
    program.send(four[..3].join("\n"));
    let events = program.events().several(3);
    assert_eq!(events[2]["user_id"], "3");
    let stopped = end(program);
    assert_eq!(
        (stopped.count("over_rate"), stopped.count("events")),
        (1, 3)
    );
    assert_eq!(stopped.events, Vec::<Value>::new());
}
