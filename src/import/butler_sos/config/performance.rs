//! `logEvents.enginePerformanceMonitor`: which performance events are published.

use serde::Deserialize;
use yaml_serde::Value;

use super::{
    super::values::{Text, list, or_default},
    Switch, Tag,
};

/// `enginePerformanceMonitor`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, expecting = "keys with values")]
pub(in super::super) struct PerformanceMonitor {
    #[serde(deserialize_with = "or_default")]
    pub(in super::super) enable: bool,
    #[serde(deserialize_with = "or_default")]
    pub(in super::super) track_rejected_events: TrackRejectedEvents,
    #[serde(deserialize_with = "or_default")]
    pub(in super::super) monitor_filter: MonitorFilter,
}

/// `trackRejectedEvents`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, expecting = "keys with values")]
pub(in super::super) struct TrackRejectedEvents {
    #[serde(deserialize_with = "or_default")]
    pub(in super::super) enable: bool,
    #[serde(deserialize_with = "list")]
    pub(in super::super) tags: Vec<Tag>,
}

/// The part of `qlikSenseEvents` that counts what `trackRejectedEvents` tracks.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, expecting = "keys with values")]
pub(in super::super) struct QlikSenseEvents {
    #[serde(deserialize_with = "or_default")]
    pub(in super::super) influxdb: Switch,
    #[serde(deserialize_with = "or_default")]
    pub(in super::super) rejected_event_count: RejectedEventCount,
}

/// `rejectedEventCount`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, expecting = "keys with values")]
pub(in super::super) struct RejectedEventCount {
    #[serde(deserialize_with = "or_default")]
    pub(in super::super) enable: bool,
    #[serde(deserialize_with = "or_default")]
    pub(in super::super) influxdb: Measurement,
}

/// `influxdb` of a count.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, expecting = "keys with values")]
pub(in super::super) struct Measurement {
    pub(in super::super) measurement_name: Option<Text>,
}

/// `monitorFilter`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, expecting = "keys with values")]
pub(in super::super) struct MonitorFilter {
    #[serde(deserialize_with = "or_default")]
    pub(in super::super) all_apps: AllApps,
    #[serde(deserialize_with = "or_default")]
    pub(in super::super) app_specific: AppSpecific,
}

/// `allApps`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, expecting = "keys with values")]
pub(in super::super) struct AllApps {
    #[serde(deserialize_with = "or_default")]
    pub(in super::super) enable: bool,
    #[serde(deserialize_with = "list")]
    pub(in super::super) app_exclude: Vec<AppEntry>,
    #[serde(deserialize_with = "or_default")]
    pub(in super::super) object_type: ObjectTypes,
    #[serde(deserialize_with = "or_default")]
    pub(in super::super) method: Methods,
}

/// `appSpecific`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, expecting = "keys with values")]
pub(in super::super) struct AppSpecific {
    #[serde(deserialize_with = "or_default")]
    pub(in super::super) enable: bool,
    #[serde(deserialize_with = "list")]
    pub(in super::super) app: Vec<MonitoredApps>,
}

/// An entry of `appSpecific.app`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, expecting = "keys with values")]
pub(in super::super) struct MonitoredApps {
    #[serde(deserialize_with = "list")]
    pub(in super::super) include: Vec<AppEntry>,
    #[serde(deserialize_with = "or_default")]
    pub(in super::super) object_type: ObjectTypes,
    #[serde(deserialize_with = "or_default")]
    pub(in super::super) app_object: AppObjects,
    #[serde(deserialize_with = "or_default")]
    pub(in super::super) method: Methods,
}

/// An app by its id, its name, or both.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, expecting = "keys with values")]
pub(in super::super) struct AppEntry {
    pub(in super::super) app_id: Option<Text>,
    pub(in super::super) app_name: Option<Text>,
}

/// `objectType`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, expecting = "keys with values")]
pub(in super::super) struct ObjectTypes {
    pub(in super::super) all_object_types: Option<bool>,
    #[serde(deserialize_with = "list")]
    pub(in super::super) all_object_types_exclude: Vec<Text>,
    #[serde(deserialize_with = "list")]
    pub(in super::super) some_object_types_include: Vec<Text>,
}

/// `method`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, expecting = "keys with values")]
pub(in super::super) struct Methods {
    pub(in super::super) all_methods: Option<bool>,
    #[serde(deserialize_with = "list")]
    pub(in super::super) all_methods_exclude: Vec<Text>,
    #[serde(deserialize_with = "list")]
    pub(in super::super) some_methods_include: Vec<Text>,
}

/// `appObject`. The form of its lists differs between the schema and the template.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, expecting = "keys with values")]
pub(in super::super) struct AppObjects {
    pub(in super::super) all_app_objects: Option<bool>,
    #[serde(deserialize_with = "list")]
    pub(in super::super) all_app_objects_exclude: Vec<Value>,
    #[serde(deserialize_with = "list")]
    pub(in super::super) some_app_objects_include: Vec<Value>,
}
