//! Butler SOS's configuration, as far as it concerns user events: versions 9 to 15.
//!
//! Names are those of its file. Every key may be missing or empty: Butler SOS 9 does not check, and
//! later versions fill in what is missing. Keys that are not here are none of our business; see
//! `leftovers`.

use std::fmt;

use serde::{Deserialize, Deserializer, de};

use super::values::{Count, InfluxVersion, Port, Secret, Text, list, or_default, with_defaults};

/// The file.
#[derive(Debug, Deserialize)]
#[serde(expecting = "keys with values")]
pub(super) struct File {
    /// Everything is below this key.
    #[serde(rename = "Butler-SOS")]
    pub(super) butler_sos: ButlerSos,
}

/// `Butler-SOS`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", expecting = "keys with values")]
pub(super) struct ButlerSos {
    #[serde(deserialize_with = "or_default")]
    pub(super) user_events: UserEvents,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) mqtt_config: MqttConfig,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) influxdb_config: InfluxdbConfig,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) new_relic: NewRelic,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) third_party_tools_credentials: Credentials,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) cert: Cert,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) app_names: AppNames,
}

/// `userEvents`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, expecting = "keys with values")]
pub(super) struct UserEvents {
    #[serde(deserialize_with = "or_default")]
    pub(super) enable: bool,
    #[serde(deserialize_with = "list")]
    pub(super) exclude_user: Vec<ExcludedUser>,
    #[serde(deserialize_with = "or_default")]
    pub(super) udp_server_config: UdpServerConfig,
    #[serde(deserialize_with = "list")]
    pub(super) tags: Vec<Tag>,
    #[serde(rename = "sendToMQTT", deserialize_with = "or_default")]
    pub(super) send_to_mqtt: SendToMqtt,
    #[serde(deserialize_with = "or_default")]
    pub(super) send_to_influxdb: Switch,
    #[serde(deserialize_with = "or_default")]
    pub(super) send_to_new_relic: SendToNewRelic,
}

/// A thing that is on or off.
#[derive(Debug, Default, Deserialize)]
#[serde(default, expecting = "keys with values")]
pub(super) struct Switch {
    #[serde(deserialize_with = "or_default")]
    pub(super) enable: bool,
}

/// An entry of `excludeUser`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, expecting = "keys with values")]
pub(super) struct ExcludedUser {
    #[serde(deserialize_with = "or_default")]
    pub(super) directory: Text,
    #[serde(deserialize_with = "or_default")]
    pub(super) user_id: Text,
}

/// `udpServerConfig`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, expecting = "keys with values")]
pub(super) struct UdpServerConfig {
    pub(super) server_host: Option<Text>,
    pub(super) port_user_activity_events: Option<Port>,
    #[serde(deserialize_with = "or_default")]
    pub(super) message_queue: MessageQueue,
    #[serde(deserialize_with = "or_default")]
    pub(super) rate_limit: RateLimit,
    pub(super) max_message_size: Option<Count>,
    #[serde(deserialize_with = "or_default")]
    pub(super) enable_source_validation: bool,
    #[serde(deserialize_with = "list")]
    pub(super) allowed_sources: Vec<Text>,
    #[serde(deserialize_with = "or_default")]
    pub(super) queue_metrics: QueueMetrics,
}

/// `messageQueue`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, expecting = "keys with values")]
pub(super) struct MessageQueue {
    pub(super) max_size: Option<Count>,
    pub(super) max_concurrent: Option<Count>,
    pub(super) backpressure_threshold: Option<Count>,
}

/// `rateLimit`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, expecting = "keys with values")]
pub(super) struct RateLimit {
    #[serde(deserialize_with = "or_default")]
    pub(super) enable: bool,
    pub(super) max_messages_per_minute: Option<Count>,
}

/// `queueMetrics`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, expecting = "keys with values")]
pub(super) struct QueueMetrics {
    #[serde(deserialize_with = "or_default")]
    pub(super) influxdb: Switch,
}

/// An entry of `tags`. Butler SOS 9 wrote its name as `tag`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, expecting = "keys with values")]
pub(super) struct Tag {
    #[serde(alias = "tag", deserialize_with = "or_default")]
    pub(super) name: Text,
    pub(super) value: Option<Text>,
}

/// `sendToMQTT`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, expecting = "keys with values")]
pub(super) struct SendToMqtt {
    #[serde(deserialize_with = "or_default")]
    pub(super) enable: bool,
    #[serde(deserialize_with = "or_default")]
    pub(super) post_to: PostTo,
}

/// `postTo`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, expecting = "keys with values")]
pub(super) struct PostTo {
    #[serde(deserialize_with = "or_default")]
    pub(super) everything_topic: Topic,
    #[serde(deserialize_with = "or_default")]
    pub(super) session_start_topic: Topic,
    #[serde(deserialize_with = "or_default")]
    pub(super) session_stop_topic: Topic,
    #[serde(deserialize_with = "or_default")]
    pub(super) connection_open_topic: Topic,
    #[serde(deserialize_with = "or_default")]
    pub(super) connection_close_topic: Topic,
}

/// An entry of `postTo`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, expecting = "keys with values")]
pub(super) struct Topic {
    #[serde(deserialize_with = "or_default")]
    pub(super) enable: bool,
    pub(super) topic: Option<Text>,
}

/// `sendToNewRelic`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, expecting = "keys with values")]
pub(super) struct SendToNewRelic {
    #[serde(deserialize_with = "or_default")]
    pub(super) enable: bool,
    #[serde(deserialize_with = "list")]
    pub(super) destination_account: Vec<Text>,
    #[serde(deserialize_with = "or_default")]
    pub(super) scramble: bool,
}

/// `mqttConfig`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, expecting = "keys with values")]
pub(super) struct MqttConfig {
    #[serde(deserialize_with = "or_default")]
    pub(super) enable: bool,
    pub(super) broker_host: Option<Text>,
    pub(super) broker_port: Option<Port>,
}

/// `influxdbConfig`. Before Butler SOS 10 it was for version 1 alone and flat.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, expecting = "keys with values")]
pub(super) struct InfluxdbConfig {
    #[serde(deserialize_with = "or_default")]
    pub(super) enable: bool,
    #[serde(alias = "hostIP")]
    pub(super) host: Option<Text>,
    #[serde(alias = "hostPort")]
    pub(super) port: Option<Port>,
    #[serde(deserialize_with = "or_default")]
    pub(super) version: InfluxVersion,
    #[serde(deserialize_with = "or_default")]
    pub(super) v1_config: InfluxV1,
    #[serde(deserialize_with = "or_default")]
    pub(super) v2_config: InfluxV2,
    #[serde(deserialize_with = "or_default")]
    pub(super) v3_config: InfluxV3,
    #[serde(deserialize_with = "or_default")]
    pub(super) auth: InfluxAuth,
    pub(super) db_name: Option<Text>,
}

/// `v1Config`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, expecting = "keys with values")]
pub(super) struct InfluxV1 {
    #[serde(deserialize_with = "or_default")]
    pub(super) auth: InfluxAuth,
    pub(super) db_name: Option<Text>,
}

/// `auth`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, expecting = "keys with values")]
pub(super) struct InfluxAuth {
    #[serde(deserialize_with = "or_default")]
    pub(super) enable: bool,
    pub(super) username: Option<Text>,
    pub(super) password: Option<Secret>,
}

/// `v2Config`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, expecting = "keys with values")]
pub(super) struct InfluxV2 {
    pub(super) org: Option<Text>,
    pub(super) bucket: Option<Text>,
    pub(super) token: Option<Secret>,
}

/// `v3Config`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, expecting = "keys with values")]
pub(super) struct InfluxV3 {
    pub(super) database: Option<Text>,
    pub(super) token: Option<Secret>,
}

/// `newRelic`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, expecting = "keys with values")]
pub(super) struct NewRelic {
    #[serde(deserialize_with = "or_default")]
    pub(super) enable: bool,
    #[serde(deserialize_with = "or_default")]
    pub(super) event: NewRelicEvent,
}

/// `newRelic.event`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, expecting = "keys with values")]
pub(super) struct NewRelicEvent {
    pub(super) url: Option<Text>,
    #[serde(deserialize_with = "list")]
    pub(super) header: Vec<Header>,
}

/// An entry of `header`, without its value, which may be a key.
#[derive(Debug, Default, Deserialize)]
#[serde(default, expecting = "keys with values")]
pub(super) struct Header {
    #[serde(deserialize_with = "or_default")]
    pub(super) name: Text,
}

/// `thirdPartyToolsCredentials`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, expecting = "keys with values")]
pub(super) struct Credentials {
    #[serde(deserialize_with = "or_default")]
    pub(super) new_relic: NewRelicAccounts,
}

/// `thirdPartyToolsCredentials.newRelic`: a list, and in Butler SOS 9.0 and 9.1 the only account.
#[derive(Debug, Default)]
pub(super) struct NewRelicAccounts(pub(super) Vec<NewRelicAccount>);

impl<'de> Deserialize<'de> for NewRelicAccounts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AccountsVisitor)
    }
}

struct AccountsVisitor;

impl<'de> de::Visitor<'de> for AccountsVisitor {
    type Value = NewRelicAccounts;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of accounts")
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, accounts: A) -> Result<Self::Value, A::Error> {
        let accounts = de::value::SeqAccessDeserializer::new(accounts);
        Vec::deserialize(accounts).map(|accounts| NewRelicAccounts(with_defaults(accounts)))
    }

    fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        let map = de::value::MapAccessDeserializer::new(map);
        NewRelicAccount::deserialize(map).map(|account| NewRelicAccounts(vec![account]))
    }
}

/// An account of New Relic. The only one of Butler SOS 9.0 and 9.1 has no name.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, expecting = "keys with values")]
pub(super) struct NewRelicAccount {
    pub(super) account_name: Option<Text>,
    #[serde(deserialize_with = "or_default")]
    pub(super) account_id: Text,
    pub(super) insert_api_key: Option<Secret>,
}

/// `cert`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, expecting = "keys with values")]
pub(super) struct Cert {
    #[serde(rename = "clientCert")]
    pub(super) certificate: Option<Text>,
    #[serde(rename = "clientCertKey")]
    pub(super) key: Option<Text>,
    #[serde(rename = "clientCertCA")]
    pub(super) root: Option<Text>,
    #[serde(rename = "clientCertPassphrase")]
    pub(super) passphrase: Option<Secret>,
}

/// `appNames`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, expecting = "keys with values")]
pub(super) struct AppNames {
    #[serde(deserialize_with = "or_default")]
    pub(super) enable_app_name_extract: bool,
    /// Milliseconds.
    pub(super) extract_interval: Option<Count>,
    #[serde(rename = "hostIP")]
    pub(super) host_ip: Option<Text>,
}
