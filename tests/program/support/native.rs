//! Vector's native frames, read by an implementation that shares nothing with the program's.

use std::collections::BTreeMap;

use prost::{Message, Oneof};
use serde_json::{Value as Json, json};

/// `google.protobuf.Timestamp`.
#[derive(Clone, PartialEq, Message)]
struct Timestamp {
    #[prost(int64, tag = "1")]
    seconds: i64,
    #[prost(int32, tag = "2")]
    nanos: i32,
}

#[derive(Clone, PartialEq, Message)]
struct EventArray {
    #[prost(message, optional, tag = "1")]
    logs: Option<LogArray>,
    #[prost(message, optional, tag = "2")]
    metrics: Option<MetricArray>,
}

#[derive(Clone, PartialEq, Message)]
struct MetricArray {
    #[prost(message, repeated, tag = "1")]
    metrics: Vec<Metric>,
}

#[derive(Clone, PartialEq, Message)]
struct Metric {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(message, optional, tag = "2")]
    timestamp: Option<Timestamp>,
    #[prost(int32, tag = "4")]
    kind: i32,
    #[prost(oneof = "Number", tags = "5, 6, 16")]
    value: Option<Number>,
    #[prost(string, tag = "11")]
    namespace: String,
    #[prost(btree_map = "string, message", tag = "20")]
    tags: BTreeMap<String, TagValues>,
}

#[derive(Clone, PartialEq, Oneof)]
enum Number {
    #[prost(message, tag = "5")]
    Counter(Single),
    #[prost(message, tag = "6")]
    Gauge(Single),
    #[prost(message, tag = "16")]
    Histogram(Histogram),
}

#[derive(Clone, PartialEq, Message)]
struct Histogram {
    #[prost(message, repeated, tag = "1")]
    buckets: Vec<Bucket>,
    /// Numbers are written even if they are 0.
    #[prost(uint64, optional, tag = "2")]
    count: Option<u64>,
    #[prost(double, optional, tag = "3")]
    sum: Option<f64>,
}

#[derive(Clone, PartialEq, Message)]
struct Bucket {
    #[prost(double, optional, tag = "1")]
    upper_limit: Option<f64>,
    #[prost(uint64, optional, tag = "2")]
    count: Option<u64>,
}

#[derive(Clone, PartialEq, Message)]
struct Single {
    /// Written even if it is 0.
    #[prost(double, optional, tag = "1")]
    value: Option<f64>,
}

#[derive(Clone, PartialEq, Message)]
struct TagValues {
    #[prost(message, repeated, tag = "1")]
    values: Vec<TagValue>,
}

#[derive(Clone, PartialEq, Message)]
struct TagValue {
    #[prost(string, optional, tag = "1")]
    value: Option<String>,
}

#[derive(Clone, PartialEq, Message)]
struct LogArray {
    #[prost(message, repeated, tag = "1")]
    logs: Vec<Log>,
}

#[derive(Clone, PartialEq, Message)]
struct Log {
    #[prost(btree_map = "string, message", tag = "1")]
    fields: BTreeMap<String, Value>,
}

#[derive(Clone, PartialEq, Message)]
struct Value {
    #[prost(oneof = "Kind", tags = "1, 2, 4, 5, 6, 7, 8")]
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
    #[prost(message, tag = "8")]
    Array(ValueArray),
}

#[derive(Clone, PartialEq, Message)]
struct ValueMap {
    #[prost(btree_map = "string, message", tag = "1")]
    fields: BTreeMap<String, Value>,
}

#[derive(Clone, PartialEq, Message)]
struct ValueArray {
    #[prost(message, repeated, tag = "1")]
    items: Vec<Value>,
}

/// The logs in a frame, without its length, and the metrics.
///
/// Values are converted to JSON; a timestamp becomes `{"$seconds": …, "$nanos": …}`, so that it cannot be mistaken for
/// text. Metrics become what they are in `native_json`, without the time.
pub fn decode(frame: &[u8]) -> (Vec<Json>, Vec<Json>) {
    let array = EventArray::decode(frame).expect("a frame is an EventArray");
    // Unknown fields would have been skipped.
    assert_eq!(array.encoded_len(), frame.len(), "unknown fields");
    assert_ne!(array.logs.is_some(), array.metrics.is_some(), "one of both");
    let logs = array.logs.map(|array| array.logs).unwrap_or_default();
    let logs = logs.into_iter().map(|log| map(log.fields));
    let metrics = array.metrics.map(|array| array.metrics).unwrap_or_default();
    (logs.collect(), metrics.into_iter().map(metric).collect())
}

fn metric(metric: Metric) -> Json {
    assert!(metric.timestamp.is_some());
    let tags = metric.tags.into_iter().map(|(name, values)| {
        let [value] = &*values.values else {
            panic!("a tag has one value");
        };
        (name, value.value.clone().expect("a value").into())
    });
    let (name, value) = match metric.value.expect("a value") {
        Number::Counter(single) => ("counter", json!({"value": single.value})),
        Number::Gauge(single) => ("gauge", json!({"value": single.value})),
        Number::Histogram(histogram) => ("aggregated_histogram", self::histogram(&histogram)),
    };
    let kind = ["incremental", "absolute"][usize::try_from(metric.kind).expect("a kind")];
    json!({
        "name": metric.name,
        "namespace": metric.namespace,
        "tags": tags.collect::<serde_json::Map<_, _>>(),
        "kind": kind,
        name: value,
    })
}

fn histogram(histogram: &Histogram) -> Json {
    let buckets = histogram.buckets.iter();
    let buckets = buckets.map(|b| json!({"upper_limit": b.upper_limit, "count": b.count}));
    json!({
        "buckets": buckets.collect::<Vec<_>>(),
        "count": histogram.count,
        "sum": histogram.sum,
    })
}

fn json(value: Value) -> Json {
    match value.kind.expect("a value has a kind") {
        Kind::Array(array) => array.items.into_iter().map(json).collect(),
        Kind::Bytes(text) => String::from_utf8(text).expect("text is UTF-8").into(),
        Kind::Timestamp(time) => json!({"$seconds": time.seconds, "$nanos": time.nanos}),
        Kind::Integer(number) => number.into(),
        Kind::Float(number) => number.into(),
        Kind::Boolean(truth) => truth.into(),
        Kind::Map(ValueMap { fields }) => map(fields),
    }
}

fn map(fields: BTreeMap<String, Value>) -> Json {
    fields
        .into_iter()
        .map(|(name, value)| (name, json(value)))
        .collect()
}
