//! A pipeline that follows sessions, with datagrams at times that the test chooses.

use chrono::{DateTime, TimeDelta, Utc};
use qlik_sense_events::{
    event::{Arrival, Body, Derived, DerivedKind, Pairing},
    pipeline::{Pipeline, PipelineConfig},
    transform::{
        OutputBuffer, Sessions, SessionsConfig,
        sessions::{ListedUser, SessionList},
    },
};

pub const CHROME: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 \
                          (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36";

/// Browsers, by their names in lines.
const BROWSERS: [(&str, &str); 14] = [
    ("chrome", CHROME),
    (
        "chrome127",
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/127.0.0.0 Safari/537.36",
    ),
    (
        "chrome_mac",
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
    ),
    (
        "edge",
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36 Edg/126.0.0.0",
    ),
    (
        "firefox",
        "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
    ),
    (
        "firefox129",
        "Mozilla/5.0 (X11; Linux x86_64; rv:129.0) Gecko/20100101 Firefox/129.0",
    ),
    (
        "safari17.4",
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.4 Safari/605.1.15",
    ),
    (
        "safari17.5",
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Safari/605.1.15",
    ),
    (
        "ipad",
        "Mozilla/5.0 (iPad; CPU OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1",
    ),
    (
        "android",
        "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
    ),
    (
        "android_desktop",
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
    ),
    ("okhttp4.12", "okhttp/4.12.0"),
    ("okhttp4.13", "okhttp/4.13.0"),
    ("absent", "(null)"),
];

/// The user agent of one of [`BROWSERS`].
fn user_agent(browser: &str) -> &'static str {
    let mut browsers = BROWSERS.iter();
    let (_, agent) = browsers.find(|(name, _)| *name == browser).expect(browser);
    agent
}

/// The configuration of an enabled tracker without snapshots.
pub fn config() -> SessionsConfig {
    SessionsConfig {
        enabled: true,
        snapshot_interval_secs: 0,
        ..SessionsConfig::default()
    }
}

/// 2026-01-31T09:00:00Z plus this many seconds.
pub fn time(seconds: f64) -> DateTime<Utc> {
    let start: DateTime<Utc> = "2026-01-31T09:00:00Z".parse().expect("a time");
    start + TimeDelta::milliseconds((seconds * 1_000.0).round() as i64)
}

pub struct Followed {
    pub pipeline: Pipeline,
    output: OutputBuffer,
}

impl Followed {
    pub fn new(sessions: SessionsConfig) -> Self {
        let config = PipelineConfig {
            sessions,
            ..PipelineConfig::default()
        };
        Self::with(config.build().expect("a pipeline"))
    }

    /// The transform that follows the sessions.
    pub fn sessions(&self) -> Sessions {
        self.pipeline.sessions().expect("followed").clone()
    }

    pub fn with(pipeline: Pipeline) -> Self {
        Self {
            pipeline,
            output: OutputBuffer::default(),
        }
    }

    /// The events derived with a datagram.
    pub fn datagram(&mut self, seconds: f64, datagram: &[u8]) -> Vec<Derived> {
        let arrival = Arrival::local(time(seconds));
        self.pipeline.datagram(datagram, arrival, &mut self.output);
        self.derived()
    }

    /// The events derived with the passing of time.
    pub fn tick(&mut self, seconds: f64) -> Vec<Derived> {
        self.pipeline.tick(time(seconds), &mut self.output);
        self.derived()
    }

    /// Takes the list of a proxy.
    pub fn list(&self, list: &SessionList) {
        self.pipeline.take_list(list.clone());
    }

    /// The number of open sessions.
    pub fn open_sessions(&self) -> u64 {
        let hosts = self.sessions().statistics().expect("followed").hosts;
        hosts.iter().map(|host| host.active_sessions()).sum()
    }

    /// The open sessions by user, each with its start, in order; `~` precedes an assumed start.
    pub fn open(&self, seconds: f64) -> Vec<String> {
        let open = self.sessions().open_sessions(time(seconds));
        let mut open: Vec<String> = open
            .iter()
            .map(|open| {
                let start = (open.kind.start() - time(0.0)).num_seconds();
                let assumed = if open.kind.start_seen() { "" } else { "~" };
                format!("{} {assumed}{start}", open.subject.user_id)
            })
            .collect();
        open.sort();
        open
    }

    fn derived(&mut self) -> Vec<Derived> {
        let events = self.output.drain();
        events
            .filter_map(|event| match event.body() {
                Body::Derived(event) => Some(event.clone()),
                _ => None,
            })
            .collect()
    }
}

/// The list of a node's proxy at this time: a user for each session.
pub fn list(host: &str, asked: f64, users: &str) -> SessionList {
    let users = users.split_whitespace().map(|user| ListedUser {
        user_directory: Some("Lab".into()),
        user_id: user.into(),
        sessions: 1,
    });
    SessionList {
        host: host.into(),
        asked: time(asked),
        users: users.collect(),
    }
}

/// The datagram of a line: `start goran`, `stop goran`, `open goran app1 chrome`, `close goran app1`. Apps are numbers,
/// browsers are those of [`BROWSERS`] or absent.
pub fn datagram(host: &str, line: &str) -> Vec<u8> {
    let words: Vec<&str> = line.split(' ').collect();
    let [action, user, rest @ ..] = &words[..] else {
        panic!("{line}")
    };
    let context = rest.first().map_or("/hub".to_owned(), |app| {
        let number: u128 = app.trim_start_matches("app").parse().expect("a number");
        format!("/app/{}?reloaduri=x", uuid(number))
    });
    let agent = rest.get(1).map_or_else(String::new, |browser| {
        format!("; UserAgent: '{}'", user_agent(browser))
    });
    let (family, command) = match *action {
        "start" => ("session", "Start session"),
        "stop" => ("session", "Stop session"),
        "open" => ("connection", "Open connection"),
        "close" => ("connection", "Close connection"),
        _ => panic!("{line}"),
    };
    format!("/qseow-proxy-{family}/;{host};{command};LAB;{user};AppAccess;{context};said{agent}")
        .into_bytes()
}

fn uuid(number: u128) -> String {
    format!("00000000-0000-4000-8000-{number:012}")
}

/// A derived event as a line: `session goran 0..100 stop single 2 connections`, where `~` precedes an assumed start and
/// follows an assumed end.
pub fn line(derived: &Derived) -> String {
    let seconds = |time: DateTime<Utc>| {
        let milliseconds = (time - self::time(0.0)).num_milliseconds();
        milliseconds as f64 / 1_000.0
    };
    let user = &derived.subject.user_id;
    let start = |start, seen| format!("{}{}", if seen { "" } else { "~" }, seconds(start));
    match &derived.kind {
        DerivedKind::SessionSummary(session, ended) => format!(
            "session {user} {}..{}{} {} {} {} connections",
            start(session.start, session.start_seen),
            seconds(ended.end),
            if ended.end_seen() { "" } else { "~" },
            ended.reason.as_str(),
            ended.pairing.map_or("-", Pairing::as_str),
            session.connections,
        ),
        DerivedKind::ConnectionSummary(connection, ended) => format!(
            "connection {user} {}..{}{} {} {} {}",
            start(connection.start, connection.start_seen),
            seconds(ended.end),
            if ended.end_seen() { "" } else { "~" },
            ended.reason.as_str(),
            ended.pairing.map_or("-", Pairing::as_str),
            connection
                .app
                .as_ref()
                .map_or("-".to_owned(), |app| format!(
                    "app{}",
                    app.id.as_u128() as u16
                )),
        ),
        DerivedKind::SessionSnapshot(session) => format!(
            "snapshot {user} {} {} of {} connections",
            start(session.start, session.start_seen),
            session.open_connections,
            session.connections,
        ),
        other => panic!("{other:?}"),
    }
}
