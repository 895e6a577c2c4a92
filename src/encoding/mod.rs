//! Named fields to the bytes that a host reads.
//!
//! A codec is one file that knows a format and no schema: it prepares names and constants when a layout becomes a
//! plan, and writes values when an event walks it. [`Encoder`] gathers events into a frame, which is written to the
//! host at once.

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

/// The format of the output, named as Vector names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Codec {
    /// A JSON object a line (NDJSON). Times are RFC 3339 text.
    #[default]
    Json,
    /// Vector's `native_json`: a JSON object a line, `{"log":{…}}`. Times are RFC 3339 text.
    NativeJson,
    /// Vector's `native`: protobuf with a length before each frame. Times are times, and one frame
    /// holds all events that arrived together.
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

/// There is no codec of that name.
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
    /// No output format has such a time.
    #[error("the time is outside the range 1677-09-21 to 2262-04-11; check the clock")]
    Time,
    /// A number has no form in the format.
    #[error("expected a number below 2^63")]
    Number,
    /// Vector ends a stream that has a frame of more than 8 MiB.
    #[error("the record needs {bytes} bytes; Vector reads frames of at most 8,388,608")]
    TooLarge {
        /// The bytes that the record needs.
        bytes: usize,
    },
}

/// Gathers events into frames of one codec, or of Fluent Bit's records.
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

/// The same for every format.
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
    /// From this length on, in bytes, a frame should be written before more is added to it: large
    /// enough to make the cost of a write small, and far from Vector's limit of 8 MiB.
    pub const FULL_BYTES: usize = 256 << 10;

    /// An encoder with nothing in it, for events that look as the layout says.
    #[must_use]
    pub fn new(codec: Codec, layout: &Layout) -> Self {
        Self(match codec {
            Codec::Json => Format::Json(json::Json::new(layout, ["", ""])),
            Codec::NativeJson => Format::Json(native_json::native_json(layout)),
            Codec::Native => Format::Native(native::Native::new(layout)),
        })
    }

    /// An encoder of records as Fluent Bit's inputs hand them over: MessagePack, each record with its time
    /// beside its fields.
    ///
    /// The time of a record is not repeated among its fields: Fluent Bit's outputs add it under the name
    /// that their destination expects. Any other time is RFC 3339 text.
    #[must_use]
    pub fn message_pack(layout: &Layout) -> Self {
        Self(Format::MessagePack(message_pack::MessagePack::new(layout)))
    }

    /// Adds an event, or what the plugin says about itself, at the end of the frame.
    ///
    /// # Errors
    ///
    /// [`EncodeError`] when it cannot be written; the frame is as it was before.
    pub fn push(&mut self, event: &impl Planned) -> Result<(), EncodeError> {
        each!(&mut self.0, codec => codec.push(event))
    }

    /// The frame's length so far, in bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        each!(&self.0, codec => codec.len())
    }

    /// Whether nothing was added since the last [`clear`](Self::clear).
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The frame with all events that were added, ready to be written; empty without any.
    pub fn frame(&mut self) -> &[u8] {
        each!(&mut self.0, codec => codec.frame())
    }

    /// Puts the frame's own memory in the place of `memory`, and begins a new frame in that, whose contents are lost.
    /// Where in `memory` the frame is then, which is ready to be written; empty without any event.
    pub fn exchange(&mut self, memory: &mut Vec<u8>) -> Range<usize> {
        each!(&mut self.0, codec => codec.exchange(memory))
    }

    /// Begins a new frame and keeps the memory of the old one.
    pub fn clear(&mut self) {
        each!(&mut self.0, codec => codec.clear());
    }
}
