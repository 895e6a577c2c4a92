//! Vector's message layout for logs, defined a second time, independently of the encoder, and read by prost.

use chrono::{DateTime, SecondsFormat, Utc};
use prost::Message;
use serde_json::{Map, Number, Value as Json};

/// `google.protobuf.Timestamp`.
#[derive(Clone, PartialEq, Message)]
pub struct ProtobufTimestamp {
    #[prost(int64, tag = "1")]
    pub seconds: i64,
    #[prost(int32, tag = "2")]
    pub nanos: i32,
}

#[derive(Clone, PartialEq, Message)]
pub struct EventArray {
    #[prost(oneof = "Events", tags = "1, 2")]
    pub events: Option<Events>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
pub enum Events {
    #[prost(message, tag = "1")]
    Logs(LogArray),
    #[prost(message, tag = "2")]
    Metrics(MetricArray),
}

#[derive(Clone, PartialEq, Message)]
pub struct LogArray {
    #[prost(message, repeated, tag = "1")]
    pub logs: Vec<Log>,
}

#[derive(Clone, PartialEq, Message)]
pub struct MetricArray {}

#[derive(Clone, PartialEq, Message)]
pub struct Log {
    #[prost(message, repeated, tag = "1")]
    pub fields: Vec<Entry>,
    #[prost(message, optional, tag = "2")]
    pub value: Option<Value>,
    #[prost(message, optional, tag = "4")]
    pub metadata_full: Option<Value>,
}

#[derive(Clone, PartialEq, Message)]
pub struct Value {
    #[prost(oneof = "Kind", tags = "1, 2, 4, 5, 6, 7, 8, 9")]
    pub kind: Option<Kind>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
pub enum Kind {
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

/// `map<string, Value>` as it is encoded, so that order, duplicates and empty keys are visible.
#[derive(Clone, PartialEq, Message)]
pub struct ValueMap {
    #[prost(message, repeated, tag = "1")]
    pub fields: Vec<Entry>,
}

#[derive(Clone, PartialEq, Message)]
pub struct Entry {
    #[prost(string, optional, tag = "1")]
    pub key: Option<String>,
    #[prost(message, optional, tag = "2")]
    pub value: Option<Value>,
}

#[derive(Clone, PartialEq, Message)]
pub struct ValueArray {
    #[prost(message, repeated, tag = "1")]
    pub items: Vec<Value>,
}

/// The logs in a frame, after checking its length and each of its bytes.
pub fn logs(frame: &[u8]) -> Vec<Log> {
    let (length, message) = frame.split_at(4);
    let length = u32::from_be_bytes(length.try_into().expect("four bytes"));
    assert_eq!(length as usize, message.len(), "the length of the frame");
    let decoded = EventArray::decode(message).expect("an EventArray");
    // prost writes canonical lengths and numbers, and no unknown fields, so any other byte would differ.
    assert!(decoded.encode_to_vec() == message, "not canonical");
    match decoded.events {
        Some(Events::Logs(LogArray { logs })) => logs,
        other => panic!("no logs: {other:?}"),
    }
}

pub fn time(timestamp: &ProtobufTimestamp) -> DateTime<Utc> {
    let nanos = u32::try_from(timestamp.nanos).expect("nanoseconds are not negative");
    assert!(nanos < 1_000_000_000);
    DateTime::from_timestamp(timestamp.seconds, nanos).expect("a time that Vector can hold")
}

/// A value as JSON; times become text as in human-readable formats.
pub fn json_of(value: &Value) -> Json {
    match value.kind.as_ref().expect("a value has a kind") {
        Kind::RawBytes(bytes) => Json::from(std::str::from_utf8(bytes).expect("text is UTF-8")),
        Kind::Timestamp(timestamp) => {
            Json::from(time(timestamp).to_rfc3339_opts(SecondsFormat::Nanos, true))
        }
        Kind::Integer(integer) => Json::from(*integer),
        Kind::Float(float) => Json::Number(Number::from_f64(*float).expect("a finite number")),
        Kind::Boolean(boolean) => Json::from(*boolean),
        Kind::Map(ValueMap { fields }) => json_of_entries(fields),
        Kind::Array(ValueArray { items }) => items.iter().map(json_of).collect(),
        Kind::Null(number) => {
            assert_eq!(*number, 0);
            Json::Null
        }
    }
}

fn json_of_entries(entries: &[Entry]) -> Json {
    let mut map = Map::new();
    for Entry { key, value } in entries {
        let key = key.clone().expect("an entry has a key");
        let value = json_of(value.as_ref().expect("an entry has a value"));
        assert_eq!(map.insert(key, value), None, "a key twice");
    }
    Json::Object(map)
}

pub fn json_of_log(log: &Log) -> Json {
    assert_eq!(log.value, None);
    assert_eq!(log.metadata_full, None);
    json_of_entries(&log.fields)
}
