//! Datagrams that were lost on their way, by the row numbers of the extended appender.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::rows::Rows;
use crate::{event::UserEvent, wire::Family};

/// Hosts whose rows are followed. Made-up hosts must not take more memory than this.
const MAX_HOSTS: usize = 256;

/// The longest name of a host whose rows are followed, in bytes: as long as DNS allows.
const MAX_HOST_BYTES: usize = 255;

/// Follows the row numbers of each host: two appenders a host, each of which counts its own rows.
#[derive(Debug, Clone, Default)]
pub(super) struct LostDatagrams {
    hosts: BTreeMap<Box<str>, Host>,
    lost: u64,
    /// What [`LostDatagrams::has_news`] was last asked about.
    told: (usize, u64),
}

#[derive(Debug, Clone, Default)]
struct Host {
    sessions: Option<Rows>,
    connections: Option<Rows>,
    lost: u64,
}

impl LostDatagrams {
    /// Notes the row number of an event, if it has one.
    pub(super) fn arrived(&mut self, event: &UserEvent, now: DateTime<Utc>) {
        let (Some(row), Some(name)) = (event.sequence(), event.host()) else {
            return;
        };
        let Some(host) = self.host(name) else {
            return;
        };
        let rows = match event.family() {
            Family::Session => &mut host.sessions,
            Family::Connection => &mut host.connections,
        };
        let lost = match rows {
            Some(rows) => rows.arrived(row, now),
            None => {
                *rows = Some(Rows::new(row, now));
                0
            }
        };
        host.lost += lost;
        self.lost += lost;
    }

    /// Gives up all rows that are missing: nothing more will come.
    pub(super) fn give_up(&mut self) {
        for host in self.hosts.values_mut() {
            let rows = [&mut host.sessions, &mut host.connections];
            let lost: u64 = rows.into_iter().flatten().map(Rows::give_up).sum();
            host.lost += lost;
            self.lost += lost;
        }
    }

    /// How many are lost; none while no row number has come.
    pub(super) fn total(&self) -> Option<u64> {
        (!self.hosts.is_empty()).then_some(self.lost)
    }

    pub(super) fn by_host(&self) -> LostByHost {
        let hosts = self.hosts.iter();
        LostByHost(
            hosts
                .map(|(name, host)| (name.clone(), host.lost))
                .collect(),
        )
    }

    /// Whether there is a new host or a new loss since this was last asked.
    pub(super) fn has_news(&mut self) -> bool {
        let now = (self.hosts.len(), self.lost);
        now != std::mem::replace(&mut self.told, now)
    }

    fn host(&mut self, name: &str) -> Option<&mut Host> {
        if !self.hosts.contains_key(name) {
            if self.hosts.len() == MAX_HOSTS || name.len() > MAX_HOST_BYTES {
                return None;
            }
            self.hosts.insert(name.into(), Host::default());
        }
        self.hosts.get_mut(name)
    }
}

/// Datagrams that were lost, by the Qlik node that sent them. A node that sends row numbers is there
/// even if nothing of it was lost. There are at most 256 nodes; further ones are not followed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LostByHost(BTreeMap<Box<str>, u64>);

impl LostByHost {
    /// Adds what was counted elsewhere.
    pub fn add(&mut self, more: &Self) {
        for (host, lost) in &more.0 {
            *self.0.entry(host.clone()).or_default() += lost;
        }
    }

    /// The count of a host; 0 for one that is not there.
    #[must_use]
    pub fn of(&self, host: &str) -> u64 {
        self.0.get(host).copied().unwrap_or(0)
    }

    /// Each host with its count, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, u64)> {
        self.0.iter().map(|(host, lost)| (&**host, *lost))
    }
}

// They need the simulated site.
#[cfg(all(test, feature = "host"))]
mod tests {
    use super::*;
    use crate::{
        event::Arrival,
        pipeline::PipelineConfig,
        simulate::{Site, SiteOptions},
        transform::OutputBuffer,
    };

    fn session(host: &str, row: u32) -> String {
        format!("/qlik-sense-session/2/;{host};;{row};;;Stop session;LAB;goran;;;")
    }

    fn connection(host: &str, row: u32) -> String {
        format!("/qlik-sense-connection/2/;{host};;{row};;;Stop session;LAB;goran;;;")
    }

    /// A pipeline after these datagrams and the end.
    fn after(datagrams: impl IntoIterator<Item = impl AsRef<[u8]>>) -> crate::pipeline::Pipeline {
        let mut config = PipelineConfig::default();
        config.blacklist.users = vec![r"LAB\hidden".parse().expect("an entry")];
        let mut pipeline = config.build().expect("a pipeline");
        let mut output = OutputBuffer::default();
        let arrival = Arrival::local(DateTime::UNIX_EPOCH);
        for datagram in datagrams {
            pipeline.datagram(datagram.as_ref(), arrival, &mut output);
            output.drain();
        }
        pipeline.finish();
        pipeline
    }

    #[test]
    fn hosts_and_appenders_count_by_themselves() {
        let mut datagrams = Vec::new();
        for row in 1..=10 {
            datagrams.push(session("a", row));
            datagrams.push(connection("a", 500 + row));
        }
        datagrams.push(session("b", 1));
        assert_eq!(after(&datagrams).counters().lost, Some(0));
        datagrams.extend([session("a", 13), connection("a", 512), session("b", 5)]);
        let pipeline = after(&datagrams);
        assert_eq!(pipeline.counters().lost, Some(2 + 1 + 3));
        let by_host = pipeline.lost_by_host();
        assert_eq!(by_host.iter().collect::<Vec<_>>(), [("a", 3), ("b", 3)]);
    }

    #[test]
    fn excluded_events_are_not_lost() {
        let hidden = session("a", 2).replace("goran", "hidden");
        let pipeline = after([session("a", 1), hidden, session("a", 3)]);
        let counters = pipeline.counters();
        assert_eq!((counters.lost, counters.excluded), (Some(0), 1));
    }

    #[test]
    fn nothing_is_said_without_row_numbers() {
        let none: [&str; 0] = [];
        assert_eq!(after(none).counters().lost, None);
        let plain = ["/proxy-session/;a;Stop session;LAB;goran;;;"; 2];
        assert_eq!(after(plain).counters().lost, None);
    }

    #[test]
    fn made_up_hosts_are_bounded() {
        let hosts = (0..10_000).map(|number| session(&format!("host{number}"), 1));
        let long = session(&"x".repeat(60_000), 1);
        let pipeline = after(std::iter::once(long).chain(hosts));
        assert_eq!(pipeline.lost_by_host().iter().count(), MAX_HOSTS);
        assert!(
            pipeline
                .lost_by_host()
                .iter()
                .all(|(host, _)| host.len() < 10)
        );
    }

    #[test]
    fn of_a_site_that_loses_datagrams_all_are_counted() {
        let mut site = Site::new(SiteOptions {
            extended: true,
            odd_per_mille: 0,
            ..SiteOptions::default()
        });
        let mut rng = fastrand::Rng::with_seed(1);
        let (mut kept, mut dropped) = (Vec::new(), 0);
        for number in 0..20_000 {
            let mut datagram = Vec::new();
            site.next_datagram(&mut datagram);
            // What is lost before the first row or after the last one cannot be missed.
            if (500..19_500).contains(&number) && rng.u32(0..100) == 0 {
                dropped += 1;
            } else {
                kept.push(datagram);
            }
        }
        assert_eq!(after(kept).counters().lost, Some(dropped));
        assert!(dropped > 100);
    }
}
