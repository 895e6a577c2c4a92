//! Named fields to the bytes that a host reads.
//!
//! Each codec is one file that knows a format but no schema. It prepares names and constants when a layout becomes a
//! plan, and writes the values of each event. [`Encoder`] collects events in a frame, which is written to the host in
//! one piece.

mod host_value;
mod host_values;
mod json;
mod message_pack;
mod metric;
mod native;
mod native_json;
mod owned_value;
mod protobuf;
#[cfg(feature = "vrl")]
mod vrl;

use std::{fmt, ops::Range, str::FromStr};

use serde::{Deserialize, Serialize};

pub use self::{
    host_value::{HostValue, Text},
    host_values::HostValues,
    metric::{Histogram, Metric, MetricValue, NAMESPACE, metrics_frame},
    owned_value::OwnedValue,
};
use crate::schema::{Layout, Planned};

/// The format of the output, with Vector's name for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Codec {
    /// One JSON object per line (NDJSON). Times are RFC 3339 text.
    #[default]
    Json,
    /// Vector's `native_json`: one JSON object per line, `{"log":{…}}`. Times are RFC 3339 text.
    NativeJson,
    /// Vector's `native`: protobuf with a length before each frame. Times are timestamps, and one frame contains all
    /// events that arrived together.
    Native,
}

impl Codec {
    /// Every codec.
    pub const ALL: &'static [Self] = &[Self::Json, Self::NativeJson, Self::Native];

    /// The name in options, for example `native_json`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::NativeJson => "native_json",
            Self::Native => "native",
        }
    }
}

impl fmt::Display for Codec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// No codec has this name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected one of the codecs `json`, `native_json` and `native`")]
pub struct UnknownCodec;

impl FromStr for Codec {
    type Err = UnknownCodec;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .iter()
            .copied()
            .find(|codec| codec.as_str() == name)
            .ok_or(UnknownCodec)
    }
}

/// Why an event cannot be written in a format. The events before and after it are not affected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// The time is outside the range of the output formats.
    #[error("the time is outside the range 1677-09-21 to 2262-04-11; check the clock")]
    Time,
    /// A number cannot be represented in the format.
    #[error("expected a number below 2^63")]
    Number,
    /// Vector ends a stream that has a frame of more than 8 MiB.
    #[error("the record needs {bytes} bytes; Vector reads frames of at most 8,388,608")]
    TooLarge {
        /// The bytes that the record needs.
        bytes: usize,
    },
}

/// Collects events into frames of one codec, or into Fluent Bit's records.
///
/// ```
/// use qlik_sense_events::{
///     decoding::{LogNamespace, QlikSenseDeserializer},
///     encoding::{Codec, Encoder},
///     schema::Layout,
/// };
///
/// let mut encoder = Encoder::new(Codec::Json, &Layout::default());
/// let datagram = "/proxy-session/;n1;Stop session;LAB;goran;;;".into();
/// for event in QlikSenseDeserializer::default().parse(datagram, LogNamespace::Legacy)? {
///     encoder.push(&event)?;
/// }
/// assert!(encoder.frame().starts_with(b"{\"source_type\":\"qlik_sense\","));
/// encoder.clear();
/// assert!(encoder.is_empty());
/// # Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
/// ```
#[derive(Debug)]
pub struct Encoder(Format);

#[derive(Debug)]
enum Format {
    Json(json::Json),
    Native(native::Native),
    MessagePack(message_pack::MessagePack),
}

/// Runs the same code for each format.
macro_rules! each {
    ($format:expr, $codec:ident => $do:expr) => {
        match $format {
            Format::Json($codec) => $do,
            Format::Native($codec) => $do,
            Format::MessagePack($codec) => $do,
        }
    };
}

impl Encoder {
    /// The length, in bytes, from which a frame should be written before more is added: large enough to make the cost
    /// of a write small, and far below Vector's limit of 8 MiB.
    pub const FULL_BYTES: usize = 256 << 10;

    /// An empty encoder for events in this layout.
    #[must_use]
    pub fn new(codec: Codec, layout: &Layout) -> Self {
        Self(match codec {
            Codec::Json => Format::Json(json::Json::new(layout, ["", ""])),
            Codec::NativeJson => Format::Json(native_json::native_json(layout)),
            Codec::Native => Format::Native(native::Native::new(layout)),
        })
    }

    /// An encoder for the records of Fluent Bit's inputs: MessagePack, each record with its time next to its fields.
    ///
    /// The time of a record is not repeated in its fields: Fluent Bit's outputs add it under the name that their
    /// destination expects. All other times are RFC 3339 text.
    #[must_use]
    pub fn message_pack(layout: &Layout) -> Self {
        Self(Format::MessagePack(message_pack::MessagePack::new(layout)))
    }

    /// Appends an event, or a diagnostic of the plugin, to the frame.
    ///
    /// # Errors
    ///
    /// [`EncodeError`] if it cannot be written; the frame is then unchanged.
    pub fn push(&mut self, event: &impl Planned) -> Result<(), EncodeError> {
        each!(&mut self.0, codec => codec.push(event))
    }

    /// The frame's length so far, in bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        each!(&self.0, codec => codec.len())
    }

    /// Whether nothing has been added since the last [`clear`](Self::clear).
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The frame with all events added so far, ready to be written; empty without events.
    pub fn frame(&mut self) -> &[u8] {
        each!(&mut self.0, codec => codec.frame())
    }

    /// Swaps the frame's memory with `memory`, whose contents are lost, and starts a new frame in it. Returns the
    /// range of the finished frame within `memory`; empty without events.
    pub fn exchange(&mut self, memory: &mut Vec<u8>) -> Range<usize> {
        each!(&mut self.0, codec => codec.exchange(memory))
    }

    /// Starts a new frame, reusing the memory of the old one.
    pub fn clear(&mut self) {
        each!(&mut self.0, codec => codec.clear());
    }
}
