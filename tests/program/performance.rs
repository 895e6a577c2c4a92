//! Performance events that the real program summarizes: at the end of an interval, when it ends, and with `decode`.

use serde_json::Value;

use crate::support::{Running, end, finish_with_input};

const REQUEST: &str = r"/qseow-qix-perf/;1;20260131T140600.000Z;2026-01-31 14:06:00,000;INFO;n1;QixPerformance.Engine.Engine;LAB\qlikservice;s;LAB;goran;20260131T140600.000Z;e;0f3d9c1e-7b64-4a58-8d2f-2c5e91ab7740;43;GenericObject::GetLayout;1;1;0;0;0;7;a;1;2;tile";

const CONFIG: &str =
    "[transform.performance]\nenabled = true\nmin_process_ms = 0.5\nsummary_interval_secs = 1\n";

/// A request that is kept, and three that are summarized.
fn requests() -> [String; 4] {
    ["1", "0.2", "0.3", "0.499999"]
        .map(|process| REQUEST.replace("GetLayout;1;", &format!("GetLayout;{process};")))
}

fn names(events: &[Value]) -> Vec<&str> {
    let names = events.iter().map(|event| event["event"].as_str());
    names.map(|name| name.expect("a name")).collect()
}

fn summed_up(events: &[Value]) -> u64 {
    events
        .iter()
        .filter_map(|event| event["requests"].as_u64())
        .sum()
}

#[test]
fn summaries_come_when_their_interval_is_over() {
    let mut program = Running::configured(CONFIG);
    for request in requests() {
        program.send(request);
    }
    let mut events = Vec::new();
    // The requests may be in two intervals.
    while summed_up(&events) < 3 {
        events.push(program.events().one());
    }
    assert_eq!(summed_up(&events), 3);
    let singles = names(&events)
        .iter()
        .filter(|name| **name == "performance")
        .count();
    assert_eq!(singles, 1);
}

#[test]
fn decode_writes_the_summaries_at_its_end() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("config.toml");
    std::fs::write(&file, CONFIG.replace("secs = 1", "secs = 3600")).expect("a file");
    let args = ["decode", "--config", file.to_str().expect("text")];
    let decoded = finish_with_input(&args, requests().join("\n"));
    let lines = decoded.stdout.lines();
    let events: Vec<Value> = lines
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert_eq!(summed_up(&events), 3, "{}", decoded.stdout);
    assert_eq!(names(&events)[0], "performance");
    let counters: Value = serde_json::from_str(&decoded.stderr).expect("counters");
    assert_eq!(
        (&counters["events"], &counters["summarized"]),
        (&1.into(), &3.into())
    );
}

#[test]
fn all_summaries_are_written_at_the_end() {
    let mut program = Running::configured(&CONFIG.replace("secs = 1", "secs = 3600"));
    for request in requests() {
        program.send(request);
    }
    assert_eq!(program.events().one()["event"], "performance");
    let stopped = end(program);
    assert_eq!(summed_up(&stopped.events), 3);
    assert_eq!(
        (stopped.count("summarized"), stopped.count("dropped")),
        (3, 0)
    );
}
