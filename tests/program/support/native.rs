//! Vector's native frames, read by an implementation that shares nothing with the program's.

use std::collections::BTreeMap;

use prost::{Message, Oneof};
use prost_types::Timestamp;
use serde_json::{Value as Json, json};

#[derive(Clone, PartialEq, Message)]
struct EventArray {
    #[prost(message, optional, tag = "1")]
    logs: Option<LogArray>,
    /// Metrics are read by the tests that are about them.
    #[prost(bytes, optional, tag = "2")]
    metrics: Option<Vec<u8>>,
}

#[derive(Clone, PartialEq, Message)]
struct LogArray {
    #[prost(message, repeated, tag = "1")]
    logs: Vec<Log>,
}

#[derive(Clone, PartialEq, Message)]
struct Log {
    #[prost(message, optional, tag = "2")]
    value: Option<Value>,
}

#[derive(Clone, PartialEq, Message)]
struct Value {
    #[prost(oneof = "Kind", tags = "1, 2, 4, 5, 6, 7")]
    kind: Option<Kind>,
}

#[derive(Clone, PartialEq, Oneof)]
enum Kind {
    #[prost(bytes, tag = "1")]
    Bytes(Vec<u8>),
    #[prost(message, tag = "2")]
    Timestamp(Timestamp),
    #[prost(int64, tag = "4")]
    Integer(i64),
    #[prost(double, tag = "5")]
    Float(f64),
    #[prost(bool, tag = "6")]
    Boolean(bool),
    #[prost(message, tag = "7")]
    Map(ValueMap),
}

#[derive(Clone, PartialEq, Message)]
struct ValueMap {
    #[prost(btree_map = "string, message", tag = "1")]
    fields: BTreeMap<String, Value>,
}

/// The logs of a frame, without its length.
///
/// Values become those of JSON; a timestamp becomes `{"$seconds": …, "$nanos": …}`, so that it
/// cannot be taken for text.
pub fn logs(frame: &[u8]) -> Vec<Json> {
    let array = EventArray::decode(frame).expect("a frame is an EventArray");
    // Fields of other numbers would have been skipped.
    assert_eq!(array.encoded_len(), frame.len(), "unknown fields");
    assert_ne!(array.logs.is_some(), array.metrics.is_some(), "one of both");
    let logs = array.logs.map(|array| array.logs).unwrap_or_default();
    logs.into_iter()
        .map(|log| json(log.value.expect("a log has a value")))
        .collect()
}

fn json(value: Value) -> Json {
    match value.kind.expect("a value has a kind") {
        Kind::Bytes(text) => String::from_utf8(text).expect("text is UTF-8").into(),
        Kind::Timestamp(time) => json!({"$seconds": time.seconds, "$nanos": time.nanos}),
        Kind::Integer(number) => number.into(),
        Kind::Float(number) => number.into(),
        Kind::Boolean(truth) => truth.into(),
        Kind::Map(map) => map
            .fields
            .into_iter()
            .map(|(name, value)| (name, json(value)))
            .collect(),
    }
}
