//! `logEvents`: log events of four services, and QIX performance events of the engine.

use serde::Deserialize;

use super::{
    super::values::{Text, list, or_default},
    PerformanceMonitor, Switch, Tag, UdpServerConfig,
};

/// `logEvents`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, expecting = "keys with values")]
pub(in super::super) struct LogEvents {
    #[serde(deserialize_with = "or_default")]
    pub(in super::super) udp_server_config: UdpServerConfig,
    #[serde(deserialize_with = "list")]
    pub(in super::super) tags: Vec<Tag>,
    #[serde(deserialize_with = "or_default")]
    pub(in super::super) source: Sources,
    #[serde(deserialize_with = "or_default")]
    pub(in super::super) categorise: Categorise,
    #[serde(deserialize_with = "or_default")]
    pub(in super::super) engine_performance_monitor: PerformanceMonitor,
    #[serde(rename = "sendToMQTT", deserialize_with = "or_default")]
    pub(in super::super) send_to_mqtt: SendLogsToMqtt,
    #[serde(deserialize_with = "or_default")]
    pub(in super::super) send_to_influxdb: Switch,
    #[serde(deserialize_with = "or_default")]
    pub(in super::super) send_to_new_relic: SendLogsToNewRelic,
}

impl LogEvents {
    /// The services whose log events are handled, named as in the field `service`.
    pub(in super::super) fn services(&self) -> Vec<&'static str> {
        let sources = &self.source;
        [
            ("engine", &sources.engine),
            ("proxy", &sources.proxy),
            ("repository", &sources.repository),
            ("scheduler", &sources.scheduler),
        ]
        .into_iter()
        .filter_map(|(service, source)| source.enable.then_some(service))
        .collect()
    }
}

/// `source`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, expecting = "keys with values")]
pub(in super::super) struct Sources {
    #[serde(deserialize_with = "or_default")]
    pub(in super::super) engine: Switch,
    #[serde(deserialize_with = "or_default")]
    pub(in super::super) proxy: Switch,
    #[serde(deserialize_with = "or_default")]
    pub(in super::super) repository: Switch,
    #[serde(deserialize_with = "or_default")]
    pub(in super::super) scheduler: Switch,
    #[serde(deserialize_with = "or_default")]
    pub(in super::super) qix_perf: Switch,
}

/// `categorise`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, expecting = "keys with values")]
pub(in super::super) struct Categorise {
    #[serde(deserialize_with = "or_default")]
    pub(in super::super) enable: bool,
    #[serde(deserialize_with = "list")]
    pub(in super::super) rules: Vec<Rule>,
    #[serde(deserialize_with = "or_default")]
    pub(in super::super) rule_default: DefaultRule,
}

/// An entry of `rules`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, expecting = "keys with values")]
pub(in super::super) struct Rule {
    #[serde(deserialize_with = "or_default")]
    pub(in super::super) description: Text,
    #[serde(deserialize_with = "list")]
    pub(in super::super) log_level: Vec<Text>,
    #[serde(deserialize_with = "or_default")]
    pub(in super::super) action: Text,
    #[serde(deserialize_with = "list")]
    pub(in super::super) category: Vec<Tag>,
    #[serde(deserialize_with = "list")]
    pub(in super::super) filter: Vec<MessageFilter>,
}

/// An entry of a rule's `filter`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, expecting = "keys with values")]
pub(in super::super) struct MessageFilter {
    #[serde(rename = "type", deserialize_with = "or_default")]
    pub(in super::super) filter_type: Text,
    pub(in super::super) value: Option<Text>,
}

/// `ruleDefault`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, expecting = "keys with values")]
pub(in super::super) struct DefaultRule {
    #[serde(deserialize_with = "or_default")]
    pub(in super::super) enable: bool,
    #[serde(deserialize_with = "list")]
    pub(in super::super) category: Vec<Tag>,
}

/// `sendToMQTT`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, expecting = "keys with values")]
pub(in super::super) struct SendLogsToMqtt {
    #[serde(deserialize_with = "or_default")]
    pub(in super::super) enable: bool,
    pub(in super::super) base_topic: Option<Text>,
    #[serde(deserialize_with = "or_default")]
    pub(in super::super) post_to: PostLogsTo,
}

/// `sendToMQTT.postTo`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, expecting = "keys with values")]
pub(in super::super) struct PostLogsTo {
    #[serde(deserialize_with = "or_default")]
    pub(in super::super) base_topic: bool,
    #[serde(deserialize_with = "or_default")]
    pub(in super::super) subsystem_topics: bool,
}

/// `sendToNewRelic`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, expecting = "keys with values")]
pub(in super::super) struct SendLogsToNewRelic {
    #[serde(deserialize_with = "or_default")]
    pub(in super::super) enable: bool,
    #[serde(deserialize_with = "list")]
    pub(in super::super) destination_account: Vec<Text>,
    #[serde(deserialize_with = "or_default")]
    pub(in super::super) source: SentSources,
}

/// `sendToNewRelic.source`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, expecting = "keys with values")]
pub(in super::super) struct SentSources {
    #[serde(deserialize_with = "or_default")]
    pub(in super::super) engine: SentSource,
    #[serde(deserialize_with = "or_default")]
    pub(in super::super) proxy: SentSource,
    #[serde(deserialize_with = "or_default")]
    pub(in super::super) repository: SentSource,
    #[serde(deserialize_with = "or_default")]
    pub(in super::super) scheduler: SentSource,
}

/// What is sent from a service.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, expecting = "keys with values")]
pub(in super::super) struct SentSource {
    #[serde(deserialize_with = "or_default")]
    pub(in super::super) enable: bool,
    #[serde(deserialize_with = "or_default")]
    pub(in super::super) log_level: SentLevels,
}

/// `logLevel`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, expecting = "keys with values")]
pub(in super::super) struct SentLevels {
    #[serde(deserialize_with = "or_default")]
    pub(in super::super) error: bool,
    #[serde(deserialize_with = "or_default")]
    pub(in super::super) warn: bool,
}
