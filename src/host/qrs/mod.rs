//! The Qlik Repository Service: names of a site's apps over HTTPS, with a client certificate.

mod client;
mod error;
mod poll;
mod repository;
mod tls;

pub use self::{
    client::{Client, MAX_ANSWER_BYTES},
    error::QrsError,
    poll::Poll,
    repository::Repository,
};
