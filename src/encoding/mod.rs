//! `serde` values to the bytes that a host reads.
//!
//! A codec is one file that knows a format and no schema. [`Encoder`] gathers records into a frame,
//! which is written to the host at once.

mod json;
mod message_pack;
mod metric;
mod native;
mod native_json;
mod protobuf;
#[cfg(feature = "vrl")]
mod vrl;

use std::{fmt, str::FromStr};

use chrono::DateTime;
use serde::{Deserialize, Serialize};

pub use self::metric::{Histogram, Metric, MetricValue, NAMESPACE, metrics_frame};
#[cfg(feature = "vrl")]
pub use self::vrl::to_vrl;
use crate::schema::{Timestamp, View};

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
    pub const ALL: [Self; 3] = [Self::Json, Self::NativeJson, Self::Native];

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
            .into_iter()
            .find(|codec| codec.as_str() == name)
            .ok_or(UnknownCodec)
    }
}

/// Why a record cannot be written in a format. The records before and after it are not affected.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// A value has no form in JSON.
    #[error("the record cannot be written as JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// A value has no form in Vector's protobuf.
    #[error("the record cannot be written in Vector's native format: {0}")]
    Native(String),
    /// A value has no form in MessagePack.
    #[error("the record cannot be written as MessagePack: {0}")]
    MessagePack(String),
    /// A value has no form in vrl.
    #[cfg(feature = "vrl")]
    #[error("the record cannot be made a vrl value: {0}")]
    Vrl(String),
    /// Vector ends a stream that has a frame of more than 8 MiB.
    #[error("the record needs {bytes} bytes; Vector reads frames of at most 8,388,608")]
    TooLarge {
        /// The bytes that the record needs.
        bytes: usize,
    },
}

/// Gathers records into frames of one codec, or of Fluent Bit's records.
///
/// ```
/// use qlik_sense_events::encoding::{Codec, Encoder};
///
/// let mut encoder = Encoder::new(Codec::Json);
/// encoder.push(&serde_json::json!({"event": "session"}))?;
/// assert_eq!(encoder.frame(), b"{\"event\":\"session\"}\n");
/// encoder.clear();
/// assert!(encoder.is_empty());
/// # Ok::<(), qlik_sense_events::encoding::EncodeError>(())
/// ```
#[derive(Debug)]
pub struct Encoder(Format);

#[derive(Debug)]
enum Format {
    Json(json::Json),
    NativeJson(native_json::NativeJson),
    Native(native::Native),
    MessagePack(message_pack::MessagePack),
}

impl Encoder {
    /// From this length on, in bytes, a frame should be written before more is added to it: large
    /// enough to make the cost of a write small, and far from Vector's limit of 8 MiB.
    pub const FULL_BYTES: usize = 256 << 10;

    /// An encoder with nothing in it.
    #[must_use]
    pub fn new(codec: Codec) -> Self {
        Self(match codec {
            Codec::Json => Format::Json(json::Json::default()),
            Codec::NativeJson => Format::NativeJson(native_json::NativeJson::default()),
            Codec::Native => Format::Native(native::Native::default()),
        })
    }

    /// An encoder of records as Fluent Bit's inputs hand them over: MessagePack, each record with its time
    /// beside its fields.
    ///
    /// The time of a record is not repeated among its fields: Fluent Bit's outputs add it under the name
    /// that their destination expects. Any other time is RFC 3339 text.
    ///
    /// ```
    /// use qlik_sense_events::{encoding::Encoder, schema::Timestamp};
    ///
    /// let mut records = Encoder::message_pack();
    /// let time = Timestamp("2026-01-31T09:00:00Z".parse()?);
    /// records.push_at(time, &serde_json::json!({"a": 1}))?;
    /// let expected = b"\x92\x92\xD7\x00\x69\x7D\xC4\x90\0\0\0\0\x80\x81\xA1a\x01";
    /// assert_eq!(records.frame(), expected);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn message_pack() -> Self {
        Self(Format::MessagePack(message_pack::MessagePack::default()))
    }

    /// As [`push`](Self::push), with the time at which the record happened, for formats that have it
    /// beside the fields.
    ///
    /// # Errors
    ///
    /// As [`push`](Self::push).
    pub fn push_at<T: Serialize + ?Sized>(
        &mut self,
        time: Timestamp,
        record: &T,
    ) -> Result<(), EncodeError> {
        match &mut self.0 {
            Format::MessagePack(records) => records.push(time, record),
            _ => self.push(record),
        }
    }

    /// Adds an event, with its time beside the fields in formats that have it there. What is written is what
    /// [`push_at`](Self::push_at) writes, in less time.
    ///
    /// # Errors
    ///
    /// As [`push`](Self::push).
    pub fn push_event(&mut self, view: &View<'_>) -> Result<(), EncodeError> {
        match &mut self.0 {
            _ if !view.has_all_fields() => self.push_at(view.timestamp(), view),
            Format::Json(json) => json.push_view(["", ""], view),
            Format::NativeJson(json) => json.push_view(view),
            Format::Native(native) => native.push_view(view),
            Format::MessagePack(records) => records.push(view.timestamp(), view),
        }
    }

    /// Adds a record, a map from names to values, at the end of the frame. Where the format has a time
    /// beside the fields, it is 1970.
    ///
    /// # Errors
    ///
    /// [`EncodeError`] when the record cannot be written; the frame is as it was before.
    pub fn push<T: Serialize + ?Sized>(&mut self, record: &T) -> Result<(), EncodeError> {
        match &mut self.0 {
            Format::Json(json) => json.push(record),
            Format::NativeJson(json) => json.push(record),
            Format::Native(native) => native.push(record),
            Format::MessagePack(records) => records.push(Timestamp(DateTime::UNIX_EPOCH), record),
        }
    }

    /// The frame's length so far, in bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        match &self.0 {
            Format::Json(json) => json.len(),
            Format::NativeJson(json) => json.len(),
            Format::Native(native) => native.len(),
            Format::MessagePack(records) => records.len(),
        }
    }

    /// Whether no record was added since the last [`clear`](Self::clear).
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The frame with all records that were added, ready to be written; empty without any.
    pub fn frame(&mut self) -> &[u8] {
        match &mut self.0 {
            Format::Json(json) => json.frame(),
            Format::NativeJson(json) => json.frame(),
            Format::Native(native) => native.frame(),
            Format::MessagePack(records) => records.frame(),
        }
    }

    /// Begins a new frame and keeps the memory of the old one.
    pub fn clear(&mut self) {
        match &mut self.0 {
            Format::Json(json) => json.clear(),
            Format::NativeJson(json) => json.clear(),
            Format::Native(native) => native.clear(),
            Format::MessagePack(records) => records.clear(),
        }
    }
}
