//! A day on the site, from the first login to the last time-out: what really happened, and the datagrams that report
//! it, of which some are lost, duplicated or late.
//!
//! [`Site`](super::Site) shows what datagrams look like; this shows when they arrive.

use std::{cmp::Reverse, collections::BinaryHeap, sync::Arc, time::Duration};

use chrono::{DateTime, SubsecRound as _, Utc};
use fastrand::Rng;

use super::catalogue::Catalogue;
use super::chance::{guid_text, happens, index};
use super::context::{self, Apps, Context};
use super::datagram::UserKind;
use super::delivery::{Appender, Path};
use super::entry::{Entry, EntryEvent, EntryRows};
use super::extended;
use super::families::Families;
use super::layout::Style;
use super::life::{CLOSE, OPEN, START, STOP};
use super::memory_drop::{self, MemoryDrop};
use super::nodes::{self, Nodes};
use super::office::{Office, Tab};
use super::payload::Action;
use super::truth::{LogRow, Request, TaskRow};
use super::user::{Population, Visitor};

/// The time without activity after which Qlik Sense ends a session, in milliseconds.
const INACTIVITY: u64 = 30 * MINUTE;

const SECOND: u64 = 1_000;
const MINUTE: u64 = 60 * SECOND;

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

/// The state while a day is simulated.
struct Plan {
    rng: Rng,
    population: Population,
    apps: Apps,
    hosts: Vec<String>,
    visits: Vec<Visit>,
    happenings: Vec<Happening>,
    sessions: Vec<Stay>,
    connections: Vec<Stay>,
    tabs: Vec<Tab>,
    /// The start and end of each visit, in milliseconds.
    presence: Vec<(u64, u64)>,
    /// Whether session ids are hashes.
    are_hashed: bool,
}

impl Plan {
    fn new(options: &DayOptions) -> Self {
        let mut rng = Rng::with_seed(options.seed);
        Self {
            population: Population::new(options.users, &mut rng),
            apps: Apps::new(&mut rng),
            hosts: (1..=options.nodes.max(1))
                .map(|number| format!("pro2-win{number}"))
                .collect(),
            visits: Vec::new(),
            happenings: Vec::new(),
            sessions: Vec::new(),
            connections: Vec::new(),
            tabs: Vec::new(),
            presence: Vec::new(),
            are_hashed: options.families.beyond_user(),
            rng,
        }
    }

    fn log_ins(&mut self, options: &DayOptions) {
        let day = options.hours.max(1) * 60 * MINUTE;
        let mut times: Vec<u64> = (0..options.logins).map(|_| self.rng.u64(0..day)).collect();
        times.sort_unstable();
        // The open sessions, by their ends.
        let mut open: BinaryHeap<Reverse<(u64, usize)>> = BinaryHeap::new();
        for at in times {
            while let Some(Reverse((end, visit))) = open.peek().copied() {
                if end > at {
                    break;
                }
                self.population.log_out(self.visits[visit].visitor);
                open.pop();
            }
            if let Some(visitor) = self.population.log_in(&mut self.rng) {
                let end = self.session(visitor, at);
                open.push(Reverse((end, self.visits.len() - 1)));
            }
        }
    }

    /// Simulates a session from start to end, and returns the time of its end.
    fn session(&mut self, visitor: Visitor, start: u64) -> u64 {
        let rng = &mut self.rng;
        let prefix = match visitor {
            Visitor::Person { .. } => context::draw_prefix(rng),
            Visitor::Service { .. } => "",
            Visitor::Anonymous { .. } => context::draw_anonymous_prefix(rng),
        };
        let visit = self.visits.len();
        self.visits.push(Visit {
            visitor,
            node: index(rng, self.hosts.len()),
            prefix,
            user_agent: self.population.user_agent(visitor, rng),
            session_id: guid_text(rng),
        });
        if self.are_hashed {
            extended::hash(&mut self.visits[visit].session_id);
        }
        let context = self.apps.draw_session_context(prefix, rng);
        let mut happens_at = |at, action, context| {
            self.happenings.push(Happening {
                at,
                visit,
                action,
                context,
            });
        };
        happens_at(start, START, context);

        // The tabs: when each one is opened and closed, unless it is closed with the browser.
        let mut at = start;
        let mut tabs: Vec<(u64, u64, Context)> = Vec::new();
        for number in 0..rng.u32(0..4) + rng.u32(0..4) {
            // A link to an app opens the app at login.
            at += if number == 0 && happens(rng, 3, 10) {
                rng.u64(0..300)
            } else {
                rng.u64(5 * SECOND..20 * MINUTE)
            };
            let context = match visitor.kind() {
                UserKind::ServiceAccount => self.apps.draw_service_context(rng),
                _ => self.apps.draw_connection_context(prefix, rng),
            };
            let mut opened = at;
            let mut closed = opened + rng.u64(30 * SECOND..60 * MINUTE);
            if happens(rng, 15, 100) {
                // A refresh in between.
                let refreshed = rng.u64(opened + SECOND..closed);
                tabs.push((opened, refreshed, context));
                opened = refreshed + rng.u64(0..4);
                closed = closed.max(opened);
            }
            tabs.push((opened, closed, context));
        }
        let leaves = at + rng.u64(MINUTE..40 * MINUTE);
        let logs_out = happens(rng, 3, 10);
        // A refresh after the user leaves does not happen.
        tabs.retain(|&(opened, ..)| opened < leaves - 2 * SECOND);
        for (opened, closed, context) in tabs {
            // Leaving closes what is still open. The last close may come after the stop of the session.
            let last = match rng.u32(0..100) {
                _ if !logs_out => leaves + rng.u64(0..20),
                0..80 => leaves - rng.u64(0..2 * SECOND),
                _ => leaves + rng.u64(0..18 * SECOND),
            };
            let closed = closed.min(last).max(opened);
            happens_at(opened, OPEN, context);
            happens_at(closed, CLOSE, context);
            self.connections.push(stay(opened, closed));
            self.tabs.push(Tab {
                visit,
                context,
                opened,
                closed,
            });
        }
        let end = if logs_out {
            leaves
        } else {
            leaves + INACTIVITY + rng.u64(0..MINUTE)
        };
        let context = self.apps.draw_session_context(prefix, rng);
        happens_at(end, STOP, context);
        self.sessions.push(stay(start, end));
        self.presence.push((start, end));

        let mut id = String::new();
        let (directory, user_id) = self.population.names(visitor, &mut id);
        let user = format!("{directory}\\{user_id}").to_lowercase();
        let host = &self.hosts[self.visits[visit].node];
        for stay in [&mut self.sessions, &mut self.connections]
            .into_iter()
            .flat_map(|stays| {
                stays
                    .iter_mut()
                    .rev()
                    .take_while(|stay| stay.user.is_empty())
            })
        {
            (stay.user, stay.host) = (user.clone(), host.clone());
        }
        end
    }

    fn day(mut self, options: &DayOptions) -> Day {
        self.happenings.sort_by_key(|happening| happening.at);
        self.connections.sort_by_key(|connection| connection.start);
        let begin = options.begin.trunc_subsecs(3);
        let mut appender = Appender::new(begin, options.extended, self.hosts.len());
        let mut path = Path::new(options.network, self.rng.fork());
        let (mut id, mut context) = (String::new(), String::new());
        for happening in &self.happenings {
            let visit = &self.visits[happening.visit];
            self.apps.write(happening.context, &mut context);
            let names = self.population.names(visit.visitor, &mut id);
            let host = &self.hosts[visit.node];
            let datagram = appender.write(happening, visit, (host, names), &context);
            if options.families.has_user() {
                path.send(happening.at, datagram);
            }
        }
        let mut lots = Rng::with_seed(options.seed.rotate_left(17));
        let catalogue = Catalogue::new(&self.apps, &mut lots);
        let hosts: Vec<Arc<str>> = self.hosts.iter().map(|host| Arc::from(&**host)).collect();
        let office = Office {
            begin,
            hours: options.hours.max(1),
            families: options.families,
            hosts: &hosts,
            apps: &catalogue,
            population: &self.population,
            visits: &self.visits,
            tabs: &self.tabs,
        };
        let mut services = if options.families.beyond_user() {
            office.entries(&mut lots)
        } else {
            Vec::new()
        };
        let memory_drop = options
            .memory_drop
            .filter(|_| options.families.performance)
            .and_then(|at| memory_drop::cause(&office, at, &mut lots, &mut services));
        let nodes = nodes::of(&office, &self.presence);
        let mut day = Day {
            begin,
            end: self
                .sessions
                .iter()
                .map(|stay| stay.end)
                .max()
                .unwrap_or_default(),
            sessions: self.sessions,
            connections: self.connections,
            requests: Vec::new(),
            logs: Vec::new(),
            tasks: Vec::new(),
            sent: path.sent(),
            deliveries: path.deliveries(),
            memory_drop,
            nodes,
        };
        if !services.is_empty() {
            // The network has random numbers of its own, so that user events do not depend on other events.
            let path = Path::new(options.network, Rng::with_seed(!options.seed));
            day.take(services, self.hosts.len(), path);
        }
        day
    }
}

/// The user and the host are filled in once the whole session is known.
fn stay(start: u64, end: u64) -> Stay {
    Stay {
        host: String::new(),
        user: String::new(),
        start: Duration::from_millis(start),
        end: Duration::from_millis(end),
    }
}

mod play;

#[cfg(test)]
mod tests;
