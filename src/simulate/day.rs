//! A day on the site, from the first login to the last time-out: what really happened, and the datagrams that report
//! it, of which some are lost, duplicated or late.
//!
//! [`Site`](super::Site) shows what datagrams look like; this shows when they arrive.

mod plan;
mod play;

#[cfg(test)]
mod tests;

use std::time::Duration;

use chrono::{DateTime, Utc};

use self::plan::Plan;
use super::context::Context;
use super::delivery::Path;
use super::entry::{Entry, EntryEvent, EntryRows};
use super::families::Families;
use super::layout::Style;
use super::memory_drop::MemoryDrop;
use super::nodes::Nodes;
use super::payload::Action;
use super::truth::{LogRow, Request, TaskRow};
use super::user::Visitor;

/// What the day looks like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DayOptions {
    /// Another seed gives another day. Default: 1.
    pub seed: u64,
    /// When the day starts, to the millisecond. Default: 2026-01-31T05:40:00Z.
    pub begin: DateTime<Utc>,
    /// The number of people who use the site, in addition to service accounts and anonymous users. Default: 1,000.
    pub users: usize,
    /// The number of proxy nodes, at least 1. Default: 3.
    pub nodes: usize,
    /// The number of logins. Default: 2,000. A user who already has five sessions does not get another one.
    pub logins: usize,
    /// The number of hours in which they happen, at least 1. Default: 10.
    pub hours: u64,
    /// Whether events come from the extended appender, with its time, row number and session id. Default: no.
    pub extended: bool,
    /// Which events are sent. Default: only user events. These are the same whatever else is sent, except for the
    /// session ids of the extended appender, which then have the form of newer releases, `c0de…`. With performance
    /// events, 2,000 logins produce about 400,000 datagrams.
    pub families: Families,
    /// What the network does to the datagrams. Default: it only takes some time.
    pub network: Network,
    /// When a user makes a request that takes half of a node's memory. It is made as soon afterwards as a user has had
    /// an app open for long enough. Default: none. It requires performance events.
    pub memory_drop: Option<Duration>,
}

/// What the network does to datagrams, per million of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Network {
    /// They are lost.
    pub lost: u32,
    /// They arrive a second time within 20 ms.
    pub doubled: u32,
    /// They arrive up to 50 ms after others that were sent later.
    pub late: u32,
}

impl Default for DayOptions {
    fn default() -> Self {
        Self {
            seed: 1,
            begin: DateTime::from_timestamp(1_769_838_000, 0).unwrap_or_default(),
            users: 1_000,
            nodes: 3,
            logins: 2_000,
            hours: 10,
            extended: false,
            families: Families::USER,
            network: Network::default(),
            memory_drop: None,
        }
    }
}

/// A day: the truth, and the datagrams that a receiver gets.
///
/// Which user took the most memory in the third hour, and for which object of which app? And what was the cost of all
/// requests of that user in that hour?
///
/// ```
/// use qlik_sense_events::simulate::{Cost, Day, DayOptions, Families};
/// use chrono::TimeDelta;
///
/// let options = DayOptions { logins: 50, hours: 4, families: Families::ALL, ..DayOptions::default() };
/// let day = Day::new(&options);
/// let hour = day.begin + TimeDelta::hours(2)..day.begin + TimeDelta::hours(3);
/// let of_hour = || day.requests.iter().filter(|request| hour.contains(&request.time));
/// let culprit = of_hour().max_by_key(|request| request.peak_ram_bytes).expect("a busy hour");
/// let cost: Cost = of_hour().filter(|request| request.user() == culprit.user()).collect();
/// assert_eq!(Some(cost.max_peak_ram_bytes), culprit.peak_ram_bytes);
/// println!("{:?} in {:?} with {:?}: {cost:?}", culprit.user(), culprit.app_id, culprit.object_id);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Day {
    /// When the day starts. All times are relative to it.
    pub begin: DateTime<Utc>,
    /// When the last session ends.
    pub end: Duration,
    /// All sessions of the day, in the order of their starts.
    pub sessions: Vec<Stay>,
    /// All connections of the day, in the order of their starts.
    pub connections: Vec<Stay>,
    /// All requests to the engine in chronological order, if performance events are sent. Those of a user are within
    /// one of the connections.
    pub requests: Vec<Request>,
    /// All log events in chronological order, if they are sent.
    pub logs: Vec<LogRow>,
    /// All task events in chronological order, if they are sent.
    pub tasks: Vec<TaskRow>,
    /// The datagrams, in the order of their arrival.
    pub deliveries: Vec<Delivery>,
    /// The number of datagrams that were sent.
    pub sent: u64,
    /// The user who made the memory of a node drop, if that was requested and possible.
    pub memory_drop: Option<MemoryDrop>,
    /// The nodes, with the state of their proxies and engines.
    pub nodes: Nodes,
}

/// A session or connection as it really was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stay {
    /// The node's name.
    pub host: String,
    /// The user's directory and id, `DIR\id`, in lower case.
    pub user: String,
    /// When it started.
    pub start: Duration,
    /// When it ended; never before it started.
    pub end: Duration,
}

/// A datagram and its arrival.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Delivery {
    /// When it arrived.
    pub arrival: Duration,
    /// Its content.
    pub datagram: Vec<u8>,
}

impl Day {
    /// Simulates a day. The same options give the same day.
    #[must_use]
    pub fn new(options: &DayOptions) -> Self {
        let mut plan = Plan::new(options);
        plan.log_ins(options);
        plan.day(options)
    }

    /// Sends what the services of the nodes log.
    fn take(&mut self, entries: Vec<Entry>, nodes: usize, mut path: Path) {
        let mut rows = EntryRows::new(nodes);
        for mut entry in entries {
            entry.take_row(&mut rows);
            let mut datagram = Vec::new();
            let type_token = entry.event.type_token();
            entry.event.write(type_token, Style::USUAL, &mut datagram);
            let at = (entry.time() - self.begin).num_milliseconds();
            path.send(at.unsigned_abs(), datagram);
            match entry.event {
                EntryEvent::Log(event) => self.logs.push(*event),
                EntryEvent::Performance(request) => self.requests.push(*request),
                EntryEvent::Task(event) => self.tasks.push(*event),
            }
        }
        self.sent += path.sent();
        self.deliveries.extend(path.deliveries());
        // The sort is stable, so user events come first if others arrive at the same time.
        self.deliveries.sort_by_key(|delivery| delivery.arrival);
    }
}

/// What all events of a session have in common.
#[derive(Debug, Clone)]
pub(super) struct Visit {
    pub(super) visitor: Visitor,
    pub(super) node: usize,
    /// The prefix of the virtual proxy with a leading slash, or an empty text.
    pub(super) prefix: &'static str,
    pub(super) user_agent: &'static str,
    pub(super) session_id: String,
}

/// An event and its time, in milliseconds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Happening {
    pub(super) at: u64,
    /// The index of its visit.
    pub(super) visit: usize,
    pub(super) action: Action,
    pub(super) context: Context,
}
