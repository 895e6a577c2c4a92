//! The edges: where datagrams come from and events go to. Thin, and the only part with a clock,
//! sockets and threads.
//!
//! [`runtime`] is one life for every host, [`metrics`] and [`diagnostics`] are what they say of it; beside them
//! is a folder for each edge.

pub mod diagnostics;
pub mod exec;
#[cfg(all(unix, feature = "fluent-bit"))]
pub mod fluent_bit;
#[cfg(feature = "linked")]
pub mod linked;
pub mod local_socket;
pub mod metrics;
#[cfg(feature = "qrs")]
pub mod qrs;
pub mod runtime;
