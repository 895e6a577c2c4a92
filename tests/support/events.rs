//! Events of every kind.

use chrono::DateTime;
use qlik_sense_events::{
    event::{Arrival, Event},
    pipeline::PipelineConfig,
    transform::{OutputBuffer, PerformanceConfig, SessionsConfig, performance::Milliseconds},
};

use super::{golden::golden, pipeline::events};

/// The events of the golden datagrams, and derived events.
pub fn every_event() -> Vec<Event> {
    let mut all = Vec::new();
    for golden in golden() {
        let events = events(&golden.datagram);
        assert_eq!(events.len(), golden.expected.len(), "{}", golden.name);
        all.extend(events);
    }
    all.extend(session_events());
    all.push(performance_summary());
    all
}

/// The total cost of the requests in a golden datagram, in an app with a name.
fn performance_summary() -> Event {
    let requests = golden()
        .into_iter()
        .find(|golden| golden.name == "performance_request");
    let config = PipelineConfig {
        performance: PerformanceConfig {
            enabled: true,
            min_process_ms: Milliseconds::new(60_000.0).expect("a time"),
            ..PerformanceConfig::default()
        },
        ..PipelineConfig::default()
    };
    let mut pipeline = config.build().expect("a pipeline");
    let app = "0f3d9c1e-7b64-4a58-8d2f-2c5e91ab7740"
        .parse()
        .expect("a guid");
    pipeline.replace_app_names([(app, "Sales".into())].into_iter().collect());
    let mut output = OutputBuffer::default();
    let arrival = Arrival::local(DateTime::UNIX_EPOCH);
    pipeline.datagram(
        &requests.expect("the datagram").datagram,
        arrival,
        &mut output,
    );
    pipeline.finish(&mut output);
    let mut events = output.into_events();
    assert_eq!(events.len(), 1);
    events.remove(0)
}

/// The events of a session with an app that has a name, and of one with a session id, including a snapshot and
/// summaries.
fn session_events() -> Vec<Event> {
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
    let app = APP.parse().expect("a guid");
    pipeline.replace_app_names([(app, "Sales".into())].into_iter().collect());
    let mut output = OutputBuffer::default();
    let connection = |command| {
        format!(
            "/proxy-connection/;n1;{command};LAB;goran;;\
             /sales/app/{APP};UserAgent: '{CHROME}'"
        )
    };
    let extended = |number, command| {
        format!("/qlik-sense-session/2/;n1;;{number};a-session;0;{command};LAB;maria;;;")
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
        (63, extended(1, "Start session")),
        (64, extended(2, "Stop session")),
    ] {
        let time = DateTime::from_timestamp(seconds, 0).expect("a time");
        pipeline.tick(time, &mut output);
        pipeline.datagram(datagram.as_bytes(), Arrival::local(time), &mut output);
    }
    let events = output.into_events();
    let names: Vec<&str> = events.iter().map(|event| event.kind().event()).collect();
    let expected = [
        "session",
        "connection",
        "session_snapshot",
        "connection",
        "connection_summary",
        "session",
        "session_summary",
        "session",
        "session",
        "session_summary",
    ];
    assert_eq!(names, expected);
    events
}

const APP: &str = "a421f4a2-c311-4ef4-ba41-fe2e6a2b0d69";

const CHROME: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 \
                      (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36";
