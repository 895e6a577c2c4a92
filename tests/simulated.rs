//! The decoder against the simulator: of every datagram comes out what it holds, however odd it is.

use std::time::Duration;

use chrono::DateTime;
use qlik_sense_events::{
    event::{Arrival, Body, Event},
    pipeline::{Pipeline, PipelineConfig},
    simulate::{Datagram, Families, Request, Site, SiteOptions},
    transform::OutputBuffer,
};
use uuid::Uuid;

fn decoded(pipeline: &mut Pipeline, datagram: &[u8]) -> Vec<Event> {
    let mut output = OutputBuffer::default();
    let arrival = Arrival::local(DateTime::UNIX_EPOCH);
    pipeline.datagram(datagram, arrival, &mut output);
    output.drain().collect()
}

fn nanoseconds(time: Duration) -> Option<i64> {
    i64::try_from(time.as_nanos()).ok()
}

fn assert_request(event: &Event, request: &Request) {
    let Body::Performance(performance) = event.body() else {
        panic!("{event:?}");
    };
    assert_eq!(event.qlik_timestamp(), Some(request.time));
    assert_eq!(event.sequence(), Some(u32::from(request.row)));
    assert_eq!(event.host(), Some(&*request.host));
    assert_eq!(event.level(), Some(request.level));
    assert_eq!(event.session_id(), request.session_id.as_deref());
    assert_eq!(event.user_directory(), request.directory.as_deref());
    assert_eq!(event.user_id(), request.user_id.as_deref());
    let engine_session_id = request.engine_session_id.as_deref();
    assert_eq!(performance.engine_session_id(), engine_session_id);
    match request.app_id.as_deref().map(Uuid::try_parse) {
        Some(Ok(id)) => assert_eq!(event.app_id(), Some(id)),
        Some(Err(_)) => {
            assert_eq!(event.app_id(), None);
            let unreadable = event.unreadable().get("app_id");
            assert_eq!(unreadable, request.app_id.as_deref());
        }
        None => assert_eq!(event.app_id(), None),
    }
    assert_eq!(performance.request_id(), Some(request.request_id.into()));
    assert_eq!(performance.method(), Some(request.method));
    assert_eq!(
        performance.process_nanoseconds(),
        request.process.and_then(nanoseconds)
    );
    assert_eq!(performance.work_nanoseconds(), nanoseconds(request.work));
    assert_eq!(performance.lock_nanoseconds(), nanoseconds(request.lock));
    assert_eq!(
        performance.validate_nanoseconds(),
        nanoseconds(request.validate)
    );
    assert_eq!(
        performance.traverse_nanoseconds(),
        nanoseconds(request.traverse)
    );
    assert_eq!(performance.handle(), Some(request.handle.into()));
    assert_eq!(
        performance.net_ram_bytes(),
        i64::try_from(request.net_ram_bytes).ok()
    );
    let peak = request
        .peak_ram_bytes
        .map(|bytes| i64::try_from(bytes).expect("a number"));
    assert_eq!(performance.peak_ram_bytes(), peak);
    assert_eq!(event.ambiguous(), &[] as &[&str]);
    assert_eq!(performance.object_id(), Some(&*request.object_id));
    assert_eq!(performance.object_type(), Some(request.object_type));
    assert_eq!(event.exception(), request.exception);
}

#[test]
fn requests_come_out_as_they_were_sent() {
    let mut site = Site::new(SiteOptions {
        odd_per_mille: 300,
        families: Families {
            user: false,
            log: false,
            task: false,
            ..Families::ALL
        },
        ..SiteOptions::default()
    });
    site.set_time("2026-01-31T09:00:00.125Z".parse().expect("a time"));
    let mut pipeline = PipelineConfig::default().build().expect("a pipeline");
    let mut datagram = Vec::new();
    for _ in 0..30_000 {
        let truth = site.next_datagram(&mut datagram);
        let events = decoded(&mut pipeline, &datagram);
        match &truth {
            Datagram::Performance(request) => {
                let [event] = &events[..] else {
                    panic!("{}: {events:?}", datagram.escape_ascii());
                };
                assert_request(event, request);
            }
            Datagram::Relay(lines) => assert_eq!(events.len() as u64, lines.events()),
            Datagram::Undecodable { code } => {
                let [event] = &events[..] else {
                    panic!("{}: {events:?}", datagram.escape_ascii());
                };
                let Body::Undecoded(undecoded) = event.body() else {
                    panic!("{event:?}");
                };
                assert_eq!(undecoded.error().code.as_str(), *code);
            }
            _ => panic!("{truth:?}"),
        }
    }
}
