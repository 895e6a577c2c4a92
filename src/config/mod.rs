//! The options of the program, as in `plugin.toml`.
//!
//! The structs mirror the file: a table is a struct, a key is a field, and [`Config::default`] is
//! the `plugin.toml` beside this crate. [`Config::load`] says what is wrong with a file by line and
//! key.

mod addresses;
mod load;
mod manifest;

use serde::{Deserialize, Serialize};

pub use self::{
    addresses::Addresses,
    load::{ConfigError, Problem},
    manifest::{HostManifest, Manifest},
};
use crate::{
    decoding::{MAX_DATAGRAM_BYTES, QlikSenseDeserializerConfig},
    encoding::Codec,
    pipeline::{PipelineConfig, UndecodedPolicy},
    schema::Schema,
    transform::BlacklistConfig,
    wire::FallbackEncoding,
};

/// All options.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// `[plugin]`: what this plugin is.
    pub plugin: Manifest,
    /// `[source]`: where datagrams come from and how they are read.
    pub source: SourceConfig,
    /// `[transform]`: what becomes of events.
    pub transform: TransformConfig,
    /// `[output]`: how events are written.
    pub output: OutputConfig,
}

/// `[source]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SourceConfig {
    /// The addresses to listen on. Default: `0.0.0.0:9997`, the port of Qlik Sense's user events.
    pub address: Addresses,
    /// The receive buffer to ask the system for, in bytes, 4,096 to 1,073,741,824. Default: 16 MiB.
    pub receive_buffer_bytes: usize,
    /// The longest datagram that is decoded, in bytes, 1 to 65,507. Default: 65,507.
    pub max_datagram_bytes: usize,
    /// The encoding of datagrams that are neither UTF-8 nor UTF-16LE. Default: `windows-1252`.
    pub fallback_encoding: FallbackEncoding,
    /// What becomes of payloads that cannot be decoded. Default: `forward`.
    pub undecoded: UndecodedPolicy,
}

impl Default for SourceConfig {
    fn default() -> Self {
        Self {
            address: Addresses::default(),
            receive_buffer_bytes: 16 << 20,
            max_datagram_bytes: MAX_DATAGRAM_BYTES,
            fallback_encoding: FallbackEncoding::default(),
            undecoded: UndecodedPolicy::default(),
        }
    }
}

/// `[transform]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TransformConfig {
    /// `[transform.blacklist]`: whose events are left out.
    pub blacklist: BlacklistConfig,
}

/// `[output]`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OutputConfig {
    /// The format of events. Default: `json`.
    pub codec: Codec,
    /// The names of fields. Default: `default`.
    pub schema: Schema,
}

impl Config {
    /// The options of a pipeline.
    #[must_use]
    pub fn pipeline(&self) -> PipelineConfig {
        PipelineConfig {
            decoding: QlikSenseDeserializerConfig {
                fallback_encoding: self.source.fallback_encoding,
                max_datagram_bytes: self.source.max_datagram_bytes,
            },
            undecoded: self.source.undecoded,
            blacklist: self.transform.blacklist.clone(),
        }
    }
}
