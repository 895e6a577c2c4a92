//! Reads the codec `native` back with prost, from Vector's message layout, which is declared here again, independently
//! of the encoder.

use std::cell::RefCell;

use chrono::{DateTime, Utc};
use proptest::prelude::*;
use prost::Message;
use qlik_sense_events::{
    encoding::{Codec, EncodeError, Encoder},
    event::{Derived, DerivedKind, Event, FollowedApp, FollowedSession, Subject},
    schema::{Detail, Details, Layout, Planned, PluginEvent, Schema, Tags, Timestamp},
};
use serde_json::{Map, Value as Json, json};

use crate::support::{
    golden::golden,
    native_log::{Entry, Kind, Log, json_of, json_of_log, logs, time},
    pipeline::events,
};

/// The same layout with the map declared as in protobuf libraries, and in Vector.
mod as_map {
    use std::collections::BTreeMap;

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct Log {
        #[prost(btree_map = "string, message", tag = "1")]
        pub fields: BTreeMap<String, crate::support::native_log::Value>,
    }
}

fn field<'a>(log: &'a Log, name: &str) -> Option<&'a Kind> {
    field_of(&log.fields, name)
}

fn field_of<'a>(fields: &'a [Entry], name: &str) -> Option<&'a Kind> {
    let entry = fields.iter().find(|entry| entry.key() == name)?;
    entry.value.as_ref()?.kind.as_ref()
}

fn native() -> Encoder {
    Encoder::new(Codec::Native, &Layout::default())
}

thread_local! {
    /// Making one takes longer than encoding an event.
    static ENCODER: RefCell<Encoder> = RefCell::new(native());
}

/// An event on its own, read back.
fn round_trip(event: &impl Planned) -> Json {
    ENCODER.with_borrow_mut(|encoder| {
        encoder.clear();
        encoder.push(event).expect("an event");
        let logs = logs(encoder.frame());
        assert_eq!(logs.len(), 1);
        json_of_log(&logs[0])
    })
}

const TIME: &str = "2026-01-31T09:00:00.000000000Z";

/// An event about the plugin with these details: any names, numbers and texts, any number and depth of them.
fn plugin(details: &Json) -> PluginEvent {
    PluginEvent {
        timestamp: Timestamp(TIME.parse().expect("a time")),
        level: "info",
        message: "m".to_owned(),
        details: details_of(details),
    }
}

fn details_of(json: &Json) -> Details {
    let mut details = Details::default();
    for (name, value) in json.as_object().expect("a map") {
        let detail = match value {
            Json::Object(_) => Detail::Group(details_of(value)),
            Json::String(text) => Detail::Text(text.clone()),
            number => Detail::Number(number.as_u64().expect("a number")),
        };
        details.add(name.clone(), detail);
    }
    details
}

/// The details as they are written: a field without fields of its own is left out.
fn written(details: &Json) -> Json {
    let mut fields = json!({
        "timestamp": TIME,
        "source_type": "qlik_sense",
        "event": "plugin",
        "level": "info",
        "message": "m",
    });
    let map = fields.as_object_mut().expect("a map");
    map.extend(without_empty(details).as_object().expect("a map").clone());
    fields
}

fn without_empty(json: &Json) -> Json {
    let map = json.as_object().expect("a map").iter();
    map.map(|(name, value)| {
        let value = if value.is_object() {
            without_empty(value)
        } else {
            value.clone()
        };
        (name.clone(), value)
    })
    .filter(|(_, value)| *value != json!({}))
    .collect::<Map<_, _>>()
    .into()
}

/// A session with this many apps.
fn session(apps: usize) -> Event {
    let start: DateTime<Utc> = TIME.parse().expect("a time");
    let app = |number: usize| FollowedApp {
        id: uuid::Uuid::from_u128(number as u128),
        name: number.is_multiple_of(3).then(|| number.to_string().into()),
    };
    let session = FollowedSession {
        session_id: None,
        virtual_proxy: None,
        client: None,
        start,
        start_seen: true,
        event_seen: true,
        connections: u32::MAX,
        open_connections: 0,
        apps: (0..apps).map(app).collect(),
        open_apps: vec![],
    };
    let subject = Subject {
        host: None,
        user_directory: None,
        user_id: "goran".into(),
    };
    let timestamp = start + chrono::TimeDelta::milliseconds(1_500);
    let kind = DerivedKind::SessionSnapshot(session);
    Derived {
        timestamp,
        subject,
        kind,
    }
    .into()
}

#[test]
fn every_golden_datagram_reads_back() {
    let mut encoder = native();
    let mut expected = Vec::new();
    for golden in golden() {
        for (event, json) in events(&golden.datagram).iter().zip(&golden.expected) {
            assert!(round_trip(event) == *json, "{}", golden.name);
            encoder.push(event).expect("an event");
        }
        expected.extend(golden.expected);
    }
    let logs = logs(encoder.frame());
    let seen: Vec<Json> = logs.iter().map(json_of_log).collect();
    assert!(seen == expected, "all of them in one frame");
    for log in &logs {
        // If the time is Qlik's own, the time of arrival is in a field of its own.
        let arrival = field(log, "ingest_timestamp").or(field(log, "timestamp"));
        let Some(Kind::Timestamp(timestamp)) = arrival else {
            panic!("the time is no time: {log:?}");
        };
        assert!(matches!(field(log, "timestamp"), Some(Kind::Timestamp(_))));
        assert!(matches!(
            field(log, "sequence"),
            None | Some(Kind::Integer(_))
        ));
        assert_eq!(
            (timestamp.seconds, timestamp.nanos),
            (1_769_850_000, 123_456_789)
        );
        assert!(matches!(field(log, "sender"), Some(Kind::RawBytes(_))));
        if let Some(Kind::Map(error)) = field(log, "error") {
            assert!(matches!(
                field_of(&error.fields, "offset"),
                Some(Kind::Integer(_))
            ));
        }
    }
}

#[test]
fn maps_can_be_read_as_protobuf_maps() {
    let mut encoder = native();
    let details = json!({"b": 1, "": {"x": "y"}, "a": ""});
    encoder.push(&plugin(&details)).expect("an event");
    let logs = logs(encoder.frame());
    let map = as_map::Log::decode(&*logs[0].encode_to_vec()).expect("a map");
    let seen: Map<String, Json> = map
        .fields
        .iter()
        .map(|(key, value)| (key.clone(), json_of(value)))
        .collect();
    assert_eq!(Json::Object(seen), written(&details));
}

/// Vector reads such a map with fewer instructions.
#[test]
fn fields_come_in_descending_order_but_for_three_groups() {
    fn ascents(fields: &[Entry]) -> usize {
        let names: Vec<&str> = fields.iter().map(Entry::key).collect();
        let here = names.windows(2).filter(|pair| pair[0] < pair[1]).count();
        // Fields that need a row number, those of the client, and constants stay together, which is up to two each.
        assert!(here <= 6, "{names:?}");
        let within = fields
            .iter()
            .filter_map(|entry| match &entry.value.as_ref()?.kind {
                // Its names are those that could not be read, in the order of the payload.
                Some(Kind::Map(_)) if entry.key() == "unreadable" => None,
                Some(Kind::Map(map)) => Some(ascents(&map.fields)),
                _ => None,
            });
        here + within.sum::<usize>()
    }
    for schema in Schema::ALL {
        let mut encoder = Encoder::new(Codec::Native, &Layout::new(*schema, Tags::default()));
        for golden in golden() {
            for event in events(&golden.datagram) {
                encoder.push(&event).expect("an event");
            }
        }
        let logs = logs(encoder.frame());
        let fields: usize = logs.iter().map(|log| log.fields.len()).sum();
        let ascents: usize = logs.iter().map(|log| ascents(&log.fields)).sum();
        assert!(ascents * 4 < fields, "{ascents} of {fields}, {schema:?}");
    }
}

#[test]
fn an_empty_encoder_gives_an_empty_frame() {
    let mut encoder = native();
    assert!(encoder.is_empty());
    assert!(encoder.frame().is_empty());
    encoder.push(&plugin(&json!({"a": 1}))).expect("an event");
    assert!(!encoder.is_empty());
    encoder.clear();
    assert!(encoder.is_empty());
    assert!(encoder.frame().is_empty());
    encoder.push(&plugin(&json!({"b": 2}))).expect("an event");
    let logs = logs(encoder.frame());
    assert_eq!(json_of_log(&logs[0]), written(&json!({"b": 2})));
    assert_eq!(logs.len(), 1);
}

#[test]
fn a_frame_can_be_read_and_continued() {
    let mut encoder = native();
    for number in 0..300 {
        let details = json!({"number": number});
        encoder.push(&plugin(&details)).expect("an event");
        let logs = logs(encoder.frame());
        assert_eq!(logs.len(), number + 1);
        assert_eq!(json_of_log(&logs[number]), written(&details));
    }
}

#[test]
fn a_value_without_a_form_is_refused_and_the_frame_unchanged() {
    let mut encoder = native();
    encoder
        .push(&plugin(&json!({"before": 1})))
        .expect("an event");
    let before = encoder.frame().to_vec();
    let number = json!({"text": "x".repeat(70_000), "a": {"b": {"c": u64::MAX}}, "d": 1});
    let refused = encoder.push(&plugin(&number));
    assert_eq!(refused, Err(EncodeError::Number));
    for far in ["2263-01-01T00:00:00Z", "1677-09-21T00:12:43Z"] {
        let timestamp = Timestamp(far.parse().expect("a time"));
        let refused = encoder.push(&PluginEvent {
            timestamp,
            ..plugin(&json!({}))
        });
        assert_eq!(refused, Err(EncodeError::Time), "{far}");
    }
    assert_eq!(encoder.frame(), before);
    encoder
        .push(&plugin(&json!({"after": 2})))
        .expect("an event");
    let seen: Vec<Json> = logs(encoder.frame()).iter().map(json_of_log).collect();
    assert_eq!(
        seen,
        [
            written(&json!({"before": 1})),
            written(&json!({"after": 2}))
        ]
    );
}

#[test]
fn an_event_too_large_for_vector_is_refused_and_the_frame_unchanged() {
    const VECTOR_BYTES: usize = 8 << 20;
    let mut encoder = native();
    encoder
        .push(&plugin(&json!({"before": 1})))
        .expect("an event");
    let before = encoder.frame().to_vec();
    let (mut largest, mut smallest_refused) = (VECTOR_BYTES - 200, VECTOR_BYTES);
    while largest + 1 < smallest_refused {
        let length = usize::midpoint(largest, smallest_refused);
        let event = plugin(&json!({"text": "x".repeat(length)}));
        let mut alone = native();
        match alone.push(&event) {
            Ok(()) => {
                let frame = alone.frame();
                assert!(frame.len() - 4 <= VECTOR_BYTES, "{length}");
                largest = length;
            }
            Err(EncodeError::TooLarge { bytes }) => {
                assert!(bytes > length && bytes < length + 250, "{length} {bytes}");
                assert!(alone.is_empty());
                smallest_refused = length;
            }
            Err(other) => panic!("{other}"),
        }
    }
    let event = plugin(&json!({"text": "x".repeat(smallest_refused)}));
    assert!(encoder.push(&event).is_err());
    assert_eq!(encoder.frame(), before);
    let event = plugin(&json!({"text": "x".repeat(largest)}));
    encoder.push(&event).expect("an event");
    assert_eq!(logs(encoder.frame()).len(), 2);
}

#[test]
fn lengths_around_the_sizes_of_varints_read_back() {
    let around = |edge: usize| edge.saturating_sub(160)..=edge + 5;
    let mut covered = 0;
    for length in [0, 128, 16_384, 2_097_152].into_iter().flat_map(around) {
        // Records above 2 MiB take time, so only some lengths are tried.
        if length > 20_000 && length % 9 != 0 && !(2_097_150..=2_097_153).contains(&length) {
            continue;
        }
        let text = "x".repeat(length);
        let records = [
            json!({"text": text}),
            json!({"map": {"text": text}}),
            json!({"a name of twenty-five l.": text}),
            json!({"a name of twenty-six let..": text}),
            json!({"deep": {"map": {"map": {"text": text}}}, "after": 7}),
            json!({ text: 1 }),
        ];
        for record in records {
            assert!(round_trip(&plugin(&record)) == written(&record), "{length}");
            covered += 1;
        }
    }
    assert!(covered > 1_500, "{covered}");
}

#[test]
fn maps_and_lists_of_every_length_read_back() {
    for apps in (0..200).chain([430, 431, 432, 5_459, 20_000]) {
        let event = session(apps);
        let expected = serde_json::to_value(Schema::Default.view(&event)).expect("JSON");
        assert!(round_trip(&event) == expected, "{apps}");
    }
    for entries in (0..200).chain([1_000, 3_000]) {
        let map: Map<String, Json> = (0..entries)
            .map(|number| (number.to_string(), number.into()))
            .collect();
        let record = Json::Object(map);
        assert!(
            round_trip(&plugin(&record)) == written(&record),
            "{entries}"
        );
    }
}

#[test]
fn numbers_keep_their_kind() {
    let limits = [0, 1, 127, 128, 16_383, 16_384, i64::MAX.cast_unsigned()];
    for number in limits {
        let record = json!({ "number": number });
        assert_eq!(round_trip(&plugin(&record)), written(&record));
    }
    let seen = round_trip(&session(3));
    assert_eq!(seen["duration_secs"], json!(1.5));
    assert_eq!(seen["start_seen"], json!(true));
    assert_eq!(seen["connections"], json!(u32::MAX));
    assert_eq!(seen["app_names"], json!(["0"]));
}

/// Any details with numbers that Vector can represent.
fn any_details() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        (0..=i64::MAX).prop_map(Json::from),
        (0..200_i64).prop_map(Json::from),
        ".{0,20}".prop_map(Json::from),
        (100_usize..140).prop_map(|length| Json::from("y".repeat(length))),
        (16_300_usize..16_400).prop_map(|length| Json::from("z".repeat(length))),
    ];
    let any = leaf.prop_recursive(6, 60, 8, |inner| {
        prop::collection::btree_map(".{0,4}", inner, 0..8)
            .prop_map(|map| Json::Object(map.into_iter().collect()))
    });
    prop::collection::btree_map("[A-Z_]{0,40}", any, 0..6)
        .prop_map(|map| Json::Object(map.into_iter().collect()))
}

proptest! {
    #[test]
    fn any_details_read_back(records in prop::collection::vec(any_details(), 1..4)) {
        let mut encoder = native();
        for record in &records {
            encoder.push(&plugin(record)).expect("an event");
        }
        let seen: Vec<Json> = logs(encoder.frame()).iter().map(json_of_log).collect();
        let expected: Vec<Json> = records.iter().map(written).collect();
        prop_assert_eq!(seen, expected);
    }

    #[test]
    fn events_of_any_datagram_read_back(datagram in prop_oneof![
        prop::collection::vec(any::<u8>(), 0..200),
        "(/qseow-proxy-session/|/Proxy-Connection/)(;.{0,140}){5,9}(\n/proxy-session/;a;b;c(;.{0,9}){4})?"
            .prop_map(String::into_bytes),
        "/proxy-connection/;n;Open connection;D;u;;/[a-z]{0,3}/app/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12};UserAgent: '.{0,300}'"
            .prop_map(String::into_bytes),
    ]) {
        let mut encoder = native();
        let mut expected = Vec::new();
        for event in &events(&datagram) {
            encoder.push(event).expect("an event");
            expected.push(serde_json::to_value(Schema::Default.view(event)).expect("JSON"));
        }
        let seen: Vec<Json> = logs(encoder.frame()).iter().map(json_of_log).collect();
        prop_assert_eq!(seen, expected);
    }

    #[test]
    fn any_time_reads_back(nanoseconds in prop_oneof![
        any::<i64>(),
        -3_000_000_000_i64..3_000_000_000,
        (-10_i64..10).prop_map(|seconds| seconds * 1_000_000_000),
        Just(i64::MIN),
        Just(i64::MAX),
    ]) {
        let expected = DateTime::from_timestamp_nanos(nanoseconds);
        let mut encoder = native();
        let timestamp = Timestamp(expected);
        encoder.push(&PluginEvent { timestamp, ..plugin(&json!({})) }).expect("an event");
        let logs = logs(encoder.frame());
        let Some(Kind::Timestamp(timestamp)) = field(&logs[0], "timestamp") else {
            panic!("no time");
        };
        prop_assert_eq!(time(timestamp), expected);
    }

    #[test]
    fn a_refused_event_leaves_no_trace(
        records in prop::collection::vec((any_details(), any::<bool>()), 1..5),
        depth in 0_usize..5,
    ) {
        let mut encoder = native();
        let mut expected = Vec::new();
        for (record, spoil) in records {
            if spoil {
                let mut bad = json!({"number": u64::MAX});
                for _ in 0..depth {
                    bad = json!({"ok": record, "zz": bad});
                }
                let pushed = encoder.push(&plugin(&json!({"a": record, "b": bad})));
                prop_assert!(pushed.is_err());
            } else {
                encoder.push(&plugin(&record)).expect("an event");
                expected.push(written(&record));
            }
        }
        prop_assert_eq!(encoder.is_empty(), expected.is_empty());
        if !expected.is_empty() {
            let seen: Vec<Json> = logs(encoder.frame()).iter().map(json_of_log).collect();
            prop_assert_eq!(seen, expected);
        }
    }
}
