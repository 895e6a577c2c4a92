//! Missing rows: gaps in the row numbers of each appender of each node.

use std::collections::BTreeMap;

use smallvec::SmallVec;

use super::rows::Rows;
use crate::event::Family;

/// The row numbers of the appenders of one Qlik node. Every appender has its own counter and sends one family.
#[derive(Debug, Clone, Default)]
pub(super) struct NodeRows(SmallVec<[Appender; 2]>);

#[derive(Debug, Clone)]
struct Appender {
    family: Family,
    rows: Rows,
    gaps: u64,
}

/// What a row number has revealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Finding {
    /// The number of rows lost since the last one.
    pub(super) gaps: u64,
    /// Whether this is the first row of the appender.
    pub(super) is_first: bool,
}

impl NodeRows {
    /// Takes a row number that arrived at `now`, in milliseconds, and returns what it has revealed.
    pub(super) fn arrived(&mut self, family: Family, row: u32, now: i64) -> Finding {
        if let Some(appender) = self.0.iter_mut().find(|it| it.family == family) {
            let gaps = appender.rows.arrived(row, now);
            appender.gaps += gaps;
            return Finding {
                gaps,
                is_first: false,
            };
        }
        self.0.push(Appender {
            family,
            rows: Rows::new(row, now),
            gaps: 0,
        });
        Finding {
            gaps: 0,
            is_first: true,
        }
    }

    /// Counts all missing rows as lost, because nothing more will arrive. Returns their number.
    pub(super) fn give_up(&mut self) -> u64 {
        let appenders = self.0.iter_mut().map(|appender| {
            let gaps = appender.rows.give_up();
            appender.gaps += gaps;
            gaps
        });
        appenders.sum()
    }
}

/// Missing rows, by Qlik node and appender; an appender is identified by the [family](Family) that it sends. An
/// appender that sends row numbers is included even if none is missing. There are at most 256 nodes; further ones are
/// not tracked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RowGaps(BTreeMap<(Box<str>, Family), u64>);

impl RowGaps {
    /// Adds the counts of the appenders of a node.
    pub(super) fn insert(&mut self, host: &str, rows: &NodeRows) {
        for appender in &rows.0 {
            self.0.insert((host.into(), appender.family), appender.gaps);
        }
    }

    /// Adds the counts of another pipeline.
    pub fn add(&mut self, more: &Self) {
        for (appender, gaps) in &more.0 {
            *self.0.entry(appender.clone()).or_default() += gaps;
        }
    }

    /// The count of an appender; 0 if it is unknown.
    #[must_use]
    pub fn of(&self, host: &str, family: Family) -> u64 {
        self.0.get(&(host.into(), family)).copied().unwrap_or(0)
    }

    /// The count of each node and family, in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Family, u64)> {
        let appenders = self.0.iter();
        appenders.map(|((host, family), gaps)| (&**host, *family, *gaps))
    }
}

// These tests need the simulated site.
#[cfg(all(test, feature = "host"))]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::{
        event::Arrival,
        pipeline::{PipelineConfig, nodes::MAX_HOSTS},
        simulate::{Families, Site, SiteOptions},
        transform::OutputBuffer,
    };

    fn session(host: &str, row: u32) -> String {
        format!("/qlik-sense-session/2/;{host};;{row};;;Stop session;LAB;goran;;;")
    }

    fn connection(host: &str, row: u32) -> String {
        format!("/qlik-sense-connection/2/;{host};;{row};;;Stop session;LAB;goran;;;")
    }

    /// A pipeline that has processed these datagrams and was finished.
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
        pipeline.finish(&mut OutputBuffer::default());
        pipeline
    }

    #[test]
    fn every_host_and_appender_has_its_own_count() {
        let mut datagrams = Vec::new();
        for row in 1..=10 {
            datagrams.push(session("a", row));
            datagrams.push(connection("a", 500 + row));
        }
        datagrams.push(session("b", 1));
        assert_eq!(after(&datagrams).counters().row_gaps, Some(0));
        datagrams.extend([session("a", 13), connection("a", 512), session("b", 5)]);
        let pipeline = after(&datagrams);
        assert_eq!(pipeline.counters().row_gaps, Some(2 + 1 + 3));
        let gaps = pipeline.row_gaps();
        let expected = [
            ("a", Family::Session, 2),
            ("a", Family::Connection, 1),
            ("b", Family::Session, 3),
        ];
        assert_eq!(gaps.iter().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn excluded_events_do_not_count_as_lost() {
        let hidden = session("a", 2).replace("goran", "hidden");
        let pipeline = after([session("a", 1), hidden, session("a", 3)]);
        let counters = pipeline.counters();
        assert_eq!((counters.row_gaps, counters.excluded), (Some(0), 1));
    }

    #[test]
    fn nothing_is_reported_without_row_numbers() {
        let none: [&str; 0] = [];
        assert_eq!(after(none).counters().row_gaps, None);
        let plain = ["/proxy-session/;a;Stop session;LAB;goran;;;"; 2];
        assert_eq!(after(plain).counters().row_gaps, None);
    }

    #[test]
    fn the_number_of_invented_hosts_is_limited() {
        let hosts = (0..10_000).map(|number| session(&format!("host{number}"), 1));
        let long = session(&"x".repeat(60_000), 1);
        let pipeline = after(std::iter::once(long).chain(hosts));
        assert_eq!(pipeline.row_gaps().iter().count(), MAX_HOSTS);
        assert!(pipeline.row_gaps().iter().all(|(host, ..)| host.len() < 10));
    }

    #[test]
    fn no_row_is_missing_if_a_site_with_odd_payloads_loses_no_datagram() {
        for seed in 0..3 {
            let mut site = Site::new(SiteOptions {
                seed,
                extended: true,
                families: Families::ALL,
                odd_per_mille: 300,
                ..SiteOptions::default()
            });
            let datagrams = (0..10_000).map(|_| {
                let mut datagram = Vec::new();
                site.next_datagram(&mut datagram);
                datagram
            });
            let pipeline = after(datagrams);
            let gaps = pipeline.row_gaps();
            let gaps: Vec<_> = gaps.iter().filter(|(.., rows)| *rows > 0).collect();
            assert_eq!(gaps, [], "{seed}");
            assert_eq!(pipeline.counters().row_gaps, Some(0));
        }
    }

    #[test]
    fn every_datagram_that_a_site_loses_is_counted() {
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
            // Losses before the first row or after the last one cannot be detected.
            if (500..19_500).contains(&number) && rng.u32(0..100) == 0 {
                dropped += 1;
            } else {
                kept.push(datagram);
            }
        }
        assert_eq!(after(kept).counters().row_gaps, Some(dropped));
        assert!(dropped > 100);
    }
}
