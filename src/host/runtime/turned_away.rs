//! Reports datagrams that an option keeps out because of their sender, and from where they come: without a line about
//! them, a wrong address in `source.allowed_senders` looks like a node that sends nothing.

use std::{
    collections::BTreeSet,
    net::{IpAddr, SocketAddr},
    time::Instant,
};

use super::drops::{DropReport, Drops, LONG_QUIET};
use crate::{
    config::SourceConfig,
    host::diagnostics::{Level, counted},
};

/// The senders that are named in a series, and those that a worker notes until they are. Further ones only count, so
/// that made-up addresses lead to no more lines.
const MAX_SENDERS: usize = 32;

/// Why a datagram was turned away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reason {
    /// Its sender is not in `source.allowed_senders`.
    Refused,
    /// Its sender has sent more than `source.rate_limit` allows.
    OverRate,
}

impl Reason {
    pub(super) const ALL: [Self; 2] = [Self::Refused, Self::OverRate];
}

/// Senders whose datagrams a worker has turned away.
#[derive(Debug, Default)]
pub(super) struct RecentSenders(Vec<IpAddr>);

impl RecentSenders {
    /// Notes a sender, if there is room.
    pub(super) fn note(&mut self, sender: IpAddr) {
        let sender = sender.to_canonical();
        // Almost always the sender of the previous datagram.
        if self.0.len() < MAX_SENDERS && self.0.last() != Some(&sender) && !self.0.contains(&sender)
        {
            self.0.push(sender);
        }
    }

    /// Takes the senders.
    pub(super) fn take(&mut self) -> Vec<IpAddr> {
        std::mem::take(&mut self.0)
    }
}

/// What is turned away at one address for one reason.
#[derive(Debug)]
pub(super) struct TurnedAway {
    drops: Drops,
    /// The senders named in this series.
    named: BTreeSet<IpAddr>,
}

/// A report about datagrams that were turned away.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum TurnedAwayReport {
    /// A series has started or has a new sender: `count` datagrams so far. `senders` is empty if too many were named.
    From { count: u64, senders: Vec<IpAddr> },
    /// This many were turned away in a series that lasted `secs` seconds.
    Over { count: u64, secs: u64 },
}

impl Default for TurnedAway {
    fn default() -> Self {
        Self {
            drops: Drops::with_quiet(LONG_QUIET),
            named: BTreeSet::new(),
        }
    }
}

impl TurnedAway {
    /// Whether there are more than at the last update.
    pub(super) const fn has_more(&self, count: u64) -> bool {
        count > self.drops.known()
    }

    /// Updates the number of datagrams as of `now`; `senders` have sent what was added.
    pub(super) fn update(
        &mut self,
        count: u64,
        senders: Vec<IpAddr>,
        now: Instant,
    ) -> Option<TurnedAwayReport> {
        let report = self.drops.update(count, now);
        if let Some(DropReport::Over { count, secs }) = report {
            self.named.clear();
            return Some(TurnedAwayReport::Over { count, secs });
        }
        let mut senders = senders;
        senders.retain(|sender| self.named.len() < MAX_SENDERS && self.named.insert(*sender));
        senders.sort_unstable();
        (report.is_some() || !senders.is_empty()).then(|| TurnedAwayReport::From {
            count: self.drops.in_series(),
            senders,
        })
    }
}

impl TurnedAwayReport {
    /// The message about an address with the options of `source`.
    pub(super) fn message(
        &self,
        reason: Reason,
        address: SocketAddr,
        source: &SourceConfig,
    ) -> (Level, String) {
        match self {
            Self::From { count, senders } => {
                let datagrams = counted(*count, "datagram", "datagrams");
                let senders = listed(senders);
                let message = match reason {
                    Reason::Refused => format!(
                        "source.allowed_senders has refused {datagrams} at {address} so far, now from {senders}; if \
                         this is a Qlik node or a relay, add its address to source.allowed_senders"
                    ),
                    Reason::OverRate => format!(
                        "source.rate_limit has dropped {datagrams} at {address} so far, now from {senders}: more \
                         than events_per_sec = {} and burst = {} allow; if this is a Qlik node or a relay, raise them",
                        source.rate_limit.events_per_sec, source.rate_limit.burst
                    ),
                };
                (Level::Warn, message)
            }
            Self::Over { count, secs } => {
                let (option, verb) = match reason {
                    Reason::Refused => ("source.allowed_senders", "refused"),
                    Reason::OverRate => ("source.rate_limit", "dropped"),
                };
                let minutes = LONG_QUIET.as_secs() / 60;
                let message = format!(
                    "{option} has {verb} nothing at {address} for {minutes} minutes; before, it {verb} {} in {secs} s",
                    counted(*count, "datagram", "datagrams")
                );
                (Level::Info, message)
            }
        }
    }
}

fn listed(senders: &[IpAddr]) -> String {
    let senders: Vec<String> = senders.iter().map(IpAddr::to_string).collect();
    match &senders[..] {
        [] => "other addresses".to_owned(),
        [one] => one.clone(),
        [others @ .., last] => format!("{} and {last}", others.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn addresses(numbers: std::ops::Range<u32>) -> Vec<IpAddr> {
        let address = |number| std::net::Ipv4Addr::from_bits(0x0a00_0000 + number).into();
        numbers.map(address).collect()
    }

    #[test]
    fn each_sender_of_a_series_is_named_once() {
        let (mut turned_away, start) = (TurnedAway::default(), Instant::now());
        let mut update = |secs, count, senders| {
            turned_away.update(count, addresses(senders), start + Duration::from_secs(secs))
        };
        let from = |count, senders| {
            let senders = addresses(senders);
            Some(TurnedAwayReport::From { count, senders })
        };
        assert_eq!(update(0, 0, 0..0), None);
        assert_eq!(update(1, 5, 0..1), from(5, 0..1));
        assert_eq!(update(2, 9, 0..1), None, "it is named");
        assert_eq!(update(300, 12, 0..3), from(12, 1..3));
        assert_eq!(update(899, 12, 0..0), None, "it may go on");
        let over = TurnedAwayReport::Over {
            count: 12,
            secs: 299,
        };
        assert_eq!(update(900, 12, 0..0), Some(over));
        assert_eq!(update(901, 13, 0..1), from(1, 0..1), "another series");
        let all = MAX_SENDERS as u32;
        assert_eq!(update(902, 99, 0..1_000), from(87, 1..all));
        assert_eq!(update(903, 999, 1_000..2_000), None, "enough are named");
    }

    #[test]
    fn a_worker_notes_few_senders() {
        let mut recent = RecentSenders::default();
        for sender in addresses(0..1_000) {
            recent.note(sender);
            recent.note(sender);
        }
        assert_eq!(recent.take(), addresses(0..MAX_SENDERS as u32));
        assert!(recent.take().is_empty());
    }
}
