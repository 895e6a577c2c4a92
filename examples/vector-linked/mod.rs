//! Qlik Sense in your own build of Vector: the source `qlik_sense` and the transform `exclude_qlik_users`.
//!
//! Copy this folder into the crate of your distribution; `docs/vector-linked.md` of `qlik-sense-events` describes what
//! its manifest needs. That crate determines what is decoded, excluded and counted, and which options there are; this
//! folder only connects it to Vector.

#[allow(dead_code, reason = "for a source of your own")]
mod codec;
mod exclude_qlik_users;
mod forward;
mod qlik_sense;

#[cfg(test)]
mod tests;

use std::cell::RefCell;

use chrono::{DateTime, Utc};
use qlik_sense_events::{
    config::LinkedConfig,
    encoding::{HostValue, Metric, MetricValue, NAMESPACE, Text},
    host::{
        diagnostics::{Diagnostic, Level, Report},
        linked::ExcludeUsersConfig,
    },
};
use serde::{Deserialize, Serialize};
use tracing::Span;
use vector::event::{KeyString, Value};
use vector_config::{
    Configurable, GenerateError, Metadata,
    schema::{SchemaGenerator, SchemaObject},
};

/// Options of `qlik-sense-events` as options of a Vector component.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(transparent)]
struct Options<T>(T);

/// Options that describe themselves.
trait Explained {
    fn json_schema() -> serde_json::Value;
}

impl Explained for LinkedConfig {
    fn json_schema() -> serde_json::Value {
        Self::json_schema()
    }
}

impl Explained for ExcludeUsersConfig {
    fn json_schema() -> serde_json::Value {
        Self::json_schema()
    }
}

impl<T: Explained> Configurable for Options<T> {
    fn metadata() -> Metadata {
        Metadata::with_transparent(true)
    }

    fn generate_schema(_: &RefCell<SchemaGenerator>) -> Result<SchemaObject, GenerateError> {
        Ok(serde_json::from_value(T::json_schema()).expect("a JSON Schema"))
    }
}

/// Writes the crate's diagnostics to Vector's log, under the component that they concern.
#[derive(Clone, Debug)]
struct Log(Span);

impl Default for Log {
    fn default() -> Self {
        Self(Span::current())
    }
}

impl Report for Log {
    fn write(&mut self, diagnostic: &Diagnostic<'_>) {
        let mut line = String::new();
        if diagnostic.line(&mut line).is_err() {
            return;
        }
        // Vector distinguishes messages by their place in the source, which is the same for all of these.
        self.0.in_scope(|| match diagnostic.level() {
            Level::Info => info!(message = %line, internal_log_rate_limit = false),
            Level::Warn => warn!(message = %line, internal_log_rate_limit = false),
            Level::Error => error!(message = %line, internal_log_rate_limit = false),
        });
    }
}

/// Adds the crate's counts to Vector's internal metrics, with the labels of the component.
fn record(Log(component): &Log, metrics: Vec<Metric>) {
    let _component = component.enter();
    for metric in metrics {
        let name = format!("{NAMESPACE}_{}", metric.name);
        let labels: Vec<metrics::Label> = metric
            .tags
            .into_iter()
            .map(|(name, value)| metrics::Label::new(name, value.into_owned()))
            .collect();
        match metric.value {
            MetricValue::Counter(more) => metrics::counter!(name, labels).increment(more),
            MetricValue::Gauge(value) => metrics::gauge!(name, labels).set(value),
            // Only the bucket of each value is known: it is reported as the bucket's upper bound.
            MetricValue::Histogram(histogram) => {
                let histogram_of = metrics::histogram!(name, labels);
                for (upper_limit, count) in histogram.buckets {
                    for _ in 0..count {
                        histogram_of.record(upper_limit);
                    }
                }
            }
        }
    }
}

/// One of Vector's values, as the crate creates it.
#[derive(Clone, Debug)]
struct VectorValue(Value);

impl HostValue for VectorValue {
    type Name = KeyString;

    fn text(text: Text<'_>) -> Self {
        Self(Value::Bytes(text.into_bytes()))
    }

    fn integer(number: i64) -> Self {
        Self(Value::Integer(number))
    }

    fn float(number: f64) -> Self {
        Self(Value::from_f64_or_zero(number))
    }

    fn boolean(value: bool) -> Self {
        Self(Value::Boolean(value))
    }

    fn timestamp(time: DateTime<Utc>) -> Self {
        Self(Value::Timestamp(time))
    }

    fn array(values: Vec<Self>) -> Self {
        Self(Value::Array(values.into_iter().map(|it| it.0).collect()))
    }

    fn object(fields: Vec<(KeyString, Self)>) -> Self {
        let fields = fields.into_iter().map(|(name, value)| (name, value.0));
        Self(Value::Object(fields.collect()))
    }
}
