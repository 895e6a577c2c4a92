//! The program as a process that either runs to its end or listens.

use std::{
    fs,
    io::{Read, Write},
    net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket},
    path::Path,
    process::{Child, Command, Stdio},
    sync::mpsc,
    thread,
};

use serde_json::Value;
use tempfile::TempDir;

use super::{Codec, DEADLINE, Records};

/// The program, without standard input.
pub fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_qlik-sense-events"));
    command.stdin(Stdio::null());
    command
}

/// Gives a process an invisible console of its own.
#[cfg(windows)]
const CREATE_NO_WINDOW: u32 = 0x0800_0000;

/// A process that does not outlive its test.
pub struct Process(pub Child);

impl Drop for Process {
    fn drop(&mut self) {
        // It has already ended, unless the test has failed.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What a program has left when it ended.
#[derive(Debug)]
pub struct Finished {
    pub status: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Finished {
    /// The lines of standard output as JSON.
    pub fn records(&self) -> Vec<Value> {
        let lines = self.stdout.split_inclusive('\n');
        lines.map(|line| super::record(line.as_bytes())).collect()
    }
}

/// Runs the program to its end.
pub fn finish<A: AsRef<std::ffi::OsStr>>(args: &[A]) -> Finished {
    finish_with_input(args, "")
}

/// `check --online`: the status, the last line of standard output, and the diagnostics.
pub fn check_online(config: &str) -> (i32, String, String) {
    let checked = finish(&["check", "--online", config]);
    let last = checked.stdout.lines().last().unwrap_or_default().to_owned();
    (checked.status, last, checked.stderr.trim_end().to_owned())
}

/// Checks that `check` refuses options below the head of their table, which may have options itself, and says in which
/// line and what is expected.
pub fn assert_refused(head: &str, rows: &[(&str, &str)]) {
    let folder = tempfile::tempdir().expect("a folder");
    let config = folder.path().join("config.toml").display().to_string();
    for (lines, expected) in rows {
        fs::write(&config, format!("{head}\n{lines}\n")).expect("a file");
        let checked = finish(&["check", &config]);
        assert_eq!(checked.status, 2, "{lines}");
        let said = checked.stderr;
        assert!(said.starts_with(&format!("{config}:")), "{lines}: {said}");
        assert!(said.contains(expected), "{lines}: {said}");
    }
}

/// Checks the same of the list of nodes to query, below the head of its table: its key, and what answers there.
pub fn assert_refused_nodes(head: &str, key: &str, service: &str) {
    let host = "expected a host name or an IP address, and nothing else";
    let name = format!("expected a name in the {service}'s certificate");
    let rows = [
        ("{ port = 4747 }", host),
        ("{ host = 'https://a' }", host),
        ("{ host = 'a:4747' }", host),
        ("{ host = 'a', port = 0 }", "expected 1 to 65535"),
        ("{ host = 'a', server_name = 'b/c' }", &name),
        (
            "{ host = 'a.b' }, { host = 'A.c' }",
            "expected each node once",
        ),
        ("{ name = 'a' }", "unknown key"),
    ]
    .map(|(nodes, expected)| (format!("{key} = [{nodes}]"), expected));
    let rows: Vec<_> = rows
        .iter()
        .map(|(line, expected)| (&**line, *expected))
        .collect();
    assert_refused(head, &rows);
}

/// Runs the program to its end, with `input` on its standard input.
pub fn finish_with_input<A, I>(args: &[A], input: I) -> Finished
where
    A: AsRef<std::ffi::OsStr>,
    I: Into<Vec<u8>>,
{
    let mut process = Process(
        command()
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts"),
    );
    let (mut stdin, input) = (process.0.stdin.take().expect("a pipe"), input.into());
    // A program may not read all of its input.
    thread::spawn(move || stdin.write_all(&input));
    let stdout = read(process.0.stdout.take().expect("a pipe"));
    let stderr = read(process.0.stderr.take().expect("a pipe"));
    let stdout = stdout.recv_timeout(DEADLINE).expect("the program ends");
    let stderr = stderr.recv_timeout(DEADLINE).expect("the program ends");
    let status = process.0.wait().expect("a status");
    Finished {
        status: status.code().expect("no signal ends it"),
        stdout: String::from_utf8(stdout).expect("standard output is text"),
        stderr: String::from_utf8(stderr).expect("standard error is text"),
    }
}

fn read(mut stream: impl Read + Send + 'static) -> mpsc::Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if stream.read_to_end(&mut bytes).is_ok() {
            // If nothing receives, the test has already failed.
            let _ = sender.send(bytes);
        }
    });
    receiver
}

/// A program that listens.
pub struct Running {
    process: Process,
    socket: UdpSocket,
    folder: Option<TempDir>,
    /// Standard output; `None` if the test reads it itself.
    pub output: Option<Records>,
    /// Standard error, after the first lines.
    pub diagnostics: Records,
    /// The first diagnostics: warnings of options.
    pub warnings: Vec<Value>,
    /// The next diagnostics, one for each address.
    pub listening: Vec<Value>,
}

impl Running {
    /// `run` on a free port of 127.0.0.1, with additional flags.
    pub fn start(flags: &[&str]) -> Self {
        let codec = codec(flags);
        let mut command = command();
        command
            .args(["run", "--address", "127.0.0.1:0"])
            .args(flags);
        Self::of(command, codec, 1)
    }

    /// `run` on a free port of 127.0.0.1, with the `config.toml` of a folder.
    pub fn in_folder(folder: &Path, codec: Codec) -> Self {
        let mut command = command();
        command
            .args(["run", "--address", "127.0.0.1:0", "--codec", codec.name()])
            .arg("--config")
            .arg(folder.join("config.toml"));
        Self::of(command, codec, 1)
    }

    /// `run` on a free port of 127.0.0.1, with a configuration file.
    pub fn configured(config: &str) -> Self {
        Self::configured_in(tempfile::tempdir().expect("a folder"), config)
    }

    /// Like [`Running::configured`], with the file in a folder that may contain others.
    pub fn configured_in(folder: TempDir, config: &str) -> Self {
        let file = folder.path().join("config.toml");
        std::fs::write(&file, config).expect("a file");
        let mut command = command();
        command
            .args(["run", "--address", "127.0.0.1:0", "--config"])
            .arg(file);
        let mut running = Self::of(command, Codec::Json, 1);
        running.folder = Some(folder);
        running
    }

    /// A command that listens on this many addresses and writes in `codec`.
    pub fn of(mut command: Command, codec: Codec, addresses: usize) -> Self {
        command.stdout(Stdio::piped());
        let mut running = Self::with_stdout_of(command, codec, addresses);
        let stdout = running.process.0.stdout.take().expect("a pipe");
        running.output = Some(Records::new(stdout, codec));
        running
    }

    /// Like [`Running::of`], on an address to which this machine cannot send.
    #[cfg(target_os = "linux")]
    pub fn of_elsewhere(mut command: Command, codec: Codec) -> Self {
        command.stdout(Stdio::piped());
        let mut running = Self::over(command, codec, 1, |_| {
            UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port")
        });
        let stdout = running.process.0.stdout.take().expect("a pipe");
        running.output = Some(Records::new(stdout, codec));
        running
    }

    /// Like [`Running::of`], with a standard output that the test chooses and reads itself.
    pub fn with_stdout_of(command: Command, codec: Codec, addresses: usize) -> Self {
        Self::over(command, codec, addresses, sender)
    }

    fn over(
        mut command: Command,
        codec: Codec,
        addresses: usize,
        sender: impl FnOnce(SocketAddr) -> UdpSocket,
    ) -> Self {
        // At the console of the tests, a Ctrl+C for the program would also reach the tests.
        #[cfg(windows)]
        std::os::windows::process::CommandExt::creation_flags(&mut command, CREATE_NO_WINDOW);
        let spawned = command.stderr(Stdio::piped()).spawn();
        let mut process = Process(spawned.expect("the program starts"));
        let stderr = process.0.stderr.take().expect("a pipe");
        let mut diagnostics = Records::new(stderr, codec);
        let (mut warnings, mut listening) = (Vec::new(), Vec::new());
        while listening.len() < addresses {
            let Some(diagnostic) = diagnostics.next() else {
                panic!("the program has ended: {warnings:?}");
            };
            match address_in(&diagnostic) {
                Some(_) => listening.push(diagnostic),
                None => warnings.push(diagnostic),
            }
        }
        Self {
            process,
            socket: sender(address(&listening[0])),
            folder: None,
            output: None,
            diagnostics,
            warnings,
            listening,
        }
    }

    /// The addresses on which it listens.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.listening.iter().map(address).collect()
    }

    /// The folder of the configuration.
    pub fn folder(&self) -> &Path {
        self.folder.as_ref().expect("a configuration").path()
    }

    /// Sends a datagram to the first address, always from the same port.
    pub fn send(&self, datagram: impl AsRef<[u8]>) {
        let sent = self.socket.send(datagram.as_ref()).expect("sent");
        assert_eq!(sent, datagram.as_ref().len());
    }

    /// How many datagrams of the usual length certainly fit into the receive buffer, at most `wanted`. The system
    /// counts about 1,300 bytes for each; an unprivileged program may have room for few.
    pub fn capacity(&self, wanted: u64) -> u64 {
        let bytes = &self.listening[0]["receive_buffer_bytes"];
        let mut bytes = bytes.as_u64().expect("a number");
        if cfg!(windows) {
            // Wine reports the requested size, whatever was granted.
            bytes = bytes.min(212_992);
        }
        (bytes / 2_048).min(wanted)
    }

    /// Its standard output.
    pub fn events(&mut self) -> &mut Records {
        self.output.as_mut().expect("a pipe that nobody else reads")
    }

    /// Sends one more datagram, and returns the events before that one.
    pub fn events_so_far(&mut self) -> Vec<Value> {
        const LAST: &str = "the last one";
        self.send(super::payload::start(LAST));
        self.events()
            .take_while(|event| event["user_id"] != LAST)
            .collect()
    }

    /// The event of a datagram that contains one.
    pub fn event_of(&mut self, datagram: impl AsRef<[u8]>) -> Value {
        self.send(datagram);
        self.events().one()
    }
}

impl Running {
    /// Lets it query the services of Qlik Sense now. Without SIGHUP, it does so when its interval is over.
    #[cfg_attr(not(unix), allow(clippy::unused_self))]
    pub fn ask_again(&self) {
        #[cfg(unix)]
        crate::unix::signal(self, nix::sys::signal::Signal::SIGHUP);
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.process.0.id()
    }

    /// Kills the process, but not what it has started.
    pub fn kill(&mut self) {
        self.process.0.kill().expect("killed");
        self.process.0.wait().expect("a status");
    }

    /// Whether it is still running.
    #[cfg(windows)]
    pub fn is_running(&mut self) -> bool {
        self.process.0.try_wait().expect("a child").is_none()
    }

    /// Waits until it has ended by itself, and returns the diagnostics up to then.
    pub fn wait(&mut self) -> (std::process::ExitStatus, Vec<Value>) {
        // Standard error ends when the program does.
        let diagnostics = self.diagnostics.by_ref().collect();
        (self.process.0.wait().expect("a status"), diagnostics)
    }
}

fn codec(flags: &[&str]) -> Codec {
    let name = flags
        .iter()
        .skip_while(|&&flag| flag != "--codec")
        .nth(1)
        .unwrap_or(&"json");
    super::CODECS
        .into_iter()
        .find(|codec| codec.name() == *name)
        .expect("a codec")
}

fn address(listening: &Value) -> SocketAddr {
    let text = address_in(listening).expect("an address");
    text.parse().expect("an address")
}

fn address_in(diagnostic: &Value) -> Option<&str> {
    let of_ecs = &diagnostic["qlik_sense"]["plugin"]["address"];
    diagnostic["address"].as_str().or(of_ecs.as_str())
}

/// A socket of this machine that is connected to a program on this machine.
pub fn sender(to: SocketAddr) -> UdpSocket {
    let from: SocketAddr = match to {
        SocketAddr::V4(_) => (Ipv4Addr::LOCALHOST, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::LOCALHOST, 0).into(),
    };
    let socket = UdpSocket::bind(from).expect("a port");
    socket.connect(to).expect("a way to the program");
    socket
}
