//! What the services of each Qlik node have written, the cost of requests there, and the distance of its clock from
//! this machine's.

use std::collections::BTreeMap;

use chrono::TimeDelta;

use super::MethodClass;
use crate::event::{Level, PerformanceEvent, Service};

/// The upper bounds of the process times in a [`Distribution`], in nanoseconds, in steps of about three, from
/// unnoticeable (10 ms) to a reload (5 minutes). They include 0.1 s, 1 s and 10 s: the limits up to which an answer
/// seems immediate, does not interrupt a thought, and is waited for.
pub const PROCESS_LIMITS_NANOSECONDS: [u64; 10] = [
    10_000_000,
    30_000_000,
    100_000_000,
    300_000_000,
    1_000_000_000,
    3_000_000_000,
    10_000_000_000,
    30_000_000_000,
    100_000_000_000,
    300_000_000_000,
];

/// The upper bounds of the memory peaks in a [`Distribution`], in bytes, in steps of four, from 1 MiB, which most
/// requests do not reach, to 256 GiB, which brings a server down.
pub const PEAK_RAM_LIMITS_BYTES: [u64; 10] = [
    1 << 20,
    1 << 22,
    1 << 24,
    1 << 26,
    1 << 28,
    1 << 30,
    1 << 32,
    1 << 34,
    1 << 36,
    1 << 38,
];

/// The number of values, by size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Distribution {
    /// The number of values up to each bound and above the previous one. Values above the last bound are only in
    /// `count` and `sum`.
    pub buckets: [u64; 10],
    /// The number of values.
    pub count: u64,
    /// The sum of all values.
    pub sum: u128,
}

impl Distribution {
    /// Adds a value. Negative values are not measurements.
    fn value(&mut self, value: Option<i64>, limits: &[u64; 10]) {
        let Some(value) = value.and_then(|value| u64::try_from(value).ok()) else {
            return;
        };
        let bucket = limits.iter().take_while(|limit| **limit < value).count();
        if let Some(number) = self.buckets.get_mut(bucket) {
            *number += 1;
        }
        self.count += 1;
        self.sum += u128::from(value);
    }

    fn add(&mut self, more: &Self) {
        for (number, more) in self.buckets.iter_mut().zip(more.buckets) {
            *number += more;
        }
        self.count += more.count;
        self.sum += more.sum;
    }
}

/// The cost of requests to methods of one class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RequestCosts {
    /// The number of requests.
    pub requests: u64,
    /// Their process times in nanoseconds, with [`PROCESS_LIMITS_NANOSECONDS`].
    pub process: Distribution,
    /// Their memory peaks in bytes, with [`PEAK_RAM_LIMITS_BYTES`].
    pub peak_ram: Distribution,
}

impl RequestCosts {
    fn add(&mut self, more: &Self) {
        self.requests += more.requests;
        self.process.add(&more.process);
        self.peak_ram.add(&more.peak_ram);
    }
}

/// Statistics of one Qlik node.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NodeStatistics {
    /// By level, with unreadable ones last, and by service.
    log_events: [[u64; Service::ALL.len()]; Level::ALL.len() + 1],
    /// By class; `None` if there were no requests.
    costs: Option<Box<[RequestCosts; MethodClass::ALL.len()]>>,
    /// Arrival minus the node's own time: the second smallest of at least two events of the last minute or two. It is
    /// positive if the node's clock is behind this machine's, or if every event takes that long to arrive. The latest
    /// measurement; `None` if there was none.
    pub clock_distance: Option<TimeDelta>,
}

impl NodeStatistics {
    pub(super) const fn log_event(&mut self, level: Option<Level>, service: Service) {
        let level = match level {
            Some(level) => level as usize,
            None => Level::ALL.len(),
        };
        self.log_events[level][service as usize] += 1;
    }

    pub(super) fn request(&mut self, event: PerformanceEvent<'_>) {
        let class = MethodClass::of(event.method());
        let costs = self.costs.get_or_insert_default();
        let costs = &mut costs[class as usize];
        costs.requests += 1;
        let process = event.process_nanoseconds();
        costs.process.value(process, &PROCESS_LIMITS_NANOSECONDS);
        let peak_ram = event.peak_ram_bytes();
        costs.peak_ram.value(peak_ram, &PEAK_RAM_LIMITS_BYTES);
    }

    /// Log events that a service wrote with a level; `None` for unreadable levels.
    #[must_use]
    pub const fn log_events(&self, level: Option<Level>, service: Service) -> u64 {
        let level = match level {
            Some(level) => level as usize,
            None => Level::ALL.len(),
        };
        self.log_events[level][service as usize]
    }

    /// The cost of requests to methods of a class.
    #[must_use]
    pub fn costs_of(&self, class: MethodClass) -> RequestCosts {
        let costs = self.costs.as_ref();
        costs.map_or_else(RequestCosts::default, |costs| costs[class as usize])
    }

    fn add(&mut self, more: &Self) {
        let counts = self.log_events.as_flattened_mut().iter_mut();
        for (count, more) in counts.zip(more.log_events.as_flattened()) {
            *count += more;
        }
        if let Some(more) = &more.costs {
            let costs = self.costs.get_or_insert_default();
            for (costs, more) in costs.iter_mut().zip(&**more) {
                costs.add(more);
            }
        }
        // The smallest distance comes from the event with the least delay.
        let distances = [self.clock_distance, more.clock_distance];
        self.clock_distance = distances.into_iter().flatten().min();
    }
}

/// What Qlik nodes have sent besides user events, and the distance of their clocks from this machine's. It only
/// includes nodes that have sent such events, or user events with their own time: at most 256 for each pipeline, and
/// one without a name for all the others.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Statistics(BTreeMap<Option<Box<str>>, NodeStatistics>);

impl Statistics {
    /// Adds the counts of another pipeline.
    pub fn add(&mut self, more: &Self) {
        for (host, more) in &more.0 {
            match self.0.get_mut(host) {
                Some(node) => node.add(more),
                None => {
                    self.0.insert(host.clone(), more.clone());
                }
            }
        }
    }

    pub(super) fn insert(&mut self, host: Option<&str>, node: NodeStatistics) {
        self.0.insert(host.map(Into::into), node);
    }

    /// The statistics of a node; `None` if it is unknown. Without a name, those of all the others.
    #[must_use]
    pub fn of(&self, host: Option<&str>) -> Option<&NodeStatistics> {
        self.0.get(&host.map(Into::into))
    }

    /// The statistics of each node, the others first and then by name.
    pub fn iter(&self) -> impl Iterator<Item = (Option<&str>, &NodeStatistics)> {
        self.0.iter().map(|(host, node)| (host.as_deref(), node))
    }
}
