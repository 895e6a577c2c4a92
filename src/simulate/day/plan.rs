//! What happens on a day, and the datagrams that report it.

use std::{cmp::Reverse, collections::BinaryHeap, sync::Arc, time::Duration};

use chrono::SubsecRound as _;
use fastrand::Rng;

use super::{Day, DayOptions, Happening, Stay, Visit};
use crate::simulate::{
    catalogue::Catalogue,
    chance::{guid_text, happens, index},
    context::{self, Apps, Context},
    datagram::UserKind,
    delivery::{Appender, Path},
    extended,
    life::{CLOSE, OPEN, START, STOP},
    memory_drop, nodes,
    office::{Office, Tab},
    user::{Population, Visitor},
};

/// The time without activity after which Qlik Sense ends a session, in milliseconds.
const INACTIVITY: u64 = 30 * MINUTE;

const SECOND: u64 = 1_000;
const MINUTE: u64 = 60 * SECOND;

/// The state while a day is simulated.
pub(super) struct Plan {
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
    pub(super) fn new(options: &DayOptions) -> Self {
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

    pub(super) fn log_ins(&mut self, options: &DayOptions) {
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

    pub(super) fn day(mut self, options: &DayOptions) -> Day {
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
