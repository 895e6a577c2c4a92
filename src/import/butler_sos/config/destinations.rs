//! The destinations to which Butler SOS sends events: MQTT, InfluxDB and New Relic.

use std::fmt;

use serde::{Deserialize, Deserializer, de};

use super::{
    super::values::{InfluxVersion, Port, Secret, Text, list, or_default, with_defaults},
    Tag,
};

/// `mqttConfig`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, expecting = "keys with values")]
pub(in super::super) struct MqttConfig {
    #[serde(deserialize_with = "or_default")]
    pub(in super::super) enable: bool,
    pub(in super::super) broker_host: Option<Text>,
    pub(in super::super) broker_port: Option<Port>,
}

/// `influxdbConfig`. Before Butler SOS 10 it was flat and only for version 1.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, expecting = "keys with values")]
pub(in super::super) struct InfluxdbConfig {
    #[serde(deserialize_with = "or_default")]
    pub(in super::super) enable: bool,
    #[serde(alias = "hostIP")]
    pub(in super::super) host: Option<Text>,
    #[serde(alias = "hostPort")]
    pub(in super::super) port: Option<Port>,
    #[serde(deserialize_with = "or_default")]
    pub(in super::super) version: InfluxVersion,
    #[serde(deserialize_with = "or_default")]
    pub(in super::super) v1_config: InfluxV1,
    #[serde(deserialize_with = "or_default")]
    pub(in super::super) v2_config: InfluxV2,
    #[serde(deserialize_with = "or_default")]
    pub(in super::super) v3_config: InfluxV3,
    #[serde(deserialize_with = "or_default")]
    pub(in super::super) auth: InfluxAuth,
    pub(in super::super) db_name: Option<Text>,
}

/// `v1Config`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, expecting = "keys with values")]
pub(in super::super) struct InfluxV1 {
    #[serde(deserialize_with = "or_default")]
    pub(in super::super) auth: InfluxAuth,
    pub(in super::super) db_name: Option<Text>,
}

/// `auth`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, expecting = "keys with values")]
pub(in super::super) struct InfluxAuth {
    #[serde(deserialize_with = "or_default")]
    pub(in super::super) enable: bool,
    pub(in super::super) username: Option<Text>,
    pub(in super::super) password: Option<Secret>,
}

/// `v2Config`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, expecting = "keys with values")]
pub(in super::super) struct InfluxV2 {
    pub(in super::super) org: Option<Text>,
    pub(in super::super) bucket: Option<Text>,
    pub(in super::super) token: Option<Secret>,
}

/// `v3Config`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, expecting = "keys with values")]
pub(in super::super) struct InfluxV3 {
    pub(in super::super) database: Option<Text>,
    pub(in super::super) token: Option<Secret>,
}

/// `newRelic`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, expecting = "keys with values")]
pub(in super::super) struct NewRelic {
    #[serde(deserialize_with = "or_default")]
    pub(in super::super) enable: bool,
    #[serde(deserialize_with = "or_default")]
    pub(in super::super) event: NewRelicEvent,
}

/// `newRelic.event`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, expecting = "keys with values")]
pub(in super::super) struct NewRelicEvent {
    pub(in super::super) url: Option<Text>,
    #[serde(deserialize_with = "list")]
    pub(in super::super) header: Vec<Header>,
    #[serde(deserialize_with = "or_default")]
    pub(in super::super) attribute: NewRelicAttributes,
}

/// `newRelic.event.attribute`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, expecting = "keys with values")]
pub(in super::super) struct NewRelicAttributes {
    #[serde(rename = "static", deserialize_with = "list")]
    pub(in super::super) fixed: Vec<Tag>,
}

/// An entry of `header`, without its value, which may be a secret.
#[derive(Debug, Default, Deserialize)]
#[serde(default, expecting = "keys with values")]
pub(in super::super) struct Header {
    #[serde(deserialize_with = "or_default")]
    pub(in super::super) name: Text,
}

/// `thirdPartyToolsCredentials`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, expecting = "keys with values")]
pub(in super::super) struct Credentials {
    #[serde(deserialize_with = "or_default")]
    pub(in super::super) new_relic: NewRelicAccounts,
}

/// `thirdPartyToolsCredentials.newRelic`: a list, or a single account in Butler SOS 9.0 and 9.1.
#[derive(Debug, Default)]
pub(in super::super) struct NewRelicAccounts(pub(in super::super) Vec<NewRelicAccount>);

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

/// An account of New Relic. The single account of Butler SOS 9.0 and 9.1 has no name.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, expecting = "keys with values")]
pub(in super::super) struct NewRelicAccount {
    pub(in super::super) account_name: Option<Text>,
    #[serde(deserialize_with = "or_default")]
    pub(in super::super) account_id: Text,
    pub(in super::super) insert_api_key: Option<Secret>,
}
