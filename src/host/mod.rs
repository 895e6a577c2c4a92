//! The edges: where datagrams come from and events go to. Thin, and the only part with a clock,
//! sockets and threads.
//!
//! What every host needs is beside them, so that two hosts do the same with a datagram.

pub mod diagnostics;
pub mod exec;
#[cfg(all(unix, feature = "fluent-bit"))]
pub mod fluent_bit;
pub mod frames;
pub mod health;
#[cfg(feature = "linked")]
pub mod linked;
pub mod listener;
pub mod local_socket;
#[cfg(feature = "qrs")]
pub mod qrs;
pub mod queue;
pub mod refresh;
pub mod reload;
pub mod secrets;
mod session_metrics;
pub mod start;
pub mod state_file;
pub mod supervisor;
pub mod telemetry;
pub mod terminal;
pub mod threads;
pub mod worker;
