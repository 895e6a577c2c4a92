//! The public API of the crate: events, transforms, schemas, encoders and the pipeline, from the bytes of datagrams.
//!
//! A single program, because each program links the crate and its dependencies again.

mod app_names;
mod blacklist;
mod decoder;
mod ecs;
#[cfg(feature = "qrs")]
mod engine_health;
mod golden;
#[cfg(feature = "qrs")]
mod https;
#[cfg(feature = "linked")]
mod linked;
mod native;
mod owned_values;
mod performance;
#[cfg(feature = "host")]
mod personal_fields;
mod properties;
#[cfg(feature = "host")]
mod pseudonymize;
#[cfg(feature = "qrs")]
mod qps;
#[cfg(feature = "qrs")]
mod qrs;
mod schemas;
#[cfg(feature = "host")]
mod sessions;
mod simulated;
mod support;
mod user_agent;
#[cfg(feature = "vrl")]
mod vrl;
