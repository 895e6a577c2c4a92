//! Why a proxy did not list its sessions.

use crate::host::https::{HttpsError, Panicked};

/// A certificate or key cannot be used, or a request has failed.
///
/// No variant quotes a key, a certificate or a response.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum QpsError {
    /// The proxy could not be asked, or did not answer.
    #[error(transparent)]
    Https(#[from] HttpsError),
    /// The proxy has no such virtual proxy.
    #[error(
        "{address} has no virtual proxy {virtual_proxy:?}: it answered with status 404; set `virtual_proxies` to the \
         prefixes that the QMC shows for this proxy, \"\" for the default one"
    )]
    VirtualProxy {
        /// The address.
        address: String,
        /// The prefix.
        virtual_proxy: String,
    },
    /// The response is not a list of sessions.
    #[error(
        "the response from {address} for the virtual proxy {virtual_proxy:?} is not a list of sessions: line {line}: {reason}"
    )]
    Body {
        /// The address.
        address: String,
        /// The prefix.
        virtual_proxy: String,
        /// The line of the response, from 1.
        line: usize,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The responses list more sessions than are read.
    #[error(
        "the responses from {address} list more than {} sessions",
        super::MAX_SESSIONS
    )]
    TooMany {
        /// The address.
        address: String,
    },
    /// The thread that makes the requests has panicked.
    #[error("the thread that requests sessions has panicked")]
    Panicked,
}

impl From<Panicked> for QpsError {
    fn from(_: Panicked) -> Self {
        Self::Panicked
    }
}
