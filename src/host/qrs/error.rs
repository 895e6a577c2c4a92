//! Why the Qlik Repository Service did not say what it was asked for.

use crate::{
    host::https::{HttpsError, Panicked},
    transform::app_names::AppListError,
};

/// A certificate or key cannot be used, or a request has failed.
///
/// No variant quotes a key, a certificate or an answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum QrsError {
    /// The service could not be asked, or did not answer.
    #[error(transparent)]
    Https(#[from] HttpsError),
    /// The answer is no list of apps.
    #[error("the response from {address} is not a list of apps: {source}")]
    Body {
        /// The address.
        address: String,
        /// What is wrong, and where.
        source: AppListError,
    },
    /// The answer names no app.
    #[error(
        "the response from {address} contains no app; is the user {user} allowed to read apps?"
    )]
    NoApps {
        /// The address.
        address: String,
        /// The user who asked.
        user: String,
    },
    /// The answer is no list of proxies.
    #[error(
        "the response from {address} is not a list of proxies: line {line}: expected an array of proxies with node and settings"
    )]
    Proxies {
        /// The address.
        address: String,
        /// The line of the answer, from 1.
        line: usize,
    },
    /// The answer names no proxy.
    #[error(
        "the response from {address} contains no proxy; is the user {user} allowed to read proxies?"
    )]
    NoProxies {
        /// The address.
        address: String,
        /// The user who asked.
        user: String,
    },
    /// A part of the program has failed.
    #[error("a thread that asks the repository service panicked")]
    Panicked,
}

impl From<Panicked> for QrsError {
    fn from(_: Panicked) -> Self {
        Self::Panicked
    }
}
