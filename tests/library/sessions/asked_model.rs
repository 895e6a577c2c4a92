//! The simulated day with proxies that are queried every minute: whatever is lost, the number of open sessions is off
//! by at most what changed within two intervals. It prints the second table in `docs/sessions.md`.

use std::{collections::BTreeMap, fs, time::Duration};

use qlik_sense_events::{
    event::Arrival,
    pipeline::{Pipeline, PipelineConfig},
    simulate::{Day, Stay},
    transform::{
        OutputBuffer,
        sessions::{ListedUser, SessionList},
    },
};

use super::{
    model::{at, day},
    support::config,
};

const INTERVAL: Duration = Duration::from_mins(1);

/// How often a host lets time pass, much less often than a real one.
const TICK: Duration = Duration::from_secs(10);

/// Events in transit are waited for, and a tick may have been just before.
const WAIT: Duration = Duration::from_secs(10);

/// In the middle of the day.
const NOON: Duration = Duration::from_hours(5);

/// How long the crashed proxy is away.
const AWAY: Duration = Duration::from_mins(5);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mishap {
    Nothing,
    /// The program is restarted without a saved state.
    Restart,
    /// All sessions of a node end without an event, and its proxy does not answer for a while.
    Crash,
}

impl Mishap {
    const fn name(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Restart => "the program restarts, without a state",
            Self::Crash => "a proxy crashes",
        }
    }
}

/// The day after the mishap.
fn happens(mishap: Mishap, day: &mut Day) -> Option<String> {
    if mishap != Mishap::Crash {
        return None;
    }
    let is_there = |stay: &&Stay| stay.start < NOON && NOON < stay.end;
    let node = day.sessions.iter().find(is_there)?.host.clone();
    // No user comes to it for the rest of the day, so only the list shows the crash.
    let has_crashed = |stay: &Stay| stay.host == node && stay.start >= NOON;
    day.sessions.retain(|stay| !has_crashed(stay));
    for stay in &mut day.sessions {
        if stay.host == node {
            stay.end = stay.end.min(NOON);
        }
    }
    let marker = format!(";{node};");
    day.deliveries.retain(|delivery| {
        let text = String::from_utf8_lossy(&delivery.datagram);
        delivery.arrival < NOON || !text.to_lowercase().contains(&marker)
    });
    Some(node)
}

/// A node, and the sessions of the day on it.
struct Node<'a> {
    name: &'a str,
    stays: Vec<&'a Stay>,
}

impl<'a> Node<'a> {
    fn all(day: &'a Day) -> Vec<Self> {
        let mut nodes = BTreeMap::<_, Vec<_>>::new();
        for stay in &day.sessions {
            nodes.entry(&*stay.host).or_default().push(stay);
        }
        let nodes = nodes.into_iter();
        nodes.map(|(name, stays)| Self { name, stays }).collect()
    }

    /// The sessions at a time.
    fn at(&self, time: Duration) -> impl Iterator<Item = &'a Stay> {
        let stays = self.stays.iter().copied();
        stays.filter(move |stay| stay.start <= time && time < stay.end)
    }
}

/// The answer of a node's proxy at a time.
fn answer(day: &Day, node: &Node<'_>, time: Duration) -> SessionList {
    let users = node.at(time).map(|stay| {
        let (directory, id) = stay.user.split_once('\\').expect("a user");
        ListedUser {
            user_directory: Some(directory.into()),
            user_id: id.into(),
            sessions: 1,
        }
    });
    SessionList {
        host: node.name.into(),
        asked: at(day, time),
        users: users.collect(),
    }
}

/// Open sessions of each node at every full minute.
fn watch(
    day: &Day,
    nodes: &[Node<'_>],
    asks: bool,
    mishap: Mishap,
    away: Option<&str>,
) -> Vec<Vec<u64>> {
    let options = PipelineConfig {
        sessions: config(),
        ..PipelineConfig::default()
    };
    let build = || options.build().expect("a pipeline");
    let mut pipeline = build();
    let (mut output, mut open) = (OutputBuffer::default(), Vec::new());
    let end = end(day);
    let mut deliveries = day.deliveries.iter().peekable();
    let mut time = Duration::ZERO;
    while time <= end {
        while let Some(delivery) = deliveries.next_if(|delivery| delivery.arrival <= time) {
            let arrival = Arrival::local(at(day, delivery.arrival));
            pipeline.datagram(&delivery.datagram, arrival, &mut output);
        }
        if mishap == Mishap::Restart && time == NOON {
            pipeline = build();
        }
        let of_interval = time.as_secs() % INTERVAL.as_secs();
        // Not at the full minute, when the sessions are counted.
        if asks && of_interval == 20 {
            for node in nodes {
                let is_away = away == Some(node.name) && (NOON..NOON + AWAY).contains(&time);
                if !is_away {
                    pipeline.take_list(answer(day, node, time));
                }
            }
        }
        pipeline.tick(at(day, time), &mut output);
        output.clear();
        if of_interval == 0 {
            open.push(open_at(&pipeline, nodes));
        }
        time += TICK;
    }
    open
}

/// Open sessions of each node.
fn open_at(pipeline: &Pipeline, nodes: &[Node<'_>]) -> Vec<u64> {
    let sessions = pipeline.sessions().expect("followed");
    let hosts = sessions.statistics().expect("followed").hosts;
    let of_node = |node: &Node<'_>| {
        let mut of_node = hosts.iter().filter(|host| {
            let name = host.host.as_deref().unwrap_or_default();
            name.eq_ignore_ascii_case(node.name)
        });
        of_node.next().map_or(0, |host| host.active_sessions())
    };
    nodes.iter().map(of_node).collect()
}

/// The time when the last user has left.
fn end(day: &Day) -> Duration {
    let ends = day.sessions.iter().map(|stay| stay.end);
    ends.max().expect("sessions") + Duration::from_mins(5)
}

/// The average error of the number, in percent. With proxies queried, it is never off by more than what changed.
fn off(nodes: &[Node<'_>], open: &[Vec<u64>], is_asked: impl Fn(&str, Duration) -> bool) -> f64 {
    let (mut off, mut all) = (0, 0);
    for (minute, open) in open.iter().enumerate() {
        let time = Duration::from_mins(minute as u64);
        for (node, open) in nodes.iter().zip(open) {
            let truth = node.at(time).count() as u64;
            off += open.abs_diff(truth);
            all += truth;
            if is_asked(node.name, time) {
                let since = time.saturating_sub(2 * INTERVAL + WAIT);
                let changes = node.stays.iter().flat_map(|stay| [stay.start, stay.end]);
                let changes = changes
                    .filter(|change| (since..=time).contains(change))
                    .count();
                assert!(
                    open.abs_diff(truth) <= changes as u64,
                    "minute {minute}, {}: {open} instead of {truth}, {changes} changes",
                    node.name
                );
            }
        }
    }
    100.0 * off as f64 / all as f64
}

#[test]
fn with_lists_open_sessions_are_off_by_what_changed_within_two_intervals() {
    let situations = [
        (Mishap::Nothing, 0),
        (Mishap::Nothing, 10_000),
        (Mishap::Nothing, 100_000),
        (Mishap::Restart, 10_000),
        (Mishap::Crash, 10_000),
    ];
    let document = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/sessions.md");
    let document = fs::read_to_string(document).expect("the document");
    let mut rows = Vec::new();
    for (mishap, loss) in situations {
        let mut day = day(loss, false);
        let away = happens(mishap, &mut day);
        let nodes = Node::all(&day);
        assert!(nodes.len() > 1);
        let by_events = watch(&day, &nodes, false, mishap, away.as_deref());
        let by_events = off(&nodes, &by_events, |_, _| false);
        let with_lists = watch(&day, &nodes, true, mishap, away.as_deref());
        let with_lists = off(&nodes, &with_lists, |node, time| {
            let settles = 2 * INTERVAL + WAIT;
            let after = match mishap {
                Mishap::Nothing => return true,
                Mishap::Restart => NOON..NOON + settles,
                Mishap::Crash if away.as_deref() == Some(node) => NOON..NOON + AWAY + settles,
                Mishap::Crash => return true,
            };
            !after.contains(&time)
        });
        let loss = f64::from(loss) / 10_000.0;
        let row = format!(
            "| {} | {loss} % | {by_events:.1} % | {with_lists:.1} % |",
            mishap.name()
        );
        println!("{row}");
        rows.push(row);
    }
    for row in rows {
        assert!(document.contains(&row), "docs/sessions.md: {row}");
    }
}
