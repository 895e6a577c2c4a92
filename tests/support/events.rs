//! Events of every kind.

use chrono::DateTime;
use qlik_sense_events::{
    event::{Arrival, Event},
    pipeline::PipelineConfig,
    transform::{OutputBuffer, SessionsConfig},
};

use super::{pipeline::events, support::golden};

/// The events of the golden datagrams, and those that follow from several.
pub fn every_event() -> Vec<Event> {
    let mut all = Vec::new();
    for golden in golden() {
        let events = events(&golden.datagram);
        assert_eq!(events.len(), golden.expected.len(), "{}", golden.name);
        all.extend(events);
    }
    assert!(all.len() > 90, "{} events", all.len());
    all.extend(derived_events());
    all
}

/// A snapshot, and the summaries of a connection and a session.
fn derived_events() -> Vec<Event> {
    let sessions = SessionsConfig {
        enabled: true,
        snapshot_interval_secs: 60,
        ..SessionsConfig::default()
    };
    let config = PipelineConfig {
        sessions,
        ..PipelineConfig::default()
    };
    let mut pipeline = config.build().expect("a pipeline");
    let mut output = OutputBuffer::default();
    let connection = |command| {
        format!(
            "/proxy-connection/;n1;{command};LAB;goran;;\
             /sales/app/a421f4a2-c311-4ef4-ba41-fe2e6a2b0d69;UserAgent: '{CHROME}'"
        )
    };
    for (seconds, datagram) in [
        (
            0,
            "/proxy-session/;n1;Start session;LAB;goran;;;".to_owned(),
        ),
        (1, connection("Open connection")),
        (61, connection("Close connection")),
        (
            62,
            "/proxy-session/;n1;Stop session;LAB;goran;;;".to_owned(),
        ),
    ] {
        let time = DateTime::from_timestamp(seconds, 0).expect("a time");
        pipeline.tick(time, &mut output);
        pipeline.datagram(datagram.as_bytes(), Arrival::local(time), &mut output);
    }
    let events = output.into_events().into_iter();
    let derived: Vec<Event> = events
        .filter(|event| matches!(event, Event::Derived(_)))
        .collect();
    let names: Vec<&str> = derived.iter().map(Event::name).collect();
    let expected = ["session_snapshot", "connection_summary", "session_summary"];
    assert_eq!(names, expected);
    derived
}

const CHROME: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 \
                      (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36";
