//! The Qlik Repository Service: the names of a site's apps over HTTPS, with a client certificate.

mod client;
mod error;
mod repository;

pub use self::{client::Client, error::QrsError, repository::Repository};
