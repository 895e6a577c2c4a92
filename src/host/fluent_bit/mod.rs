//! The host for Fluent Bit: a shared library that is one of its inputs.
//!
//! Fluent Bit loads external plugins over its proxy interface. It gives each instance a thread of its own, makes every
//! call on that thread, and copies the records that it receives. Events wait in the queue for the next call; the
//! workers never wait.
//!
//! This is the only module with `unsafe`, which it needs in `callbacks`, `api`, `buffer` and `process`.

#![allow(unsafe_code, reason = "a C interface")]

mod abi;
mod api;
mod buffer;
mod callbacks;
mod instance;
mod log;
mod parking;
#[cfg_attr(unix, path = "unix.rs")]
#[cfg_attr(windows, path = "windows.rs")]
mod process;
mod properties;
mod station;
