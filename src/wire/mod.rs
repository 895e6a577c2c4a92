//! Bytes to [`Frame`]: the grammar of the payload, on borrowed text.
//!
//! This module knows what a datagram of the Qlik Sense proxy looks like and nothing else: no time,
//! no address, no configuration. It works in three steps, one file each:
//!
//! 1. [`datagram`]: the bytes are divided into the events that they hold, usually one.
//! 2. [`text`]: each of them becomes UTF-8 text, whatever encoding its sender used.
//! 3. [`frame`]: the text is split into its fields.
//!
//! The fields with a grammar of their own have a file each: [`context`], [`message`] and [`time`]. So have
//! [UTF-16](Utf16) and the header that syslog puts in front of a payload.

pub mod context;
pub mod datagram;
mod error;
pub mod frame;
pub mod message;
mod syslog;
pub mod text;
pub mod time;
mod utf_16;

pub use self::{
    context::Context,
    datagram::{count_events, pieces},
    error::{DecodeError, ErrorCode, Field},
    frame::{Family, Frame},
    text::FallbackEncoding,
    time::parse_time,
    utf_16::Utf16,
};
