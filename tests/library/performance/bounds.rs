//! Events that pass unchanged, groups that stay separate, and the memory that they take.

use qlik_sense_events::{
    event::Arrival,
    transform::{OutputBuffer, PerformanceConfig, performance::MAX_GROUP_BYTES},
};
use serde_json::json;

use super::support::{Request, at, nothing, pipeline, shown};

#[test]
fn a_negative_time_or_peak_lowers_no_sum() {
    let negative = |place: usize| {
        let mut request = Request::default();
        "-0.5".clone_into(&mut request.times[place]);
        request
    };
    let peak = Request {
        peak_ram: "-1".into(),
        ..Request::default()
    };
    let names = [
        "process_ms",
        "work_ms",
        "lock_ms",
        "validate_ms",
        "traverse_ms",
    ];
    let times = names.iter().enumerate();
    let times = times.map(|(place, name)| (*name, "-0.5", negative(place)));
    let mut pipeline = pipeline(nothing());
    let mut output = OutputBuffer::default();
    for (name, sent, request) in times.chain([("peak_ram_bytes", "-1", peak)]) {
        let datagram = request.datagram();
        pipeline.datagram(datagram.as_bytes(), Arrival::local(at(0)), &mut output);
        let shown = shown(&mut output);
        assert_eq!(shown.len(), 1, "{name}");
        assert_eq!(shown[0]["event"], "performance", "{name}");
        assert_eq!(shown[0]["unreadable"], json!({ name: sent }));
        assert_eq!(shown[0].get(name), None);
    }
    // Memory that a request freed counts like any other amount.
    let freed = Request {
        net_ram: "-100".into(),
        ..Request::default()
    };
    let datagram = freed.datagram();
    pipeline.datagram(datagram.as_bytes(), Arrival::local(at(0)), &mut output);
    assert!(output.is_empty());
    pipeline.finish(&mut output);
    let summary = &shown(&mut output)[0];
    assert_eq!(summary["requests"], 1);
    assert_eq!(summary["net_ram_bytes_sum"], -100);
}

#[test]
fn other_events_pass_unchanged() {
    let mut pipeline = pipeline(nothing());
    let mut output = OutputBuffer::default();
    for datagram in ["/proxy-session/;n1;Stop session;LAB;goran;;;", "garbage"] {
        pipeline.datagram(datagram.as_bytes(), Arrival::local(at(0)), &mut output);
    }
    assert_eq!(output.len(), 2);
    assert_eq!(pipeline.counters().summarized, Some(0));
}

#[test]
fn it_is_off_by_default() {
    let mut pipeline = pipeline(PerformanceConfig {
        enabled: false,
        ..nothing()
    });
    let mut output = OutputBuffer::default();
    pipeline.datagram(
        Request::default().datagram().as_bytes(),
        Arrival::local(at(0)),
        &mut output,
    );
    assert_eq!((output.len(), pipeline.counters().summarized), (1, None));
}

/// The memory of groups is bounded in bytes too.
#[test]
fn a_request_with_very_long_texts_goes_through() {
    let mut pipeline = pipeline(nothing());
    let mut output = OutputBuffer::default();
    for (length, expected) in [(MAX_GROUP_BYTES / 2, 0), (MAX_GROUP_BYTES, 1)] {
        let request = Request {
            object: "x".repeat(length),
            ..Request::default()
        };
        pipeline.datagram(
            request.datagram().as_bytes(),
            Arrival::local(at(0)),
            &mut output,
        );
        assert_eq!(output.len(), expected);
    }
}

#[test]
fn each_socket_summarizes_on_its_own() {
    let mut first = pipeline(nothing());
    let datagram = Request::default().datagram();
    let mut output = OutputBuffer::default();
    first.datagram(datagram.as_bytes(), Arrival::local(at(0)), &mut output);
    let mut second = first.clone_for_socket();
    second.datagram(datagram.as_bytes(), Arrival::local(at(0)), &mut output);
    for pipeline in [&mut first, &mut second] {
        pipeline.finish(&mut output);
        assert_eq!(pipeline.counters().summarized, Some(1));
    }
    let requests: Vec<_> = shown(&mut output)
        .iter()
        .map(|it| it["requests"].clone())
        .collect();
    assert_eq!(requests, [1, 1]);
}

#[test]
fn a_request_of_a_known_group_costs_no_memory_beyond_its_decoding() {
    // The third has the highest peak and shorter texts than there is room for.
    let datagrams = ["1000", "900", "9000"].map(|peak_ram| {
        Request {
            peak_ram: peak_ram.into(),
            ..Request::default()
        }
        .datagram()
    });
    let allocations = |performance: PerformanceConfig| {
        let mut pipeline = pipeline(performance);
        let mut output = OutputBuffer::with_capacity(16);
        let mut send = |datagram: &String| {
            pipeline.datagram(datagram.as_bytes(), Arrival::local(at(0)), &mut output);
        };
        send(&datagrams[0]);
        allocation_counter::measure(|| datagrams[1..].iter().for_each(send)).count_total
    };
    let all_go_on = allocations(PerformanceConfig::default());
    assert!(all_go_on <= 2 * 2, "{all_go_on} allocations of two events");
    assert_eq!(allocations(nothing()), all_go_on);
}
