//! A small Fluent Bit: it loads the real plugin and runs instances as Fluent Bit does.

#![allow(unsafe_code, reason = "the plugin's interface is C")]

mod calls;
mod functions;
mod instance;
mod library;
mod records;
mod state;

use std::{
    fs,
    path::PathBuf,
    thread,
    time::{Duration, Instant},
};

pub use self::{instance::Instance, library::register, records::Record};

/// How long anything may take on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// The version whose structs the host uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(C)]
pub enum Version {
    V4_0,
    V5_1,
}

pub const VERSIONS: [Version; 2] = [Version::V4_0, Version::V5_1];

/// Waits until a condition holds.
pub fn await_that(what: &str, mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < end, "waited in vain for {what}");
        thread::sleep(Duration::from_millis(2));
    }
}

/// Waits until the plugin has received everything that was sent to it.
pub fn await_received(instance: &Instance) {
    for address in instance.addresses() {
        let port = format!(":{:04X} ", address.port());
        await_that("datagrams to be received", || {
            let sockets = fs::read_to_string("/proc/net/udp").expect("sockets");
            let mut lines = sockets.lines();
            let line = lines.find(|line| {
                line.split_whitespace()
                    .nth(1)
                    .is_some_and(|local| format!("{local} ").ends_with(&port))
            });
            let waiting = line.and_then(|line| line.split_whitespace().nth(4)?.split(':').nth(1));
            waiting == Some("00000000")
        });
    }
}

/// A configuration file with this content.
pub fn config_file(name: &str, content: &str) -> String {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let file = folder.join(format!("{name}_{}.toml", std::process::id()));
    fs::write(&file, content).expect("written");
    file.to_str().expect("UTF-8").to_owned()
}
