//! One instance of the input, from its host's first call to its last.

use super::{
    abi::Collect,
    api::{Host, Records},
    log::Log,
    parking, properties,
    station::Station,
};
use crate::host::{diagnostics::Level, named_files};

/// How often the host calls the plugin, if it lets the plugin choose: every 20 ms.
const COLLECT_NANOSECONDS: i32 = 20_000_000;

/// A running input.
#[derive(Debug)]
pub(super) struct Instance {
    host: Host,
    station: Station,
}

impl Instance {
    /// Starts to receive, or logs why that is not possible.
    pub(super) fn begin(host: Host, collect: Collect) -> Option<Self> {
        match Self::try_begin(&host) {
            Ok((station, warnings)) => {
                for warning in warnings {
                    host.log(Level::Warn, &warning);
                }
                host.collect_every(COLLECT_NANOSECONDS, collect);
                station.log().write_to(&host);
                Some(Self { host, station })
            }
            Err(reasons) => {
                for reason in reasons {
                    host.log(Level::Error, &reason);
                }
                // If one instance cannot start, the host ends.
                for log in parking::end_all() {
                    log.write_to(&host);
                }
                None
            }
        }
    }

    /// A station, with warnings about options, or all reasons why there is none.
    fn try_begin(host: &Host) -> Result<(Station, Vec<String>), Vec<String>> {
        let loaded = properties::load(|key| host.property(key));
        let loaded = loaded.map_err(|error| vec![error.to_string()])?;
        let config = loaded.config.clone();
        let begun = match parking::claim(&config) {
            Some(station) if station.can_continue_with(&config) => Ok(station),
            Some(station) => {
                let log = station.log().clone();
                let begun = station.restart(config);
                begun.inspect_err(|_| log.write_to(host))
            }
            None => Station::start(config, Vec::new(), Log::default()),
        };
        match begun {
            Ok(station) => Ok((station, properties::warnings(&loaded))),
            Err(error) => Err(named_files::reasons(&loaded, &error)),
        }
    }

    /// Delivers waiting events now. Returns false if the host only accepts records at the end of a call.
    pub(super) fn deliver(&mut self) -> bool {
        let Self { host, station } = self;
        if host.can_append() {
            station.deliver(|records| host.append(records));
        }
        host.can_append()
    }

    /// Delivers waiting events: at once if the host allows it, otherwise through `give`, at the end of this call.
    pub(super) fn take(&mut self, give: impl FnMut(Records<'_>) -> bool) {
        if !self.deliver() {
            self.station.deliver(give);
        }
    }

    /// Whether nothing waits, here or in a socket.
    pub(super) fn is_idle(&mut self) -> bool {
        self.station.is_idle()
    }

    /// Writes waiting diagnostics to the host's log.
    pub(super) fn write_log(&self) {
        self.station.log().write_to(&self.host);
    }

    /// Keeps receiving for the instance that follows this one in a reload.
    pub(super) fn park(self) {
        self.write_log();
        parking::park(self.station);
    }

    /// Ends the instance.
    pub(super) fn end(self) {
        let log = self.station.end();
        log.write_to(&self.host);
    }
}
