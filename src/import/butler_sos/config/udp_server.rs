//! Butler SOS's two UDP servers: one for user events and one for log events.

use serde::Deserialize;

use super::{
    super::values::{Count, Port, Text, list, or_default},
    Switch,
};

/// `udpServerConfig`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, expecting = "keys with values")]
pub(in super::super) struct UdpServerConfig {
    pub(in super::super) server_host: Option<Text>,
    #[serde(rename = "portUserActivityEvents", alias = "portLogEvents")]
    pub(in super::super) port: Option<Port>,
    #[serde(deserialize_with = "or_default")]
    pub(in super::super) message_queue: MessageQueue,
    #[serde(deserialize_with = "or_default")]
    pub(in super::super) rate_limit: RateLimit,
    pub(in super::super) max_message_size: Option<Count>,
    #[serde(deserialize_with = "or_default")]
    pub(in super::super) enable_source_validation: bool,
    #[serde(deserialize_with = "list")]
    pub(in super::super) allowed_sources: Vec<Text>,
    #[serde(deserialize_with = "or_default")]
    pub(in super::super) queue_metrics: QueueMetrics,
}

/// `messageQueue`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, expecting = "keys with values")]
pub(in super::super) struct MessageQueue {
    pub(in super::super) max_size: Option<Count>,
    pub(in super::super) max_concurrent: Option<Count>,
    pub(in super::super) backpressure_threshold: Option<Count>,
}

/// `rateLimit`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, expecting = "keys with values")]
pub(in super::super) struct RateLimit {
    #[serde(deserialize_with = "or_default")]
    pub(in super::super) enable: bool,
    pub(in super::super) max_messages_per_minute: Option<Count>,
}

/// `queueMetrics`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, expecting = "keys with values")]
pub(in super::super) struct QueueMetrics {
    #[serde(deserialize_with = "or_default")]
    pub(in super::super) influxdb: Switch,
}
