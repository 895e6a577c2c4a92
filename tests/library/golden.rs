//! Datagrams, byte for byte, and the events that the decoding rules give for them.
//!
//! `golden/NAME.bin` is a datagram; `golden/NAME.json` is the array of its events in the schema `default`, written from
//! the rules. These files are only edited by hand.

use std::{collections::BTreeMap, fmt::Write as _};

use qlik_sense_events::{
    encoding::{Codec, Encoder},
    schema::Layout,
};
use serde_json::Value;

use crate::support::{
    golden::{Golden, golden},
    pipeline::events,
};

/// The output of the pipeline and the codec `json` for a datagram, read back line by line.
fn lines(datagram: &[u8]) -> Vec<Value> {
    let mut encoder = Encoder::new(Codec::Json, &Layout::default());
    for event in &events(datagram) {
        encoder.push(event).expect("JSON");
    }
    let text = std::str::from_utf8(encoder.frame()).expect("JSON is UTF-8");
    assert!(text.is_empty() || text.ends_with('\n'));
    text.lines()
        .map(|line| serde_json::from_str(line).expect("a JSON object a line"))
        .collect()
}

/// The first fields that differ, so that a failure stays readable even if a raw text has 64 KiB.
fn differences(seen: &[Value], expected: &[Value]) -> String {
    let mut text = format!("{} events, expected {}\n", seen.len(), expected.len());
    for (number, (seen, expected)) in seen.iter().zip(expected).enumerate() {
        let fields = |value: &Value| -> BTreeMap<String, Value> {
            value.as_object().cloned().into_iter().flatten().collect()
        };
        let (seen, expected) = (fields(seen), fields(expected));
        for name in seen.keys().chain(expected.keys()) {
            if seen.get(name) != expected.get(name) {
                let shown = |value: Option<&Value>| -> String {
                    let text = value.map_or_else(|| "nothing".to_owned(), Value::to_string);
                    text.chars().take(300).collect()
                };
                let _ = writeln!(
                    text,
                    "event {number}, {name}: {}, expected {}",
                    shown(seen.get(name)),
                    shown(expected.get(name))
                );
            }
        }
    }
    text
}

#[test]
fn every_datagram_gives_its_events() {
    let mut wrong = String::new();
    for Golden {
        name,
        datagram,
        expected,
    } in golden()
    {
        assert!(!expected.is_empty(), "{name}: a datagram is never lost");
        let seen = lines(&datagram);
        if seen != expected {
            let _ = writeln!(wrong, "{name}: {}", differences(&seen, &expected));
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn every_event_action_and_error_code_has_a_golden_datagram() {
    let mut seen: Vec<String> = golden()
        .iter()
        .flat_map(|golden| &golden.expected)
        .map(|event| {
            let of = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            let code = &event["error"]["code"];
            format!(
                "{} {}{}",
                of(&event["event"]),
                of(&event["action"]),
                of(code)
            )
        })
        .collect();
    seen.sort();
    seen.dedup();
    assert_eq!(
        seen,
        [
            "connection close",
            "connection open",
            "connection other",
            "log ",
            "performance ",
            "session other",
            "session start",
            "session stop",
            "task aborting",
            "task distributed",
            "task failed",
            "task succeeded",
            "undecoded empty",
            "undecoded invalid_encoding",
            "undecoded missing_field",
            "undecoded unknown_type",
        ]
    );
}

#[test]
fn git_leaves_the_datagrams_as_they_are() {
    let attributes = include_str!("../golden/.gitattributes");
    assert!(attributes.lines().any(|line| line == "*.bin -text"));
    let line_ends: usize = golden()
        .iter()
        .map(|golden| {
            golden
                .datagram
                .windows(2)
                .filter(|two| two == b"\r\n")
                .count()
        })
        .sum();
    assert!(
        line_ends >= 15,
        "{line_ends} CRLF are left in the datagrams"
    );
}
