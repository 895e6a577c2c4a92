//! Events as vrl values equal events as JSON, except that times are timestamps.

use chrono::{DateTime, SecondsFormat};
use qlik_sense_events::{
    decoding::{LogNamespace, QlikSenseDeserializer},
    encoding::HostValues,
    event::Arrival,
    schema::{Layout, Schema, Tags},
};
use serde_json::Value as Json;
use vrl::value::Value;

const DATAGRAM: &str = "/qseow-proxy-connection/;pro2-win1;Open connection;LAB;J\u{f6}rgen;AppAccess;/app/a421f4a2-c311-4ef4-ba41-fe2e6a2b0d69;Opened";

/// vrl's own conversion to JSON is the independent reader.
fn as_json(value: Value) -> Json {
    value.try_into().expect("no value without a form in JSON")
}

#[test]
fn events_have_the_same_fields_as_in_json() {
    let time = DateTime::from_timestamp(1_769_850_000, 123_456_789).expect("a time");
    let events = QlikSenseDeserializer::default().parse(DATAGRAM.into(), LogNamespace::Legacy);
    let mut event = events.expect("decoded").remove(0);
    event.set_arrival(Arrival::new(time, [192, 0, 2, 17].into()));
    for &schema in Schema::ALL {
        let layout = Layout::new(schema, Tags::default());
        let values = HostValues::<Value>::new(&layout);
        let mut value = values.value_of(&event).expect("a value");
        let mut expected = serde_json::to_value(layout.view(&event)).expect("JSON");
        for name in ["timestamp", "@timestamp"] {
            let Some(timestamp) = value.as_object_mut().expect("an object").remove(name) else {
                continue;
            };
            assert_eq!(timestamp, Value::Timestamp(time), "{schema}");
            let text = expected.as_object_mut().expect("an object").remove(name);
            let rfc_3339 = time.to_rfc3339_opts(SecondsFormat::Nanos, true);
            assert_eq!(text, Some(rfc_3339.into()), "{schema}");
        }
        assert_eq!(as_json(value), expected, "{schema}");
    }
}
