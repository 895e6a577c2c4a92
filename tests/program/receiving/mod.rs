//! The receiving path: what is counted, what can be lost and where that shows, and faults.
//!
//! Many of these tests halt the program and look into its socket, which only Linux allows.

#[cfg(target_os = "linux")]
mod activation;
#[cfg(target_os = "linux")]
mod address;
#[cfg(target_os = "linux")]
mod clock;
#[cfg(target_os = "linux")]
mod counts;
#[cfg(target_os = "linux")]
mod faults;
#[cfg(target_os = "linux")]
mod gather;
#[cfg(target_os = "linux")]
mod injected;
#[cfg(target_os = "linux")]
mod linux;
mod local_socket;
#[cfg(target_os = "linux")]
mod nodes;
mod senders;
#[cfg(target_os = "linux")]
mod slow;
mod text;
#[cfg(target_os = "linux")]
mod units;
#[cfg(unix)]
pub mod unix_stream;

use std::{
    collections::BTreeMap,
    fs,
    net::{IpAddr, SocketAddr, UdpSocket},
    process::Command,
};

use qlik_sense_events::simulate::{Site, SiteOptions, Tally};
use serde_json::Value;
use tempfile::TempDir;

use crate::support::{Codec, command};

/// A configuration file, and the command to `run` with it on a free port of 127.0.0.1.
fn configured(config: &str, codec: Codec) -> (TempDir, Command) {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("config.toml");
    fs::write(&file, config).expect("a file");
    let mut command = command();
    command
        .args(["run", "--address", "127.0.0.1:0", "--codec", codec.name()])
        .arg("--config")
        .arg(file);
    (folder, command)
}

/// Sends a site's datagrams, each with a number at its end, and knows their content.
struct Numbered {
    socket: UdpSocket,
    site: Site,
    datagram: Vec<u8>,
    tally: Tally,
    sent: u64,
}

impl Numbered {
    /// A sender with this address: the machine's own one, or any other in 127.0.0.0/8.
    fn new(from: &str, to: SocketAddr) -> Self {
        let from: IpAddr = from.parse().expect("an address");
        let socket = UdpSocket::bind((from, 0)).expect("a port");
        socket.connect(to).expect("a way to the program");
        Self::over(socket)
    }

    fn over(socket: UdpSocket) -> Self {
        let options = SiteOptions {
            odd_per_mille: 0,
            ..SiteOptions::default()
        };
        Self {
            socket,
            site: Site::new(options),
            datagram: Vec::new(),
            tally: Tally::default(),
            sent: 0,
        }
    }

    /// Sends the site's next datagram, which is one event.
    fn event(&mut self) {
        self.tally += self.site.next_datagram(&mut self.datagram).tally();
        self.send();
    }

    fn send(&mut self) {
        self.datagram
            .extend_from_slice(format!(" #{}", self.sent).as_bytes());
        self.socket.send(&self.datagram).expect("sent");
        self.sent += 1;
    }
}

/// The sums of the counters in these metrics, by name and tags.
fn counters(metrics: &[Value]) -> BTreeMap<String, u64> {
    let mut sums = BTreeMap::new();
    for metric in metrics {
        assert_eq!(metric["namespace"], "qlik_sense");
        let Some(counter) = metric.get("counter") else {
            assert_eq!(metric["kind"], "absolute");
            continue;
        };
        assert_eq!(metric["kind"], "incremental");
        let mut name = metric["name"].as_str().expect("text").to_owned();
        for (tag, value) in metric["tags"].as_object().expect("a map") {
            if tag != "address" {
                name = format!("{name} {}", value.as_str().expect("text"));
            }
        }
        let value = counter["value"].as_f64().expect("a number");
        assert!(value >= 0.0 && value.fract() == 0.0);
        *sums.entry(name).or_default() += value as u64;
    }
    sums
}
