//! Events as vrl values are the same as events as JSON, but for the times, which are times.
#![cfg(feature = "vrl")]

use chrono::{DateTime, SecondsFormat, Utc};
use qlik_sense_events::{
    encoding::to_vrl,
    event::{Arrival, Event},
    pipeline::PipelineConfig,
    schema::{Schema, Timestamp},
    transform::OutputBuffer,
};
use serde_json::{Value as Json, json};
use vrl::value::Value;

const DATAGRAMS: [&[u8]; 5] = [
    b"/qseow-proxy-connection/;pro2-win1;Open connection;LAB;goran;AppAccess;/app/a421f4a2-c311-4ef4-ba41-fe2e6a2b0d69?x=1;Opened; UserAgent: 'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36'",
    b"/qseow-proxy-session/;pro2-win1;Start session;LAB;J\xF6rgen;(null);;Start session",
    b"/qseow-proxy-session/;pro2-win1;Start session",
    b"",
    b"/qlik-sense-session/2/;pro2-win1;20260131T101500.250+0100;17;f8ba1ee3;0;Stop session;LAB;goran;;;",
];

fn time() -> DateTime<Utc> {
    DateTime::from_timestamp(1_769_850_000, 123_456_789).expect("a time")
}

fn events() -> Vec<Event> {
    let mut pipeline = PipelineConfig::default().build().expect("no files");
    let mut output = OutputBuffer::default();
    for datagram in DATAGRAMS {
        let arrival = Arrival::new(time(), [192, 0, 2, 17].into());
        pipeline.datagram(datagram, arrival, &mut output);
    }
    output.into_events()
}

/// The times that an event has, by their names: that of arrival, or Qlik's own beside it.
fn times(event: &Event) -> Vec<(&'static str, DateTime<Utc>)> {
    match event {
        Event::User(event) if event.qlik_timestamp().is_some() => {
            let own = DateTime::from_timestamp(1_769_850_900, 250_000_000).expect("a time");
            vec![("timestamp", own), ("ingest_timestamp", time())]
        }
        _ => vec![("timestamp", time())],
    }
}

/// vrl's own conversion to JSON is the independent reader.
fn as_json(value: Value) -> Json {
    value.try_into().expect("no value without a form in JSON")
}

#[test]
fn events_have_the_same_fields_as_in_json() {
    let events = events();
    assert_eq!(events.len(), DATAGRAMS.len());
    for event in &events {
        let view = Schema::Default.view(event);
        let mut expected = serde_json::to_value(view).expect("JSON");
        let mut value = to_vrl(&view).expect("a value");
        for (name, time) in times(event) {
            let object = value.as_object_mut().expect("an object");
            let timestamp = object.remove(name).expect(name);
            assert_eq!(timestamp, Value::Timestamp(time));
            let object = expected.as_object_mut().expect("an object");
            let text = object.remove(name).expect(name);
            assert_eq!(text, time.to_rfc3339_opts(SecondsFormat::Nanos, true));
        }
        assert_eq!(as_json(value), expected);
    }
}

#[test]
fn every_json_value_has_its_form() {
    let json = json!({
        "null": null, "yes": true, "number": -7, "large": i64::MAX, "fraction": 0.5,
        "text": "ö", "list": [1, [2, "x"], {}], "map": {"a": {"b": []}},
    });
    assert_eq!(as_json(to_vrl(&json).expect("a value")), json);
}

#[test]
fn what_has_no_form_is_refused() {
    assert!(to_vrl(&f64::NAN).is_err());
    assert!(to_vrl(&u64::MAX).is_err());
    assert!(
        to_vrl(
            &[((1, 2), 3)]
                .into_iter()
                .collect::<std::collections::HashMap<_, _>>()
        )
        .is_err()
    );
    assert!(to_vrl(&Timestamp(DateTime::<Utc>::MAX_UTC)).is_err());
}
