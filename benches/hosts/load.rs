//! Complete datagrams, which are prepared beforehand and sent at a rate.
//!
//! At a site, the nodes of Qlik Sense send, and not the machine that receives. So the sender takes as little CPU time as
//! possible: it passes datagrams of the same length to the system together, which separates them only at the receiver's
//! socket (`UDP_SEGMENT`). It also measures how much it takes.

use std::{
    collections::HashMap,
    fmt::Write as _,
    fs,
    io::IoSlice,
    net::{SocketAddr, UdpSocket},
    os::fd::AsRawFd,
    path::Path,
    thread,
    time::{Duration, Instant, SystemTime},
};

use nix::sys::socket::{ControlMessage, MsgFlags, sendmsg};
use qlik_sense_events::simulate::{Site, SiteOptions};

use super::process;

/// The number of different datagrams, which are then repeated.
const DIFFERENT: usize = 10_000;
/// The most datagrams, and the most bytes, that Linux separates.
const MOST: usize = 64;
const MOST_BYTES: usize = 65_507;
/// How often the sender wakes up, unless the rate is lower.
const TICK: Duration = Duration::from_micros(250);

pub struct Load {
    datagrams: Vec<Vec<u8>>,
    parts: Vec<Part>,
}

/// Different datagrams of the same length, one after another.
struct Part {
    length: u16,
    bytes: Vec<u8>,
}

/// What was sent, and what that took.
#[derive(Debug, Clone, Copy)]
pub struct Sent {
    pub datagrams: u64,
    pub cpu: Duration,
    pub time: Duration,
}

impl Load {
    pub fn new() -> Self {
        let mut site = Site::new(SiteOptions {
            odd_per_mille: 0,
            extended: true,
            ..SiteOptions::default()
        });
        site.set_time(SystemTime::now().into());
        let mut datagrams = Vec::with_capacity(DIFFERENT);
        let mut datagram = Vec::new();
        while datagrams.len() < DIFFERENT {
            site.next_datagram(&mut datagram);
            let text = String::from_utf8_lossy(&datagram);
            if text.contains(";Open connection;")
                && text.contains("Mozilla")
                && app(&text).is_some()
            {
                datagrams.push(datagram.clone());
            }
        }
        Self::of(datagrams)
    }

    /// The datagrams in about this order, with those of the same length together.
    fn of(datagrams: Vec<Vec<u8>>) -> Self {
        let (mut parts, mut begun) = (Vec::new(), HashMap::<u16, Vec<u8>>::new());
        for datagram in &datagrams {
            let length = u16::try_from(datagram.len()).expect("a datagram");
            let bytes = begun.entry(length).or_default();
            bytes.extend_from_slice(datagram);
            if bytes.len() + datagram.len() > MOST_BYTES.min(MOST * datagram.len()) {
                let bytes = std::mem::take(bytes);
                parts.push(Part { length, bytes });
            }
        }
        let rest = begun.into_iter().filter(|(_, bytes)| !bytes.is_empty());
        parts.extend(rest.map(|(length, bytes)| Part { length, bytes }));
        Self { datagrams, parts }
    }

    pub fn mean_bytes(&self) -> usize {
        self.datagrams.iter().map(Vec::len).sum::<usize>() / self.datagrams.len()
    }

    /// Writes the names of all apps, and the program's options, which name this file.
    pub fn write_files(&self, folder: &Path, options: &str) {
        let mut names = String::from("id,name\n");
        let mut apps: Vec<String> = self
            .datagrams
            .iter()
            .filter_map(|datagram| app(&String::from_utf8_lossy(datagram)))
            .collect();
        apps.sort();
        apps.dedup();
        for (number, app) in apps.iter().enumerate() {
            writeln!(names, "{app},Sales of region {number}").expect("text");
        }
        fs::write(folder.join("apps.csv"), names).expect("written");
        let options = format!("[transform.app_names]\nfiles = [\"apps.csv\"]\n{options}");
        fs::write(folder.join("plugin.toml"), options).expect("written");
    }

    /// The same datagrams with a line end after each.
    pub fn with_line_ends(&self) -> Self {
        let with_end = |datagram: &Vec<u8>| [datagram, &b"\n"[..]].concat();
        Self::of(self.datagrams.iter().map(with_end).collect())
    }

    /// Sends at an even rate, and catches up if it falls behind.
    pub fn send(&self, address: SocketAddr, rate: u32, time: Duration) -> Sent {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
        socket.connect(address).expect("an address");
        let count = (f64::from(rate) * time.as_secs_f64()) as u64;
        let cpu = process::cpu_of_this_thread();
        let start = Instant::now();
        let mut parts = self.parts.iter().cycle();
        let (mut part, mut rest) = (&self.parts[0], &[][..]);
        let mut sent = 0;
        while sent < count {
            let due = (start.elapsed().as_secs_f64() * f64::from(rate)) as u64;
            let due = due.min(count);
            while sent < due {
                if rest.is_empty() {
                    part = parts.next().expect("datagrams");
                    rest = &part.bytes;
                }
                let length = usize::from(part.length);
                let bytes = rest.len().min((due - sent) as usize * length);
                let (now, later) = rest.split_at(bytes);
                part.send(now, &socket);
                sent += (bytes / length) as u64;
                rest = later;
            }
            thread::sleep(TICK.max(Duration::from_secs(1) / rate));
        }
        Sent {
            datagrams: sent,
            cpu: process::cpu_of_this_thread() - cpu,
            time: start.elapsed(),
        }
    }
}

impl Part {
    /// Sends some of the datagrams.
    fn send(&self, datagrams: &[u8], socket: &UdpSocket) {
        let slices = [IoSlice::new(datagrams)];
        let segments = [ControlMessage::UdpGsoSegments(&self.length)];
        let flags = MsgFlags::empty();
        let sent = sendmsg::<()>(socket.as_raw_fd(), &slices, &segments, flags, None);
        assert_eq!(sent, Ok(datagrams.len()), "somebody listens");
    }
}

/// The app in the context.
fn app(datagram: &str) -> Option<String> {
    let id = datagram.split("/app/").nth(1)?.get(..36)?;
    uuid::Uuid::parse_str(id).ok().map(|id| id.to_string())
}
