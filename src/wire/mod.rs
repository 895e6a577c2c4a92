//! Bytes to [`Frame`]: the grammar of the payload, on borrowed text.
//!
//! This module knows what a datagram of the Qlik Sense proxy looks like and nothing else: no time,
//! no address, no configuration. It works in three steps, one file each:
//!
//! 1. [`text`]: the datagram's bytes become UTF-8 text, whatever encoding the sender used.
//! 2. [`datagram`]: the text is divided into the events that it holds, usually one.
//! 3. [`frame`]: each of them is split into its fields.
//!
//! The fields with a grammar of their own have a file each: [`context`], [`message`] and [`time`].

pub mod context;
pub mod datagram;
mod error;
pub mod frame;
pub mod message;
pub mod text;
pub mod time;

pub use self::{
    context::Context,
    datagram::{count_events, pieces},
    error::{DecodeError, ErrorCode, Field},
    frame::{Family, Frame},
    text::FallbackEncoding,
    time::parse_time,
};
