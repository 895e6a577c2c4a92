//! The health that an engine reports about itself, over HTTPS, with a client certificate.

mod answer;
mod client;
mod engines;
mod error;

pub use self::{client::Client, engines::Engines, error::EngineHealthError};
