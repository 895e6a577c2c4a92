//! Complete datagrams, which are prepared beforehand and sent at a rate.

use std::{
    fmt::Write as _,
    fs,
    io::IoSlice,
    net::{SocketAddr, UdpSocket},
    os::fd::AsRawFd,
    path::Path,
    thread,
    time::{Duration, Instant, SystemTime},
};

use nix::sys::socket::{MsgFlags, MultiHeaders, sendmmsg};
use qlik_sense_events::simulate::{Site, SiteOptions};

/// The number of different datagrams, which are then repeated.
const DIFFERENT: usize = 10_000;
/// The most datagrams that are passed to the system at once.
const BATCH: usize = 64;

pub struct Load {
    datagrams: Vec<Vec<u8>>,
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
        Self { datagrams }
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
        Self {
            datagrams: self.datagrams.iter().map(with_end).collect(),
        }
    }

    /// Sends at an even rate, a millisecond's worth at a time, and catches up if it falls behind. Returns how many were
    /// sent.
    pub fn send(&self, address: SocketAddr, rate: u32, time: Duration) -> u64 {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
        socket.connect(address).expect("an address");
        let count = (f64::from(rate) * time.as_secs_f64()) as u64;
        let start = Instant::now();
        let mut sent = 0;
        while sent < count {
            let due = (start.elapsed().as_secs_f64() * f64::from(rate)) as u64;
            let due = due.min(count);
            while sent < due {
                let length = BATCH.min((due - sent) as usize);
                sent += self.burst(&socket, sent, length) as u64;
            }
            thread::sleep(Duration::from_millis(1).min(Duration::from_secs(1) / rate));
        }
        sent
    }

    fn burst(&self, socket: &UdpSocket, first: u64, length: usize) -> usize {
        let slices: Vec<[IoSlice<'_>; 1]> = (0..length)
            .map(|number| {
                let place = (first as usize + number) % self.datagrams.len();
                [IoSlice::new(&self.datagrams[place])]
            })
            .collect();
        let mut headers = MultiHeaders::preallocate(length, None);
        let addresses: Vec<Option<()>> = vec![None; length];
        let flags = MsgFlags::empty();
        let sent = sendmmsg(
            socket.as_raw_fd(),
            &mut headers,
            &slices,
            addresses,
            [],
            flags,
        );
        sent.expect("somebody listens").count()
    }
}

/// The app in the context.
fn app(datagram: &str) -> Option<String> {
    let id = datagram.split("/app/").nth(1)?.get(..36)?;
    uuid::Uuid::parse_str(id).ok().map(|id| id.to_string())
}
