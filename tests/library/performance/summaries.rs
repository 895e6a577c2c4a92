//! The content of a summary, and the requests that it covers.

use qlik_sense_events::{
    event::{Arrival, EventKind},
    transform::OutputBuffer,
};
use serde_json::{Value, json};

use super::support::{Request, SALES, STOCK, at, nothing, pipeline, shown};

#[test]
fn a_summary_has_the_cost_of_its_requests_and_the_most_expensive_one() {
    let mut pipeline = pipeline(nothing());
    pipeline.replace_app_names(
        [(SALES.parse().expect("an id"), "Sales".into())]
            .into_iter()
            .collect(),
    );
    let mut output = OutputBuffer::default();
    let requests = [
        Request::default(),
        Request {
            object: "b".into(),
            session: "s2",
            method: "Doc::DoSave",
            times: ["0.000001", "", "1", "0", "2"].map(Into::into),
            net_ram: "-150".into(),
            peak_ram: "5000".into(),
            ..Request::default()
        },
        Request {
            peak_ram: "5000".into(),
            ..Request::default()
        },
    ];
    for (second, request) in (60..).zip(&requests) {
        let arrival = Arrival::local(at(second * 1_000));
        pipeline.datagram(request.datagram().as_bytes(), arrival, &mut output);
    }
    pipeline.tick(at(119_999), &mut output);
    assert!(output.is_empty());
    pipeline.tick(at(120_000), &mut output);
    let expected = json!({
        "timestamp": "1970-01-01T00:01:02.000000000Z",
        "source_type": "qlik_sense",
        "event": "performance_summary",
        "service": "engine",
        "host": "n1",
        "user_directory": "LAB",
        "user_id": "goran",
        "user": r"LAB\goran",
        "app_id": SALES,
        "app_name": "Sales",
        "object_type": "barchart",
        "requests": 3,
        "process_ms_sum": 10.000_001,
        "process_ms_max": 5.0,
        "work_ms_sum": 8.0,
        "work_ms_max": 4.0,
        "lock_ms_sum": 1.0,
        "lock_ms_max": 1.0,
        "validate_ms_sum": 1.0,
        "validate_ms_max": 0.5,
        "traverse_ms_sum": 6.0,
        "traverse_ms_max": 2.0,
        "net_ram_bytes_sum": 50,
        "net_ram_bytes_max": 100,
        "peak_ram_bytes_max": 5000,
        "peak_timestamp": "2026-01-31T14:06:00.000000000Z",
        "peak_method": "Doc::DoSave",
        "peak_object_id": "b",
        "peak_session_id": "s2",
        "start": "1970-01-01T00:01:00.000000000Z",
        "end": "1970-01-01T00:01:02.000000000Z",
        "duration_secs": 2.0,
    });
    assert_eq!(shown(&mut output), [expected]);
    let counters = pipeline.counters();
    assert_eq!(
        (
            counters.events(),
            counters.summarized,
            counters.derived_events()
        ),
        (0, Some(3), 1)
    );
    pipeline.finish(&mut output);
    assert!(output.is_empty(), "nothing is said twice");
}

#[test]
fn a_group_is_a_node_an_app_a_user_and_a_type_of_object() {
    let same = Request::default;
    let requests = [
        same(),
        Request {
            host: "n2",
            ..same()
        },
        Request {
            app: STOCK,
            ..same()
        },
        Request {
            app: "(null)",
            ..same()
        },
        Request {
            user: "LAB;maria",
            ..same()
        },
        Request {
            user: "LAB;",
            ..same()
        },
        Request {
            user: ";goran",
            ..same()
        },
        Request {
            object_type: "table",
            ..same()
        },
        Request {
            object_type: "",
            ..same()
        },
        // These do not make another group.
        Request {
            object: "b".into(),
            ..same()
        },
        Request {
            session: "s2",
            ..same()
        },
        Request {
            method: "Doc::DoSave",
            ..same()
        },
    ];
    let mut pipeline = pipeline(nothing());
    let mut output = OutputBuffer::default();
    for request in &requests {
        pipeline.datagram(
            request.datagram().as_bytes(),
            Arrival::local(at(0)),
            &mut output,
        );
    }
    pipeline.finish(&mut output);
    let summaries = shown(&mut output);
    let counts: Vec<_> = summaries
        .iter()
        .map(|summary| summary["requests"].as_u64())
        .collect();
    // The group that was used last is sent last.
    assert_eq!(
        counts,
        [
            Some(1),
            Some(1),
            Some(1),
            Some(1),
            Some(1),
            Some(1),
            Some(1),
            Some(1),
            Some(4)
        ]
    );
    assert_eq!(
        pipeline.counters().events_of(EventKind::PerformanceSummary),
        9
    );
}

#[test]
fn the_documentation_shows_what_two_requests_become() {
    let document = include_str!("../../../docs/performance-events.md");
    let block = |language: &str| {
        let start = format!("```{language}\n");
        let rest = document.split(&start).nth(1).expect("a block");
        rest.split("```").next().expect("its end")
    };
    let mut pipeline = pipeline(nothing());
    let mut output = OutputBuffer::default();
    for datagram in block("text").lines() {
        let time = datagram
            .split(';')
            .nth(3)
            .expect("a time")
            .replace(',', ".");
        let time = time.replace(' ', "T") + "Z";
        let arrival = Arrival::local(time.parse().expect("a time"));
        pipeline.datagram(datagram.as_bytes(), arrival, &mut output);
    }
    pipeline.finish(&mut output);
    let expected: Value = serde_json::from_str(block("json")).expect("JSON");
    assert_eq!(shown(&mut output), [expected]);
}
