//! How many users are logged in, how many came, and how long they stayed, by Qlik node.

use std::{collections::HashMap, time::Duration};

use crate::{
    event::{Derived, DerivedKind, EndReason, EventKind},
    transform::case::{Key, fold_into},
};

/// The number of Qlik nodes counted by name, the first ones seen. The others are counted together, so that made-up
/// names create no metrics.
pub const MAX_HOSTS: usize = 64;

/// The upper bounds of a [`DurationHistogram`]'s buckets, in seconds: from a page refresh to a working day. Longer
/// durations are only in the count and the sum.
pub const DURATION_LIMITS_SECS: [u32; 12] = [
    1, 10, 60, 300, 900, 1_800, 3_600, 7_200, 14_400, 28_800, 43_200, 86_400,
];

/// The tracker's counts, by Qlik node.
#[derive(Debug, Clone, PartialEq)]
pub struct SessionStatistics {
    /// The nodes in the order in which they were first seen, after the entry for all others.
    pub hosts: Vec<HostStatistics>,
    /// Payloads that arrived twice within 100 ms and were counted once.
    pub repeated: u64,
    /// Events that could not be followed because they name no user, or one with an impossibly long name.
    pub unfollowed: u64,
    /// Users evicted because there were more than `max_users`.
    pub evicted_users: u64,
}

/// Counts of one Qlik node.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct HostStatistics {
    /// The node, spelt as in its first event; `None` for the entry of events without a host and of all nodes beyond
    /// [`MAX_HOSTS`].
    pub host: Option<Box<str>>,
    pub(super) present: Presence,
    events: [u64; EventKind::ALL.len()],
    ended_sessions: [u64; EndReason::ALL.len()],
    ended_connections: [u64; EndReason::ALL.len()],
    /// Durations of sessions whose start and end were seen.
    pub session_durations: DurationHistogram,
    /// Durations of connections whose opening and closing were seen.
    pub connection_durations: DurationHistogram,
}

/// The number of durations, by length.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct DurationHistogram {
    /// The number of durations up to each of [`DURATION_LIMITS_SECS`] and above the one before it.
    pub buckets: [u64; DURATION_LIMITS_SECS.len()],
    /// The number of values.
    pub count: u64,
    /// The sum of the durations.
    pub sum: Duration,
}

impl DurationHistogram {
    fn add(&mut self, duration: Duration) {
        // A duration above a limit is one whose next full second is.
        let seconds = duration.as_secs() + u64::from(duration.subsec_nanos() > 0);
        let bucket = DURATION_LIMITS_SECS.partition_point(|limit| u64::from(*limit) < seconds);
        if let Some(number) = self.buckets.get_mut(bucket) {
            *number += 1;
        }
        self.count += 1;
        self.sum = self.sum.saturating_add(duration);
    }
}

impl HostStatistics {
    /// Users with a session or a connection now.
    #[must_use]
    pub const fn active_users(&self) -> u64 {
        self.present.users
    }

    /// Sessions that are open now.
    #[must_use]
    pub const fn active_sessions(&self) -> u64 {
        self.present.sessions
    }

    /// Connections that are open now.
    #[must_use]
    pub const fn active_connections(&self) -> u64 {
        self.present.connections
    }

    /// Whether anything was ever counted here: the entry of all other nodes always exists.
    #[must_use]
    pub fn is_used(&self) -> bool {
        *self != Self::default()
    }

    /// User events of a kind.
    #[must_use]
    pub const fn events_of(&self, kind: EventKind) -> u64 {
        self.events[kind.index()]
    }

    /// Sessions that ended for a reason.
    #[must_use]
    pub const fn ended_sessions(&self, reason: EndReason) -> u64 {
        self.ended_sessions[reason as usize]
    }

    /// Connections that ended for a reason.
    #[must_use]
    pub const fn ended_connections(&self, reason: EndReason) -> u64 {
        self.ended_connections[reason as usize]
    }
}

/// A user's contribution to the current numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Presence {
    pub(super) users: u64,
    pub(super) sessions: u64,
    pub(super) connections: u64,
}

impl Presence {
    pub(super) const fn moved(&mut self, before: Self, after: Self) {
        self.users = self.users + after.users - before.users;
        self.sessions = self.sessions + after.sessions - before.sessions;
        self.connections = self.connections + after.connections - before.connections;
    }
}

/// The statistics as they are collected.
#[derive(Debug, Clone)]
pub(super) struct Counted {
    statistics: SessionStatistics,
    /// The indexes of nodes by their names, ignoring case.
    places: HashMap<Box<[u8]>, u8>,
}

impl Counted {
    pub(super) fn new() -> Self {
        Self {
            statistics: SessionStatistics {
                hosts: vec![HostStatistics::default()],
                repeated: 0,
                unfollowed: 0,
                evicted_users: 0,
            },
            places: HashMap::new(),
        }
    }

    pub(super) const fn statistics(&self) -> &SessionStatistics {
        &self.statistics
    }

    pub(super) const fn repeated(&mut self) {
        self.statistics.repeated += 1;
    }

    pub(super) const fn unfollowed(&mut self) {
        self.statistics.unfollowed += 1;
    }

    pub(super) const fn evicted(&mut self) {
        self.statistics.evicted_users += 1;
    }

    /// The index of a node; 0 stands for all others.
    pub(super) fn place(&mut self, host: Option<&str>) -> u8 {
        let Some(host) = host else {
            return 0;
        };
        let mut key = Key::new();
        fold_into(&mut key, host);
        if let Some(place) = self.places.get(&*key) {
            return *place;
        }
        let hosts = &mut self.statistics.hosts;
        if hosts.len() > MAX_HOSTS {
            return 0;
        }
        let place = hosts.len() as u8;
        hosts.push(HostStatistics {
            host: Some(host.into()),
            ..HostStatistics::default()
        });
        self.places.insert((*key).into(), place);
        place
    }

    pub(super) fn event(&mut self, place: u8, kind: EventKind) {
        self.host(place).events[kind.index()] += 1;
    }

    pub(super) fn derived(&mut self, place: u8, derived: &Derived) {
        let host = self.host(place);
        let (start, ended, ends, durations) = match &derived.kind {
            DerivedKind::SessionSummary(session, ended) => (
                session.start,
                ended,
                &mut host.ended_sessions,
                &mut host.session_durations,
            ),
            DerivedKind::ConnectionSummary(connection, ended) => (
                connection.start,
                ended,
                &mut host.ended_connections,
                &mut host.connection_durations,
            ),
            DerivedKind::SessionSnapshot(_) => return,
        };
        ends[ended.reason as usize] += 1;
        if ended.pairing.is_some()
            && let Ok(duration) = ended.duration_since(start).to_std()
        {
            durations.add(duration);
        }
    }

    pub(super) fn moved(&mut self, place: u8, before: Presence, after: Presence) {
        self.host(place).present.moved(before, after);
    }

    fn host(&mut self, place: u8) -> &mut HostStatistics {
        // Every index comes from `place`.
        &mut self.statistics.hosts[usize::from(place)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_in_the_bucket_of_the_next_limit() {
        let mut histogram = DurationHistogram::default();
        for milliseconds in [0, 1_000, 1_001, 86_400_000, 86_400_001] {
            histogram.add(Duration::from_millis(milliseconds));
        }
        assert_eq!(histogram.buckets, [2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
        assert_eq!(histogram.count, 5);
        assert_eq!(histogram.sum, Duration::from_millis(172_802_002));
    }

    #[test]
    fn nodes_beyond_the_limit_share_a_place() {
        let mut counted = Counted::new();
        for number in 0..1_000 {
            let host = format!("node{number}");
            let place = counted.place(Some(&host));
            let expected = if number < MAX_HOSTS { number + 1 } else { 0 };
            assert_eq!(usize::from(place), expected);
        }
        assert_eq!(counted.place(Some("NODE3")), 4);
        assert_eq!(counted.place(None), 0);
        assert_eq!(counted.statistics().hosts.len(), MAX_HOSTS + 1);
    }
}
