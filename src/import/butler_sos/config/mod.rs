//! The parts of Butler SOS's configuration that concern events, in versions 9 to 15.
//!
//! Names are those of its file. Every key may be missing or empty: Butler SOS 9 does not check, and later versions fill
//! in what is missing. Other keys do not matter here; see `leftovers`.

mod destinations;
mod log_events;
mod performance;
mod servers;
mod udp_server;

use serde::Deserialize;

pub(super) use self::{
    destinations::{Credentials, InfluxdbConfig, MqttConfig, NewRelic, NewRelicAccount},
    log_events::{Categorise, LogEvents, MessageFilter, Rule, SentSource},
    performance::{
        AppEntry, AppObjects, Methods, ObjectTypes, PerformanceMonitor, QlikSenseEvents,
    },
    servers::{Server, ServersToMonitor, UserSessions},
    udp_server::UdpServerConfig,
};
use super::values::{Count, Secret, Text, list, or_default};

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
    pub(super) log_events: LogEvents,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) qlik_sense_events: QlikSenseEvents,
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
    #[serde(default, deserialize_with = "or_default")]
    pub(super) servers_to_monitor: ServersToMonitor,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) user_sessions: UserSessions,
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

/// Something that can be switched on and off.
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

/// An entry of `tags`. Butler SOS 9 calls the name `tag`.
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
