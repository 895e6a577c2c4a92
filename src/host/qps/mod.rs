//! The Qlik Proxy Service: who has sessions on its node, over HTTPS, with a client certificate.
//!
//! What it answers names sessions by the values of their cookies, with which anybody could take them over: they are
//! hashed as they are read, with a key of the moment, counted and forgotten.

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
