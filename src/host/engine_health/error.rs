//! Why an engine did not report its health.

use crate::host::https::{HttpsError, Panicked};

/// A certificate or key cannot be used, or a request has failed.
///
/// No variant quotes a key, a certificate or a response.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineHealthError {
    /// The engine could not be queried, or did not answer.
    #[error(transparent)]
    Https(#[from] HttpsError),
    /// The response is not the health of an engine.
    #[error("the response from {address} is not the health of an engine: line {line}: {reason}")]
    Body {
        /// The address.
        address: String,
        /// The line of the response, from 1.
        line: usize,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The thread that makes the requests has panicked.
    #[error("the thread that requests engine health has panicked")]
    Panicked,
}

impl From<Panicked> for EngineHealthError {
    fn from(_: Panicked) -> Self {
        Self::Panicked
    }
}
