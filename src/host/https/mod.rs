//! Periodic requests to Qlik Sense's own services, over HTTPS with the site's client certificate, on separate threads.

mod client;
mod error;
mod poll;
mod tls;

pub use self::{
    client::{Client, Service},
    error::HttpsError,
    poll::{Ask, MayAsk, Panicked, Poll},
};

/// The longest response that is read, in bytes.
pub const MAX_ANSWER_BYTES: u64 = 64 << 20;
