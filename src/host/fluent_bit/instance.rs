//! One instance of the input, from its host's first call to its last.

use std::{
    thread,
    time::{Duration, Instant},
};

use super::{
    abi::Collect,
    api::Host,
    log::Log,
    parking,
    properties::{self, PropertyError},
    station::Station,
};
use crate::host::{diagnostics::Level, runtime::start::StartError};

/// How often the host calls, where it lets the plugin choose: 50 ms.
const COLLECT_NANOSECONDS: i32 = 50_000_000;

/// How long a pause waits at most for what the workers have in hand.
const LAST: Duration = Duration::from_millis(300);

/// When nothing has come for so long, the workers have nothing in hand.
const QUIET: Duration = Duration::from_millis(50);

/// The input, running.
#[derive(Debug)]
pub(super) struct Instance {
    host: Host,
    station: Station,
    is_paused: bool,
}

#[derive(Debug, thiserror::Error)]
enum BeginError {
    #[error(transparent)]
    Property(#[from] PropertyError),
    #[error(transparent)]
    Start(#[from] StartError),
}

impl Instance {
    /// Begins to receive, or says in the host's log why not.
    pub(super) fn begin(host: Host, collect: Collect) -> Option<Self> {
        match Self::try_begin(&host) {
            Ok(station) => {
                host.collect_every(COLLECT_NANOSECONDS, collect);
                station.log().write_to(&host);
                Some(Self {
                    host,
                    station,
                    is_paused: false,
                })
            }
            Err(error) => {
                host.log(Level::Error, &error.to_string());
                None
            }
        }
    }

    fn try_begin(host: &Host) -> Result<Station, BeginError> {
        let config = properties::config(|key| host.property(key))?;
        match parking::claim(&config) {
            Some(station) if station.goes_on_for(&config) => Ok(station),
            Some(station) => Ok(station.succeed(config)?),
            None => Ok(Station::start(config, Vec::new(), Log::default())?),
        }
    }

    /// Hands over what waits, now, where the host lets it.
    pub(super) fn collect(&mut self) {
        if !self.is_held() && self.host.can_append() {
            self.append();
        }
    }

    /// Whether what waits should go on waiting.
    fn is_held(&self) -> bool {
        self.is_paused || parking::is_reload_near()
    }

    /// What the host takes at the end of this call.
    pub(super) fn take(&mut self) -> Vec<u8> {
        self.station.log().write_to(&self.host);
        if self.is_held() {
            return Vec::new();
        }
        if self.host.can_append() {
            self.append();
            return Vec::new();
        }
        self.station.take_all()
    }

    fn append(&mut self) {
        let Self { host, station, .. } = self;
        station.deliver(|records| host.append(records));
    }

    /// Hands over what was received up to now: a host that is about to end pauses first, and takes nothing
    /// after that. Before a reload it is kept.
    pub(super) fn pause(&mut self) {
        if !self.is_held() && self.host.can_append() {
            let end = Instant::now() + LAST;
            self.append();
            while Instant::now() < end {
                thread::sleep(QUIET);
                if self.station.is_idle() {
                    break;
                }
                self.append();
            }
        }
        self.is_paused = true;
    }

    pub(super) fn resume(&mut self) {
        self.is_paused = false;
        self.collect();
    }

    /// Goes on receiving for the instance that follows this one in a reload.
    pub(super) fn park(self) {
        self.station.log().write_to(&self.host);
        parking::park(self.station);
    }

    /// Ends.
    pub(super) fn end(self) {
        let log = self.station.end();
        log.write_to(&self.host);
    }
}
