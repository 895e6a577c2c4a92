//! The hosts: where datagrams come from and where events go. A thin layer, and the only one with a clock, sockets and
//! threads.
//!
//! All hosts share [`runtime`]; [`metrics`] and [`diagnostics`] report on it; and each host has a folder of its own.
//! Items that are missing from this documentation are internal and may change at any time.

#[doc(hidden)]
pub mod diagnostics;
#[cfg(feature = "qrs")]
#[doc(hidden)]
pub mod engine_health;
#[doc(hidden)]
pub mod exec;
#[cfg(feature = "fluent-bit")]
#[doc(hidden)]
pub mod fluent_bit;
#[cfg(feature = "qrs")]
#[doc(hidden)]
pub mod https;
#[doc(hidden)]
pub mod ineffective;
#[cfg(feature = "linked")]
pub mod linked;
#[doc(hidden)]
pub mod local_socket;
#[doc(hidden)]
pub mod metrics;
#[doc(hidden)]
pub mod named_files;
#[cfg(feature = "qrs")]
#[doc(hidden)]
pub mod qps;
#[cfg(feature = "qrs")]
#[doc(hidden)]
pub mod qrs;
#[doc(hidden)]
pub mod runtime;
