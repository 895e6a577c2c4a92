//! The receiving path: what is counted, what can be lost and where it shows, and faults.

mod activation;
mod address;
mod clock;
mod counts;
mod faults;
mod injected;
mod local_socket;
mod nodes;
mod senders;
mod slow;
mod text;
mod units;
mod unix_stream;

use std::{
    collections::BTreeMap,
    fs,
    io::PipeReader,
    net::{IpAddr, SocketAddr, UdpSocket},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use nix::sys::{
    signal::Signal,
    wait::{WaitPidFlag, WaitStatus, waitpid},
};
use qlik_sense_events::simulate::{Site, SiteOptions, Tally};
use serde_json::Value;
use tempfile::TempDir;

use crate::{
    support::{Codec, DEADLINE, Running, command},
    unix::{process, signal},
};

/// What every system grants an unprivileged program.
const BUFFER: &str = "receive_buffer_bytes = 212992\n";

/// A configuration file, and `run` with it on a free port of 127.0.0.1.
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

/// A program that writes into a pipe that nobody reads yet.
fn unread(mut command: Command, codec: Codec) -> (Running, PipeReader) {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    command.stdin(Stdio::null()).stdout(writer);
    let program = Running::with_stdout_of(command, codec, 1);
    (program, reader)
}

/// Sends a site's datagrams, with a number at each one's end, and knows what they hold.
struct Numbered {
    socket: UdpSocket,
    site: Site,
    datagram: Vec<u8>,
    tally: Tally,
    sent: u64,
}

impl Numbered {
    /// A sender with this address, the one of the machine itself or any other of 127.0.0.0/8.
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

    /// Sends the next datagram of the site: one event.
    fn event(&mut self) {
        self.tally += self.site.next_datagram(&mut self.datagram).tally();
        self.send();
    }

    /// Sends what nobody can decode.
    fn garbage(&mut self) {
        self.datagram = b"garbage \x1b[31m".to_vec();
        self.tally.undecodable += 1;
        self.send();
    }

    /// As [`Numbered::event`], to a program that may have ended.
    fn event_or_refused(&mut self) {
        self.site.next_datagram(&mut self.datagram);
        let _ = self.socket.send(&self.datagram);
    }

    fn send(&mut self) {
        self.datagram
            .extend_from_slice(format!(" #{}", self.sent).as_bytes());
        self.socket.send(&self.datagram).expect("sent");
        self.sent += 1;
    }

    /// Sends so many datagrams, one in fifty of them garbage, never more at once than the receive
    /// buffer holds.
    fn feed(&mut self, program: &Running, count: u64) {
        let round = program.capacity(200);
        for number in 0..count {
            if number % round == 0 {
                drained(program.addresses()[0]);
            }
            if number % 50 == 49 {
                self.garbage();
            } else {
                self.event();
            }
        }
        drained(program.addresses()[0]);
    }
}

/// The number at the end of an event's datagram.
fn number(event: &Value) -> u64 {
    let text = event.get("raw").unwrap_or(&event["message"]);
    let number = text.as_str().and_then(|text| text.rsplit('#').next());
    number.expect("text").parse().expect("a number")
}

/// Waits until the program has taken everything out of its socket.
fn drained(address: SocketAddr) {
    let port = format!(":{:04X}", address.port());
    until("the socket is empty", || {
        ["/proc/net/udp", "/proc/net/udp6"].iter().all(|table| {
            let table = fs::read_to_string(table).unwrap_or_default();
            table.lines().skip(1).all(|row| {
                let columns: Vec<&str> = row.split_ascii_whitespace().collect();
                !columns[1].ends_with(&port) || columns[4].ends_with(":00000000")
            })
        })
    });
}

/// Waits for something that nobody tells.
fn until(what: &str, holds: impl Fn() -> bool) {
    let end = Instant::now() + DEADLINE;
    while !holds() {
        assert!(Instant::now() < end, "{what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Halts a program until it is told to go on.
fn halt(program: &Running) {
    signal(program, Signal::SIGSTOP);
    let id = process(program);
    let halted = waitpid(id, Some(WaitPidFlag::WUNTRACED)).expect("halted");
    assert_eq!(halted, WaitStatus::Stopped(id, Signal::SIGSTOP));
}

fn go_on(program: &Running) {
    signal(program, Signal::SIGCONT);
}

/// A line of `/proc/…/status` in KiB.
fn kibibytes(program: &Running, name: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", program.id())).expect("status");
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let number = line.and_then(|line| line.strip_prefix(':')?.trim().strip_suffix(" kB"));
    number.expect(name).parse().expect("a number")
}

/// What the counters of these metrics add up to, by name and tags.
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
