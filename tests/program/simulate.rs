//! The simulator against the receiver: what is said to be sent is what comes out.

use serde_json::Value;

use crate::support::{Running, finish, record};

/// Sends so many datagrams of an odd site to the program; what they hold, by the simulator's word.
fn simulate(program: &Running, count: u64) -> Value {
    let ended = finish(&[
        "simulate",
        "--to",
        &program.addresses()[0].to_string(),
        "--count",
        &count.to_string(),
        "--rate",
        "2000",
        "--odd",
        "300",
        "--seed",
        "7",
    ]);
    assert_eq!((ended.status, &*ended.stderr), (0, ""));
    let truth = record(ended.stdout.as_bytes());
    assert_eq!(truth["datagrams"], count);
    assert_eq!(truth["given_up"], 0);
    truth
}

/// How many events are of this kind.
fn count(events: &[Value], event: &str, action: Option<&str>) -> usize {
    events
        .iter()
        .filter(|e| e["event"] == event && e["action"].as_str() == action)
        .count()
}

fn assert_kinds(truth: &Value, events: &[Value]) {
    for (event, action) in [
        ("session", "start"),
        ("session", "stop"),
        ("session", "other"),
        ("connection", "open"),
        ("connection", "close"),
        ("connection", "other"),
    ] {
        let name = format!("{event}_{action}");
        assert_eq!(truth[&name], count(events, event, Some(action)), "{name}");
    }
    assert_eq!(truth["undecodable"], count(events, "undecoded", None));
}

#[test]
fn every_event_comes_out() {
    let mut program = Running::start(&[]);
    let truth = simulate(&program, program.capacity(500));
    let events = program.events_so_far();
    assert_kinds(&truth, &events);
    let service_accounts = events
        .iter()
        .filter(|event| event["user"].as_str().is_some_and(is_service_account))
        .count();
    assert_eq!(truth["service_account"], service_accounts);
}

#[test]
fn blacklisted_accounts_do_not_come_out() {
    let mut program = Running::configured("[transform.blacklist]\nusers = ['INTERNAL\\sa_*']\n");
    let truth = simulate(&program, program.capacity(500));
    let events = program.events_so_far();
    let expected = [
        "session_start",
        "session_stop",
        "session_other",
        "connection_open",
        "connection_close",
        "connection_other",
        "undecodable",
    ]
    .map(|name| truth[name].as_u64().expect("a number"))
    .iter()
    .sum::<u64>();
    let excluded = truth["service_account"].as_u64().expect("a number");
    assert!(excluded > 0);
    assert_eq!(events.len() as u64, expected - excluded);
    for event in events {
        assert!(
            !event["user"].as_str().is_some_and(is_service_account),
            "{event}"
        );
    }
}

fn is_service_account(user: &str) -> bool {
    user.to_lowercase().starts_with(r"internal\sa_")
}

#[test]
fn the_same_seed_is_the_same_site() {
    let run = |seed| {
        let mut program = Running::start(&[]);
        let to = program.addresses()[0].to_string();
        let args = [
            "simulate", "--to", &to, "--count", "50", "--rate", "0", "--seed", seed,
        ];
        assert_eq!(finish(&args).status, 0);
        let events = program.events_so_far();
        let without_time = events.into_iter().map(crate::support::unstamped);
        without_time.collect::<Vec<_>>()
    };
    let events = run("1");
    assert_eq!(events.len(), 50);
    assert_eq!(events, run("1"));
    assert_ne!(events, run("2"));
}

#[test]
fn a_destination_that_is_none() {
    let ended = finish(&["simulate", "--to", "nowhere"]);
    assert_eq!((ended.status, &*ended.stdout), (2, ""));
    assert_eq!(
        ended.stderr.trim_end(),
        "--to: expected HOST:PORT such as 127.0.0.1:9997"
    );
}
