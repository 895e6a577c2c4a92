//! Qlik Sense in a Vector of your own: the source `qlik_sense` and the transform `exclude_qlik_users`.
//!
//! Take this folder into the crate of your distribution; `docs/vector-linked.md` of `qlik-sense-events`
//! says what goes into its manifest. What is decoded, excluded and counted, and which options there are,
//! is that crate's; this folder only tells it to Vector.

mod exclude_qlik_users;
mod qlik_sense;

use std::cell::RefCell;

use qlik_sense_events::{
    config::LinkedConfig,
    encoding::{Metric, MetricValue, NAMESPACE},
    host::{diagnostics::{Diagnostic, Level, Report}, linked::ExcludeUsersConfig},
};
use serde::{Deserialize, Serialize};
use vector_config::{
    Configurable, GenerateError, Metadata,
    schema::{SchemaGenerator, SchemaObject},
};

#[cfg(test)]
mod tests;

pub use self::{
    exclude_qlik_users::ExcludeQlikUsersConfig,
    qlik_sense::{QlikSenseCodec, QlikSenseConfig},
};

/// Options of `qlik-sense-events` as options of a Vector component.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(transparent)]
struct Options<T>(T);

/// Options that explain themselves.
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

/// What the crate has to say goes to Vector's log.
#[derive(Clone, Copy, Debug)]
struct Log;

impl Report for Log {
    fn write(&mut self, diagnostic: &Diagnostic<'_>) {
        let mut line = String::new();
        if diagnostic.line(&mut line).is_err() {
            return;
        }
        // Vector tells messages apart by where they come from, which is here for all of them.
        match diagnostic.level() {
            Level::Info => info!(message = %line, internal_log_rate_limit = false),
            Level::Warn => warn!(message = %line, internal_log_rate_limit = false),
            Level::Error => error!(message = %line, internal_log_rate_limit = false),
        }
    }
}

/// What the crate counts becomes part of Vector's internal metrics.
fn record(metrics: Vec<Metric>) {
    for metric in metrics {
        let name = format!("{NAMESPACE}_{}", metric.name);
        let labels: Vec<metrics::Label> = metric
            .tags
            .into_iter()
            .map(|(name, value)| metrics::Label::new(name, value.into_owned()))
            .collect();
        match metric.value {
            MetricValue::Counter(more) => metrics::counter!(name, labels).increment(more),
            #[expect(clippy::cast_precision_loss, reason = "gauges are floating-point")]
            MetricValue::Gauge(value) => metrics::gauge!(name, labels).set(value as f64),
            // Of each value only its bucket is known: it is told as the bucket's upper limit.
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
