//! The codec `native`, read back by prost from Vector's message layout, which is written down here
//! once more, independently of the encoder.

#[path = "support/pipeline.rs"]
mod pipeline;
#[path = "support/golden.rs"]
mod support;

use std::collections::BTreeMap;

use chrono::{DateTime, SecondsFormat, Utc};
use pipeline::events;
use proptest::prelude::*;
use prost::Message;
use prost_types::Timestamp as ProtobufTimestamp;
use qlik_sense_events::{
    encoding::{Codec, EncodeError, Encoder},
    schema::{Schema, Timestamp},
};
use serde::Serialize;
use serde_json::{Map, Number, Value as Json, json};
use support::golden;

#[derive(Clone, PartialEq, Message)]
struct EventArray {
    #[prost(oneof = "Events", tags = "1, 2")]
    events: Option<Events>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
enum Events {
    #[prost(message, tag = "1")]
    Logs(LogArray),
    #[prost(message, tag = "2")]
    Metrics(MetricArray),
}

#[derive(Clone, PartialEq, Message)]
struct LogArray {
    #[prost(message, repeated, tag = "1")]
    logs: Vec<Log>,
}

#[derive(Clone, PartialEq, Message)]
struct MetricArray {}

#[derive(Clone, PartialEq, Message)]
struct Log {
    #[prost(message, repeated, tag = "1")]
    deprecated_fields: Vec<Entry>,
    #[prost(message, optional, tag = "2")]
    value: Option<Value>,
    #[prost(message, optional, tag = "4")]
    metadata_full: Option<Value>,
}

#[derive(Clone, PartialEq, Message)]
struct Value {
    #[prost(oneof = "Kind", tags = "1, 2, 4, 5, 6, 7, 8, 9")]
    kind: Option<Kind>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
enum Kind {
    #[prost(bytes = "vec", tag = "1")]
    RawBytes(Vec<u8>),
    #[prost(message, tag = "2")]
    Timestamp(ProtobufTimestamp),
    #[prost(int64, tag = "4")]
    Integer(i64),
    #[prost(double, tag = "5")]
    Float(f64),
    #[prost(bool, tag = "6")]
    Boolean(bool),
    #[prost(message, tag = "7")]
    Map(ValueMap),
    #[prost(message, tag = "8")]
    Array(ValueArray),
    #[prost(int32, tag = "9")]
    Null(i32),
}

/// `map<string, Value>` as what it is on the wire, so that order, duplicates and empty keys show.
#[derive(Clone, PartialEq, Message)]
struct ValueMap {
    #[prost(message, repeated, tag = "1")]
    fields: Vec<Entry>,
}

#[derive(Clone, PartialEq, Message)]
struct Entry {
    #[prost(string, optional, tag = "1")]
    key: Option<String>,
    #[prost(message, optional, tag = "2")]
    value: Option<Value>,
}

#[derive(Clone, PartialEq, Message)]
struct ValueArray {
    #[prost(message, repeated, tag = "1")]
    items: Vec<Value>,
}

/// The same layout with the map as protobuf libraries declare it, which is how Vector does.
mod as_map {
    use std::collections::BTreeMap;

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct ValueMap {
        #[prost(btree_map = "string, message", tag = "1")]
        pub fields: BTreeMap<String, super::Value>,
    }
}

/// The logs of a frame, after its length and every byte of it were checked.
fn logs(frame: &[u8]) -> Vec<Log> {
    let (length, message) = frame.split_at(4);
    let length = u32::from_be_bytes(length.try_into().expect("four bytes"));
    assert_eq!(length as usize, message.len(), "the length of the frame");
    let decoded = EventArray::decode(message).expect("an EventArray");
    // prost writes canonical lengths, numbers and no unknown fields: any other byte would differ.
    assert!(decoded.encode_to_vec() == message, "not canonical");
    match decoded.events {
        Some(Events::Logs(LogArray { logs })) => logs,
        other => panic!("no logs: {other:?}"),
    }
}

fn time(timestamp: &ProtobufTimestamp) -> DateTime<Utc> {
    let nanos = u32::try_from(timestamp.nanos).expect("nanoseconds are not negative");
    assert!(nanos < 1_000_000_000);
    DateTime::from_timestamp(timestamp.seconds, nanos).expect("a time that Vector can hold")
}

/// A value as JSON; times become the text that human-readable formats have.
fn json_of(value: &Value) -> Json {
    match value.kind.as_ref().expect("a value has a kind") {
        Kind::RawBytes(bytes) => Json::from(std::str::from_utf8(bytes).expect("text is UTF-8")),
        Kind::Timestamp(timestamp) => {
            Json::from(time(timestamp).to_rfc3339_opts(SecondsFormat::Nanos, true))
        }
        Kind::Integer(integer) => Json::from(*integer),
        Kind::Float(float) => Json::Number(Number::from_f64(*float).expect("a finite number")),
        Kind::Boolean(boolean) => Json::from(*boolean),
        Kind::Map(ValueMap { fields }) => {
            let mut map = Map::new();
            for Entry { key, value } in fields {
                let key = key.clone().expect("an entry has a key");
                let value = json_of(value.as_ref().expect("an entry has a value"));
                assert_eq!(map.insert(key, value), None, "a key twice");
            }
            Json::Object(map)
        }
        Kind::Array(ValueArray { items }) => items.iter().map(json_of).collect(),
        Kind::Null(number) => {
            assert_eq!(*number, 0);
            Json::Null
        }
    }
}

fn json_of_log(log: &Log) -> Json {
    assert_eq!(log.deprecated_fields, []);
    assert_eq!(log.metadata_full, None);
    json_of(log.value.as_ref().expect("a log has a value"))
}

fn field<'a>(log: &'a Log, name: &str) -> Option<&'a Kind> {
    let Some(Kind::Map(ValueMap { fields })) = &log.value.as_ref()?.kind else {
        panic!("a log is a map");
    };
    let entry = fields.iter().find(|entry| entry.key() == name)?;
    entry.value.as_ref()?.kind.as_ref()
}

fn native() -> Encoder {
    Encoder::new(Codec::Native)
}

/// A record on its own, read back.
fn round_trip<T: Serialize + ?Sized>(record: &T) -> Json {
    let mut encoder = native();
    encoder.push(record).expect("a record");
    let logs = logs(encoder.frame());
    assert_eq!(logs.len(), 1);
    json_of_log(&logs[0])
}

#[test]
fn every_golden_datagram_reads_back() {
    let mut encoder = native();
    let mut expected = Vec::new();
    for golden in golden() {
        for (event, json) in events(&golden.datagram).iter().zip(&golden.expected) {
            let view = Schema::Default.view(event);
            assert!(round_trip(&view) == *json, "{}", golden.name);
            encoder.push_event(&view).expect("a record");
        }
        expected.extend(golden.expected);
    }
    let logs = logs(encoder.frame());
    let seen: Vec<Json> = logs.iter().map(json_of_log).collect();
    assert!(seen == expected, "all of them in one frame");
    for log in &logs {
        // Where the time is Qlik's own, that of arrival stands beside it.
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
            let offset = error.fields.last().and_then(|entry| entry.value.clone());
            assert!(matches!(
                offset.and_then(|v| v.kind),
                Some(Kind::Integer(_))
            ));
        }
    }
}

#[test]
fn maps_are_maps_to_those_who_declare_them_so() {
    let mut encoder = native();
    encoder
        .push(&json!({"b": 1, "": {"x": []}, "a": null}))
        .expect("a record");
    let logs = logs(encoder.frame());
    let Some(Kind::Map(map)) = logs[0].value.as_ref().and_then(|value| value.kind.clone()) else {
        panic!("no map");
    };
    let map = as_map::ValueMap::decode(&*map.encode_to_vec()).expect("a map");
    let seen: BTreeMap<&str, Json> = map
        .fields
        .iter()
        .map(|(key, value)| (&**key, json_of(value)))
        .collect();
    let expected = [("", json!({"x": []})), ("a", Json::Null), ("b", json!(1))];
    assert_eq!(seen, BTreeMap::from(expected));
}

#[test]
fn an_empty_encoder_gives_an_empty_frame() {
    let mut encoder = native();
    assert!(encoder.is_empty());
    assert!(encoder.frame().is_empty());
    encoder.push(&json!({"a": 1})).expect("a record");
    assert!(!encoder.is_empty());
    encoder.clear();
    assert!(encoder.is_empty());
    assert!(encoder.frame().is_empty());
    encoder.push(&json!({"b": 2})).expect("a record");
    let logs = logs(encoder.frame());
    assert_eq!(json_of_log(&logs[0]), json!({"b": 2}));
    assert_eq!(logs.len(), 1);
}

#[test]
fn a_frame_can_be_looked_at_and_gone_on_with() {
    let mut encoder = native();
    for number in 0..300 {
        encoder.push(&json!({"number": number})).expect("a record");
        let logs = logs(encoder.frame());
        assert_eq!(logs.len(), number + 1);
        assert_eq!(json_of_log(&logs[number]), json!({"number": number}));
    }
}

#[test]
fn what_has_no_form_is_refused_and_the_frame_unharmed() {
    let mut encoder = native();
    encoder.push(&json!({"before": 1})).expect("a record");
    let before = encoder.frame().to_vec();
    let nan = BTreeMap::from([("a", 1.0), ("b", f64::NAN), ("c", 2.0)]);
    let nested = json!({"text": "x".repeat(70_000), "list": [{"number": u64::MAX}]});
    let keys = BTreeMap::from([(vec![1, 2], 1)]);
    let far: DateTime<Utc> = "2263-01-01T00:00:00Z".parse().expect("a time");
    let far = BTreeMap::from([("time", Timestamp(far))]);
    let refused = [
        encoder.push(&nan),
        encoder.push(&[[f32::NAN]]),
        encoder.push(&nested),
        encoder.push(&keys),
        encoder.push(&far),
    ];
    let mut covered = 0;
    for result in refused {
        assert!(matches!(result, Err(EncodeError::Native(_))), "{result:?}");
        covered += 1;
    }
    assert_eq!(covered, 5);
    assert_eq!(encoder.frame(), before);
    encoder.push(&json!({"after": [1.5]})).expect("a record");
    let seen: Vec<Json> = logs(encoder.frame()).iter().map(json_of_log).collect();
    assert_eq!(seen, [json!({"before": 1}), json!({"after": [1.5]})]);
}

#[test]
fn a_record_that_vector_would_not_read_is_refused_and_the_frame_unharmed() {
    const VECTOR_BYTES: usize = 8 << 20;
    let mut encoder = native();
    encoder.push(&json!({"before": 1})).expect("a record");
    let before = encoder.frame().to_vec();
    let (mut largest, mut smallest_refused) = (0, usize::MAX);
    for length in VECTOR_BYTES - 100..VECTOR_BYTES {
        let record = BTreeMap::from([("text", "x".repeat(length))]);
        let mut alone = native();
        match alone.push(&record) {
            Ok(()) => {
                let frame = alone.frame();
                assert!(frame.len() - 4 <= VECTOR_BYTES, "{length}");
                largest = length;
            }
            Err(EncodeError::TooLarge { bytes }) => {
                assert!(bytes > length && bytes < length + 100, "{length} {bytes}");
                assert!(alone.is_empty());
                smallest_refused = smallest_refused.min(length);
            }
            Err(other) => panic!("{other}"),
        }
    }
    assert_eq!(largest + 1, smallest_refused);
    let record = BTreeMap::from([("text", "x".repeat(smallest_refused))]);
    assert!(encoder.push(&record).is_err());
    assert_eq!(encoder.frame(), before);
    let record = BTreeMap::from([("text", "x".repeat(largest))]);
    encoder.push(&record).expect("a record");
    assert_eq!(logs(encoder.frame()).len(), 2);
}

#[test]
fn lengths_around_the_sizes_of_their_varints() {
    let around = |edge: usize| edge.saturating_sub(40)..=edge + 5;
    let mut covered = 0;
    for length in [0, 128, 16_384, 2_097_152].into_iter().flat_map(around) {
        // Above 2 MiB a record takes its time; some lengths have to do.
        if length > 20_000 && length % 9 != 0 && !(2_097_150..=2_097_153).contains(&length) {
            continue;
        }
        let text = "x".repeat(length);
        let records = [
            json!({"text": text}),
            json!({"map": {"text": text}}),
            json!({"list": [text]}),
            json!({"deep": {"map": {"list": [[{"text": text}]]}}, "after": true}),
            json!({ text: 1 }),
        ];
        for record in records {
            assert!(round_trip(&record) == record, "{length}");
            covered += 1;
        }
    }
    assert!(covered > 500, "{covered}");
}

#[test]
fn maps_and_arrays_of_every_length_up_to_two_bytes_and_beyond() {
    for items in (0..200).chain([5_459, 5_460, 5_461, 5_462, 8_191, 8_192, 20_000]) {
        let list: Json = (0..items).map(|_| Json::Null).collect();
        assert!(
            round_trip(&json!({"list": list})) == json!({"list": list}),
            "{items}"
        );
    }
    for entries in (0..200).chain([1_000, 3_000]) {
        let map: Map<String, Json> = (0..entries)
            .map(|number| (number.to_string(), Json::Bool(true)))
            .collect();
        let record = Json::Object(map);
        assert!(round_trip(&record) == record, "{entries}");
    }
}

#[test]
fn numbers_at_their_limits() {
    let record = json!({
        "integers": [0, 1, -1, 127, 128, 16_383, 16_384, i64::MAX, i64::MIN, u32::MAX],
        "floats": [0.0, 1.5, f64::MIN_POSITIVE, f64::MAX, f64::MIN, 5e-324],
    });
    assert_eq!(round_trip(&record), record);
    // No JSON, yet numbers to Vector.
    let infinite = BTreeMap::from([("a", f64::INFINITY), ("b", f64::NEG_INFINITY), ("c", -0.0)]);
    let mut encoder = native();
    encoder.push(&infinite).expect("a record");
    let log = &logs(encoder.frame())[0];
    for (name, expected) in infinite {
        let Some(Kind::Float(float)) = field(log, name) else {
            panic!("{name}");
        };
        assert_eq!(float.to_bits(), expected.to_bits());
    }
}

#[test]
fn serde_types_have_their_form() {
    #[derive(Serialize)]
    #[serde(rename_all = "snake_case")]
    enum Choice {
        Unit,
        Newtype(u8),
    }
    #[derive(Serialize)]
    struct Newtype(i16);
    #[derive(Serialize)]
    struct Unit;
    #[derive(Serialize)]
    struct Record {
        none: Option<u8>,
        some: Option<u8>,
        unit: Unit,
        newtype: Newtype,
        tuple: (i8, u16, f32),
        character: char,
        choices: [Choice; 2],
        numbers: BTreeMap<u64, bool>,
    }
    let record = Record {
        none: None,
        some: Some(3),
        unit: Unit,
        newtype: Newtype(-5),
        tuple: (-1, 2, 0.5),
        character: 'ö',
        choices: [Choice::Unit, Choice::Newtype(9)],
        numbers: BTreeMap::new(),
    };
    assert_eq!(
        round_trip(&record),
        serde_json::to_value(&record).expect("JSON")
    );
}

/// Any JSON whose numbers Vector has: 64-bit signed integers and finite floats.
fn any_json() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        (-200_i64..200).prop_map(Json::from),
        prop::num::f64::NORMAL.prop_map(Json::from),
        prop::num::f64::SUBNORMAL.prop_map(Json::from),
        ".{0,20}".prop_map(Json::from),
        (100_usize..140).prop_map(|length| Json::from("y".repeat(length))),
        (16_300_usize..16_400).prop_map(|length| Json::from("z".repeat(length))),
    ];
    leaf.prop_recursive(6, 60, 8, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(Json::from),
            prop::collection::btree_map(".{0,4}", inner, 0..8)
                .prop_map(|map| Json::Object(map.into_iter().collect())),
        ]
    })
}

fn any_record() -> impl Strategy<Value = Json> {
    prop::collection::btree_map("[a-z_]{0,12}", any_json(), 0..6)
        .prop_map(|map| Json::Object(map.into_iter().collect()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_json_reads_back(records in prop::collection::vec(any_record(), 1..4)) {
        let mut encoder = native();
        for record in &records {
            encoder.push(record).expect("a record");
        }
        let seen: Vec<Json> = logs(encoder.frame()).iter().map(json_of_log).collect();
        prop_assert_eq!(seen, records);
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
            let view = Schema::Default.view(event);
            encoder.push_event(&view).expect("a record");
            expected.push(serde_json::to_value(view).expect("JSON"));
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
        encoder
            .push(&BTreeMap::from([("time", Timestamp(expected))]))
            .expect("a record");
        let logs = logs(encoder.frame());
        let Some(Kind::Timestamp(timestamp)) = field(&logs[0], "time") else {
            panic!("no time");
        };
        prop_assert_eq!(time(timestamp), expected);
    }

    #[test]
    fn a_refused_record_leaves_no_trace(
        records in prop::collection::vec((any_record(), any::<bool>()), 1..5),
        depth in 0_usize..5,
    ) {
        let mut encoder = native();
        let mut expected = Vec::new();
        for (record, spoil) in records {
            if spoil {
                let mut bad = json!([u64::MAX]);
                for _ in 0..depth {
                    bad = json!({"ok": record, "zz": bad});
                }
                let pushed = encoder.push(&json!({"a": record, "b": bad}));
                prop_assert!(pushed.is_err());
            } else {
                encoder.push(&record).expect("a record");
                expected.push(record);
            }
        }
        prop_assert_eq!(encoder.is_empty(), expected.is_empty());
        if !expected.is_empty() {
            let seen: Vec<Json> = logs(encoder.frame()).iter().map(json_of_log).collect();
            prop_assert_eq!(seen, expected);
        }
    }
}
