//! Situations that are known to occur on a Qlik Sense site, one per test.

use qlik_sense_events::transform::SessionsConfig;

use super::support::{Followed, config, datagram, line};

/// Plays lines of `SECONDS ACTION USER [APP [BROWSER]]`, or `SECONDS tick`, and compares the derived events, one per
/// line after the seconds of their cause.
fn plays(config: SessionsConfig, script: &[&str], expected: &[&str]) {
    let mut followed = Followed::new(config);
    let mut seen = Vec::new();
    for step in script {
        let (seconds, step) = step.split_once(' ').expect("a time");
        let at: f64 = seconds.parse().expect("seconds");
        let derived = match step {
            "tick" => followed.tick(at),
            step => followed.datagram(at, &datagram("n1", step)),
        };
        let derived = derived.iter().map(line);
        seen.extend(derived.map(|line| format!("{seconds}: {line}")));
    }
    assert_eq!(seen, expected, "{script:#?}");
}

#[test]
fn a_session_counts_its_connections() {
    plays(
        config(),
        &[
            "0 start goran",
            "1 open goran app1 chrome",
            "20 open goran app2 chrome",
            "60 close goran app1",
            "90 close goran app2",
            "100 stop goran",
        ],
        &[
            "60: connection goran 1..60 close single app1",
            "90: connection goran 20..90 close single app2",
            "100: session goran 0..100 stop single 2 connections",
        ],
    );
}

#[test]
fn case_does_not_distinguish_users() {
    plays(
        config(),
        &["0 start goran", "10 stop GORAN"],
        &["10: session goran 0..10 stop single 0 connections"],
    );
}

#[test]
fn a_stop_without_a_start_shows_a_session() {
    plays(
        config(),
        &["5 stop goran"],
        &["5: session goran ~5..5 stop - 0 connections"],
    );
}

#[test]
fn a_receiver_that_starts_late_sees_sessions_by_their_connections() {
    plays(
        config(),
        &[
            "5 close goran app1",
            "7 open goran app1 chrome",
            "9 stop goran",
        ],
        &[
            "5: connection goran ~5..5 close - app1",
            "9: session goran ~5..9 stop - 2 connections",
        ],
    );
}

#[test]
fn a_start_without_a_stop_expires_at_its_last_sign() {
    plays(
        config(),
        &[
            "0 start goran",
            "1 open goran app1 chrome",
            "60 close goran app1",
            "7259 tick",
            "7260 tick",
        ],
        &[
            "60: connection goran 1..60 close single app1",
            "7260: session goran 0..60~ expired - 1 connections",
        ],
    );
}

#[test]
fn an_open_connection_keeps_its_session() {
    plays(
        config(),
        &[
            "0 start goran",
            "1 open goran app1 chrome",
            "86400 tick",
            "86401 tick",
        ],
        &[
            "86401: connection goran 1..1~ expired - app1",
            "86401: session goran 0..1~ expired - 1 connections",
        ],
    );
}

#[test]
fn a_close_may_come_after_the_stop() {
    plays(
        config(),
        &[
            "0 start goran",
            "1 open goran app1 chrome",
            "2 open goran app2 chrome",
            "100 stop goran",
            "118 close goran app1",
            "159 tick",
            "160 tick",
        ],
        &[
            "100: session goran 0..100 stop single 2 connections",
            "118: connection goran 1..118 close single app1",
            "160: connection goran 2..100~ session_end - app2",
        ],
    );
}

#[test]
fn a_late_close_without_an_open_shows_no_session() {
    plays(
        config(),
        &[
            "0 start goran",
            "100 stop goran",
            "118 close goran app1",
            "20000 tick",
        ],
        &[
            "100: session goran 0..100 stop single 0 connections",
            "118: connection goran ~118..118 close - app1",
        ],
    );
}

#[test]
fn a_refresh_is_two_connections_of_one_session() {
    plays(
        config(),
        &[
            "0 start goran",
            "1 open goran app1 chrome",
            "50 close goran app1",
            "50.003 open goran app1 chrome",
            "60 close goran app1",
            "70 stop goran",
        ],
        &[
            "50: connection goran 1..50 close single app1",
            "60: connection goran 50.003..60 close single app1",
            "70: session goran 0..70 stop single 2 connections",
        ],
    );
}

#[test]
fn a_start_may_be_overtaken_by_its_first_open() {
    plays(
        config(),
        &[
            "10.001 open goran app1 chrome",
            "10.004 start goran",
            "20 close goran app1",
            "30 stop goran",
        ],
        &[
            "20: connection goran 10.001..20 close single app1",
            "30: session goran 10.001..30 stop single 1 connections",
        ],
    );
}

#[test]
fn repeated_datagrams_count_once() {
    plays(
        config(),
        &[
            "0 start goran",
            "0.002 start goran",
            "1 open goran app1 chrome",
            "1.05 open goran app1 chrome",
            "60 close goran app1",
            "60.001 close goran app1",
            "100 stop goran",
            "100.001 stop goran",
            "20000 tick",
        ],
        &[
            "60: connection goran 1..60 close single app1",
            "100: session goran 0..100 stop single 1 connections",
        ],
    );
}

#[test]
fn browsers_distinguish_sessions_and_a_stop_ends_the_idle_one() {
    plays(
        config(),
        &[
            "0 start goran",
            "1 open goran app1 chrome",
            "10 start goran",
            "11 open goran app2 firefox",
            "20 close goran app1",
            "2000 stop goran",
            "3000 close goran app2",
            "3001 stop goran",
        ],
        &[
            "20: connection goran 1..20 close single app1",
            "2000: session goran 0..2000 stop ambiguous 1 connections",
            "3000: connection goran 11..3000 close single app2",
            "3001: session goran 10..3001 stop ambiguous 1 connections",
        ],
    );
}

#[test]
fn a_browser_that_no_session_has_shows_a_session() {
    plays(
        config(),
        &[
            "0 start goran",
            "1 open goran app1 chrome",
            "2 open goran app1 firefox",
            "3 tick",
            "50 close goran app1",
            "60 close goran app1",
        ],
        &[
            "50: connection goran 1..50 close ambiguous app1",
            "60: connection goran 2..60 close ambiguous app1",
        ],
    );
}

/// A session that is used from one agent and then from another, which may or may not be the same browser: what its stop
/// and the time after it show.
fn changes_agent(before: &str, after: &str) -> Vec<String> {
    let mut followed = Followed::new(config());
    let script = [
        (0.0, "start goran".to_owned()),
        (1.0, format!("open goran app1 {before}")),
        (60.0, "close goran app1".to_owned()),
        (61.0, format!("open goran app1 {after}")),
        (90.0, "close goran app1".to_owned()),
        (100.0, "stop goran".to_owned()),
    ];
    let mut seen = Vec::new();
    for (seconds, step) in script {
        seen.extend(followed.datagram(seconds, &datagram("n1", &step)));
    }
    seen.extend(followed.tick(90_000.0));
    let lines = seen.iter().map(line);
    lines.filter(|line| line.starts_with("session")).collect()
}

#[test]
fn a_browser_that_changes_its_agent_stays_in_its_session() {
    for (before, after) in [
        // Updates.
        ("chrome", "chrome127"),
        ("firefox", "firefox129"),
        ("safari17.4", "safari17.5"),
        ("okhttp4.12", "okhttp4.13"),
        // A tablet requests the desktop site, then no longer does.
        ("ipad", "safari17.5"),
        ("safari17.5", "ipad"),
        ("ipad", "safari17.4"),
        ("android", "android_desktop"),
        ("android_desktop", "android"),
        // What the agent does not say rules out nothing.
        ("chrome", "absent"),
        ("absent", "chrome"),
        ("chrome", "okhttp4.12"),
        ("okhttp4.12", "chrome"),
    ] {
        let sessions = changes_agent(before, after);
        let expected = ["session goran 0..100 stop single 2 connections"];
        assert_eq!(sessions, expected, "{before} {after}");
    }
}

#[test]
fn another_browser_or_another_system_shows_another_session() {
    for (one, other) in [
        ("chrome", "firefox"),
        ("chrome", "edge"),
        ("chrome", "chrome_mac"),
        ("chrome", "android"),
        ("chrome_mac", "safari17.5"),
        ("ipad", "chrome_mac"),
    ] {
        for (one, other) in [(one, other), (other, one)] {
            let sessions = changes_agent(one, other);
            assert_eq!(sessions.len(), 2, "{one} {other}: {sessions:?}");
        }
    }
}

#[test]
fn two_versions_of_a_browser_distinguish_sessions() {
    plays(
        config(),
        &[
            "0 start goran",
            "1 open goran app1 chrome",
            "10 start goran",
            "11 open goran app2 chrome127",
            "20 open goran app3 chrome",
            "30 close goran app2",
            "3000 stop goran",
            "3010 close goran app1",
            "3011 close goran app3",
            "3012 stop goran",
        ],
        &[
            "30: connection goran 11..30 close single app2",
            "3000: session goran 10..3000 stop ambiguous 1 connections",
            "3010: connection goran 1..3010 close single app1",
            "3011: connection goran 20..3011 close single app3",
            "3012: session goran 0..3012 stop ambiguous 2 connections",
        ],
    );
}

/// The browser of the first session is updated before the second one has shown its browser: whichever session the event
/// counts for, there are two.
#[test]
fn an_update_next_to_a_session_in_the_hub_creates_no_third_session() {
    plays(
        config(),
        &[
            "0 start goran",
            "1 open goran app1 chrome",
            "2 close goran app1",
            "10 start goran",
            "20 open goran app2 chrome127",
            "30 open goran app3 firefox",
            "40 close goran app2",
            "50 close goran app3",
            "60 stop goran",
            "70 stop goran",
            "90000 tick",
        ],
        &[
            "2: connection goran 1..2 close single app1",
            "40: connection goran 20..40 close single app2",
            "50: connection goran 30..50 close single app3",
            "60: session goran 10..60 stop ambiguous 2 connections",
            "70: session goran 0..70 stop ambiguous 1 connections",
        ],
    );
}

#[test]
fn a_sixth_session_displaces_the_idlest() {
    let mut script: Vec<String> = (0..6).map(|n| format!("{n} start goran")).collect();
    script.push("2.5 tick".into());
    let script: Vec<&str> = script.iter().map(String::as_str).collect();
    plays(
        config(),
        &script,
        &["5: session goran 0..0~ displaced - 0 connections"],
    );
}

#[test]
fn too_many_users_evict_those_who_would_expire_first() {
    let config = SessionsConfig {
        max_users: 2,
        ..config()
    };
    plays(
        config,
        &[
            "0 start anna",
            "1 start goran",
            "2 open anna app1 chrome",
            "3 start peter",
            "4 stop anna",
        ],
        &[
            "3: session goran 1..1~ evicted - 0 connections",
            "4: session anna 0..4 stop single 1 connections",
        ],
    );
}

#[test]
fn snapshots_come_at_the_intervals_of_the_wall_clock() {
    let config = SessionsConfig {
        snapshot_interval_secs: 300,
        ..config()
    };
    plays(
        config,
        &[
            "10 tick",
            "20 start goran",
            "21 open goran app1 chrome",
            "22 open goran app2 chrome",
            "23 close goran app2",
            "24 close anna app1",
            "299 tick",
            "300 tick",
            "301 tick",
            "310 stop anna",
            "600 tick",
            "1300 tick",
            "1400 tick",
        ],
        &[
            "23: connection goran 22..23 close single app2",
            "24: connection anna ~24..24 close - app1",
            "300: snapshot goran 20 1 of 2 connections",
            "300: snapshot anna ~24 0 of 1 connections",
            "310: session anna ~24..310 stop - 1 connections",
            "600: snapshot goran 20 1 of 2 connections",
            "1300: snapshot goran 20 1 of 2 connections",
        ],
    );
}

#[test]
fn a_clock_that_is_set_back_or_forward_gives_no_negative_duration() {
    plays(
        config(),
        &["1000 start goran", "10 stop goran"],
        &["10: session goran 1000..1000 stop single 0 connections"],
    );
}

#[test]
fn nodes_are_separate_and_a_user_may_come_through_two_sockets() {
    let mut one = Followed::new(config());
    let mut other = Followed::with(one.pipeline.clone_for_socket());
    assert!(one.datagram(0.0, &datagram("n1", "start goran")).is_empty());
    assert!(one.datagram(1.0, &datagram("n2", "start goran")).is_empty());
    let ended = other.datagram(9.0, &datagram("N1", "stop goran"));
    let lines: Vec<String> = ended.iter().map(line).collect();
    assert_eq!(lines, ["session goran 0..9 stop single 0 connections"]);
    assert_eq!(ended[0].subject.host.as_deref(), Some("n1"));

    let statistics = one.sessions().statistics().expect("followed");
    let active: Vec<_> = statistics
        .hosts
        .iter()
        .map(|host| (host.host.as_deref(), host.active_users()))
        .collect();
    assert_eq!(active, [(None, 0), (Some("n1"), 0), (Some("n2"), 1)]);
    assert_eq!(one.pipeline.counters().derived_events(), 0);
    assert_eq!(other.pipeline.counters().derived_events(), 1);
    assert_eq!(other.pipeline.counters().events(), 1);
}

#[test]
fn events_without_a_user_are_skipped_and_counted() {
    let mut followed = Followed::new(config());
    let long = "x".repeat(600);
    for user in ["(null)", "", &*long] {
        let datagram = format!("/proxy-session/;n1;Start session;LAB;{user};;/hub;");
        assert!(followed.datagram(0.0, datagram.as_bytes()).is_empty());
    }
    let statistics = followed.sessions().statistics().expect("followed");
    assert_eq!(statistics.unfollowed, 3);
    assert_eq!(statistics.hosts[1].active_users(), 0);
}
