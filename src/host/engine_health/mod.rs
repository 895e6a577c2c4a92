//! The health of engines, which these report over HTTPS to clients with a certificate.

mod answer;
mod client;
mod engines;
mod error;

pub use self::{client::Client, engines::Engines, error::EngineHealthError};
