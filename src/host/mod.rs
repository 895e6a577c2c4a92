//! The edges: where datagrams come from and events go to. Thin, and the only part with a clock,
//! sockets and threads.
//!
//! [`runtime`] is one life for every host, [`metrics`] and [`diagnostics`] are what they say of it; beside them
//! is a folder for each edge. What is not in this documentation is what the program is made of: it may change at any time.

#[doc(hidden)]
pub mod diagnostics;
#[doc(hidden)]
pub mod exec;
#[cfg(feature = "fluent-bit")]
#[doc(hidden)]
pub mod fluent_bit;
#[cfg(feature = "qrs")]
#[doc(hidden)]
pub mod https;
#[cfg(feature = "linked")]
pub mod linked;
#[doc(hidden)]
pub mod local_socket;
#[doc(hidden)]
pub mod metrics;
#[cfg(feature = "qrs")]
#[doc(hidden)]
pub mod qps;
#[cfg(feature = "qrs")]
#[doc(hidden)]
pub mod qrs;
#[doc(hidden)]
pub mod runtime;
