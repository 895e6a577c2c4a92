//! What happens to the program, round by round: load and faults, then silence, in which all counts have to agree.

use std::{
    fs::{self, File},
    io::Write,
    net::UdpSocket,
    path::Path,
    process::Command,
    thread,
    time::{Duration, Instant},
};

use fastrand::Rng;
use nix::sys::signal::Signal;
use tempfile::TempDir;

use super::{
    network::{Network, PROGRAM},
    program::{End, Home, Life, QUEUE, fake_time},
    reader::Mode,
    site::{Playing, Silent},
    until,
    way::Conditions,
};

/// The program, the network and the site, and the faults that are in effect.
pub struct World {
    network: Network,
    home: Home,
    _disk: Disk,
    _folder: TempDir,
    site: Option<Silent>,
    life: Option<Life>,
    began: Instant,
    rate: u32,
    /// The clock has been moved since the program started, so it is unknown which sessions have expired.
    clock_moved: bool,
    /// The program's memory in the first silence of its life.
    memory: Option<u64>,
    lives: u64,
}

/// A small disk for the state, which can be full.
struct Disk(std::path::PathBuf);

impl Disk {
    fn mount(folder: &Path) -> Self {
        fs::create_dir(folder).expect("a folder");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=8m", "tmpfs"])
            .arg(folder)
            .status();
        assert!(mounted.expect("mount").success(), "a disk, as root");
        Self(folder.to_owned())
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[derive(Debug, Clone, Copy)]
enum Fault {
    ReaderStandsStill,
    ReaderReads,
    ReaderGoes,
    Halt,
    GoOn,
    Kill,
    Ask,
    DiskFull,
    DiskFree,
    Blacklist,
    BadBlacklist,
    AppNames,
    BadAppNames,
    ClockMoves,
    MemoryNear,
    LinkDown,
    LinkUp,
    AnotherWay,
}

const FAULTS: [Fault; 18] = [
    Fault::ReaderStandsStill,
    Fault::ReaderReads,
    Fault::ReaderGoes,
    Fault::Halt,
    Fault::GoOn,
    Fault::Kill,
    Fault::Ask,
    Fault::DiskFull,
    Fault::DiskFree,
    Fault::Blacklist,
    Fault::BadBlacklist,
    Fault::AppNames,
    Fault::BadAppNames,
    Fault::ClockMoves,
    Fault::MemoryNear,
    Fault::LinkDown,
    Fault::LinkUp,
    Fault::AnotherWay,
];

impl World {
    pub fn new(seed: u64) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let home = Home {
            folder: folder.path().to_owned(),
            socket: None,
        };
        let disk = Disk::mount(&home.folder.join("state"));
        let network = Network::new();
        let mut world = Self {
            site: Some(Silent::new(seed, &network)),
            network,
            home,
            _disk: disk,
            _folder: folder,
            life: None,
            began: Instant::now(),
            rate: 0,
            clock_moved: false,
            memory: None,
            lives: 0,
        };
        world.replace("clock", "+0");
        world.start(&mut Rng::with_seed(seed));
        world
    }

    fn say(&self, what: &str) {
        println!("{:>7.1} s: {what}", self.began.elapsed().as_secs_f64());
    }

    /// Load and faults for some seconds, then silence.
    pub fn round(&mut self, rng: &mut Rng) {
        self.rate = *rng.choice(&[500, 2_000, 5_000, 10_000]).expect("a rate");
        self.say(&format!("{} datagrams a second", self.rate));
        let site = self.site.take().expect("a site");
        let playing = site.begin(self.rate, self.conditions(rng));
        for _ in 0..rng.u32(3..10) {
            thread::sleep(Duration::from_millis(rng.u64(100..1_500)));
            let fault = *rng.choice(&FAULTS).expect("a fault");
            // The random numbers of a fault are the same whatever happens meanwhile.
            self.befall(fault, &mut rng.fork(), &playing);
            self.life().assert_lives();
        }
        self.heal();
        self.site = Some(playing.end());
        self.silence(rng);
    }

    fn life(&mut self) -> &mut Life {
        self.life.as_mut().expect("a program that runs")
    }

    /// Causes one fault.
    fn befall(&mut self, fault: Fault, rng: &mut Rng, site: &Playing) {
        self.say(&format!("{fault:?}"));
        match fault {
            Fault::ReaderStandsStill => self.life().reader.set(Mode::StandsStill),
            Fault::ReaderReads => self.life().reader.set(Mode::Reads),
            Fault::ReaderGoes => self.end_and_start(End::ReaderGone, rng),
            Fault::Halt => self.life().signal(Signal::SIGSTOP),
            Fault::GoOn => self.life().signal(Signal::SIGCONT),
            Fault::Kill => self.end_and_start(End::Killed { rate: self.rate }, rng),
            Fault::Ask => self.end_and_start(End::Asked { quiet: false }, rng),
            Fault::DiskFull => self.fill_disk(),
            Fault::DiskFree => self.free_disk(),
            Fault::Blacklist => {
                let users = format!("INTERNAL\\sa_*\n*\\*{}*\n", rng.lowercase());
                self.replace("users.txt", &users);
            }
            Fault::BadBlacklist => self.replace("users.txt", "no user at all\n"),
            Fault::AppNames => {
                let app = format!("a421f4a2-c311-4ef4-ba41-{:012x}", rng.u32(..));
                self.replace("apps.csv", &format!("{app},An app\n"));
            }
            Fault::BadAppNames => self.replace("apps.csv", "not-an-id,An app\n"),
            Fault::ClockMoves => {
                self.clock_moved = true;
                self.replace("clock", &format!("{:+}", rng.i32(-90_000..90_000)));
            }
            Fault::MemoryNear => self.limit_memory(),
            Fault::LinkDown => self.network.set_link("down"),
            Fault::LinkUp => self.network.set_link("up"),
            Fault::AnotherWay => site.set(self.conditions(rng)),
        }
    }

    fn conditions(&self, rng: &mut Rng) -> Conditions {
        let conditions = Conditions::of(rng);
        self.say(&format!("on the way, {conditions}"));
        conditions
    }

    /// Replaces a file atomically.
    fn replace(&self, name: &str, content: &str) {
        let new = self.home.folder.join("new");
        fs::write(&new, content).expect("a file");
        fs::rename(new, self.home.folder.join(name)).expect("replaced");
    }

    fn fill_disk(&self) {
        let filler = File::create(self.home.folder.join("state/filler"));
        let mut filler = filler.expect("a file");
        // This ends when the disk is full.
        while filler.write_all(&[0; 4096]).is_ok() {}
    }

    fn free_disk(&self) {
        // There is no file if the disk was not full.
        let _ = fs::remove_file(self.home.folder.join("state/filler"));
    }

    /// Limits memory to a little more than the program needs for a full queue.
    fn limit_memory(&mut self) {
        let life = self.life();
        let limit = (life.kibibytes("VmData") << 10) + (40 << 20);
        let limited = Command::new("prlimit")
            .arg(format!("--pid={}", life.id()))
            .arg(format!("--data={limit}:"))
            .status();
        assert!(limited.expect("prlimit").success());
    }

    /// Removes all faults.
    fn heal(&mut self) {
        self.life().signal(Signal::SIGCONT);
        self.life().reader.set(Mode::Reads);
        self.free_disk();
        self.network.set_link("up");
    }

    /// Everything that was sent has arrived or is lost, and all counts agree.
    fn silence(&mut self, rng: &mut Rng) {
        until(|| "the network is silent", || self.network.is_drained());
        let life = self.life.as_ref().expect("a program that runs");
        life.assert_exact(&self.network);
        let memory = life.kibibytes("VmRSS");
        let first = *self.memory.get_or_insert(memory);
        self.say(&format!(
            "silence: all counts agree; {memory} KiB, {first} KiB at first"
        ));
        assert!(memory < first + (24 << 10), "memory grows");
        if rng.bool() {
            self.end_and_start(End::Asked { quiet: true }, &mut rng.fork());
        }
    }

    fn end_and_start(&mut self, end: End, rng: &mut Rng) {
        let is_quiet = end == End::Asked { quiet: true };
        let seen = self.life.take().expect("a program").end(end, &self.network);
        let [kept, restored] = self.start(rng);
        if !self.clock_moved {
            assert_eq!(restored, kept, "users in the state");
        }
        if is_quiet {
            let followed = seen.followed();
            let life = self.life();
            until(
                || "a set of metrics that is whole",
                || life.reader.seen().sets > 1,
            );
            let now = life.reader.seen();
            // Some have expired meanwhile, and were reported.
            let gone: Vec<f64> = followed
                .iter()
                .zip(now.followed())
                .map(|(a, b)| a - b)
                .collect();
            self.say(&format!(
                "{followed:?} followed, {restored} users read again, {gone:?} gone"
            ));
            if !self.clock_moved {
                let ended = 0.0..=now.derived as f64;
                assert!(
                    gone.iter().all(|gone| ended.contains(gone)),
                    "{gone:?}: {now:?}"
                );
            }
        }
        self.clock_moved = false;
    }

    /// Starts the program with other options.
    fn start(&mut self, rng: &mut Rng) -> [u64; 2] {
        self.home.socket = match rng.u32(0..3) {
            0 => self.home.socket.take().or_else(|| Some(self.socket())),
            _ => None,
        };
        let when_full = ["drop_newest", "drop_oldest"][rng.usize(0..2)];
        let workers = rng.u32(1..4);
        self.replace("plugin.toml", &config(when_full, workers));
        // A start refuses what a reload only warns about.
        self.replace("users.txt", "INTERNAL\\sa_*\n");
        self.replace("apps.csv", "a421f4a2-c311-4ef4-ba41-fe2e6a2b0d69,An app\n");
        let held = self.home.socket.is_some();
        let (life, users) = self.home.start(&self.network);
        self.life = Some(life);
        self.lives += 1;
        self.memory = None;
        self.say(&format!(
            "started: {when_full}, {workers} workers, socket held: {held}"
        ));
        users
    }

    fn socket(&self) -> UdpSocket {
        let socket = self.network.program.within(|| UdpSocket::bind(PROGRAM));
        let socket = socket.expect("the port");
        let buffer = nix::sys::socket::sockopt::RcvBuf;
        nix::sys::socket::setsockopt(&socket, buffer, &BUFFER).expect("a buffer");
        socket
    }

    pub fn end(mut self) {
        let life = self.life.take().expect("a program");
        life.end(End::Asked { quiet: true }, &self.network);
        let clock = fake_time().map_or("not moved", |_| "moved");
        let sent = self.site.as_ref().map_or(0, |site| site.sent);
        self.say(&format!(
            "{sent} datagrams sent, {} lives; the clock was {clock}",
            self.lives
        ));
    }
}

/// It is so small that it is full when the program is halted.
const BUFFER: usize = 200_000;

fn config(when_full: &str, workers: u32) -> String {
    format!(
        r#"[source]
address = "{PROGRAM}"
receive_buffer_bytes = {BUFFER}
workers = {workers}
[transform.blacklist]
files = ["users.txt"]
[transform.app_names]
files = ["apps.csv"]
[transform.sessions]
enabled = true
snapshot_interval_secs = 10
state_file = "state/sessions.ndjson"
[queue]
max_events = {QUEUE}
when_full = "{when_full}"
[output]
codec = "native_json"
[telemetry]
interval_secs = 1
"#
    )
}
