//! Properties of any sequence of events, in any order, at any times.

use std::collections::HashSet;

use proptest::prelude::*;
use qlik_sense_events::{
    event::{Derived, DerivedKind},
    transform::{SessionsConfig, sessions::SessionStatistics},
};

use super::support::{Followed, config, datagram, list};

/// A datagram or, without an action, only the passing of time; and the list of a proxy from shortly before.
#[derive(Debug, Clone)]
pub struct Step {
    /// How far the clock advances, in milliseconds; back if negative.
    pub passes: i64,
    action: Option<(&'static str, u8, u8, u8, &'static str)>,
    listed: Option<(u8, Vec<u8>)>,
}

impl Step {
    /// The nodes and users that it concerns; for a list all of them, because those who are not on it have no session.
    pub fn users(&self) -> Vec<(String, String)> {
        let user = |host, user| (format!("n{host}"), format!("user{user}"));
        let acting = self.action.map(|(_, host, id, ..)| user(host, id));
        let listed = self
            .listed
            .iter()
            .flat_map(|(host, _)| (0..5).map(|id| user(*host, id)));
        acting.into_iter().chain(listed).collect()
    }
}

pub fn step() -> impl Strategy<Value = Step> {
    let passes = prop_oneof![
        0_i64..200,
        0_i64..120_000,
        0_i64..10_000_000,
        -1_000_000_i64..0
    ];
    let action = prop::option::weighted(
        0.9,
        (
            prop::sample::select(vec!["start", "stop", "open", "close"]),
            0_u8..2,
            0_u8..4,
            0_u8..3,
            prop::sample::select(vec![
                "",
                "chrome",
                "chrome127",
                "firefox",
                "ipad",
                "safari17.5",
                "okhttp4.12",
            ]),
        ),
    );
    let users = prop::collection::vec(0_u8..5, 1..8);
    let listed = prop::option::weighted(0.2, (0_u8..2, users));
    (passes, action, listed).prop_map(|(passes, action, listed)| Step {
        passes,
        action,
        listed,
    })
}

const MAX_USERS: usize = 5;

fn bounded() -> SessionsConfig {
    SessionsConfig {
        max_users: MAX_USERS,
        snapshot_interval_secs: 300,
        ..config()
    }
}

/// Takes one step at a time of the clock, in seconds.
pub fn take(followed: &mut Followed, step: &Step, now: f64) -> Vec<Derived> {
    if let Some((host, users)) = &step.listed {
        let users: Vec<String> = users.iter().map(|user| format!("user{user}")).collect();
        followed.list(&list(&format!("n{host}"), now - 6.0, &users.join(" ")));
    }
    let mut derived = followed.tick(now);
    if let Some((action, host, user, app, agent)) = step.action {
        let line = format!("{action} user{user} app{app} {agent}");
        let bytes = datagram(&format!("n{host}"), line.trim_end());
        derived.extend(followed.datagram(now, &bytes));
    }
    derived
}

fn active(statistics: &SessionStatistics) -> (u64, u64, u64) {
    statistics.hosts.iter().fold((0, 0, 0), |sum, host| {
        (
            sum.0 + host.active_users(),
            sum.1 + host.active_sessions(),
            sum.2 + host.active_connections(),
        )
    })
}

proptest! {
    /// Durations are not negative, numbers are bounded, everything that began ends once, and everything ends.
    #[test]
    fn any_sequence_of_events_is_followed(steps in prop::collection::vec(step(), 1..200)) {
        let mut followed = Followed::new(bounded());
        let sessions = followed.sessions();
        let mut now = 0.0;
        let mut snapshots = HashSet::new();
        for (number, step) in steps.iter().enumerate() {
            now += step.passes as f64 / 1_000.0;
            for derived in take(&mut followed, step, now) {
                match &derived.kind {
                    DerivedKind::SessionSummary(session, end) => {
                        prop_assert!(end.end >= session.start);
                        prop_assert_eq!(end.pairing.is_some(), session.start_seen && end.end_seen());
                    }
                    DerivedKind::ConnectionSummary(connection, end) => {
                        prop_assert!(end.end >= connection.start);
                    }
                    DerivedKind::SessionSnapshot(session) => {
                        prop_assert!(session.open_connections <= session.connections);
                        let key = (number, derived.subject.host.clone(), derived.subject.user_id.clone(), session.start);
                        snapshots.insert(key);
                    }
                    _ => {}
                }
            }
            let (users, open, connections) = active(&sessions.statistics().expect("followed"));
            prop_assert!(users <= MAX_USERS as u64);
            prop_assert!(open <= 2 * MAX_USERS as u64, "{open}");
            prop_assert!(connections <= 4 * MAX_USERS as u64, "{connections}");
            prop_assert!(users <= open + connections);
        }
        let (_, open, connections) = active(&sessions.statistics().expect("followed"));
        now += 3.0 * 86_400.0;
        let mut last = (0, 0);
        // One tick ends connections whose sessions end with the next one.
        for later in 0..3 {
            for derived in followed.tick(now + f64::from(later)) {
                match derived.kind {
                    DerivedKind::SessionSummary(..) => last.0 += 1,
                    DerivedKind::ConnectionSummary(..) => last.1 += 1,
                    _ => {}
                }
            }
        }
        prop_assert_eq!(last, (open, connections));
        prop_assert_eq!(active(&sessions.statistics().expect("followed")), (0, 0, 0));
    }

    /// After any events, the open sessions are those that were listed twice while nothing happened.
    #[test]
    fn two_lists_correct_any_state(
        steps in prop::collection::vec(step(), 1..80),
        listed in prop::collection::vec((0_u8..6, 1_u32..8), 1..6),
    ) {
        let mut followed = Followed::new(config());
        let mut now = 0.0;
        for step in &steps {
            now += step.passes.abs() as f64 / 1_000.0;
            take(&mut followed, step, now);
        }
        let users = listed.iter().flat_map(|(user, sessions)| {
            std::iter::repeat_n(format!("user{user}"), *sessions as usize)
        });
        let users = users.collect::<Vec<_>>();
        for _ in 0..2 {
            now += 60.0;
            followed.list(&list("n1", now - 6.0, &users.join(" ")));
            followed.tick(now);
        }
        let mut open = Vec::new();
        for session in followed.sessions().open_sessions(super::support::time(now)) {
            if session.subject.host.as_deref().is_some_and(|host| host.eq_ignore_ascii_case("n1")) {
                open.push(session.subject.user_id.to_string());
            }
        }
        open.sort();
        let mut expected = Vec::new();
        for user in (0..6).map(|user| format!("user{user}")) {
            let sessions = users.iter().filter(|listed| **listed == user).count();
            expected.extend(std::iter::repeat_n(user, sessions.min(5)));
        }
        prop_assert_eq!(open, expected);
    }

    /// The same input gives the same output, and an interrupted run that continues from its state gives the same as
    /// one run.
    #[test]
    fn a_restart_changes_nothing(
        steps in prop::collection::vec(step(), 1..80),
        stops in prop::collection::vec(0_usize..80, 0..4),
    ) {
        let config = SessionsConfig { snapshot_interval_secs: 0, ..config() };
        let uninterrupted = play(&config, &steps, &[]);
        prop_assert_eq!(&uninterrupted, &play(&config, &steps, &[]));
        prop_assert_eq!(&uninterrupted, &play(&config, &steps, &stops));
    }
}

/// All output of a run that is interrupted before some of the steps.
fn play(config: &SessionsConfig, steps: &[Step], stops: &[usize]) -> Vec<String> {
    let mut followed = Followed::new(config.clone());
    let (mut now, mut out) = (0.0, Vec::new());
    for (number, step) in steps.iter().enumerate() {
        // Longer than duplicates take, because those are not remembered between runs.
        now += (step.passes.abs() + 101) as f64 / 1_000.0;
        if stops.contains(&number) {
            let state: Vec<u8> = followed.sessions().state().flatten().collect();
            followed = Followed::new(config.clone());
            followed
                .sessions()
                .restore(&mut &*state, super::support::time(now))
                .expect("the state");
        }
        // The order of those that expire at the same time is undefined.
        let mut lines: Vec<String> = take(&mut followed, step, now)
            .iter()
            .map(|derived| format!("{derived:?}"))
            .collect();
        lines.sort();
        out.extend(lines);
    }
    out
}
