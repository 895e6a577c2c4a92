//! Requests to Qlik Sense's own services: HTTPS with the client certificate that the site has issued, from time to time,
//! on threads of their own.

mod client;
mod error;
mod poll;
mod tls;

pub use self::{
    client::{Client, Service},
    error::HttpsError,
    poll::{Ask, MayAsk, Panicked, Poll},
};

/// The longest answer that is read, in bytes.
pub const MAX_ANSWER_BYTES: u64 = 64 << 20;
