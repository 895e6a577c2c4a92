//! Proxies' lists compared with events.

use qlik_sense_events::{
    pipeline::PipelineConfig,
    transform::{
        BlacklistConfig, PseudonymizeConfig, SessionsConfig,
        pseudonymize::{KeySource, Secret},
    },
};

use super::support::{Followed, config, datagram, line, list};

/// Plays lines of `SECONDS ACTION USER [APP [BROWSER]]`, `SECONDS tick`, or `SECONDS list USER…`, the answer of the
/// proxy at that time. Compares the derived events, and the open sessions at the end.
fn plays(script: &[&str], expected: &[&str], open: &[&str]) {
    let mut followed = Followed::new(config());
    play(&mut followed, script, expected, open);
}

fn play(followed: &mut Followed, script: &[&str], expected: &[&str], open: &[&str]) {
    let (mut seen, mut at) = (Vec::new(), 0.0);
    for step in script {
        let (seconds, step) = step.split_once(' ').expect("a time");
        at = seconds.parse().expect("seconds");
        let derived = match step.split_once(' ') {
            None if step == "tick" => followed.tick(at),
            Some(("list", users)) => {
                followed.list(&list("N1", at, users));
                Vec::new()
            }
            _ if step == "list" => {
                followed.list(&list("N1", at, ""));
                Vec::new()
            }
            _ => followed.datagram(at, &datagram("n1", step)),
        };
        let derived = derived.iter().map(line);
        seen.extend(derived.map(|line| format!("{seconds}: {line}")));
    }
    assert_eq!(seen, expected, "{script:#?}");
    assert_eq!(followed.open(at), open, "{script:#?}");
}

#[test]
fn a_user_missing_from_two_lists_in_a_row_left_at_the_last_sign_of_life() {
    plays(
        &[
            "0 start goran",
            "0 start anna",
            "10 open goran app1 chrome",
            "20 close goran app1",
            "60 list goran anna",
            "66 tick",
            "120 list anna",
            "126 tick",
            "180 list anna",
            "186 tick",
        ],
        &[
            "20: connection goran 10..20 close single app1",
            "186: session goran 0..60~ not_listed - 1 connections",
        ],
        &["anna 0"],
    );
}

/// SIGHUP asks for one at once, and a list waits for five seconds before it is compared.
#[test]
fn lists_that_are_requested_every_few_seconds_are_compared() {
    plays(
        &[
            "0 start goran",
            "0 start anna",
            "60 list anna",
            "63 list anna",
            "66 list anna",
            "66 tick",
            "69 list anna",
            "69 tick",
            "72 list anna maria",
            "72 tick",
            "78 tick",
        ],
        &["72: session goran 0..0~ not_listed - 0 connections"],
        &["anna 0", "maria ~72"],
    );
}

#[test]
fn a_user_missing_from_one_list_stays() {
    plays(
        &[
            "0 start goran",
            "0 start anna",
            "60 list anna",
            "66 tick",
            "120 list anna GORAN",
            "126 tick",
            "180 list anna",
            "186 tick",
        ],
        &[],
        &["anna 0", "goran 0"],
    );
}

#[test]
fn a_listed_session_that_no_event_showed_has_no_start() {
    // It is unknown which of the two has stopped, so the connection goes to the other.
    plays(
        &[
            "0 start goran",
            "60 list goran maria maria",
            "66 tick",
            "100 open maria app1 chrome",
            "200 stop maria",
        ],
        &["200: session maria ~60..200 stop - 0 connections"],
        &["goran 0", "maria ~60"],
    );
}

/// A list does not distinguish between two sessions of a user, but one with a connection is still open.
#[test]
fn of_several_sessions_the_longest_idle_one_ends() {
    plays(
        &[
            "0 start goran",
            "1 open goran app1 chrome",
            "30 start goran",
            "60 list goran",
            "66 tick",
            "120 list goran",
            "126 tick",
        ],
        &["126: session goran 30..30~ not_listed - 0 connections"],
        &["goran 0"],
    );
}

#[test]
fn connections_end_with_a_session_that_is_not_listed() {
    plays(
        &[
            "0 start goran",
            "1 open goran app1 chrome",
            "60 list anna",
            "66 tick",
            "120 list anna",
            "126 tick",
            "187 tick",
        ],
        &[
            "126: session goran 0..1~ not_listed - 1 connections",
            "187: connection goran 1..1~ session_end - app1",
        ],
        &["anna ~60"],
    );
}

/// Events that belong to a list may come after it.
#[test]
fn events_in_transit_are_waited_for() {
    plays(
        &[
            "0 start goran",
            "60 list goran anna",
            "61 tick",
            "62 start anna",
            "63 stop goran",
            "66 tick",
        ],
        &["63: session goran 0..63 stop single 0 connections"],
        &["anna 62"],
    );
}

/// A list is as old as its query: users who came since may be missing, and users who left may still be on it.
#[test]
fn a_list_does_not_decide_about_events_around_its_time() {
    plays(
        &[
            "0 start goran",
            "56 start anna",
            "57 stop goran",
            "60 list goran maria",
            "61 start karl",
            "66 tick",
            "116 start eva",
            "120 list anna maria karl",
            "126 tick",
        ],
        &["57: session goran 0..57 stop single 0 connections"],
        &["anna 56", "eva 116", "karl 61", "maria ~60"],
    );
}

#[test]
fn an_empty_list_ends_no_session_while_users_come() {
    let script = [
        "0 start goran",
        "60 list goran",
        "66 tick",
        "100 start anna",
        "120 list",
        "126 tick",
        "170 open anna app1",
        "180 list",
        "186 tick",
    ];
    plays(&script, &[], &["anna 100", "goran 0"]);
    let mut nobody_comes = script.to_vec();
    nobody_comes.extend(["240 list", "246 tick", "300 list", "306 tick"]);
    plays(
        &nobody_comes,
        &[
            "306: session goran 0..60~ not_listed - 0 connections",
            "306: session anna 100..170~ not_listed - 1 connections",
        ],
        &[],
    );
}

/// As with a wrong virtual proxy.
#[test]
fn a_proxy_that_never_listed_a_user_ends_no_session_that_was_seen() {
    plays(
        &[
            "0 start goran",
            "60 list",
            "66 tick",
            "120 list",
            "126 tick",
            "180 list",
            "186 tick",
        ],
        &[],
        &["goran 0"],
    );
}

#[test]
fn a_restart_leaves_no_session_if_a_proxy_lists_none_and_no_user_comes() {
    let mut before = Followed::new(config());
    before.datagram(0.0, &datagram("n1", "start goran"));
    let state: Vec<u8> = before.sessions().state().flatten().collect();
    let mut followed = Followed::new(config());
    let sessions = followed.sessions();
    let restored = sessions.restore(&mut &*state, super::support::time(50.0));
    assert_eq!(restored.expect("a state"), 1);
    play(
        &mut followed,
        &["60 list", "66 tick", "120 list", "126 tick"],
        &["126: session goran 0..0~ not_listed - 0 connections"],
        &[],
    );
}

#[test]
fn a_listed_session_does_not_expire() {
    let mut script = vec!["0 start goran".to_owned()];
    for minute in 1..=150 {
        let seconds = minute * 60;
        script.push(format!("{seconds} list goran"));
        script.push(format!("{} tick", seconds + 6));
    }
    let listed: Vec<&str> = script.iter().map(String::as_str).collect();
    plays(&listed, &[], &["goran 0"]);
    script.push("16199 tick".to_owned());
    script.push("16200 tick".to_owned());
    let listed: Vec<&str> = script.iter().map(String::as_str).collect();
    plays(
        &listed,
        &["16200: session goran 0..9000~ expired - 0 connections"],
        &[],
    );
}

#[test]
fn a_late_list_changes_nothing() {
    plays(
        &["0 list goran", "46 tick", "60 list goran", "105 tick"],
        &[],
        &["goran ~60"],
    );
}

#[test]
fn a_list_changes_only_its_own_node() {
    let mut followed = Followed::new(config());
    followed.datagram(0.0, &datagram("n1", "start goran"));
    for minute in 1..4 {
        let at = f64::from(minute) * 60.0;
        followed.list(&list("n2", at, "goran"));
        assert_eq!(followed.tick(at + 6.0), []);
    }
    assert_eq!(followed.open(200.0), ["goran 0", "goran ~60"]);
}

/// Qlik Sense allows five; a technical user may have more.
#[test]
fn a_user_has_at_most_five_sessions() {
    let followed = |users: &str| {
        let mut followed = Followed::new(config());
        followed.list(&list("n1", 0.0, users));
        assert_eq!(followed.tick(6.0), []);
        followed.open(6.0).len()
    };
    assert_eq!(followed("goran Goran goran"), 3);
    assert_eq!(followed(&"goran ".repeat(70)), 5);
}

#[test]
fn a_list_evicts_no_user() {
    let mut followed = Followed::new(SessionsConfig {
        max_users: 3,
        ..config()
    });
    followed.datagram(0.0, &datagram("n1", "start goran"));
    followed.list(&list("n1", 60.0, "goran a b c d e f g h"));
    assert_eq!(followed.tick(66.0), []);
    assert_eq!(followed.open(66.0).len(), 3);
    let statistics = followed.sessions().statistics().expect("followed");
    assert_eq!(statistics.evicted_users, 0);
    assert!(followed.open(66.0).contains(&"goran 0".to_owned()));
}

#[test]
fn users_on_the_blacklist_are_ignored_on_lists() {
    let config = PipelineConfig {
        sessions: config(),
        blacklist: BlacklistConfig {
            users: vec![r"lab\sa_*".parse().expect("an entry")],
            ..BlacklistConfig::default()
        },
        ..PipelineConfig::default()
    };
    let mut followed = Followed::with(config.build().expect("a pipeline"));
    followed.list(&list("n1", 0.0, "sa_engine goran SA_proxy"));
    assert_eq!(followed.tick(6.0), []);
    assert_eq!(followed.open(6.0), ["goran ~0"]);
}

#[test]
fn a_user_known_only_from_a_list_gets_a_pseudonym_too() {
    let key = KeySource::Variable {
        name: "KEY".into(),
        value: Some(Secret("0123456789abcdef0123456789abcdef".into())),
    };
    let config = PipelineConfig {
        sessions: config(),
        pseudonymize: PseudonymizeConfig { key: Some(key) },
        ..PipelineConfig::default()
    };
    let mut followed = Followed::with(config.build().expect("a pipeline"));
    for minute in 0..3 {
        let at = f64::from(minute) * 60.0;
        followed.list(&list("n1", at, if minute == 0 { "goran" } else { "anna" }));
        let derived = followed.tick(at + 6.0);
        assert_eq!(derived.len(), usize::from(minute == 2));
        for derived in derived {
            let said = format!("{derived:?}").to_lowercase();
            assert!(!said.contains("goran") && !said.contains("lab"), "{said}");
        }
    }
}
