//! The program under load for a long time: 20,000 events a second, a changing blacklist, senders that are refused,
//! garbage, and a reader that pauses now and then. At the end every datagram is accounted for, and memory has not
//! grown.
//!
//! ```sh
//! cargo test --release --test program soak:: -- --ignored --nocapture
//! SOAK_SECS=60 cargo test --release --test program soak::soak -- --ignored --nocapture
//! ```

use std::{
    fs,
    io::{BufRead, BufReader, PipeReader},
    net::{SocketAddr, UdpSocket},
    ops::ControlFlow,
    path::Path,
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use qlik_sense_events::simulate::{Pace, Played, Site, SiteOptions, play};
use serde_json::Value;

const RATE: u32 = 20_000;
const STRANGERS: u32 = 500;

fn seconds(default: u64) -> Duration {
    let seconds = std::env::var("SOAK_SECS").map_or(default, |secs| secs.parse().expect("seconds"));
    Duration::from_secs(seconds)
}

/// The program, its address and its diagnostics.
struct Program {
    child: Child,
    address: SocketAddr,
    diagnostics: JoinHandle<Vec<Value>>,
    reader: Option<PipeReader>,
}

impl Drop for Program {
    fn drop(&mut self) {
        // It has already ended, unless the test has failed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Program {
    fn start(config: &Path) -> Self {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        let mut child = Command::new(env!("CARGO_BIN_EXE_qlik-sense-events"))
            .args(["run", "--address", "127.0.0.1:0", "--config"])
            .arg(config)
            .stdin(Stdio::null())
            .stdout(writer)
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let stderr = BufReader::new(child.stderr.take().expect("a pipe"));
        let mut lines = stderr
            .lines()
            .map(|line| -> Value { serde_json::from_str(&line.expect("a line")).expect("JSON") });
        let listening = lines.next().expect("a line");
        let address = listening["address"].as_str().expect("text");
        Self {
            address: address.parse().expect("an address"),
            child,
            diagnostics: thread::spawn(move || lines.collect()),
            reader: Some(reader),
        }
    }

    /// Ends the program and returns its diagnostics, of which the last one is the summary.
    fn end(mut self) -> Vec<Value> {
        let id = Pid::from_raw(i32::try_from(self.child.id()).expect("an id"));
        kill(id, Signal::SIGTERM).expect("signalled");
        assert_eq!(self.child.wait().expect("a status").code(), Some(0));
        let diagnostics = std::mem::replace(&mut self.diagnostics, thread::spawn(Vec::new));
        diagnostics.join().expect("diagnostics")
    }

    fn kibibytes(&self, name: &str) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()));
        let status = status.expect("status");
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let number = line.and_then(|line| line.strip_prefix(':')?.trim().strip_suffix(" kB"));
        number.expect(name).parse().expect("a number")
    }

    /// The CPU time so far, in seconds.
    fn cpu(&self) -> f64 {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id())).expect("stat");
        let fields = stat.rsplit(')').next().expect("fields");
        let ticks: Vec<u64> = fields
            .split_whitespace()
            .skip(11)
            .take(2)
            .map(|ticks| ticks.parse().expect("ticks"))
            .collect();
        (ticks[0] + ticks[1]) as f64 / 100.0
    }
}

/// Counts lines, unless it is paused.
struct Reader {
    lines: Arc<AtomicU64>,
    stands_still: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Reader {
    fn start(pipe: PipeReader) -> Self {
        let lines = Arc::new(AtomicU64::new(0));
        let stands_still = Arc::new(AtomicBool::new(false));
        let thread = thread::spawn({
            let (lines, stands_still) = (Arc::clone(&lines), Arc::clone(&stands_still));
            move || {
                let mut pipe = BufReader::with_capacity(1 << 16, pipe);
                loop {
                    while stands_still.load(Ordering::Relaxed) {
                        thread::sleep(Duration::from_millis(10));
                    }
                    let bytes = pipe.fill_buf().expect("bytes");
                    if bytes.is_empty() {
                        break;
                    }
                    let ends = bytes.iter().filter(|&&byte| byte == b'\n').count() as u64;
                    let length = bytes.len();
                    pipe.consume(length);
                    lines.fetch_add(ends, Ordering::Relaxed);
                }
            }
        });
        Self {
            lines,
            stands_still,
            thread,
        }
    }
}

/// Plays a site without odd datagrams, so that each is one event, until it is stopped.
fn sender(from: &str, to: SocketAddr, rate: u32, stop: &Arc<AtomicBool>) -> JoinHandle<Played> {
    let socket = UdpSocket::bind((from, 0)).expect("a port");
    socket.connect(to).expect("a way to the program");
    let stop = Arc::clone(stop);
    thread::spawn(move || {
        let options = SiteOptions {
            odd_per_mille: 0,
            users: 2_000,
            ..SiteOptions::default()
        };
        let pace = Pace { rate, count: None };
        play(&mut Site::new(options), &socket, pace, |_| {
            if stop.load(Ordering::Relaxed) {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        })
        .expect("sent")
    })
}

/// Sends garbage, as fast as `pause` allows, and returns how much.
fn garbage(to: SocketAddr, pause: Duration, stop: &Arc<AtomicBool>) -> JoinHandle<u64> {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
    socket.connect(to).expect("a way to the program");
    let stop = Arc::clone(stop);
    thread::spawn(move || {
        let mut sent = 0_u64;
        while !stop.load(Ordering::Relaxed) {
            // Its length is up to 1,000 bytes, and no two are equal.
            let mut state = sent.wrapping_mul(0x9E37_79B9_7F4A_7C15);
            let bytes: Vec<u8> = (0..state >> 32 & 0x3FF)
                .map(|_| {
                    state ^= state << 13;
                    state ^= state >> 7;
                    state ^= state << 17;
                    // A line end before a type token would make it two events.
                    (state as u8).max(b'\x0E')
                })
                .collect();
            socket.send(&bytes).expect("sent");
            sent += 1;
            if !pause.is_zero() {
                thread::sleep(pause);
            }
        }
        sent
    })
}

const CONFIG: &str = "[source]\nallowed_senders = [\"127.0.0.1\"]\nundecoded = \"drop\"\n\
    [transform.blacklist]\nfiles = [\"users.txt\"]\n";

/// `INTERNAL\sa_*` and many other users, who differ in every version.
fn blacklist(version: u64) -> String {
    let others = (0..5_000).map(|number| format!("LAB\\user-{version}-{number}\n"));
    "INTERNAL\\sa_*\n".to_owned() + &others.collect::<String>()
}

#[test]
#[ignore = "runs for 20 minutes; cargo test --release --test program soak:: -- --ignored --nocapture"]
fn soak() {
    let length = seconds(20 * 60);
    let folder = tempfile::tempdir().expect("a folder");
    let (config, users) = (
        folder.path().join("config.toml"),
        folder.path().join("users.txt"),
    );
    fs::write(&config, CONFIG).expect("a file");
    fs::write(&users, blacklist(0)).expect("a file");
    let mut program = Program::start(&config);
    let reader = Reader::start(program.reader.take().expect("a pipe"));
    let stop = Arc::new(AtomicBool::new(false));
    let people = sender("127.0.0.1", program.address, RATE, &stop);
    let strangers = sender("127.0.0.2", program.address, STRANGERS, &stop);
    let noise = garbage(program.address, Duration::from_millis(10), &stop);

    let start = Instant::now();
    let (mut second, mut reloads, mut pauses) = (0, 0, 0);
    println!("seconds  RSS KiB  peak KiB  events out  CPU s");
    while start.elapsed() < length {
        thread::sleep(Duration::from_secs(second + 1).saturating_sub(start.elapsed()));
        second += 1;
        if second % 10 == 0 {
            reloads += 1;
            let new = folder.path().join("new.txt");
            fs::write(&new, blacklist(reloads)).expect("a file");
            fs::rename(&new, &users).expect("replaced");
        }
        // The pause is long enough to fill the queue: three seconds of every minute.
        let still = second % 60 >= 57;
        pauses += u64::from(still && !reader.stands_still.swap(still, Ordering::Relaxed));
        reader.stands_still.store(still, Ordering::Relaxed);
        if second % 30 == 0 || second == 5 {
            println!(
                "{second:>7}  {:>7}  {:>8}  {:>10}  {:>5.1}",
                program.kibibytes("VmRSS"),
                program.kibibytes("VmHWM"),
                reader.lines.load(Ordering::Relaxed),
                program.cpu()
            );
        }
    }
    reader.stands_still.store(false, Ordering::Relaxed);
    stop.store(true, Ordering::Relaxed);
    let people = people.join().expect("a sender");
    let strangers = strangers.join().expect("a sender");
    let noise = noise.join().expect("a sender");
    let (peak, end, cpu) = (
        program.kibibytes("VmHWM"),
        program.kibibytes("VmRSS"),
        program.cpu(),
    );
    let diagnostics = program.end();
    reader.thread.join().expect("a reader");
    let out = reader.lines.load(Ordering::Relaxed);

    let last = diagnostics.last().expect("a summary");
    println!("{last}");
    let read_again = diagnostics
        .iter()
        .filter(|d| {
            let message = d["message"].as_str().unwrap_or_default();
            message.starts_with("reloaded the blacklist: ")
        })
        .count();
    let sent = people.datagrams + strangers.datagrams + noise;
    println!(
        "sent {sent} (people {}, strangers {}, garbage {noise}), out {out}; {reloads} new blacklists, \
         {read_again} read; the reader stood still {pauses} times; peak {peak} KiB, at the end {end} \
         KiB; {cpu:.1} s of CPU",
        people.datagrams, strangers.datagrams
    );
    accounted(sent, out, last);
    assert_eq!((people.given_up, strangers.given_up), (0, 0));
    let count = |name: &str| last[name].as_u64().expect("a number");
    if count("kernel_dropped") == 0 {
        assert_eq!(count("refused"), strangers.datagrams);
        assert_eq!(count("undecoded"), noise);
        assert_eq!(count("excluded"), people.tally.service_account);
    }
    assert!(read_again > 0 || reloads == 0);
    assert!(peak < 64 << 10, "{peak} KiB");
}

/// sent = out + excluded + undecoded + refused + over the rate + dropped by the queue + dropped by the kernel.
fn accounted(sent: u64, out: u64, last: &Value) {
    let names = [
        "excluded",
        "undecoded",
        "refused",
        "over_rate",
        "dropped",
        "kernel_dropped",
    ];
    let counts = names.map(|name| last[name].as_u64().expect("a number"));
    println!("sent {sent} = out {out} + {names:?} {counts:?}");
    assert_eq!(sent, out + counts.iter().sum::<u64>());
}

/// Two threads send garbage as fast as they can, while a site sends 1,000 events a second.
#[test]
#[ignore = "runs for 30 seconds and takes the whole machine; see the command above"]
fn flood() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = folder.path().join("config.toml");
    fs::write(&config, "[source]\nundecoded = \"drop\"\n").expect("a file");
    let mut program = Program::start(&config);
    let reader = Reader::start(program.reader.take().expect("a pipe"));
    let stop = Arc::new(AtomicBool::new(false));
    let floods = [(); 2].map(|()| garbage(program.address, Duration::ZERO, &stop));
    let people = sender("127.0.0.1", program.address, 1_000, &stop);
    let before = program.kibibytes("VmRSS");
    thread::sleep(seconds(30));
    stop.store(true, Ordering::Relaxed);
    let people = people.join().expect("a sender");
    let garbage: u64 = floods
        .map(|flood| flood.join().expect("a sender"))
        .iter()
        .sum();
    let (peak, cpu) = (program.kibibytes("VmHWM"), program.cpu());
    let diagnostics = program.end();
    reader.thread.join().expect("a reader");
    let out = reader.lines.load(Ordering::Relaxed);
    let last = diagnostics.last().expect("a summary");
    println!("{last}");
    println!(
        "garbage {garbage}, people {}; RSS {before} KiB at the beginning, peak {peak} KiB; {cpu:.1} s of CPU",
        people.datagrams
    );
    accounted(garbage + people.datagrams, out, last);
    assert!(out > 0);
    assert!(peak < 32 << 10, "{peak} KiB");
}
