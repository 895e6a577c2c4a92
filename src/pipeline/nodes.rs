//! What is tracked for each Qlik node: its rows, its clock, and what its services wrote.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use foldhash::fast::RandomState;

use super::{
    node_clock::NodeClock,
    row_gaps::{NodeRows, RowGaps},
    statistics::{NodeStatistics, Statistics},
};
use crate::event::{Body, Event, EventKind};

/// The number of nodes that are tracked, which are the first ones seen. Invented nodes must not take more memory than
/// this.
pub(super) const MAX_HOSTS: usize = 256;

/// The longest node name that is tracked, in bytes: the limit of DNS.
const MAX_HOST_BYTES: usize = 255;

/// The Qlik nodes that have sent something with a row number or Qlik's own time, or anything other than a user event.
#[derive(Debug, Clone, Default)]
pub(super) struct Nodes {
    places: HashMap<Box<str>, u16, RandomState>,
    nodes: Vec<Node>,
    /// All other nodes together. Their rows and clocks cannot be told apart.
    others: NodeStatistics,
    appenders: usize,
    row_gaps: u64,
    /// The appenders and gaps at the last request for changes.
    reported: (usize, u64),
    has_new_statistics: bool,
}

/// The index of a node in [`Nodes`]; `None` for all the others.
pub(super) type Place = Option<u16>;

#[derive(Debug, Clone)]
struct Node {
    rows: NodeRows,
    clock: NodeClock,
    statistics: NodeStatistics,
}

impl Nodes {
    /// Notes the arrival of an event, whatever happens to it later. Returns the index of its node if something has to
    /// be counted there.
    #[inline]
    pub(super) fn arrived(
        &mut self,
        event: &Event,
        kind: EventKind,
        now: DateTime<Utc>,
    ) -> Option<Place> {
        let is_counted = kind.service().is_some() || kind == EventKind::Performance;
        // User events of the standard appenders have neither.
        if !is_counted && event.sequence().is_none() {
            return None;
        }
        let place = self.follow(event, now);
        is_counted.then_some(place)
    }

    fn follow(&mut self, event: &Event, now: DateTime<Utc>) -> Place {
        let place = self.place(event.host().unwrap_or_default())?;
        let node = &mut self.nodes[usize::from(place)];
        let now = now.timestamp_millis();
        if let (Some(row), Some(family)) = (event.sequence(), event.family()) {
            let finding = node.rows.arrived(family, row, now);
            self.row_gaps += finding.gaps;
            self.appenders += usize::from(finding.is_first);
        }
        if let Some(sent) = event.qlik_timestamp() {
            node.clock.event(sent.timestamp_millis(), now);
            self.has_new_statistics = true;
        }
        Some(place)
    }

    fn place(&mut self, host: &str) -> Place {
        if let Some(place) = self.places.get(host) {
            return Some(*place);
        }
        if host.is_empty() || self.nodes.len() == MAX_HOSTS || host.len() > MAX_HOST_BYTES {
            return None;
        }
        let place = self.nodes.len() as u16;
        self.nodes.push(Node {
            rows: NodeRows::default(),
            clock: NodeClock::UNKNOWN,
            statistics: NodeStatistics::default(),
        });
        self.places.insert(host.into(), place);
        Some(place)
    }

    /// Counts an event that was not excluded.
    pub(super) fn count(&mut self, place: Place, event: &Event, kind: EventKind) {
        let statistics = match place {
            Some(place) => &mut self.nodes[usize::from(place)].statistics,
            None => &mut self.others,
        };
        if let Some(appender) = kind.service() {
            let service = event.service().unwrap_or(appender);
            statistics.log_event(event.level(), service);
        } else if let Body::Performance(request) = event.body() {
            statistics.request(request);
        }
        self.has_new_statistics = true;
    }

    /// Counts all missing rows as lost, because nothing more will arrive.
    pub(super) fn give_up(&mut self) {
        let missing = self.nodes.iter_mut().map(|node| node.rows.give_up());
        self.row_gaps += missing.sum::<u64>();
    }

    /// The number of missing rows; `None` until a row number has arrived.
    pub(super) fn row_gaps_total(&self) -> Option<u64> {
        (self.appenders > 0).then_some(self.row_gaps)
    }

    pub(super) fn row_gaps(&self) -> RowGaps {
        let mut gaps = RowGaps::default();
        for (host, node) in self.by_name() {
            gaps.insert(host, &node.rows);
        }
        gaps
    }

    /// The same, if there is a new appender or a new gap since the last call.
    pub(super) fn changed_row_gaps(&mut self) -> Option<RowGaps> {
        let now = (self.appenders, self.row_gaps);
        let has_changed = now != std::mem::replace(&mut self.reported, now);
        has_changed.then(|| self.row_gaps())
    }

    pub(super) fn statistics(&self) -> Statistics {
        let mut all = Statistics::default();
        for (host, node) in self.by_name() {
            let mut statistics = node.statistics.clone();
            statistics.clock_distance = node.clock.distance();
            all.insert(Some(host), statistics);
        }
        if self.others != NodeStatistics::default() {
            all.insert(None, self.others.clone());
        }
        all
    }

    /// The same, if it has changed since the last call.
    pub(super) fn changed_statistics(&mut self) -> Option<Statistics> {
        std::mem::take(&mut self.has_new_statistics).then(|| self.statistics())
    }

    fn by_name(&self) -> impl Iterator<Item = (&str, &Node)> {
        let places = self.places.iter();
        places.map(|(host, place)| (&**host, &self.nodes[usize::from(*place)]))
    }
}
