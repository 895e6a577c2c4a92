//! Events of Qlik Sense, for log pipelines.
//!
//! Qlik Sense Enterprise on Windows can send the rows of its logs as UDP datagrams: who starts and stops sessions and
//! opens and closes apps, what its services warn about, what the engine does for whom and at what cost, and the
//! outcome of tasks. This crate decodes them into typed events, drops those of blacklisted users, and writes the rest
//! in the formats that Vector and Fluent Bit read. The program of the same name does that from a UDP port to standard
//! output; the crate is for those who need the parts.
//!
//! A datagram takes one path, with a module for each step that depends only on those before it:
//!
//! | step | module | gives |
//! |---|---|---|
//! | bytes to the fields of a family | [`payload`] | the text of each event and what it says |
//! | fields to events | [`event`] | [`event::Event`] |
//! | which events go on | [`transform`] | [`transform::OutputBuffer`] |
//! | the steps so far, as a codec | [`decoding`] | [`decoding::QlikSenseDeserializer`] |
//! | the steps so far, with counts | [`pipeline`] | [`pipeline::Pipeline`] |
//! | meaning to named fields | [`schema`] | [`schema::View`] |
//! | named fields to bytes | [`encoding`] | [`encoding::Encoder`] |
//!
//! None of them reads a clock, opens a socket or logs: times and addresses are arguments.
#![cfg_attr(
    feature = "host",
    doc = "With the feature `host` there are also [`simulate`], a lifelike site to try things on, and what the program is made of."
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

/// Its example is tried with those of the documentation.
#[cfg(doctest)]
#[doc = include_str!("../packaging/crates-io.md")]
struct PageOfTheCrate;
