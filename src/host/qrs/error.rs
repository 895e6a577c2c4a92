//! Why a request to the Qlik Repository Service failed.

use crate::{
    host::https::{HttpsError, Panicked},
    transform::app_names::AppListError,
};

/// A certificate or key cannot be used, or a request has failed.
///
/// No variant quotes a key, a certificate or a response.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum QrsError {
    /// The service could not be reached, or did not answer.
    #[error(transparent)]
    Https(#[from] HttpsError),
    /// The response is not a list of apps.
    #[error("the response from {address} is not a list of apps: {source}")]
    Body {
        /// The address.
        address: String,
        /// What is wrong, and where.
        source: AppListError,
    },
    /// The response contains no app.
    #[error(
        "the response from {address} contains no app; is the user {user} allowed to read apps?"
    )]
    NoApps {
        /// The address.
        address: String,
        /// The user of the request.
        user: String,
    },
    /// The response is not a list of proxies.
    #[error(
        "the response from {address} is not a list of proxies: line {line}: expected an array of proxies with node and settings"
    )]
    Proxies {
        /// The address.
        address: String,
        /// The line of the response, from 1.
        line: usize,
    },
    /// The response contains no proxy.
    #[error(
        "the response from {address} contains no proxy; is the user {user} allowed to read proxies?"
    )]
    NoProxies {
        /// The address.
        address: String,
        /// The user of the request.
        user: String,
    },
    /// The thread that makes the requests has panicked.
    #[error("a thread that queries the repository service has panicked")]
    Panicked,
}

impl From<Panicked> for QrsError {
    fn from(_: Panicked) -> Self {
        Self::Panicked
    }
}
