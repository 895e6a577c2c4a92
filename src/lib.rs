//! Events of Qlik Sense, for log pipelines.
//!
//! Qlik Sense Enterprise on Windows can send the rows of its logs as UDP datagrams: who starts and stops sessions and
//! opens and closes apps, the warnings of its services, the requests to the engine with their user and cost, and the
//! outcome of tasks. This crate decodes them into typed events, drops those of blacklisted users, and writes the rest
//! in the formats that Vector and Fluent Bit read. The program of the same name does this from a UDP port to standard
//! output; the crate is for programs that need only parts of it.
//!
//! A datagram takes one path. Each step has a module, which depends only on those before it:
//!
//! | step | module | gives |
//! |---|---|---|
//! || bytes to the fields of a family | [`payload`] | the text of each event and its fields ||
//! | fields to events | [`event`] | [`event::Event`] |
//! || events to keep, change or add | [`transform`] | [`transform::OutputBuffer`] |
//! | the steps so far, as a codec | [`decoding`] | [`decoding::QlikSenseDeserializer`] |
//! | the steps so far, with counts | [`pipeline`] | [`pipeline::Pipeline`] |
//! || events to named fields | [`schema`] | [`schema::View`] |
//! | named fields to bytes | [`encoding`] | [`encoding::Encoder`] |
//!
//! None of these modules reads a clock, opens a socket or logs: times and addresses are arguments.
#![cfg_attr(
    feature = "host",
    doc = "The feature `host` adds [`simulate`], a lifelike site to try things on, and the parts of the program."
)]
#![cfg_attr(not(feature = "fluent-bit"), forbid(unsafe_code))]
#![cfg_attr(feature = "fluent-bit", deny(unsafe_code))]
#![warn(missing_docs)]

#[cfg(feature = "host")]
pub mod config;
pub mod decoding;
pub mod encoding;
pub mod event;
#[cfg(feature = "host")]
pub mod host;
#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod import;
pub mod payload;
pub mod pipeline;
pub mod schema;
#[cfg(feature = "host")]
pub mod simulate;
#[cfg(feature = "host")]
#[doc(hidden)]
pub mod source;
pub mod transform;
mod wrong_type;

/// Its example is tested like those of the documentation.
#[cfg(doctest)]
#[doc = include_str!("../packaging/crates-io.md")]
struct PageOfTheCrate;
