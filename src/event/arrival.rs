//! When and from where a datagram arrived. The host provides both, because this module reads neither a clock nor a
//! socket.

use std::net::IpAddr;

use chrono::{DateTime, Utc};

/// When and from where a datagram arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrival {
    /// The time of arrival, to the nanosecond if the system clock provides it.
    pub timestamp: DateTime<Utc>,
    /// The datagram's source address; `None` without a network, as when reading a file.
    pub sender: Option<IpAddr>,
}

impl Arrival {
    /// An arrival from a network address. An IPv4 address that a dual-stack socket reports as `::ffff:192.0.2.1` is
    /// stored as `192.0.2.1`.
    #[must_use]
    pub const fn new(timestamp: DateTime<Utc>, sender: IpAddr) -> Self {
        Self {
            timestamp,
            sender: Some(sender.to_canonical()),
        }
    }

    /// An arrival without a network, for example from a file.
    #[must_use]
    pub const fn local(timestamp: DateTime<Utc>) -> Self {
        Self {
            timestamp,
            sender: None,
        }
    }
}
