//! Periodic requests to Qlik Sense's own services, over HTTPS with the site's client certificate, on separate threads.

mod client;
mod error;
mod poll;
mod tls;

use std::path::{Path, PathBuf};

pub use self::{
    client::{Client, Service},
    error::HttpsError,
    poll::{Ask, MayAsk, Panicked, Poll},
};

/// The longest response that is read, in bytes.
pub const MAX_ANSWER_BYTES: u64 = 64 << 20;

/// The certificate or key that a service's own option names; if it names none, the one for the repository service.
pub(super) fn file_or(own: &Path, repository: &Path) -> PathBuf {
    let is_empty = own.as_os_str().is_empty();
    if is_empty { repository } else { own }.into()
}
