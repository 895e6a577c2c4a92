//! The program from start to end, and checks that its counts agree with those of the system and of its reader.

use std::{
    collections::BTreeSet,
    fs,
    io::{BufRead, BufReader},
    net::UdpSocket,
    os::fd::OwnedFd,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc::{self, Receiver},
    thread::{self, JoinHandle},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::Value;

use super::{
    network::{Network, Udp},
    reader::{Mode, Reader, Seen},
    until,
};

/// The configured limit of the queue, in events.
pub const QUEUE: u64 = 500;

/// The most datagrams that are read from the socket at once.
const BATCH: u64 = 1_024;

/// The shortest length of a record, in bytes.
const SHORTEST_RECORD: u64 = 200;

/// The size to which the program enlarges the pipe, in bytes.
const PIPE: u64 = 1 << 20;

/// The program's folder, with everything that it reads and writes.
pub struct Home {
    pub folder: PathBuf,
    /// Holds the port while no program runs, as a service manager does.
    pub socket: Option<UdpSocket>,
}

/// How a life ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// By SIGKILL, while datagrams arrive at this rate.
    Killed { rate: u32 },
    /// By SIGTERM, while datagrams may be arriving.
    Asked { quiet: bool },
    /// Because its reader is gone.
    ReaderGone,
}

/// A process that does not outlive the test.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        // It has already ended, unless the test has failed.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A run of the program.
pub struct Life {
    process: Process,
    pub reader: Reader,
    diagnostics: JoinHandle<Vec<Value>>,
    before: Udp,
    threads: BTreeSet<String>,
    /// A socket that was handed over drops datagrams before the program can count them.
    has_own_socket: bool,
}

impl Home {
    pub fn state(&self) -> PathBuf {
        self.folder.join("state/sessions.ndjson")
    }

    /// How many users the state contains.
    fn users(&self) -> u64 {
        let state = fs::read_to_string(self.state()).unwrap_or_default();
        let users = state.lines().filter(|line| line.starts_with("{\"user\""));
        users.count() as u64
    }

    fn command(&self) -> Command {
        let program = env!("CARGO_BIN_EXE_qlik-sense-events");
        let mut command = match &self.socket {
            None => {
                let mut command = Command::new(program);
                command.stdin(Stdio::null());
                command
            }
            Some(socket) => {
                let socket: OwnedFd = socket.try_clone().expect("a handle").into();
                let mut shell = Command::new("sh");
                let handed_over = "exec 3<&0 0</dev/null; LISTEN_PID=$$ LISTEN_FDS=1 exec \"$@\"";
                shell.args(["-c", handed_over, "sh", program]).stdin(socket);
                shell
            }
        };
        command
            .args(["run", "--config"])
            .arg(self.folder.join("plugin.toml"));
        if let Some(library) = fake_time() {
            command
                .env("LD_PRELOAD", library)
                .env("FAKETIME_TIMESTAMP_FILE", self.folder.join("clock"))
                .envs([
                    ("FAKETIME_NO_CACHE", "1"),
                    ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
                ]);
        }
        command
    }

    /// Starts the program. Returns the number of users in the state, and the number whose sessions it reports as
    /// resumed.
    pub fn start(&self, network: &Network) -> (Life, [u64; 2]) {
        let (before, kept) = (network.udp(), self.users());
        let (pipe, writer) = std::io::pipe().expect("a pipe");
        let mut command = self.command();
        command.stdout(writer).stderr(Stdio::piped());
        let child = network.program.within(|| command.spawn());
        let mut process = Process(child.expect("the program starts"));
        // The writing end in the command would keep the reader from seeing the end.
        drop(command);
        let (said, diagnostics) = diagnostics(&mut process.0);
        let mut life = Life {
            process,
            reader: Reader::start(pipe),
            diagnostics,
            before,
            threads: BTreeSet::new(),
            has_own_socket: self.socket.is_none(),
        };
        let mut start: Vec<String> = Vec::new();
        while start.last().is_none_or(|last| last != "listening") {
            let message = said.recv();
            start.push(message.unwrap_or_else(|_| panic!("it does not listen: {start:?}")));
        }
        until(|| "the first metrics", || life.reader.seen().sets > 0);
        start.extend(said.try_iter());
        let restored = start.iter().filter_map(|message| users(message)).sum();
        life.threads = life.threads();
        (life, [kept, restored])
    }
}

/// The number in "…: resumed the sessions of 7 users".
fn users(message: &str) -> Option<u64> {
    let (_, rest) = message.split_once("resumed the sessions of ")?;
    rest.strip_suffix(" users")?.parse().ok()
}

/// Reads the program's diagnostics: each message as it comes, and all of them at the end.
fn diagnostics(child: &mut Child) -> (Receiver<String>, JoinHandle<Vec<Value>>) {
    let stderr = BufReader::new(child.stderr.take().expect("a pipe"));
    let (sender, receiver) = mpsc::channel();
    let thread = thread::spawn(move || {
        let mut all = Vec::new();
        for line in stderr.lines() {
            let line = line.expect("a line");
            let log: Value = serde_json::from_str(&line)
                .unwrap_or_else(|error| panic!("no diagnostic: {error}: {line}"));
            let message = log["log"]["message"].as_str().expect("a message");
            // The receiver only exists during the start.
            let _ = sender.send(message.to_owned());
            all.push(log["log"].clone());
        }
        all
    });
    (receiver, thread)
}

pub fn fake_time() -> Option<&'static str> {
    [
        "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1",
        "/usr/lib/aarch64-linux-gnu/faketime/libfaketimeMT.so.1",
    ]
    .into_iter()
    .find(|library| Path::new(library).exists())
}

impl Life {
    pub fn signal(&self, signal: Signal) {
        let id = Pid::from_raw(self.process.0.id().cast_signed());
        kill(id, signal).expect("a signal");
    }

    pub fn id(&self) -> u32 {
        self.process.0.id()
    }

    fn threads(&self) -> BTreeSet<String> {
        let tasks = fs::read_dir(format!("/proc/{}/task", self.id())).expect("threads");
        tasks
            .filter_map(|task| fs::read_to_string(task.ok()?.path().join("comm")).ok())
            .collect()
    }

    /// A line of `/proc/…/status` in KiB.
    pub fn kibibytes(&self, name: &str) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.id())).expect("status");
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let number = line.and_then(|line| line.strip_prefix(':')?.trim().strip_suffix(" kB"));
        number.expect(name).parse().expect("a number")
    }

    pub fn assert_lives(&mut self) {
        let ended = self.process.0.try_wait().expect("a status");
        assert_eq!(ended, None, "the program has ended by itself");
    }

    /// While nothing arrives and the reader reads, every datagram that the system has handed over is counted in exactly
    /// one place, and every thread is running.
    pub fn assert_exact(&self, network: &Network) {
        let received = || network.udp().received - self.before.received;
        let what = || {
            format!(
                "{} datagrams are in one place: {:?}",
                received(),
                self.reader.seen()
            )
        };
        // Sessions keep expiring, so counts and records only agree when the next metrics have arrived.
        until(what, || {
            let seen = self.reader.seen();
            seen.counter("received_datagrams_total") == received() && seen.is_balanced()
        });
        let threads = self.threads();
        assert!(
            self.threads.is_subset(&threads),
            "{threads:?}, {:?}",
            self.threads
        );
    }

    /// Ends the program, and checks that the counts of this life agree.
    pub fn end(mut self, end: End, network: &Network) -> Seen {
        self.assert_lives();
        let peak = self.kibibytes("VmHWM");
        // It may have been halted, or may wait for a reader that does not read.
        match end {
            End::Killed { .. } => {
                self.signal(Signal::SIGCONT);
                self.reader.set(Mode::Reads);
                // This makes the earlier counts known.
                let sets = self.reader.seen().sets;
                until(|| "metrics", || self.reader.seen().sets > sets + 1);
                self.signal(Signal::SIGKILL);
            }
            End::Asked { .. } => {
                self.signal(Signal::SIGTERM);
                self.signal(Signal::SIGCONT);
                self.reader.set(Mode::Reads);
            }
            End::ReaderGone => {
                self.signal(Signal::SIGCONT);
                self.reader.set(Mode::Goes);
            }
        }
        let status = self.process.0.wait().expect("a status");
        let seen = self.reader.end();
        let said = self.diagnostics.join().expect("its diagnostics");
        let after = network.udp();
        let received = after.received - self.before.received;
        let no_room = after.no_room - self.before.no_room;
        println!(
            "      {end:?}: {received} datagrams, {no_room} without room; {} excluded, {} dropped; peak {peak} KiB",
            seen.counter("excluded_events_total"),
            seen.counter("queue_dropped_events_total"),
        );
        assert!(peak < 64 << 10, "{peak} KiB");
        let is_saved = expected(&said);
        if let End::Killed { rate } = end {
            // What was excluded or dropped after the last metrics is not known.
            let unknown = QUEUE + BATCH + 3 * u64::from(rate);
            let counted = seen.events + seen.counter("excluded_events_total");
            let dropped = seen.counter("queue_dropped_events_total");
            assert!(counted <= received, "{counted} of {received}: {seen:?}");
            assert!(
                received <= counted + dropped + unknown,
                "{received}: {seen:?}"
            );
            return seen;
        }
        assert_eq!(status.code(), Some(i32::from(!is_saved)), "{said:?}");
        // A state that is not saved is the reason for the status, and said last.
        let mut last = said.iter().rev().skip(usize::from(!is_saved));
        let summary = last.next().expect("a summary");
        assert_eq!(summary["message"], "stopped", "{said:?}");
        let count = |name: &str| summary[name].as_u64().unwrap_or_default();
        assert_eq!(count("datagrams"), received, "{summary}");
        let elsewhere = ["excluded", "undecoded", "refused", "over_rate"].map(count);
        assert_eq!(
            received,
            count("events") + elsewhere.iter().sum::<u64>(),
            "{summary}"
        );
        let counted = seen.counter("kernel_dropped_datagrams_total");
        if end == (End::Asked { quiet: true }) && self.has_own_socket {
            assert_eq!(
                (counted, count("kernel_dropped")),
                (no_room, no_room),
                "{summary}"
            );
        } else {
            // During shutdown, the socket is not read.
            let in_order = [counted, count("kernel_dropped"), no_room];
            assert!(in_order.is_sorted(), "{in_order:?}: {summary}");
        }
        let records = count("events") + count("undecoded") + count("derived");
        let written = seen.events + seen.derived + count("dropped");
        if end == End::ReaderGone {
            let in_the_pipe = (PIPE + Reader::BUFFER as u64) / SHORTEST_RECORD;
            assert!(written <= records, "{written}: {summary}");
            assert!(records <= written + in_the_pipe, "{written}: {summary}");
            return seen;
        }
        assert_eq!(written, records, "{seen:?}: {summary}");
        assert!(seen.is_balanced(), "{seen:?}");
        for (metric, name) in [
            ("received_datagrams_total", "datagrams"),
            ("received_bytes_total", "bytes"),
            ("events_total", "events"),
            ("derived_events_total", "derived"),
            ("excluded_events_total", "excluded"),
            ("queue_dropped_events_total", "dropped"),
        ] {
            assert_eq!(seen.counter(metric), count(name), "{metric}: {summary}");
        }
        seen
    }
}

/// Asserts that all errors are explained by the faults. Returns whether the session state was saved at the end.
fn expected(said: &[Value]) -> bool {
    let mut is_saved = true;
    for diagnostic in said
        .iter()
        .filter(|diagnostic| diagnostic["level"] == "error")
    {
        let message = diagnostic["message"].as_str().expect("text");
        if message.starts_with("the session state could not be saved") {
            is_saved = false;
            continue;
        }
        let explained = ["cannot write the session state", "users.txt", "apps.csv"];
        assert!(
            explained.iter().any(|part| message.contains(part)),
            "{message}"
        );
        assert!(!message.contains("damaged"), "{message}");
    }
    is_saved
}
