//! The options of the program, as in `plugin.toml`.
//!
//! The structs mirror the file: a table is a struct, a key is a field, and [`Config::default`] equals the
//! `plugin.toml` of this crate. [`Config::load`] reports mistakes in a file by line and key.

mod addresses;
mod app_names;
mod check;
mod document;
mod engine_health;
#[cfg(feature = "linked")]
mod linked;
mod load;
mod manifest;
mod paths;
mod problem;
mod pseudonymize;
mod read;
pub mod reference;
mod suggest;
mod text;
mod tree;
mod unreadable;

use std::{
    num::NonZeroUsize,
    path::{Path, PathBuf},
    time::Duration,
};

use serde::{Deserialize, Serialize};

#[cfg(any(feature = "cli", feature = "qrs"))]
pub(crate) use self::app_names::authority;
#[cfg(any(feature = "cli", feature = "qrs"))]
pub(crate) use self::app_names::is_host;
#[cfg(feature = "cli")]
pub(crate) use self::check::{wrong_of_engine, wrong_of_proxy};
#[cfg(feature = "linked")]
pub use self::linked::LinkedConfig;
pub use self::{
    addresses::{
        AddressError, Addresses, Overlap, address, interface_hint, is_for_many, unresolved,
    },
    app_names::{AppNameSourcesConfig, QrsConfig},
    check::WrongValue,
    engine_health::{EngineConfig, EngineHealthConfig},
    load::{Loaded, Written},
    manifest::{HostManifest, Manifest},
    problem::{ConfigError, Problem},
    pseudonymize::PseudonymKeyConfig,
    unreadable::Unreadable,
};
use crate::{
    decoding::{MAX_DATAGRAM_BYTES, QlikSenseDeserializerConfig},
    encoding::Codec,
    payload::FallbackEncoding,
    pipeline::{PipelineConfig, UndecodedPolicy},
    schema::{Layout, Schema, Tags, TagsByHost, UnknownField},
    source::{RateLimitConfig, SenderRange},
    transform::{BlacklistConfig, PerformanceConfig, SessionsConfig},
};

/// All options.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// `[plugin]`: what this plugin is.
    pub plugin: Manifest,
    /// `[source]`: where datagrams come from and how they are read.
    pub source: SourceConfig,
    /// `[transform]`: how events are filtered and changed.
    pub transform: TransformConfig,
    /// `[engine_health]`: whether and how engines are queried for their health.
    pub engine_health: EngineHealthConfig,
    /// `[queue]`: how much may wait while the output is slow.
    pub queue: QueueConfig,
    /// `[output]`: how events are written.
    pub output: OutputConfig,
    /// `[telemetry]`: what the plugin reports about itself.
    pub telemetry: TelemetryConfig,
}

/// `[source]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SourceConfig {
    /// The addresses to listen on. Default: `0.0.0.0:9997`, the port of Qlik Sense's user events.
    pub address: Addresses,
    /// The number of sockets that share each address, each with its own thread, 1 to 64. Default: 1.
    pub workers: usize,
    /// The senders whose datagrams are accepted. Default: everyone, `0.0.0.0/0` and `::/0`.
    pub allowed_senders: Vec<SenderRange>,
    /// `[source.rate_limit]`: how much each sender may send.
    pub rate_limit: RateLimitConfig,
    /// The receive buffer to request from the system, in bytes, 4,096 to 1,073,741,824. Default: 16 MiB.
    pub receive_buffer_bytes: usize,
    /// How long datagrams may gather in the receive buffer at high rates, in microseconds, 0 (not at all) to 10,000.
    /// Default: 200. A single datagram does not wait. Has no effect on Windows.
    pub gather_micros: u32,
    /// The longest datagram to decode, in bytes, 1 to 65,507. Default: 65,507.
    pub max_datagram_bytes: usize,
    /// The encoding of events that are neither UTF-8 nor UTF-16. Default: `windows-1252`.
    pub fallback_encoding: FallbackEncoding,
    /// What to do with payloads that cannot be decoded. Default: `forward`.
    pub undecoded: UndecodedPolicy,
}

impl SourceConfig {
    /// How long datagrams may gather. Windows cannot sleep for less than one clock tick, which is longer.
    pub(crate) fn gather(&self) -> Duration {
        let micros = if cfg!(windows) { 0 } else { self.gather_micros };
        Duration::from_micros(micros.into())
    }
}

impl Default for SourceConfig {
    fn default() -> Self {
        Self {
            address: Addresses::default(),
            workers: 1,
            allowed_senders: SenderRange::all(),
            rate_limit: RateLimitConfig::default(),
            receive_buffer_bytes: 16 << 20,
            gather_micros: 200,
            max_datagram_bytes: MAX_DATAGRAM_BYTES,
            fallback_encoding: FallbackEncoding::default(),
            undecoded: UndecodedPolicy::default(),
        }
    }
}

/// What a full queue drops.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WhenFull {
    /// The newest events: the queue keeps what happened first.
    #[default]
    DropNewest,
    /// The oldest events: the queue keeps what happened last.
    DropOldest,
}

/// `[queue]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct QueueConfig {
    /// The most events to hold while the output is slow, 1 to 10,000,000. Default: 50,000.
    pub max_events: usize,
    /// The most bytes to hold, 65,536 to 1,073,741,824. The queue is full when either limit is reached. Default: 16
    /// MiB.
    pub max_bytes: usize,
    /// What is dropped, and counted, when the queue is full. Default: `drop_newest`.
    pub when_full: WhenFull,
}

impl Default for QueueConfig {
    fn default() -> Self {
        Self {
            max_events: 50_000,
            max_bytes: 16 << 20,
            when_full: WhenFull::default(),
        }
    }
}

/// `[telemetry]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TelemetryConfig {
    /// Seconds between sets of metrics, up to 86,400; 0 for none. Default: 15. Only the codecs `native` and
    /// `native_json` have metrics.
    pub interval_secs: u64,
}

impl Default for TelemetryConfig {
    fn default() -> Self {
        Self { interval_secs: 15 }
    }
}

/// `[transform]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TransformConfig {
    /// `[transform.blacklist]`: the users whose events are dropped.
    pub blacklist: BlacklistConfig,
    /// `[transform.app_names]`: where app names come from.
    pub app_names: AppNameSourcesConfig,
    /// `[transform.performance]`: which performance events go through, and how the others are summarized.
    pub performance: PerformanceConfig,
    /// `[transform.sessions]`: whether and how sessions are followed.
    pub sessions: SessionsConfig,
    /// `[transform.pseudonymize]`: whether users are replaced by tokens.
    pub pseudonymize: PseudonymKeyConfig,
}

/// `[output]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OutputConfig {
    /// The format of events. Default: `json`.
    pub codec: Codec,
    /// The names of fields. Default: `default`.
    pub schema: Schema,
    /// Names and values to add to every event. Default: none.
    pub tags: Tags,
    /// Names and values to add to every event of a Qlik Sense node, by the node's name in any case; they take
    /// precedence over `tags`. Default: none.
    pub tags_by_host: TagsByHost,
    /// Fields to leave out, by their names in the schema. Default: none.
    pub drop_fields: Vec<String>,
    /// A Unix socket to which events go instead of standard output: that of Vector's source `socket` with the mode
    /// `unix_stream`. Default: empty, for none.
    pub unix_stream: PathBuf,
    /// The number of connections to it, 1 to 16. Default: 1.
    pub unix_stream_connections: usize,
    /// A Unix socket, or on Windows the name of a pipe (`\\.\pipe\NAME`), that shares events with readers on this
    /// machine, as JSON lines in the schema `default` with all fields. Default: empty, for none.
    pub local_socket: PathBuf,
}

impl Default for OutputConfig {
    fn default() -> Self {
        Self {
            codec: Codec::default(),
            schema: Schema::default(),
            tags: Tags::default(),
            tags_by_host: TagsByHost::default(),
            drop_fields: Vec::new(),
            unix_stream: PathBuf::new(),
            unix_stream_connections: 1,
            local_socket: PathBuf::new(),
        }
    }
}

impl OutputConfig {
    /// The Unix socket to which events go, if they do not go to standard output.
    #[must_use]
    pub fn unix_stream(&self) -> Option<&Path> {
        (!self.unix_stream.as_os_str().is_empty()).then_some(&*self.unix_stream)
    }

    /// The number of connections to the output: one, unless it is a socket.
    #[must_use]
    pub fn connections(&self) -> NonZeroUsize {
        let connections = self.unix_stream().map(|_| self.unix_stream_connections);
        connections
            .and_then(NonZeroUsize::new)
            .unwrap_or(NonZeroUsize::MIN)
    }

    /// The layout of events: the schema with the tags and without the dropped fields.
    ///
    /// # Errors
    ///
    /// [`UnknownField`] when the schema has no field of a name in `drop_fields`.
    pub fn layout(&self) -> Result<Layout, UnknownField> {
        Layout::new(self.schema, self.tags.clone())
            .with_tags_by_host(self.tags_by_host.clone())
            .without(&self.drop_fields)
    }
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
            app_names: self.transform.app_names.transform(),
            performance: self.transform.performance.clone(),
            sessions: self.transform.sessions.clone(),
            pseudonymize: self.transform.pseudonymize.transform(),
        }
    }
}
