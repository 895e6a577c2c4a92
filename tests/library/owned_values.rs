//! Events as values in memory have the same fields as in JSON, except that times are times.

use bytes::Bytes;
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use qlik_sense_events::{
    encoding::{EncodeError, HostValue, HostValues, OwnedValue, Text},
    event::{Arrival, Event},
    pipeline::PipelineConfig,
    schema::{Layout, Schema, Tags},
    transform::{OutputBuffer, SessionsConfig},
};
use serde_json::{Map, Value as Json, json};

const DATAGRAMS: [&[u8]; 6] = [
    b"/qseow-proxy-connection/;pro2-win1;Open connection;LAB;goran;AppAccess;/app/a421f4a2-c311-4ef4-ba41-fe2e6a2b0d69?x=1;Opened; UserAgent: 'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36'",
    b"/qseow-proxy-session/;pro2-win1;Start session;LAB;J\xF6rgen;(null);;Start session",
    b"/qseow-proxy-session/;pro2-win1;Start session",
    b"",
    b"/qlik-sense-session/2/;pro2-win1;20260131T101500.250+0100;17;f8ba1ee3;0;Stop session;LAB;goran;;;",
    b"/qseow-proxy-session/;pro2-win1;Stop session;LAB;J\xF6rgen;(null);;Stop session",
];

fn time() -> DateTime<Utc> {
    DateTime::from_timestamp(1_769_850_000, 123_456_789).expect("a time")
}

/// Events of every kind, including those of followed sessions.
fn events(arrived: DateTime<Utc>) -> Vec<Event> {
    let config = PipelineConfig {
        sessions: SessionsConfig {
            enabled: true,
            ..SessionsConfig::default()
        },
        ..PipelineConfig::default()
    };
    let mut pipeline = config.build().expect("no files");
    let mut output = OutputBuffer::default();
    for datagram in DATAGRAMS {
        let arrival = Arrival::new(arrived, [192, 0, 2, 17].into());
        pipeline.datagram(datagram, arrival, &mut output);
    }
    pipeline.tick(arrived + TimeDelta::hours(1), &mut output);
    output.into_events()
}

fn as_json(value: &OwnedValue) -> Json {
    match value {
        OwnedValue::Text(text) => json!(text),
        OwnedValue::Integer(number) => json!(number),
        OwnedValue::Float(number) => json!(number),
        OwnedValue::Boolean(value) => json!(value),
        OwnedValue::Timestamp(time) => json!(time.to_rfc3339_opts(SecondsFormat::Nanos, true)),
        OwnedValue::Array(values) => values.iter().map(as_json).collect(),
        OwnedValue::Object(fields) => {
            let names: Vec<_> = fields.iter().map(|(name, _)| name).collect();
            assert!(names.is_sorted(), "{names:?}");
            let mut map = Map::new();
            for (name, value) in fields {
                assert!(
                    map.insert(name.to_string(), as_json(value)).is_none(),
                    "{name} twice"
                );
            }
            map.into()
        }
    }
}

/// The names of fields that are times.
fn times(value: &OwnedValue) -> Vec<String> {
    let OwnedValue::Object(fields) = value else {
        return vec![];
    };
    let times = fields
        .iter()
        .filter(|field| matches!(field.1, OwnedValue::Timestamp(_)));
    times.map(|(name, _)| name.to_string()).collect()
}

#[test]
fn events_have_the_same_fields_as_json() {
    let tags = [("site".to_owned(), "Lund".to_owned())]
        .into_iter()
        .collect();
    let tags = Tags::try_from(std::collections::BTreeMap::clone(&tags)).expect("tags");
    let events = events(time());
    assert!(events.len() > DATAGRAMS.len(), "{}", events.len());
    for &schema in Schema::ALL {
        let all = Layout::new(schema, tags.clone());
        let fewer = all.clone().without(&["message"]).expect("a field");
        for layout in [all, fewer] {
            let values = HostValues::<OwnedValue>::new(&layout);
            for event in &events {
                let value = values.value_of(event).expect("a value");
                let expected = serde_json::to_value(layout.view(event)).expect("JSON");
                assert_eq!(as_json(&value), expected, "{schema}");
            }
        }
    }
}

#[test]
fn times_are_times() {
    let events = events(time());
    let values = HostValues::<OwnedValue>::new(&Layout::default());
    let times = events
        .iter()
        .map(|event| times(&values.value_of(event).expect("a value")));
    let times: Vec<_> = times.collect();
    assert!(
        times
            .iter()
            .all(|times| times.iter().any(|name| name == "timestamp")),
        "{times:?}"
    );
    let of_own = ["ingest_timestamp", "timestamp"].map(str::to_owned);
    assert!(times.contains(&of_own.to_vec()), "{times:?}");
    let of_session = ["end", "start", "timestamp"].map(str::to_owned);
    assert!(times.iter().any(|times| *times == of_session), "{times:?}");
}

#[test]
fn a_time_outside_the_range_of_hosts_is_an_error() {
    let event = &events(DateTime::<Utc>::MAX_UTC - TimeDelta::days(400))[0];
    let value: Result<OwnedValue, _> = HostValues::new(&Layout::default()).value_of(event);
    assert_eq!(value, Err(EncodeError::Time));
}

/// A host whose texts are bytes.
#[derive(Debug, Clone)]
enum Shared {
    Text(Bytes),
    Object(Vec<(String, Self)>),
    Other,
}

impl HostValue for Shared {
    type Name = String;

    fn text(text: Text<'_>) -> Self {
        let expected = text.as_str().to_owned();
        let bytes = text.into_bytes();
        assert_eq!(bytes, expected);
        Self::Text(bytes)
    }

    fn integer(_: i64) -> Self {
        Self::Other
    }

    fn float(_: f64) -> Self {
        Self::Other
    }

    fn boolean(_: bool) -> Self {
        Self::Other
    }

    fn timestamp(_: DateTime<Utc>) -> Self {
        Self::Other
    }

    fn array(_: Vec<Self>) -> Self {
        Self::Other
    }

    fn object(fields: Vec<(String, Self)>) -> Self {
        Self::Object(fields)
    }
}

#[test]
fn the_payload_is_copied_once_for_all_texts() {
    let values = HostValues::<Shared>::new(&Layout::default());
    let Shared::Object(fields) = values.value_of(&events(time())[0]).expect("a value") else {
        panic!("an event is an object");
    };
    let place = |wanted: &str| {
        let of_field = |(name, value): &(String, Shared)| match value {
            Shared::Text(text) if name == wanted => Some(text.as_ptr().addr()),
            _ => None,
        };
        fields.iter().find_map(of_field).expect(wanted)
    };
    let payload = str::from_utf8(DATAGRAMS[0]).expect("UTF-8");
    for (name, text) in [
        ("user_id", "goran"),
        ("origin", "AppAccess"),
        ("user_agent", "Mozilla"),
    ] {
        let found = |text| payload.find(text).expect("a part");
        let distance = found(text) - found("pro2-win1");
        assert_eq!(place(name) - place("host"), distance, "{name}");
    }
}
