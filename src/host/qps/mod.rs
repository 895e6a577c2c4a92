//! The Qlik Proxy Service: who has sessions on its node, over HTTPS with a client certificate.
//!
//! Its responses contain session ids, which are the values of the session cookies; anyone who has one can take over the
//! session. So they are hashed as they are read, with a key that exists only meanwhile, then counted and discarded.

mod answer;
mod client;
mod discovery;
mod error;
mod proxies;

pub use self::{
    answer::MAX_SESSIONS,
    client::{Answer, Client},
    error::QpsError,
    proxies::Proxies,
};
