//! Metrics in the codecs that support them: Vector's `native` and `native_json`.

use std::borrow::Cow;

use serde::{Serialize, Serializer, ser::SerializeMap};

use super::Codec;
use crate::schema::Timestamp;

/// The namespace of every metric.
pub const NAMESPACE: &str = "qlik_sense";

/// A count or a measurement.
#[derive(Debug, Clone, PartialEq)]
pub struct Metric {
    /// The name within the namespace, for example `events_total`.
    pub name: &'static str,
    /// Names and values of its tags.
    pub tags: Vec<(&'static str, Cow<'static, str>)>,
    /// The value.
    pub value: MetricValue,
}

/// The value of a metric, and what it means.
#[derive(Debug, Clone, PartialEq)]
pub enum MetricValue {
    /// The increase since the metric was last written.
    Counter(u64),
    /// The current value; may be negative.
    Gauge(f64),
    /// The distribution of values since the metric was last written.
    Histogram(Histogram),
}

impl MetricValue {
    /// A gauge of a count.
    #[must_use]
    pub const fn gauge(count: u64) -> Self {
        Self::Gauge(number(count))
    }
}

/// The number of values, by size.
#[derive(Debug, Clone, PartialEq)]
pub struct Histogram {
    /// The upper bounds, ascending, each with the number of values up to it and above the one before.
    pub buckets: Vec<(f64, u64)>,
    /// The number of values, including those above the last bound.
    pub count: u64,
    /// The sum of all values.
    pub sum: f64,
}

/// A frame of metrics with this time; `None` for a codec without metrics.
#[must_use]
pub fn metrics_frame(codec: Codec, metrics: &[Metric], time: Timestamp) -> Option<Vec<u8>> {
    match codec {
        Codec::Json => None,
        Codec::NativeJson => Some(native_json(metrics, time)),
        Codec::Native => Some(native(metrics, time)),
    }
}

/// Vector's numbers are floating-point; counts stay exact up to 2^53.
#[expect(clippy::cast_precision_loss, reason = "Vector has no other numbers")]
const fn number(value: u64) -> f64 {
    value as f64
}

#[derive(Serialize)]
struct Line<'a> {
    metric: JsonMetric<'a>,
}

/// Vector's `Metric` as `serde` writes it.
#[derive(Serialize)]
struct JsonMetric<'a> {
    name: &'a str,
    namespace: &'a str,
    #[serde(serialize_with = "tags")]
    tags: &'a [(&'static str, Cow<'static, str>)],
    timestamp: Timestamp,
    kind: &'a str,
    #[serde(flatten)]
    value: JsonValue,
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum JsonValue {
    Counter { value: f64 },
    Gauge { value: f64 },
    AggregatedHistogram(JsonHistogram),
}

#[derive(Serialize)]
struct JsonHistogram {
    buckets: Vec<JsonBucket>,
    count: u64,
    sum: f64,
}

#[derive(Serialize)]
struct JsonBucket {
    upper_limit: f64,
    count: u64,
}

impl From<&Histogram> for JsonHistogram {
    fn from(histogram: &Histogram) -> Self {
        let buckets = histogram.buckets.iter();
        Self {
            buckets: buckets
                .map(|&(upper_limit, count)| JsonBucket { upper_limit, count })
                .collect(),
            count: histogram.count,
            sum: histogram.sum,
        }
    }
}

fn tags<S: Serializer>(
    tags: &&[(&'static str, Cow<'static, str>)],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(Some(tags.len()))?;
    for (name, value) in *tags {
        map.serialize_entry(name, value)?;
    }
    map.end()
}

fn native_json(metrics: &[Metric], time: Timestamp) -> Vec<u8> {
    let mut lines = Vec::new();
    for metric in metrics {
        let (kind, value) = match &metric.value {
            MetricValue::Counter(value) => (
                "incremental",
                JsonValue::Counter {
                    value: number(*value),
                },
            ),
            MetricValue::Gauge(value) => ("absolute", JsonValue::Gauge { value: *value }),
            MetricValue::Histogram(histogram) => (
                "incremental",
                JsonValue::AggregatedHistogram(histogram.into()),
            ),
        };
        let line = Line {
            metric: JsonMetric {
                name: metric.name,
                namespace: NAMESPACE,
                tags: &metric.tags,
                timestamp: time,
                kind,
                value,
            },
        };
        let start = lines.len();
        match serde_json::to_writer(&mut lines, &line) {
            Ok(()) => lines.push(b'\n'),
            // The clock is outside the range from 1677 to 2262.
            Err(_) => lines.truncate(start),
        }
    }
    lines
}

/// Field numbers of Vector's `event.proto`, as keys: number times eight, plus the wire type.
mod key {
    /// `EventArray.metrics`.
    pub(super) const METRICS: u8 = 0x12;
    /// `MetricArray.metrics`.
    pub(super) const METRIC: u8 = 0x0A;
    pub(super) const NAME: u8 = 0x0A;
    pub(super) const TIMESTAMP: u8 = 0x12;
    /// 1 means absolute; 0, which is omitted, incremental.
    pub(super) const KIND: u8 = 0x20;
    pub(super) const COUNTER: u8 = 0x2A;
    pub(super) const GAUGE: u8 = 0x32;
    pub(super) const NAMESPACE: u8 = 0x5A;
    /// `aggregated_histogram3`, number 16: a key of two bytes.
    pub(super) const HISTOGRAM: [u8; 2] = [0x82, 0x01];
    /// `AggregatedHistogram3.buckets`, `.count` and `.sum`.
    pub(super) const BUCKET: u8 = 0x0A;
    pub(super) const COUNT: u8 = 0x10;
    pub(super) const SUM: u8 = 0x19;
    /// `HistogramBucket3.upper_limit`; its count has the key of the histogram's.
    pub(super) const UPPER_LIMIT: u8 = 0x09;
    /// `tags_v2`, number 20: a key of two bytes.
    pub(super) const TAGS: [u8; 2] = [0xA2, 0x01];
    /// The number in `Counter` and `Gauge`: eight bytes.
    pub(super) const VALUE: u8 = 0x09;
    /// Key and value of a map's entry.
    pub(super) const ENTRY_KEY: u8 = 0x0A;
    pub(super) const ENTRY_VALUE: u8 = 0x12;
    /// `TagValues.values` and `TagValue.value`.
    pub(super) const TAG_VALUE: u8 = 0x0A;
    /// `google.protobuf.Timestamp.seconds` and `.nanos`.
    pub(super) const SECONDS: u8 = 0x08;
    pub(super) const NANOS: u8 = 0x10;
}

fn native(metrics: &[Metric], time: Timestamp) -> Vec<u8> {
    let mut array = Vec::new();
    for metric in metrics {
        put_bytes(&mut array, key::METRIC, &native_metric(metric, time));
    }
    let mut message = Vec::with_capacity(array.len() + 8);
    put_bytes(&mut message, key::METRICS, &array);
    // A few dozen metrics are far below Vector's limit of 8 MiB.
    let length = u32::try_from(message.len()).unwrap_or(u32::MAX);
    let mut frame = length.to_be_bytes().to_vec();
    frame.extend_from_slice(&message);
    frame
}

fn native_metric(metric: &Metric, time: Timestamp) -> Vec<u8> {
    let mut bytes = Vec::new();
    put_bytes(&mut bytes, key::NAME, metric.name.as_bytes());
    put_bytes(&mut bytes, key::TIMESTAMP, &timestamp(time));
    match &metric.value {
        MetricValue::Counter(value) => {
            put_bytes(&mut bytes, key::COUNTER, &float(key::VALUE, number(*value)));
        }
        MetricValue::Gauge(value) => {
            put_number(&mut bytes, key::KIND, 1);
            put_bytes(&mut bytes, key::GAUGE, &float(key::VALUE, *value));
        }
        MetricValue::Histogram(histogram) => {
            bytes.push(key::HISTOGRAM[0]);
            put_bytes(&mut bytes, key::HISTOGRAM[1], &native_histogram(histogram));
        }
    }
    put_bytes(&mut bytes, key::NAMESPACE, NAMESPACE.as_bytes());
    for (name, value) in &metric.tags {
        let (mut tag_value, mut values, mut entry) = (Vec::new(), Vec::new(), Vec::new());
        put_bytes(&mut tag_value, key::TAG_VALUE, value.as_bytes());
        put_bytes(&mut values, key::TAG_VALUE, &tag_value);
        put_bytes(&mut entry, key::ENTRY_KEY, name.as_bytes());
        put_bytes(&mut entry, key::ENTRY_VALUE, &values);
        bytes.push(key::TAGS[0]);
        put_bytes(&mut bytes, key::TAGS[1], &entry);
    }
    bytes
}

fn native_histogram(histogram: &Histogram) -> Vec<u8> {
    let mut bytes = Vec::new();
    for &(upper_limit, count) in &histogram.buckets {
        let mut bucket = float(key::UPPER_LIMIT, upper_limit);
        put_number(&mut bucket, key::COUNT, count);
        put_bytes(&mut bytes, key::BUCKET, &bucket);
    }
    put_number(&mut bytes, key::COUNT, histogram.count);
    bytes.extend_from_slice(&float(key::SUM, histogram.sum));
    bytes
}

/// Writes a key and a number of eight bytes.
fn float(key: u8, number: f64) -> Vec<u8> {
    let mut bytes = vec![key];
    bytes.extend_from_slice(&number.to_le_bytes());
    bytes
}

fn timestamp(time: Timestamp) -> Vec<u8> {
    let mut bytes = Vec::new();
    put_number(&mut bytes, key::SECONDS, time.0.timestamp().cast_unsigned());
    put_number(
        &mut bytes,
        key::NANOS,
        time.0.timestamp_subsec_nanos().into(),
    );
    bytes
}

fn put_bytes(bytes: &mut Vec<u8>, key: u8, content: &[u8]) {
    put_number(bytes, key, content.len() as u64);
    bytes.extend_from_slice(content);
}

/// Writes a key and a number, seven bits at a time, the lowest first.
fn put_number(bytes: &mut Vec<u8>, key: u8, mut number: u64) {
    bytes.push(key);
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}
