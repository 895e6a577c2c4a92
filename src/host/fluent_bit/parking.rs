//! Keeps receivers between two instances: in a reload, the host ends the old one before it starts the new one, and
//! datagrams that arrive meanwhile must not be lost.

use std::{
    mem,
    sync::{Mutex, MutexGuard},
    thread,
    time::{Duration, Instant},
};

use super::{log::Log, station::Station};
use crate::{config::Config, host::runtime::threads::lock};

/// How long a receiver waits for an instance. A host that no longer wants one does not say so.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long an announced reload may take to begin. A host whose reload fails before it ends an instance does not say
/// so.
const ANNOUNCED: Duration = Duration::from_secs(5);

/// When the host last announced a reload.
static RELOAD: Mutex<Option<Instant>> = Mutex::new(None);

static PARKED: Mutex<Vec<Parked>> = Mutex::new(Vec::new());

#[derive(Debug)]
struct Parked {
    number: u64,
    station: Station,
}

/// Notes that the host is about to end its instances and start others.
pub(super) fn announce_reload() {
    *lock(&RELOAD) = Some(Instant::now());
}

/// Whether an instance should keep its events for its successor. A host that is about to end may not process them in
/// time.
pub(super) fn is_reload_near() -> bool {
    lock(&RELOAD).is_some_and(|announced| announced.elapsed() < ANNOUNCED)
}

/// Keeps a receiver for the next instance.
pub(super) fn park(station: Station) {
    static NUMBER: Mutex<u64> = Mutex::new(0);
    let number = {
        let mut next = lock(&NUMBER);
        *next += 1;
        *next
    };
    parked().push(Parked { number, station });
    let forget = move || {
        thread::sleep(PATIENCE);
        let forgotten = {
            let mut parked = parked();
            let place = parked.iter().position(|parked| parked.number == number);
            place.map(|place| parked.remove(place))
        };
        if let Some(Parked { station, .. }) = forgotten {
            // There is no host any more, and so no log to write to.
            station.end();
        }
    };
    // If no thread can be started, the receiver is kept until the process ends.
    let _ = thread::Builder::new().name("parking".into()).spawn(forget);
}

/// The receiver that was kept for an instance with these options: one with the same options, or else one with an
/// address in common.
pub(super) fn claim(config: &Config) -> Option<Station> {
    *lock(&RELOAD) = None;
    let mut parked = parked();
    let is_same = |parked: &Parked| parked.station.config() == config;
    let is_near = |parked: &Parked| {
        let addresses = &parked.station.config().source.address;
        addresses
            .iter()
            .any(|address| config.source.address.contains(address))
    };
    let place = parked.iter().position(is_same);
    let place = place.or_else(|| parked.iter().position(is_near))?;
    Some(parked.remove(place).station)
}

/// Ends the kept receivers, for a host that starts no instances to take them over. Returns their logs.
pub(super) fn end_all() -> Vec<Log> {
    let all = mem::take(&mut *parked());
    all.into_iter().map(|parked| parked.station.end()).collect()
}

fn parked() -> MutexGuard<'static, Vec<Parked>> {
    lock(&PARKED)
}
