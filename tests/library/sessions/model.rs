//! A simulated day whose sessions are known, and the errors of the tracker: with and without lost datagrams, with and
//! without the extended appender. It prints the table in `docs/sessions.md`.

use std::{collections::HashMap, fmt::Write as _, fs, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use qlik_sense_events::{
    event::{Arrival, Body, Derived, DerivedKind, Ended, Pairing},
    pipeline::PipelineConfig,
    simulate::{Day, DayOptions, Network, Stay},
    transform::OutputBuffer,
};

use super::support::config;

/// The result of the tracker for a day.
struct Seen {
    sessions: Vec<(Stay, Ended, bool)>,
    connections: Vec<(Stay, Ended, bool)>,
    /// The number of open sessions at every full minute, from the metrics.
    open_sessions: Vec<u64>,
}

/// Lets the tracker see a day and the two days after it, in which everything ends.
fn watch(day: &Day) -> Seen {
    let options = PipelineConfig {
        sessions: config(),
        ..PipelineConfig::default()
    };
    let mut pipeline = options.build().expect("a pipeline");
    let sessions = pipeline.sessions().expect("followed").clone();
    let mut output = OutputBuffer::default();
    let mut open_sessions = Vec::new();
    let mut minute = 0;
    let mut until = |time: Duration,
                     pipeline: &mut qlik_sense_events::pipeline::Pipeline,
                     output: &mut OutputBuffer| {
        while Duration::from_secs(minute * 60) <= time {
            pipeline.tick(at(day, Duration::from_secs(minute * 60)), output);
            let hosts = sessions.statistics().expect("followed").hosts;
            open_sessions.push(hosts.iter().map(|host| host.active_sessions()).sum());
            minute += 1;
        }
    };
    for delivery in &day.deliveries {
        until(delivery.arrival, &mut pipeline, &mut output);
        let arrival = Arrival::local(at(day, delivery.arrival));
        pipeline.datagram(&delivery.datagram, arrival, &mut output);
    }
    let end = day
        .deliveries
        .last()
        .map_or(Duration::ZERO, |last| last.arrival);
    until(
        end + Duration::from_secs(2 * 86_400),
        &mut pipeline,
        &mut output,
    );
    for host in sessions.statistics().expect("followed").hosts {
        assert_eq!((host.active_users(), host.active_connections()), (0, 0));
    }
    let mut seen = Seen {
        sessions: Vec::new(),
        connections: Vec::new(),
        open_sessions,
    };
    for event in output.into_events() {
        if let Body::Derived(event) = event.body() {
            let stay = |start, end| stay(day, event, start, end);
            match &event.kind {
                DerivedKind::SessionSummary(s, ended) => {
                    let whole = s.start_seen && ended.end_seen();
                    seen.sessions
                        .push((stay(s.start, ended.end), *ended, whole));
                }
                DerivedKind::ConnectionSummary(c, ended) => {
                    let whole = c.start_seen && ended.end_seen();
                    let stay = stay(c.start, ended.end);
                    seen.connections.push((stay, *ended, whole));
                }
                _ => panic!("no snapshots were asked for"),
            }
        }
    }
    seen
}

pub fn at(day: &Day, time: Duration) -> DateTime<Utc> {
    day.begin + TimeDelta::from_std(time).expect("a time")
}

fn stay(day: &Day, event: &Derived, start: DateTime<Utc>, end: DateTime<Utc>) -> Stay {
    let since = |time: DateTime<Utc>| (time - day.begin).to_std().expect("not before the day");
    Stay {
        host: event.subject.host.as_deref().unwrap_or_default().into(),
        user: event
            .subject
            .user()
            .expect("a user")
            .to_string()
            .to_lowercase(),
        start: since(start),
        end: since(end),
    }
}

/// The number of true stays with a summary of their start and end, to the second.
fn found(truth: &[Stay], seen: &[(Stay, Ended, bool)]) -> usize {
    let key = |stay: &Stay| (stay.host.clone(), stay.user.clone());
    let mut by_user: HashMap<_, Vec<&Stay>> = HashMap::new();
    for (stay, ..) in seen {
        by_user.entry(key(stay)).or_default().push(stay);
    }
    let near = |one: Duration, other: Duration| one.abs_diff(other) <= Duration::from_secs(1);
    truth
        .iter()
        .filter(|stay| {
            let others = by_user.get_mut(&key(stay));
            let place = others.as_ref().and_then(|others| {
                others
                    .iter()
                    .position(|other| near(other.start, stay.start) && near(other.end, stay.end))
            });
            match (others, place) {
                (Some(others), Some(place)) => {
                    others.swap_remove(place);
                    true
                }
                _ => false,
            }
        })
        .count()
}

fn total(stays: impl Iterator<Item = Duration>) -> f64 {
    stays.map(|duration| duration.as_secs_f64()).sum()
}

/// Errors in percent.
#[derive(Debug)]
struct Errors {
    loss: u32,
    extended: bool,
    /// Summaries too many or too few.
    sessions: f64,
    connections: f64,
    /// True sessions without a summary that has the same start and end.
    wrong_sessions: f64,
    wrong_connections: f64,
    /// Time in sessions too much or too little.
    session_time: f64,
    connection_time: f64,
    /// The average error of the number of open sessions, over all minutes of the day.
    open: f64,
    /// Summaries that are marked as ambiguous.
    ambiguous: f64,
}

pub fn day(loss: u32, extended: bool) -> Day {
    Day::new(&DayOptions {
        extended,
        network: Network {
            lost: loss,
            doubled: 1_000,
            late: 1_000,
        },
        ..DayOptions::default()
    })
}

fn errors(loss: u32, extended: bool, day: &Day) -> Errors {
    let seen = watch(day);
    let percent = |part: f64, of: f64| 100.0 * part / of;
    let more = |truth: usize, seen: usize| percent(seen as f64 - truth as f64, truth as f64);
    let time = |truth: &[Stay], seen: &[(Stay, Ended, bool)]| {
        let truth = total(truth.iter().map(|stay| stay.end - stay.start));
        let seen = total(seen.iter().map(|(stay, ..)| stay.end - stay.start));
        percent(seen - truth, truth)
    };
    let wrong = |truth: &[Stay], seen: &[(Stay, Ended, bool)]| {
        percent(
            (truth.len() - found(truth, seen)) as f64,
            truth.len() as f64,
        )
    };
    // The minutes with any user, up to the last stop.
    let end = day
        .sessions
        .iter()
        .map(|stay| stay.end)
        .max()
        .expect("sessions");
    let minutes = (end.as_secs() / 60) as usize;
    let (mut off, mut open) = (0.0, 0.0);
    for minute in 0..minutes {
        let time = Duration::from_secs(minute as u64 * 60);
        let truth = day.sessions.iter();
        let truth = truth
            .filter(|stay| stay.start <= time && time < stay.end)
            .count();
        off += (seen.open_sessions[minute] as f64 - truth as f64).abs();
        open += truth as f64;
    }
    let ambiguous = seen
        .sessions
        .iter()
        .filter(|(_, ended, _)| ended.pairing == Some(Pairing::Ambiguous));
    Errors {
        loss,
        extended,
        sessions: more(day.sessions.len(), seen.sessions.len()),
        connections: more(day.connections.len(), seen.connections.len()),
        wrong_sessions: wrong(&day.sessions, &seen.sessions),
        wrong_connections: wrong(&day.connections, &seen.connections),
        session_time: time(&day.sessions, &seen.sessions),
        connection_time: time(&day.connections, &seen.connections),
        open: percent(off, open),
        ambiguous: percent(ambiguous.count() as f64, seen.sessions.len() as f64),
    }
}

impl Errors {
    fn row(&self) -> String {
        let appender = if self.extended { "extended" } else { "usual" };
        let mut row = format!("| {appender} | {} % |", f64::from(self.loss) / 10_000.0);
        for signed in [
            self.sessions,
            self.connections,
            self.session_time,
            self.connection_time,
        ] {
            // Zero has no sign.
            let rounded = (signed * 10.0).round() / 10.0 + 0.0;
            let _ = write!(row, " {rounded:+.1} % |");
        }
        for share in [
            self.open,
            self.wrong_sessions,
            self.wrong_connections,
            self.ambiguous,
        ] {
            let _ = write!(row, " {share:.1} % |");
        }
        row
    }
}

#[test]
fn the_table_of_errors_is_in_the_documentation() {
    let mut rows = Vec::new();
    for extended in [false, true] {
        for loss in [0, 1_000, 10_000] {
            let errors = errors(loss, extended, &day(loss, extended));
            println!("{}", errors.row());
            if loss == 0 {
                assert_eq!(errors.sessions, 0.0, "{errors:?}");
                assert_eq!(errors.open.round(), 0.0, "{errors:?}");
                if extended {
                    assert_eq!(
                        (errors.wrong_sessions, errors.ambiguous),
                        (0.0, 0.0),
                        "{errors:?}"
                    );
                }
            }
            let lost = f64::from(loss) / 10_000.0;
            // A session takes two datagrams.
            assert!(errors.sessions.abs() <= 2.0 * lost + 0.5, "{errors:?}");
            assert!(errors.connections.abs() <= 2.0 * lost + 0.5, "{errors:?}");
            rows.push(errors.row());
        }
    }
    let document = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/sessions.md"));
    let document = document.expect("the document");
    for row in rows {
        assert!(document.contains(&row), "docs/sessions.md: {row}");
    }
}

/// Every browser is updated at the same time, in the middle of the day.
#[test]
fn browser_updates_create_no_sessions() {
    let mut day = day(0, false);
    let noon = Duration::from_secs(5 * 3_600);
    let is_open = |stay: &&Stay| stay.start < noon && noon < stay.end;
    assert!(day.sessions.iter().filter(is_open).count() > 50);
    for delivery in &mut day.deliveries {
        if delivery.arrival > noon {
            let mut text = String::from_utf8(delivery.datagram.clone()).expect("UTF-8");
            for product in ["Chrome/", "Version/", "Firefox/", "SamsungBrowser/"] {
                text = text.replace(product, &format!("{product}9"));
            }
            delivery.datagram = text.into_bytes();
        }
    }
    let errors = errors(0, false, &day);
    assert_eq!(
        (errors.sessions, errors.connections),
        (0.0, 0.0),
        "{errors:?}"
    );
    assert_eq!(errors.open.round(), 0.0, "{errors:?}");
}
