//! `[plugin]`: what this plugin is and how hosts load it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::schema::SOURCE_TYPE;

/// Describes the plugin, for people and installers; the program only checks that the file belongs to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Manifest {
    /// The component's name in its hosts: `qlik_sense`.
    pub name: String,
    /// The version of the program that the file was written for.
    pub version: String,
    /// The roles of the plugin in a pipeline.
    pub kinds: Vec<String>,
    /// The hosts, and how each loads the plugin.
    pub hosts: BTreeMap<String, HostManifest>,
}

/// How a host loads the plugin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HostManifest {
    /// The host's component that loads it, for example Vector's source `exec`.
    pub component: String,
    /// The command that it starts, if it starts a program.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub command: Vec<String>,
    /// The shared library that it loads, if it loads one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub library: Option<String>,
}

impl Default for Manifest {
    fn default() -> Self {
        let vector = HostManifest {
            component: "exec".into(),
            command: vec!["qlik-sense-events".into(), "run".into()],
            library: None,
        };
        let fluent_bit = HostManifest {
            component: SOURCE_TYPE.into(),
            command: Vec::new(),
            library: Some("libqlik_sense_events.so".into()),
        };
        Self {
            name: SOURCE_TYPE.into(),
            version: env!("CARGO_PKG_VERSION").into(),
            kinds: vec!["source".into(), "transform".into()],
            hosts: BTreeMap::from([("fluent_bit".into(), fluent_bit), ("vector".into(), vector)]),
        }
    }
}
