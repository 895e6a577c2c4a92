//! The routes of a datagram through a host, up to where its events are counted and discarded.

use std::{
    env, fs,
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream, UdpSocket},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use super::{
    load::{Load, Sent},
    process,
};

/// A configuration of a host.
pub struct Route {
    pub name: &'static str,
    /// The environment variable with the host's program.
    program: &'static str,
    config: &'static str,
    /// The counter of events at the end, as the beginning of a line in Prometheus's format.
    counter: &'static str,
    /// How the program writes to a socket of the host, if it does.
    streams: Option<Streams>,
    /// How long the count must be unchanged to conclude that everything has arrived.
    settled: Duration,
}

/// Options of the program.
#[derive(Clone, Copy)]
struct Streams {
    connections: usize,
    gather_micros: u32,
}

const VECTOR_COUNTER: &str = "vector_component_received_events_total{component_id=\"nothing\"";
const FLUENT_BIT_COUNTER: &str = "fluentbit_output_proc_records_total{name=\"nothing\"";

/// In the folder of a route.
const SOCKET: &str = "vector.sock";

const PATIENCE: Duration = Duration::from_secs(60);

/// This host needs a separator after each datagram, which Qlik Sense does not send.
const NEEDS_LINES: &str = "fluent-bit-udp";

macro_rules! route {
    ($name:literal, $program:literal, $file:literal, $counter:expr) => {
        route!($name, $program, $file, $counter, None)
    };
    ($name:literal, $program:literal, $file:literal, $counter:expr, $streams:expr) => {
        Route {
            name: $name,
            program: $program,
            config: include_str!($file),
            counter: $counter,
            streams: $streams,
            settled: Duration::from_millis(2_500),
        }
    };
}

impl Route {
    pub const ALL: &[Self] = &[
        route!("vector-vrl", "VECTOR", "vector-vrl.yaml", VECTOR_COUNTER),
        route!("vector-exec", "VECTOR", "vector-exec.yaml", VECTOR_COUNTER),
        route!(
            "vector-unix-stream",
            "VECTOR",
            "vector-unix-stream.yaml",
            VECTOR_COUNTER,
            Some(Streams {
                connections: 1,
                gather_micros: 200,
            })
        ),
        route!(
            "vector-2-unix-streams",
            "VECTOR",
            "vector-2-unix-streams.yaml",
            VECTOR_COUNTER,
            Some(Streams {
                connections: 2,
                gather_micros: 1_000,
            })
        ),
        route!(
            "vector-linked",
            "VECTOR_LINKED",
            "vector-linked.yaml",
            VECTOR_COUNTER
        ),
        route!(
            "fluent-bit-udp",
            "FLUENT_BIT",
            "fluent-bit-udp.yaml",
            FLUENT_BIT_COUNTER
        ),
        route!(
            "fluent-bit-syslog",
            "FLUENT_BIT",
            "fluent-bit-syslog.yaml",
            FLUENT_BIT_COUNTER
        ),
        route!(
            "fluent-bit-plugin",
            "FLUENT_BIT",
            "fluent-bit-plugin.yaml",
            FLUENT_BIT_COUNTER
        ),
    ];

    /// Starts the host, and waits until it listens. `None` if its program is not set.
    pub fn start(&'static self, folder: &Path) -> Option<Host> {
        let program = env::var_os(self.program)?;
        let this = env::var("QLIK_SENSE_EVENTS");
        let this = this.unwrap_or_else(|_| env!("CARGO_BIN_EXE_qlik-sense-events").to_owned());
        let mut config = self.config.replace("@PROGRAM@", &this);
        if config.contains("@PLUGIN@") {
            config = config.replace("@PLUGIN@", &env::var("FLUENT_BIT_PLUGIN").ok()?);
        }
        let address = free(UdpSocket::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()));
        let metrics = free(TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()));
        for (name, value) in [
            ("@ADDRESS@", address.to_string()),
            ("@PORT@", address.port().to_string()),
            ("@METRICS@", metrics.to_string()),
            ("@METRICS_PORT@", metrics.port().to_string()),
            ("@FOLDER@", folder.display().to_string()),
            ("@DATA@", folder.join(self.name).display().to_string()),
        ] {
            config = config.replace(name, &value);
        }
        fs::create_dir(folder.join(self.name)).expect("a folder");
        let data = folder.join(self.name);
        // Paths in it are relative to its folder.
        let options = folder.join(self.name).with_extension("toml");
        if let Some(streams) = self.streams {
            fs::write(&options, streams.options(folder, &data)).expect("written");
        }
        let file = data.join("host.yaml");
        fs::write(&file, config).expect("written");
        let log = fs::File::create(folder.join(self.name).join("log")).expect("a file");
        let child = Command::new(&program)
            .arg("--config")
            .arg(&file)
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a file"))
            .stderr(log)
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}", PathBuf::from(&program).display()));
        let mut host = Host {
            route: self,
            child,
            beside: None,
            address,
            metrics,
        };
        if self.streams.is_some() && !self.config.contains("@PROGRAM@") {
            host.beside = Some(run_beside(&this, &data, &options, address));
        }
        host.await_listening(&folder.join(self.name).join("log"));
        Some(host)
    }
}

impl Streams {
    /// The content of a file of options: that of all routes, and these.
    fn options(self, folder: &Path, data: &Path) -> String {
        let Self {
            connections,
            gather_micros,
        } = self;
        let socket = data.join(SOCKET).display().to_string();
        let mut options = fs::read_to_string(folder.join("plugin.toml")).expect("options");
        for (table, lines) in [
            ("[source]\n", format!("gather_micros = {gather_micros}\n")),
            (
                "[output]\n",
                format!("unix_stream = \"{socket}\"\nunix_stream_connections = {connections}\n"),
            ),
        ] {
            if !options.contains(table) {
                options.push_str(table);
            }
            options = options.replace(table, &format!("{table}{lines}"));
        }
        options
    }
}

/// Starts the program once the host listens on the socket.
fn run_beside(program: &str, data: &Path, options: &Path, address: SocketAddr) -> Child {
    let end = Instant::now() + PATIENCE;
    while !data.join(SOCKET).exists() {
        assert!(Instant::now() < end, "Vector does not listen");
        thread::sleep(Duration::from_millis(100));
    }
    Command::new(program)
        .args(["run", "--codec", "native", "--address"])
        .arg(address.to_string())
        .arg("--config")
        .arg(options)
        .stderr(Stdio::null())
        .spawn()
        .expect("started")
}

fn free(address: std::io::Result<SocketAddr>) -> SocketAddr {
    address.expect("a free port")
}

/// A running host.
pub struct Host {
    pub route: &'static Route,
    child: Child,
    beside: Option<Child>,
    address: SocketAddr,
    metrics: SocketAddr,
}

/// The result of sending datagrams.
#[derive(Debug, Clone, Copy)]
pub struct Measured {
    pub sent: Sent,
    arrived: u64,
    cpu: Duration,
}

impl Measured {
    pub const fn lost(&self) -> u64 {
        self.sent.datagrams.saturating_sub(self.arrived)
    }

    pub fn micros_each(&self) -> f64 {
        self.cpu.as_secs_f64() * 1e6 / self.arrived.max(1) as f64
    }

    /// The CPU time of the sender for a datagram, which is not part of the host's.
    pub fn sender_micros_each(&self) -> f64 {
        self.sent.cpu.as_secs_f64() * 1e6 / self.sent.datagrams as f64
    }

    /// How much of all cores the host and the sender took while the sender sent, in %.
    pub fn shares(&self) -> (f64, f64) {
        let cores = thread::available_parallelism().map_or(1, usize::from) as f64;
        let share =
            |cpu: Duration| 100.0 * cpu.as_secs_f64() / self.sent.time.as_secs_f64() / cores;
        (share(self.cpu), share(self.sent.cpu))
    }
}

impl Host {
    fn await_listening(&self, log: &Path) {
        let end = Instant::now() + PATIENCE;
        let port = format!(":{:04X} ", self.address.port());
        while Instant::now() < end {
            let sockets = fs::read_to_string("/proc/net/udp").expect("the sockets");
            if sockets.contains(&port) && self.counter().is_some() {
                return;
            }
            thread::sleep(Duration::from_millis(100));
        }
        let log = fs::read_to_string(log).unwrap_or_default();
        panic!("{} does not listen:\n{log}", self.route.name);
    }

    /// Sends datagrams, and waits until no more events arrive.
    pub fn measure(&mut self, load: &Load, rate: u32, time: Duration) -> Measured {
        let lines;
        let load = if self.route.name == NEEDS_LINES {
            lines = load.with_line_ends();
            &lines
        } else {
            load
        };
        let before = self.counter().expect("metrics");
        let cpu = self.cpu();
        let sent = load.send(self.address, rate, time);
        let (mut arrived, mut changed) = (0, Instant::now());
        while arrived < sent.datagrams && changed.elapsed() < self.route.settled {
            thread::sleep(Duration::from_millis(200));
            let now = self.counter().expect("metrics") - before;
            if now != arrived {
                (arrived, changed) = (now, Instant::now());
            }
        }
        Measured {
            sent,
            arrived,
            cpu: self.cpu() - cpu,
        }
    }

    /// The processes of the host and of the program.
    fn processes(&self) -> impl Iterator<Item = u32> {
        let beside = self.beside.iter().map(Child::id);
        process::tree(self.child.id()).into_iter().chain(beside)
    }

    fn cpu(&self) -> Duration {
        self.processes().map(process::cpu).sum()
    }

    /// The peak memory of the host and of what it has started.
    pub fn peak_memory(&self) -> String {
        let peaks = self.processes().filter_map(process::peak_memory);
        let peaks: Vec<String> = peaks.map(|peak| format!("{peak:.0}")).collect();
        peaks.join(" + ")
    }

    /// The number of events at the end of the route. `None` if the host does not answer; 0 before the first event.
    fn counter(&self) -> Option<u64> {
        let mut connection = TcpStream::connect(self.metrics).ok()?;
        let request = "GET /metrics HTTP/1.0\r\n\r\n".replace("/metrics", self.path());
        connection.write_all(request.as_bytes()).ok()?;
        let mut answer = String::new();
        connection.read_to_string(&mut answer).ok()?;
        let line = answer
            .lines()
            .find(|line| line.starts_with(self.route.counter));
        let number = |line: &str| {
            line.split_once('}')?
                .1
                .split_whitespace()
                .next()?
                .parse::<f64>()
                .ok()
        };
        Some(line.and_then(number).unwrap_or(0.0) as u64)
    }

    fn path(&self) -> &'static str {
        if self.route.counter == FLUENT_BIT_COUNTER {
            "/api/v1/metrics/prometheus"
        } else {
            "/metrics"
        }
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        // The processes that it has started notice this.
        for child in [Some(&mut self.child), self.beside.as_mut()]
            .into_iter()
            .flatten()
        {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
