//! Reduces thousands of performance events a second to the significant ones without losing the sums: all others
//! become part of a summary.
//!
//! A pure state machine: performance events and a clock in, selected events and
//! [summaries](crate::event::PerformanceSummary) out. `docs/performance-events.md` explains it.

mod config;
mod filter;
mod group;
mod groups;

use std::sync::Arc;

use chrono::{DateTime, Utc};

pub use self::config::{
    Milliseconds, NameFilter, NamePattern, NamePatternError, PerformanceConfig, PerformanceError,
};
use self::{
    filter::Filter,
    group::{Group, Key},
    groups::Groups,
};
use super::{FunctionTransform, OutputBuffer};
use crate::event::{Body, Event, PerformanceEvent};

/// The longest texts of a group and its peak together, in bytes. A request with longer ones, which does not occur in
/// practice, goes through on its own, so that the memory of groups is bounded in bytes too.
pub const MAX_GROUP_BYTES: usize = 1_024;

/// The transform of performance events: selected ones go through, the others are summarized.
///
/// A request goes through on its own if it reaches a threshold, or if the filters select it. Filters select by name:
/// no `exclude` matches, and every non-empty `include` does. With thresholds and no `include`, names alone select
/// nothing. A request that the engine logs as a warning or worse, one with an exception, and one with an unreadable
/// time or amount of memory also go through.
///
/// The others are summarized by node, app, user and object type. A summary is sent when its interval is over, by the
/// arrival of events and the host's [tick](Self::tick); earlier if there are more than
/// [`max_groups`](PerformanceConfig::max_groups) groups, starting with those unused for longest; and at the
/// [end](Self::finish). Nothing is lost from the sums.
///
/// A clone has no groups of its own yet.
#[derive(Debug)]
pub struct Performance {
    filter: Arc<Filter>,
    interval_secs: i64,
    max_groups: usize,
    groups: Groups,
    /// The number of the interval that the groups belong to, since 1970.
    interval: i64,
    summarized: u64,
}

impl Performance {
    /// A transform that has seen no request yet.
    ///
    /// # Errors
    ///
    /// [`PerformanceError`] if a filter has too many patterns.
    pub fn new(config: &PerformanceConfig) -> Result<Self, PerformanceError> {
        Ok(Self {
            filter: Arc::new(Filter::new(config)?),
            interval_secs: i64::try_from(config.summary_interval_secs.max(1)).unwrap_or(i64::MAX),
            max_groups: config.max_groups.max(1),
            groups: Groups::default(),
            interval: 0,
            summarized: 0,
        })
    }

    /// The number of events summarized since this transform was built. Each is in a summary, or will be.
    #[must_use]
    pub const fn summarized(&self) -> u64 {
        self.summarized
    }

    /// The current number of groups.
    #[must_use]
    pub fn groups(&self) -> usize {
        self.groups.len()
    }

    /// Whether an event was taken into a summary. Summaries that are due are pushed to `output`.
    pub(crate) fn takes(&mut self, event: &Event, output: &mut OutputBuffer) -> bool {
        let Body::Performance(request) = event.body() else {
            return false;
        };
        if self.filter.keeps(event, request) {
            return false;
        }
        let key = Key::of(event, request);
        if key.text_bytes(event, request) > MAX_GROUP_BYTES {
            return false;
        }
        let arrival = event.arrival().map(|arrival| arrival.timestamp);
        let now = arrival.or(event.timestamp()).unwrap_or_default();
        self.tick(now, output);
        self.summarized += 1;
        self.add(&key, event, request, now, output);
        true
    }

    fn add(
        &mut self,
        key: &Key<'_>,
        event: &Event,
        request: PerformanceEvent<'_>,
        now: DateTime<Utc>,
        output: &mut OutputBuffer,
    ) {
        let hash = self.groups.hash(key);
        let known = self.groups.get(hash, key);
        match known.map(|group| group.add(event, request, now)) {
            Some(true) => return,
            // A sum would overflow, so the current summary is sent first.
            Some(false) => push(self.groups.remove(hash, key), output),
            None if self.groups.len() >= self.max_groups => push(self.groups.pop(), output),
            None => {}
        }
        let group = Group::new(key, event, request, now);
        self.groups.insert(hash, group);
    }

    /// Lets time pass: at the end of an interval, the summaries of all groups are sent. A host calls this several times
    /// a second.
    pub fn tick(&mut self, now: DateTime<Utc>, output: &mut OutputBuffer) {
        let interval = now.timestamp().div_euclid(self.interval_secs);
        if interval != self.interval {
            self.finish(output);
            self.interval = interval;
        }
    }

    /// Sends the summaries of all groups, as at shutdown.
    pub fn finish(&mut self, output: &mut OutputBuffer) {
        while let Some(group) = self.groups.pop() {
            output.push(group.into_event());
        }
    }
}

fn push(group: Option<Group>, output: &mut OutputBuffer) {
    if let Some(group) = group {
        output.push(group.into_event());
    }
}

impl Clone for Performance {
    fn clone(&self) -> Self {
        Self {
            filter: Arc::clone(&self.filter),
            interval_secs: self.interval_secs,
            max_groups: self.max_groups,
            groups: Groups::default(),
            interval: self.interval,
            summarized: 0,
        }
    }
}

impl FunctionTransform for Performance {
    fn transform(&mut self, output: &mut OutputBuffer, event: Event) {
        if !self.takes(&event, output) {
            output.push(event);
        }
    }
}
