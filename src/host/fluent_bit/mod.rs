//! The host of Fluent Bit: a shared library that is one of its inputs.
//!
//! Fluent Bit loads external plugins over its proxy interface. It gives an instance a thread of its own,
//! on which it makes every call, and copies whatever it is given. What is received waits in the queue
//! for the next of these calls; the workers never wait.
//!
//! This is the only module with `unsafe`, and within it `callbacks`, `api`, `buffer` and `process` are.

#![allow(unsafe_code, reason = "an interface in C")]

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
