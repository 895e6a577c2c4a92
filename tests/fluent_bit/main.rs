//! The plugin for Fluent Bit, loaded like Fluent Bit loads it and tested with real datagrams.
//!
//! A C compiler lays out the host's structs as in 4.0 and as in 5.1. `cargo test --features fluent-bit --test
//! fluent_bit` builds the plugin first.

#[cfg(feature = "qrs")]
mod engine_health;
mod examples;
#[path = "../support/golden.rs"]
mod golden;
mod host;
mod life;
mod options;
#[cfg(feature = "qrs")]
#[allow(dead_code)]
#[path = "../support/qrs.rs"]
mod qrs;

use std::net::{SocketAddr, UdpSocket};

/// Whether the host exports the functions that its own plugins use.
const EXPORTS: bool = cfg!(unix);

/// Sends datagrams from a new socket.
fn send<D: AsRef<[u8]>>(to: SocketAddr, datagrams: impl IntoIterator<Item = D>) {
    let socket = UdpSocket::bind((to.ip(), 0)).expect("a port");
    for datagram in datagrams {
        socket.send_to(datagram.as_ref(), to).expect("sent");
    }
}

fn start(user_id: &str) -> String {
    format!(
        "/qseow-proxy-session/;pro2-win1;Start session;LAB;{user_id};Not available;/hub;Start session"
    )
}

/// The users of events, in order.
fn users(records: &[host::Record]) -> Vec<&str> {
    let users = records
        .iter()
        .map(|record| record.fields["user_id"].as_str());
    users
        .map(|user| user.expect("an event of a user"))
        .collect()
}
