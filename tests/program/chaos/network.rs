//! Two network namespaces with a cable between them.
//!
//! They disappear when the test ends: a namespace exists as long as somebody holds or uses it.

use std::{
    fs::{self, File},
    os::fd::{AsFd, AsRawFd},
    process::{Command, Stdio},
    thread,
};

use nix::sched::{CloneFlags, setns, unshare};

/// The program's address in its namespace.
pub const PROGRAM: &str = "10.199.0.1:9997";

/// How the system shows that a socket's send and receive buffers are empty.
const EMPTY: &str = "00000000:00000000";

/// A network namespace.
pub struct Namespace(File);

impl Namespace {
    fn new() -> Self {
        let made = thread::spawn(|| {
            unshare(CloneFlags::CLONE_NEWNET).expect("a network namespace, as root");
            File::open("/proc/thread-self/ns/net").expect("the namespace")
        });
        Self(made.join().expect("a namespace"))
    }

    /// Works on a thread in the namespace. Sockets that are opened and programs that are started there stay in it.
    pub fn within<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        thread::scope(|scope| {
            let worker = scope.spawn(|| {
                setns(self.0.as_fd(), CloneFlags::CLONE_NEWNET).expect("entered");
                work()
            });
            worker
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }

    fn run(&self, command: &str) -> String {
        let output = self.within(|| {
            let mut words = command.split(' ');
            Command::new(words.next().expect("a command"))
                .args(words)
                .stdin(Stdio::null())
                .output()
                .expect("iproute2")
        });
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{command}: {said}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }
}

/// The site's side and the program's side.
pub struct Network {
    pub site: Namespace,
    pub program: Namespace,
}

/// What the system has counted on the program's side.
#[derive(Debug, Clone, Copy, Default)]
pub struct Udp {
    /// Datagrams that programs have read from their sockets.
    pub received: u64,
    /// Datagrams for which a receive buffer had no room.
    pub no_room: u64,
}

impl Network {
    pub fn new() -> Self {
        let (site, program) = (Namespace::new(), Namespace::new());
        let other = format!("/proc/{}/fd/{}", std::process::id(), program.0.as_raw_fd());
        let [here, there] = ["02:00:00:00:00:02", "02:00:00:00:00:01"];
        site.run(&format!(
            "ip link add cable address {here} type veth peer name cable address {there} netns {other}"
        ));
        for (end, own, peer, hardware) in [
            (&program, "10.199.0.1/24", "10.199.0.2", here),
            (&site, "10.199.0.2/24", "10.199.0.1", there),
        ] {
            end.run("ip link set lo up");
            end.run(&format!("ip addr add {own} dev cable"));
            end.run("ip link set cable up");
            // Otherwise datagrams wait for an ARP reply while the link is down.
            end.run(&format!(
                "ip neigh replace {peer} lladdr {hardware} dev cable nud permanent"
            ));
        }
        Self { site, program }
    }

    pub fn set_link(&self, state: &str) {
        self.program.run(&format!("ip link set cable {state}"));
    }

    /// Whether no socket on either side holds anything, to be sent or to be received.
    pub fn is_drained(&self) -> bool {
        [&self.site, &self.program].iter().all(|end| {
            let sockets = end.within(|| read("/proc/thread-self/net/udp"));
            let queues = |socket: &str| socket.split_ascii_whitespace().nth(4) == Some(EMPTY);
            sockets.lines().skip(1).all(queues)
        })
    }

    pub fn udp(&self) -> Udp {
        let counters = self.program.within(|| read("/proc/thread-self/net/snmp"));
        let mut lines = counters.lines().filter(|line| line.starts_with("Udp:"));
        let mut next = || lines.next().expect("counters").split(' ').skip(1);
        let (names, values) = (next(), next());
        let named: Vec<(&str, &str)> = names.zip(values).collect();
        let counter = |name| {
            let found = named.iter().find(|(known, _)| *known == name);
            found.expect("a counter").1.parse().expect("a number")
        };
        Udp {
            received: counter("InDatagrams"),
            no_room: counter("RcvbufErrors"),
        }
    }
}

fn read(file: &str) -> String {
    fs::read_to_string(file).expect("a file of the system")
}
