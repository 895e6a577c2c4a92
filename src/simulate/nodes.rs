//! The nodes of a site on a day: what their proxies and engines answer.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use chrono::TimeDelta;

use super::{
    chance::push_guid,
    clock::milliseconds,
    context::{Context, Document},
    day::Day,
    office::{Office, Tab},
    truth::Request,
};

/// The memory of a node: 512 GiB.
pub(super) const NODE_RAM_BYTES: u64 = 512 << 30;

/// The memory of an engine that has nothing open.
const IDLE_RAM_BYTES: u64 = 6 << 30;

/// The memory of an app for each of up to 64 units of data.
const APP_RAM_BYTES: u64 = 96 << 20;

/// How long a closed app stays in memory, in milliseconds. Qlik's default is eight hours.
const APP_CACHE: u64 = 8 * 3_600_000;

/// How long the results of a request stay in memory.
const RESULT_CACHE: TimeDelta = TimeDelta::minutes(10);

/// How recent the last request must be for an app or user to count as active.
const ACTIVE: TimeDelta = TimeDelta::minutes(1);

/// The time over which an engine's CPU is averaged.
const CPU_WINDOW: TimeDelta = TimeDelta::seconds(30);

const CORES: u64 = 16;

/// The nodes of a site, their apps, and their users on a day.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Nodes {
    hosts: Vec<Arc<str>>,
    apps: Vec<App>,
    sessions: Vec<ProxySession>,
    tabs: Vec<OpenApp>,
}

/// An app of the site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct App {
    /// Its id.
    pub id: Arc<str>,
    /// Its name.
    pub name: Arc<str>,
    /// Its memory in an engine that has it open, in bytes.
    pub ram_bytes: u64,
}

/// A session as known to its proxy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProxySession {
    /// The name of the proxy's node.
    pub host: Arc<str>,
    /// The prefix of the virtual proxy, without a slash; empty for the default one.
    pub virtual_proxy: &'static str,
    /// The user's directory, spelt as in events.
    pub directory: Arc<str>,
    /// The user's id, spelt as in events.
    pub user_id: Arc<str>,
    /// The value of the session's cookie. It is not in any event; these contain a hash of it.
    pub cookie: String,
    /// When it starts.
    pub start: Duration,
    /// When it ends.
    pub end: Duration,
}

/// A connection with an open app.
#[derive(Debug, Clone, PartialEq, Eq)]
struct OpenApp {
    host: Arc<str>,
    /// The index of the session.
    session: usize,
    /// The index of the app; `None` if it only exists in memory.
    app: Option<usize>,
    opened: u64,
    closed: u64,
}

/// An engine's answer to `/engine/healthcheck`, which reports bytes in MB of 2²⁰ bytes.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Health {
    /// The memory of the engine's process that is in use, in bytes.
    pub committed_bytes: u64,
    /// The memory that it has obtained from the system, in use or reserved, in bytes.
    pub allocated_bytes: u64,
    /// The free memory of the node, in bytes.
    pub free_bytes: u64,
    /// The total memory of the node, in bytes.
    pub total_bytes: u64,
    /// The engine's share of the node's CPU in the last 30 seconds, in percent.
    pub cpu_percent: u64,
    /// The engine's sessions with activity in the last minute, and all of them.
    pub sessions: (u64, u64),
    /// The users with activity in the last minute, and all who have a session.
    pub users: (u64, u64),
    /// The ids of apps with activity in the last minute.
    pub active_apps: Vec<Arc<str>>,
    /// The ids of apps that somebody has open.
    pub loaded_apps: Vec<Arc<str>>,
    /// The ids of apps in memory, whether or not somebody has them open.
    pub in_memory_apps: Vec<Arc<str>>,
    /// The number of requests since the engine started.
    pub calls: u64,
    /// The number of selections since the engine started.
    pub selections: u64,
    /// How often the engine looked for a result in its cache.
    pub cache_lookups: u64,
    /// How often it found one.
    pub cache_hits: u64,
    /// The number of results that were added to the cache.
    pub cache_added: u64,
    /// Their size, in bytes.
    pub cache_bytes_added: u64,
}

/// The nodes of the office, with the sessions of that day.
pub(super) fn of(office: &Office<'_>, presence: &[(u64, u64)]) -> Nodes {
    let app = |app: &super::catalogue::App| App {
        id: Arc::clone(&app.id),
        name: Arc::clone(&app.name),
        ram_bytes: app.size * APP_RAM_BYTES,
    };
    let session = |(number, &(start, end)): (usize, &(u64, u64))| {
        let visit = &office.visits[number];
        let mut id_buffer = String::new();
        let (directory, user_id) = office.population.names(visit.visitor, &mut id_buffer);
        ProxySession {
            host: Arc::clone(&office.hosts[visit.node]),
            virtual_proxy: visit.prefix.trim_start_matches('/'),
            directory: directory.into(),
            user_id: user_id.into(),
            cookie: cookie(number, &visit.session_id),
            start: Duration::from_millis(start),
            end: Duration::from_millis(end),
        }
    };
    let tab = |tab: &Tab| OpenApp {
        host: Arc::clone(&office.hosts[office.visits[tab.visit].node]),
        session: tab.visit,
        app: app_of(tab.context),
        opened: tab.opened,
        closed: tab.closed,
    };
    Nodes {
        hosts: office.hosts.to_vec(),
        apps: office.apps.iter().map(app).collect(),
        sessions: presence.iter().enumerate().map(session).collect(),
        tabs: office.tabs.iter().map(tab).collect(),
    }
}

fn app_of(context: Context) -> Option<usize> {
    match context.document() {
        Document::App { app, .. } => Some(app),
        Document::SessionApp { .. } | Document::Nothing => None,
    }
}

/// A different guid for each session, which cannot be derived from the hash.
fn cookie(number: usize, session_id: &str) -> String {
    let mut seed = number as u64;
    for byte in session_id.bytes() {
        seed = seed.wrapping_mul(0x0100_0000_01b3) ^ u64::from(byte);
    }
    let mut text = String::new();
    push_guid(
        &mut text,
        super::chance::guid(&mut fastrand::Rng::with_seed(seed)),
    );
    text
}

impl Nodes {
    /// The names of the nodes.
    #[must_use]
    pub fn hosts(&self) -> &[Arc<str>] {
        &self.hosts
    }

    /// The apps of the site.
    #[must_use]
    pub fn apps(&self) -> &[App] {
        &self.apps
    }

    /// The sessions that a node's proxy has at a time of the day.
    pub fn sessions_at(&self, host: &str, at: Duration) -> impl Iterator<Item = &ProxySession> {
        self.sessions.iter().filter(move |session| {
            *session.host == *host && session.start <= at && at < session.end
        })
    }
}

impl Day {
    /// The health of a node's engine at a time of the day. It started when the day began.
    ///
    /// An app takes memory for as long as it is kept. A request takes more and more memory up to its peak while it is
    /// served, and its results are discarded within ten minutes.
    #[must_use]
    pub fn health_at(&self, host: &str, at: Duration) -> Health {
        let nodes = &self.nodes;
        let now = self.begin + TimeDelta::from_std(at).unwrap_or_default();
        let millis = milliseconds(at);
        let mut health = Health {
            total_bytes: NODE_RAM_BYTES,
            ..Health::default()
        };

        let (mut in_memory, mut loaded, mut users) =
            (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        for tab in nodes.tabs.iter().filter(|tab| *tab.host == *host) {
            let is_open = tab.opened <= millis && millis < tab.closed;
            if is_open {
                health.sessions.1 += 1;
                let session = &nodes.sessions[tab.session];
                users.insert((&session.directory, session.user_id.to_lowercase()));
                loaded.extend(tab.app);
            }
            if is_open || (tab.closed..tab.closed + APP_CACHE).contains(&millis) {
                in_memory.extend(tab.app);
            }
        }
        health.users.1 = users.len() as u64;

        let mut ram = IDLE_RAM_BYTES;
        ram += in_memory
            .iter()
            .map(|&app| nodes.apps[app].ram_bytes)
            .sum::<u64>();
        let mut busy = 0;
        let (mut active_users, mut active_sessions, mut active_apps) =
            (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        for request in self
            .requests
            .iter()
            .filter(|request| *request.host == *host)
        {
            let taken =
                TimeDelta::from_std(request.process.unwrap_or_default()).unwrap_or_default();
            let (begin, end) = (request.time - taken, request.time);
            if begin > now {
                continue;
            }
            ram += held(request, begin, now);
            let overlap = end.min(now) - begin.max(now - CPU_WINDOW);
            busy += overlap.num_milliseconds().max(0).unsigned_abs();
            if end >= now - ACTIVE {
                active_users.insert((&request.directory, &request.user_id));
                active_sessions.insert(&request.engine_session_id);
                active_apps.extend(request.app_id.as_ref());
            }
            if end <= now {
                health.calls += 1;
                health.selections += u64::from(matches!(
                    request.method,
                    "Doc::ClearAll" | "GenericObject::GetListObjectData"
                ));
                if !request.traverse.is_zero() {
                    health.cache_lookups += 1;
                    if request.net_ram_bytes == 0 {
                        health.cache_hits += 1;
                    } else {
                        health.cache_added += 1;
                        health.cache_bytes_added += request.net_ram_bytes;
                    }
                }
            }
        }
        health.sessions.0 = (active_sessions.len() as u64).min(health.sessions.1);
        health.users.0 = (active_users.len() as u64).min(health.users.1);
        let ids =
            |apps: BTreeSet<usize>| apps.into_iter().map(|app| Arc::clone(&nodes.apps[app].id));
        let is_kept = |id: &&&Arc<str>| nodes.apps.iter().any(|app| app.id == ***id);
        health.active_apps = active_apps
            .iter()
            .filter(is_kept)
            .map(|&id| Arc::clone(id))
            .collect();
        health.loaded_apps = ids(loaded).collect();
        health.in_memory_apps = ids(in_memory).collect();

        health.committed_bytes = ram.min(NODE_RAM_BYTES / 100 * 98);
        health.allocated_bytes = (ram + ram / 16).min(NODE_RAM_BYTES / 100 * 99);
        // The other processes of the node take 8 GiB.
        health.free_bytes = NODE_RAM_BYTES.saturating_sub(health.committed_bytes + (8 << 30));
        let window = CPU_WINDOW.num_milliseconds().unsigned_abs() * CORES;
        health.cpu_percent = (2 + busy * 100 / window).min(100);
        health
    }
}

/// The memory that a request takes at a moment; nothing before its start.
fn held(
    request: &Request,
    begin: chrono::DateTime<chrono::Utc>,
    now: chrono::DateTime<chrono::Utc>,
) -> u64 {
    let share = |bytes: u64, part: TimeDelta, whole: TimeDelta| {
        let part = part.num_milliseconds().max(0).unsigned_abs();
        let whole = whole.num_milliseconds().max(1).unsigned_abs();
        // The unit is MiB, so that nothing overflows.
        ((bytes >> 20) * part.min(whole) / whole) << 20
    };
    if now < request.time {
        let peak = request.peak_ram_bytes.unwrap_or(0);
        // The peak comes before the end.
        share(peak, (now - begin) * 3 / 2, request.time - begin)
    } else {
        let left = RESULT_CACHE - (now - request.time);
        share(request.net_ram_bytes, left, RESULT_CACHE)
    }
}

impl Health {
    /// Whether the engine reports itself as saturated: more than 90 % of CPU or memory in use.
    #[must_use]
    pub const fn is_saturated(&self) -> bool {
        self.cpu_percent > 90 || self.free_bytes < self.total_bytes / 10
    }
}
