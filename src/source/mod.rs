//! The UDP socket: opened with a large buffer, read many datagrams at a time.

mod kernel_drops;
#[cfg_attr(
    any(
        target_os = "linux",
        target_os = "android",
        target_os = "freebsd",
        target_os = "netbsd"
    ),
    path = "batched.rs"
)]
#[cfg_attr(
    not(any(
        target_os = "linux",
        target_os = "android",
        target_os = "freebsd",
        target_os = "netbsd"
    )),
    path = "single.rs"
)]
mod receiver;
mod refusals;
mod senders;
mod socket;

pub use self::{
    kernel_drops::kernel_drops,
    receiver::Receiver,
    refusals::Refusals,
    senders::{RateLimitConfig, SenderRange, SenderRangeError, Senders, Verdict},
    socket::{BindError, Bound, activated, ask_for_buffer, bind, receive_buffer_bytes},
};

/// The most datagrams read at once. Their buffers take this many times the longest datagram of address space, but
/// memory only as far as datagrams fill them.
pub(crate) const BATCH: usize = 64;
