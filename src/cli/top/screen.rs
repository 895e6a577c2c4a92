//! What is shown, as data: the numbers at the top and a row for each session.

use std::{borrow::Cow, cmp::Ordering, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};

/// The number of minutes in the curve.
pub const MINUTES: usize = 60;

/// Everything to show at one point in time.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Screen {
    /// Where the events come from.
    pub source: String,
    /// The time that it shows; `None` before the first event of a recording.
    pub now: Option<DateTime<Utc>>,
    /// Users with a session, by node and name.
    pub users: usize,
    /// Connections of all sessions.
    pub connections: u64,
    /// Session and connection events so far.
    pub events: u64,
    /// Their number per second, over the last ten seconds.
    pub events_a_second: f64,
    /// Events in each of the last minutes, the oldest first.
    pub minutes: Vec<u64>,
    /// Datagrams that were lost, as far as row numbers show.
    pub lost: Option<u64>,
    /// Log events of level error and fatal in the last hour; `None` until there is any log event.
    pub errors: Option<u64>,
    /// Task runs that failed in the last hour; `None` until there is any task event.
    pub failed_tasks: Option<u64>,
    /// The nodes whose engines are queried for their health.
    pub nodes: Vec<Node>,
    /// Whether the cost of requests is known.
    pub has_costs: bool,
    /// Notices, such as that the input has ended.
    pub notices: Vec<String>,
    /// The number of open sessions, with or without a match for the filter.
    pub sessions_in_all: usize,
    /// The open sessions.
    pub sessions: Vec<Session>,
}

/// The memory of a node. All of it is `None` if its engine does not answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Node {
    /// Its name in events.
    pub name: String,
    /// Memory that the engine has committed, in bytes.
    pub committed: Option<u64>,
    /// Memory in use, in percent; `None` from older releases, which do not report how much there is.
    pub used_percent: Option<u64>,
    /// Memory of the node, in bytes.
    pub total: Option<u64>,
}

/// An open session.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Session {
    /// The user, `DIR\id`.
    pub user: String,
    /// The Qlik node.
    pub node: String,
    /// When it started.
    pub since: DateTime<Utc>,
    /// Whether its start was seen; otherwise it started earlier.
    pub start_seen: bool,
    /// Whether an event showed it; otherwise its proxy lists it, and nothing else is known.
    pub event_seen: bool,
    /// Connections that are open.
    pub connections: u32,
    /// The apps that are open.
    pub apps: String,
    /// The browser and system.
    pub browser: String,
    /// The cost of its requests in the last minutes.
    pub cost: Option<Cost>,
}

/// The cost of requests to the engine.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cost {
    /// The number of values.
    pub requests: u64,
    /// The total time to serve them.
    pub process: Duration,
    /// The most memory that one of them took, in bytes.
    pub peak_ram: u64,
}

impl Cost {
    /// Adds the cost of others.
    pub fn add(&mut self, more: Self) {
        self.requests = self.requests.saturating_add(more.requests);
        self.process = self.process.saturating_add(more.process);
        self.peak_ram = self.peak_ram.max(more.peak_ram);
    }
}

/// The column by which sessions are sorted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sort {
    /// The latest first.
    #[default]
    Since,
    User,
    /// The most first.
    Connections,
    /// The most first.
    PeakRam,
    /// The most first.
    Process,
    /// The most first.
    Requests,
    App,
    Browser,
    Node,
}

impl Sort {
    pub const ALL: [Self; 9] = [
        Self::Since,
        Self::User,
        Self::Connections,
        Self::PeakRam,
        Self::Process,
        Self::Requests,
        Self::App,
        Self::Browser,
        Self::Node,
    ];

    /// The column's heading.
    pub const fn heading(self) -> &'static str {
        match self {
            Self::Since => "SINCE",
            Self::User => "USER",
            Self::Connections => "CONN",
            Self::PeakRam => "RAM",
            Self::Process => "TIME",
            Self::Requests => "REQ",
            Self::App => "APP",
            Self::Browser => "BROWSER",
            Self::Node => "NODE",
        }
    }

    /// Whether it shows the cost of requests.
    pub const fn is_cost(self) -> bool {
        matches!(self, Self::PeakRam | Self::Process | Self::Requests)
    }

    fn compare(self, a: &Session, b: &Session) -> Ordering {
        let text = |a: &str, b: &str| a.to_lowercase().cmp(&b.to_lowercase());
        let by_column = match self {
            Self::Since => b.since.cmp(&a.since),
            Self::User => text(&a.user, &b.user),
            Self::Connections => b.connections.cmp(&a.connections),
            Self::PeakRam => by_cost(a, b, |cost| cost.peak_ram),
            Self::Process => by_cost(a, b, |cost| cost.process),
            Self::Requests => by_cost(a, b, |cost| cost.requests),
            Self::App => text(&a.apps, &b.apps),
            Self::Browser => text(&a.browser, &b.browser),
            Self::Node => text(&a.node, &b.node),
        };
        by_column
            .then_with(|| b.since.cmp(&a.since))
            .then_with(|| text(&a.user, &b.user))
            .then_with(|| a.node.cmp(&b.node))
    }
}

/// The highest first, and those without a value last.
fn by_cost<T: Ord>(a: &Session, b: &Session, of: fn(&Cost) -> T) -> Ordering {
    b.cost.as_ref().map(of).cmp(&a.cost.as_ref().map(of))
}

impl Screen {
    /// Keeps the sessions that match a filter, in their order.
    pub fn arrange(&mut self, sort: Sort, is_reversed: bool, filter: &str) {
        let wanted = filter.to_lowercase();
        self.sessions.retain(|session| session.has(&wanted));
        self.sessions.sort_by(|a, b| {
            let order = sort.compare(a, b);
            if is_reversed { order.reverse() } else { order }
        });
    }
}

impl Session {
    /// Whether one of the columns contains a text in lower case.
    fn has(&self, wanted: &str) -> bool {
        wanted.is_empty()
            || [&self.user, &self.node, &self.apps, &self.browser]
                .into_iter()
                .any(|column| column.to_lowercase().contains(wanted))
    }
}

/// A length of time in at most six characters: `12s`, `5m 03s`, `3h 07m`, `12d 4h`.
pub fn duration(length: TimeDelta) -> String {
    let seconds = length.num_seconds().max(0);
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3_600 => format!("{}m {:02}s", seconds / 60, seconds % 60),
        3_600..86_400 => format!("{}h {:02}m", seconds / 3_600, seconds / 60 % 60),
        _ => format!("{}d {}h", seconds / 86_400, seconds / 3_600 % 24),
    }
}

/// The time of requests in at most six characters: `812ms`, `12.3s`, and then as [`duration`].
pub fn time_taken(time: Duration) -> String {
    match time.as_secs() {
        0 => format!("{}ms", time.as_millis()),
        1..60 => format!("{:.1}s", time.as_secs_f64()),
        _ => duration(TimeDelta::from_std(time).unwrap_or(TimeDelta::MAX)),
    }
}

/// Memory in at most seven characters: `812 KiB`, `1.2 GiB`.
#[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
pub fn memory(bytes: u64) -> String {
    if bytes < 1_000 {
        return format!("{bytes} B");
    }
    let mut units = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"].into_iter();
    let (mut amount, mut unit) = (bytes as f64 / 1_024.0, units.next());
    // A fourth digit would be too wide.
    while amount >= 999.5
        && let Some(larger) = units.next()
    {
        amount /= 1_024.0;
        unit = Some(larger);
    }
    let decimals = usize::from(amount < 9.95);
    format!("{amount:.decimals$} {}", unit.unwrap_or_default())
}

/// A number in at most five characters: `12345`, `123k`, `12M`.
pub fn short(number: u64) -> String {
    match number {
        ..100_000 => number.to_string(),
        100_000..10_000_000 => format!("{}k", number / 1_000),
        _ => format!("{}M", (number / 1_000_000).min(9_999)),
    }
}

/// A number with separated thousands: `1,234,567`.
pub fn grouped(number: u64) -> Cow<'static, str> {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(user: &str, minute: i64, connections: u32, apps: &str) -> Session {
        Session {
            user: user.into(),
            node: format!("n{minute}"),
            since: DateTime::UNIX_EPOCH + TimeDelta::minutes(minute),
            connections,
            apps: apps.into(),
            browser: if minute == 2 { "Firefox" } else { "Chrome" }.into(),
            cost: (minute < 3).then(|| Cost {
                requests: 10 - minute.unsigned_abs(),
                process: Duration::from_secs(5 - minute.unsigned_abs()),
                peak_ram: minute.unsigned_abs() << 30,
            }),
            ..Session::default()
        }
    }

    fn users(sort: Sort, is_reversed: bool, filter: &str) -> Vec<String> {
        let mut screen = Screen {
            sessions: vec![
                session(r"LAB\goran", 1, 2, "Sales"),
                session(r"LAB\Anna", 2, 0, ""),
                session(r"LAB\Jörgen", 3, 5, "HR"),
            ],
            ..Screen::default()
        };
        screen.arrange(sort, is_reversed, filter);
        let short = |session: Session| session.user[4..].to_lowercase();
        screen.sessions.into_iter().map(short).collect()
    }

    #[test]
    fn sessions_are_sorted_by_each_column() {
        let rows = [
            (Sort::Since, ["jörgen", "anna", "goran"]),
            (Sort::User, ["anna", "goran", "jörgen"]),
            (Sort::Connections, ["jörgen", "goran", "anna"]),
            (Sort::PeakRam, ["anna", "goran", "jörgen"]),
            (Sort::Process, ["goran", "anna", "jörgen"]),
            (Sort::Requests, ["goran", "anna", "jörgen"]),
            (Sort::App, ["anna", "jörgen", "goran"]),
            (Sort::Browser, ["jörgen", "goran", "anna"]),
            (Sort::Node, ["goran", "anna", "jörgen"]),
        ];
        assert_eq!(rows.map(|(sort, _)| sort), Sort::ALL);
        for (sort, mut expected) in rows {
            assert_eq!(users(sort, false, ""), expected, "{sort:?}");
            expected.reverse();
            assert_eq!(users(sort, true, ""), expected, "{sort:?}");
        }
    }

    #[test]
    fn a_filter_looks_into_every_column_without_regard_to_case() {
        for (filter, expected) in [
            ("GORAN", vec!["goran"]),
            ("lab", vec!["anna", "goran", "jörgen"]),
            ("JÖR", vec!["jörgen"]),
            ("sales", vec!["goran"]),
            ("firefox", vec!["anna"]),
            ("n3", vec!["jörgen"]),
            ("nobody", vec![]),
        ] {
            assert_eq!(users(Sort::User, false, filter), expected, "{filter}");
        }
    }

    #[test]
    fn lengths_of_time_are_short() {
        for (seconds, expected) in [
            (-5, "0s"),
            (0, "0s"),
            (59, "59s"),
            (303, "5m 03s"),
            (3_599, "59m 59s"),
            (11_220, "3h 07m"),
            (86_399, "23h 59m"),
            (1_051_200, "12d 4h"),
        ] {
            assert_eq!(duration(TimeDelta::seconds(seconds)), expected);
        }
    }

    #[test]
    fn costs_are_short() {
        for (milliseconds, expected) in [
            (0, "0ms"),
            (999, "999ms"),
            (1_000, "1.0s"),
            (59_999, "60.0s"),
            (60_000, "1m 00s"),
            (99 * 86_400_000, "99d 0h"),
        ] {
            assert_eq!(time_taken(Duration::from_millis(milliseconds)), expected);
        }
        assert!(time_taken(Duration::MAX).contains("d "));
        for (bytes, expected) in [
            (0, "0 B"),
            (999, "999 B"),
            (1_000, "1.0 KiB"),
            (10_189, "10 KiB"),
            (1_023_487, "999 KiB"),
            (1_023_488, "1.0 MiB"),
            (250 << 30, "250 GiB"),
            (1_023 << 30, "1.0 TiB"),
            (u64::MAX, "16 EiB"),
        ] {
            assert_eq!(memory(bytes), expected);
        }
        for (number, expected) in [
            (99_999, "99999"),
            (100_000, "100k"),
            (9_999_999, "9999k"),
            (10_000_000, "10M"),
            (u64::MAX, "9999M"),
        ] {
            assert_eq!(short(number), expected);
        }
    }

    #[test]
    fn thousands_are_apart() {
        for (number, expected) in [
            (0, "0"),
            (999, "999"),
            (1_000, "1,000"),
            (1_234_567, "1,234,567"),
        ] {
            assert_eq!(grouped(number), expected);
        }
    }
}
