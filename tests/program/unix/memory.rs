//! A limit on memory, not a time.

use std::{
    fs,
    io::{BufRead, BufReader},
    process::Stdio,
    sync::mpsc,
    thread,
};

use crate::support::{Codec, DEADLINE, Running, command};
use qlik_sense_events::simulate::{Site, SiteOptions};

const DATAGRAMS: u64 = 200_000;
/// How many are under way at once.
const ROUND: u64 = 200;

#[test]
fn memory_stays_below_32_mib() {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    let mut command = command();
    command
        .args(["run", "--address", "127.0.0.1:0", "--codec", "json"])
        .stdin(Stdio::null())
        .stdout(writer);
    let program = Running::with_stdout_of(command, Codec::Json, 1);
    let (sender, lines) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(reader).split(b'\n') {
            if line.is_err() || sender.send(()).is_err() {
                break;
            }
        }
    });

    let round = program.capacity(ROUND);
    let mut site = Site::new(SiteOptions::default());
    let mut datagram = Vec::new();
    for _ in 0..DATAGRAMS / round {
        let mut expected = 0;
        for _ in 0..round {
            let tally = site.next_datagram(&mut datagram).tally();
            expected += tally.events() + tally.undecoded;
            program.send(&datagram);
        }
        for _ in 0..expected {
            lines.recv_timeout(DEADLINE).expect("every event comes out");
        }
    }

    let status = fs::read_to_string(format!("/proc/{}/status", program.id())).expect("status");
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kibibytes = peak.and_then(|peak| peak.trim().strip_suffix(" kB"));
    let kibibytes: u64 = kibibytes.expect("VmHWM").parse().expect("a number");
    assert!(kibibytes < 32 << 10, "{kibibytes} KiB");
}
