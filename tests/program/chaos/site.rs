//! The site at the other end of the cable.

use std::{
    net::UdpSocket,
    sync::{Arc, Mutex, MutexGuard, mpsc},
    thread::{self, JoinHandle},
    time::{Duration, Instant, SystemTime},
};

use fastrand::Rng;
use qlik_sense_events::simulate::{Site, SiteOptions};

use super::{
    network::{Network, PROGRAM},
    way::{Conditions, Way},
};

/// How often datagrams are sent.
const PERIOD: Duration = Duration::from_millis(5);

/// A site that is silent.
pub struct Silent {
    site: Site,
    way: Way,
    /// The socket may still hold what was sent.
    socket: UdpSocket,
    /// Datagrams that were sent so far.
    pub sent: u64,
}

/// A site that sends.
pub struct Playing {
    conditions: Arc<Mutex<Conditions>>,
    thread: JoinHandle<Silent>,
    goes_on: mpsc::Sender<()>,
}

impl Silent {
    /// A site whose datagrams are one event each.
    pub fn new(seed: u64, network: &Network) -> Self {
        let site = Site::new(SiteOptions {
            seed,
            odd_per_mille: 0,
            ..SiteOptions::default()
        });
        let socket = network.site.within(|| UdpSocket::bind("10.199.0.2:0"));
        Self {
            site,
            way: Way::new(Rng::with_seed(seed)),
            socket: socket.expect("a port"),
            sent: 0,
        }
    }

    /// Starts to send this many datagrams a second.
    pub fn begin(self, rate: u32, conditions: Conditions) -> Playing {
        let conditions = Arc::new(Mutex::new(conditions));
        let (goes_on, told) = mpsc::channel();
        let thread = thread::spawn({
            let conditions = Arc::clone(&conditions);
            move || self.play(rate, &conditions, &told)
        });
        Playing {
            conditions,
            thread,
            goes_on,
        }
    }

    fn play(
        mut self,
        rate: u32,
        conditions: &Mutex<Conditions>,
        told: &mpsc::Receiver<()>,
    ) -> Self {
        let start = Instant::now();
        let (mut taken, mut is_silent) = (0, false);
        while !is_silent || !self.way.is_empty() {
            is_silent |= told.recv_timeout(PERIOD) == Err(mpsc::RecvTimeoutError::Disconnected);
            let due = (start.elapsed().as_secs_f64() * f64::from(rate)) as u64;
            while !is_silent && taken < due {
                let mut datagram = Vec::new();
                self.site.set_time(SystemTime::now().into());
                self.site.next_datagram(&mut datagram);
                self.way.take(Instant::now(), datagram, &lock(conditions));
                taken += 1;
            }
            while let Some(datagram) = self.way.arrived(Instant::now()) {
                // A datagram is also lost if the link is down or the system has no room for it.
                self.sent += u64::from(self.socket.send_to(&datagram, PROGRAM).is_ok());
            }
            if is_silent {
                thread::sleep(PERIOD);
            }
        }
        self
    }
}

impl Playing {
    /// Changes what happens to datagrams from now on.
    pub fn set(&self, conditions: Conditions) {
        *lock(&self.conditions) = conditions;
    }

    /// Stops the site. No datagram is under way after that.
    pub fn end(self) -> Silent {
        drop(self.goes_on);
        self.thread.join().expect("a sender")
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("no thread panics with it")
}
