//! Sends signals to a program, and observes it in `/proc`.

use std::{
    fs,
    io::PipeReader,
    net::SocketAddr,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use nix::sys::{
    signal::Signal,
    wait::{WaitPidFlag, WaitStatus, waitpid},
};
use serde_json::Value;

use super::Numbered;
use crate::{
    support::{Codec, DEADLINE, Running},
    unix::{process, signal},
};

/// A buffer that every system grants an unprivileged program.
pub const BUFFER: &str = "receive_buffer_bytes = 212992\n";

/// A program that writes to a pipe that is not being read.
pub fn unread(mut command: Command, codec: Codec) -> (Running, PipeReader) {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    command.stdin(Stdio::null()).stdout(writer);
    let program = Running::with_stdout_of(command, codec, 1);
    (program, reader)
}

impl Numbered {
    /// Sends undecoded datagrams.
    pub fn garbage(&mut self) {
        self.datagram = b"garbage \x1b[31m".to_vec();
        self.tally.undecoded += 1;
        self.send();
    }

    /// Like [`Numbered::event`], but the program may have ended.
    pub fn event_or_refused(&mut self) {
        self.site.next_datagram(&mut self.datagram);
        let _ = self.socket.send(&self.datagram);
    }

    /// Sends this many datagrams, of which one in fifty is garbage, and never more at once than the receive buffer
    /// holds.
    pub fn feed(&mut self, program: &Running, count: u64) {
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
pub fn number(event: &Value) -> u64 {
    let text = event.get("raw").unwrap_or(&event["message"]);
    let number = text.as_str().and_then(|text| text.rsplit('#').next());
    number.expect("text").parse().expect("a number")
}

/// Waits until the program has read everything from its socket.
pub fn drained(address: SocketAddr) {
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

/// Waits for a condition that can only be polled.
pub fn until(what: &str, holds: impl Fn() -> bool) {
    let end = Instant::now() + DEADLINE;
    while !holds() {
        assert!(Instant::now() < end, "{what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Halts a program.
pub fn halt(program: &Running) {
    signal(program, Signal::SIGSTOP);
    let id = process(program);
    let halted = waitpid(id, Some(WaitPidFlag::WUNTRACED)).expect("halted");
    assert_eq!(halted, WaitStatus::Stopped(id, Signal::SIGSTOP));
}

pub fn go_on(program: &Running) {
    signal(program, Signal::SIGCONT);
}

/// A line of `/proc/…/status` in KiB.
pub fn kibibytes(program: &Running, name: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", program.id())).expect("status");
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let number = line.and_then(|line| line.strip_prefix(':')?.trim().strip_suffix(" kB"));
    number.expect(name).parse().expect("a number")
}
