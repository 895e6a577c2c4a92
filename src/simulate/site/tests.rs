use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use super::*;
use crate::event::{ConnectionAction, SessionAction};
use crate::simulate::context::NOT_AVAILABLE;
use crate::simulate::datagram::UserKind;

const WELL_FORMED: SiteOptions = SiteOptions {
    seed: 7,
    users: 200,
    nodes: 3,
    odd_per_mille: 0,
    extended: false,
    families: Families::USER,
};

/// The first datagrams of that site.
static OF_WELL_FORMED: LazyLock<Vec<(Vec<u8>, Datagram)>> =
    LazyLock::new(|| datagrams(WELL_FORMED, 50_000));

/// The first `count` datagrams of a site, with their contents.
fn datagrams(options: SiteOptions, count: usize) -> Vec<(Vec<u8>, Datagram)> {
    let mut site = Site::new(options);
    (0..count)
        .map(|_| {
            let mut datagram = Vec::new();
            let truth = site.next_datagram(&mut datagram);
            (datagram, truth)
        })
        .collect()
}

fn text(datagram: &[u8]) -> &str {
    std::str::from_utf8(datagram).expect("well-formed datagrams are UTF-8")
}

/// Asserts that `actual` is between nine and eleven tenths of `expected`.
fn assert_about(actual: u64, expected: u64) {
    assert!(
        actual * 10 >= expected * 9 && actual * 10 <= expected * 11,
        "{actual} is not about {expected}"
    );
}

#[test]
fn the_same_options_give_the_same_datagrams() {
    let odd = SiteOptions {
        odd_per_mille: 100,
        ..WELL_FORMED
    };
    let first = datagrams(odd.clone(), 5_000);
    assert_eq!(first, datagrams(odd.clone(), 5_000));
    assert_ne!(first, datagrams(SiteOptions { seed: 8, ..odd }, 5_000));
}

#[test]
fn well_formed_datagrams_have_eight_fields_that_agree_with_the_truth() {
    for (datagram, truth) in &*OF_WELL_FORMED {
        let fields: Vec<&str> = text(datagram).splitn(8, ';').collect();
        let [kind, host, command, directory, id, origin, context, message] = fields[..] else {
            panic!("{} fields: {fields:?}", fields.len());
        };
        let (expected_kind, expected_command, user) = match *truth {
            Datagram::Session { action, user } => {
                let action = Action::Session(action);
                (action.type_token(), action.command(), user)
            }
            Datagram::Connection { action, user } => {
                let action = Action::Connection(action);
                (action.type_token(), action.command(), user)
            }
            _ => panic!("odd: {truth:?}"),
        };
        assert_eq!((kind, command), (expected_kind, expected_command));
        assert!(host.starts_with("pro2-win"));
        let expected_user = match directory {
            "INTERNAL" => UserKind::ServiceAccount,
            "NONE" => UserKind::Anonymous,
            _ => UserKind::Person,
        };
        assert_eq!(user, expected_user, "{directory}\\{id}");
        assert_eq!(
            origin == "AppAccess",
            kind == "/qseow-proxy-connection/",
            "{origin}"
        );
        assert!(context.starts_with('/') || context == NOT_AVAILABLE);
        assert_eq!(
            message.contains("; UserAgent: '"),
            command == "Open connection"
        );
        assert!(!message.contains(['\r', '\n']));
    }
}

#[test]
fn shares_are_about_right() {
    let datagrams = &*OF_WELL_FORMED;
    let tally: Tally = datagrams.iter().map(|(_, truth)| truth.tally()).sum();

    assert_eq!(tally.events(), 50_000);
    assert_about(tally.connection_open, tally.connection_close);
    assert_about(tally.session_start, tally.session_stop);
    assert_about(tally.sessions(), 11_000);
    assert_about(tally.service_account, 4_000);
    assert_about(tally.anonymous, 2_500);

    let bytes: usize = datagrams.iter().map(|(datagram, _)| datagram.len()).sum();
    assert_about(bytes as u64 / 50_000, 300);
}

#[test]
fn users_and_apps_differ_in_popularity() {
    let mut events_by_user: HashMap<String, u32> = HashMap::new();
    let mut apps = HashSet::new();
    let mut hosts = HashSet::new();
    for (datagram, truth) in &*OF_WELL_FORMED {
        let fields: Vec<&str> = text(datagram).splitn(8, ';').collect();
        hosts.insert(fields[1].to_owned());
        if let Some((_, app)) = fields[6].split_once("/app/")
            && let Some(id) = app.get(..36)
            && id.as_bytes()[8] == b'-'
        {
            apps.insert(id.to_owned());
        }
        if truth.clone().with_user(UserKind::Person) == *truth {
            *events_by_user.entry(fields[4].to_lowercase()).or_default() += 1;
        }
    }
    assert_eq!(hosts.len(), 3);
    assert_eq!(apps.len(), 40);
    assert!(events_by_user.len() > 190, "{}", events_by_user.len());
    let most = events_by_user.values().max().copied().unwrap_or(0);
    let least = events_by_user.values().min().copied().unwrap_or(0);
    assert!(most > 10 * least, "{most} and {least}");
    assert!(events_by_user.contains_key("jörgen"));
}

#[test]
fn some_users_log_in_with_either_spelling() {
    for user in [";LAB;goran;", ";LAB;Goran;"] {
        let seen = OF_WELL_FORMED
            .iter()
            .any(|(datagram, _)| text(datagram).contains(user));
        assert!(seen, "{user}");
    }
}

#[test]
fn every_kind_of_oddness_has_about_its_share() {
    // All kinds have equal shares: 2,500 of 100,000 datagrams each.
    const EACH: u64 = 2_500;
    let odd = SiteOptions {
        odd_per_mille: Odd::ALL.len() as u16 * 25,
        ..WELL_FORMED
    };
    let datagrams = datagrams(odd, 100_000);

    let held = |holds: fn(&Datagram) -> bool| {
        let matching = datagrams.iter().filter(|(_, truth)| holds(truth));
        matching.count() as u64
    };
    assert_about(held(|truth| matches!(truth, Datagram::Relay(_))), EACH);
    assert_about(held(is_other), EACH);
    let undecoded = |expected| {
        let expected = Datagram::Undecoded { code: expected };
        let matching = datagrams.iter().filter(|(_, truth)| *truth == expected);
        matching.count() as u64
    };
    assert_about(undecoded("empty"), EACH);
    assert_about(undecoded("missing_field"), EACH);
    assert_about(undecoded("unknown_type"), 2 * EACH);

    let shaped = |shape: fn(&[u8]) -> bool| {
        let matching = datagrams.iter().filter(|(datagram, truth)| {
            let is_one_event = truth.tally().events() == 1 && !is_other(truth);
            is_one_event && shape(datagram)
        });
        matching.count() as u64
    };
    assert_about(shaped(|bytes| bytes.starts_with(b"/proxy-")), EACH);
    assert_about(shaped(|bytes| bytes.starts_with(b"\xEF\xBB\xBF")), EACH);
    assert_about(shaped(is_utf16), EACH);
    assert_about(
        shaped(|bytes| std::str::from_utf8(bytes).is_err() && !is_utf16(bytes)),
        EACH,
    );
    // One kind ends like this, and so do exceptions.
    assert_about(shaped(|bytes| bytes.ends_with(b"\r\n")), 2 * EACH);
    assert_about(shaped(|bytes| bytes.ends_with(b"\n")), 3 * EACH);
    assert_about(
        shaped(|bytes| bytes.ends_with(b"\0") && !is_utf16(bytes)),
        EACH,
    );
    assert_about(shaped(|bytes| has(bytes, b"Exception")), EACH);
    assert_about(shaped(|bytes| has(bytes, b";(null);")), EACH);
    assert_about(shaped(has_empty_field), EACH);
    assert_about(shaped(has_note), EACH);
}

/// Whether its command is unknown.
fn is_other(truth: &Datagram) -> bool {
    matches!(
        truth,
        Datagram::Session {
            action: SessionAction::Other,
            ..
        } | Datagram::Connection {
            action: ConnectionAction::Other,
            ..
        }
    )
}

fn is_utf16(bytes: &[u8]) -> bool {
    bytes.starts_with(b"/\0")
}

fn has(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

fn has_empty_field(bytes: &[u8]) -> bool {
    bytes.splitn(8, |&byte| byte == b';').any(<[u8]>::is_empty)
}

/// Whether something other than a user agent, an exception or trailing bytes follows the known part of the message.
fn has_note(bytes: &[u8]) -> bool {
    let Some(message) = bytes.splitn(8, |&byte| byte == b';').nth(7) else {
        return false;
    };
    let message = String::from_utf8_lossy(message);
    let message = message.split("; UserAgent: '").next().unwrap_or_default();
    let message = message.split("System.").next().unwrap_or_default();
    let message = message.split(['\r', '\n', '\0']).next().unwrap_or_default();
    !is_utf16(bytes) && !message.ends_with("for user") && !message.ends_with("for session")
}

#[test]
fn events_do_not_depend_on_how_many_datagrams_are_odd() {
    let odd = SiteOptions {
        odd_per_mille: 500,
        ..WELL_FORMED
    };
    let mut plain = datagrams(WELL_FORMED, 10_000).into_iter();
    let mut seen = 0;
    for (datagram, truth) in datagrams(odd, 2_000) {
        let (count, whole) = match truth {
            _ if is_other(&truth) => (0, false),
            Datagram::Relay(lines) => (lines.events(), false),
            Datagram::Session { .. } | Datagram::Connection { .. } => (1, true),
            _ => (0, false),
        };
        for _ in 0..count {
            let (expected, _) = plain.next().expect("enough were made");
            seen += u64::from(whole && datagram == expected);
        }
    }
    assert!(seen > 900, "{seen}");
}

#[test]
fn a_relay_writes_one_event_per_line() {
    let mut site = Site::new(WELL_FORMED);
    let mut datagram = Vec::new();
    for _ in 0..100 {
        datagram.clear();
        let truth = site.write_odd(Odd::Relay, &mut datagram);
        let lines: Vec<&str> = text(&datagram).lines().collect();
        assert!(lines.iter().all(|line| line.starts_with("/qseow-proxy-")));
        assert!((2..=5).contains(&lines.len()));
        assert_eq!(truth.tally().events(), lines.len() as u64);
    }
}

#[test]
fn any_options_are_accepted() {
    for (users, nodes, odd_per_mille) in [(0, 0, u16::MAX), (1, 1, 1_000), (100_000, 200, 0)] {
        let mut site = Site::new(SiteOptions {
            seed: u64::MAX,
            users,
            nodes,
            odd_per_mille,
            extended: users == 1,
            families: if nodes == 1 {
                Families::USER
            } else {
                Families::ALL
            },
        });
        let mut datagram = Vec::new();
        for _ in 0..20_000 {
            site.next_datagram(&mut datagram);
            assert!(datagram.len() <= 65_507);
        }
    }
}

#[test]
fn the_extended_appender_adds_fields_to_the_same_events() {
    let extended = SiteOptions {
        extended: true,
        ..WELL_FORMED
    };
    let time = "2026-01-31T09:00:00.125Z".parse().expect("a time");
    let (mut plain_site, mut site) = (Site::new(WELL_FORMED), Site::new(extended));
    site.set_time(time);
    let (mut plain, mut datagram) = (Vec::new(), Vec::new());
    let mut rows: HashMap<(String, String), u32> = HashMap::new();
    let mut users: HashMap<String, String> = HashMap::new();
    let mut sessions: HashMap<String, HashSet<String>> = HashMap::new();
    for _ in 0..50_000 {
        let truth = site.next_datagram(&mut datagram);
        assert_eq!(truth, plain_site.next_datagram(&mut plain));
        let mut fields: Vec<&str> = text(&datagram).splitn(12, ';').collect();
        let extension: Vec<&str> = fields.drain(2..6).collect();
        let standard = [
            &[fields[0]
                .replace("qlik-sense", "qseow-proxy")
                .trim_end_matches("2/")
                .to_owned()][..],
            &fields[1..]
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>(),
        ];
        assert_eq!(standard.concat().join(";"), text(&plain));
        assert_eq!(extension[0], "20260131T100000.125+0100");
        assert_eq!(extension[3], "0");
        let appender = (fields[0].to_owned(), fields[1].to_owned());
        let before = rows.insert(appender, extension[1].parse().expect("a row"));
        let expected = before.map_or(1, |before| before % 9_999 + 1);
        assert_eq!(extension[1], expected.to_string());
        let user = fields[4].to_lowercase();
        let owner = users.entry(extension[2].to_owned()).or_insert(user.clone());
        assert_eq!(*owner, user, "a session has one user");
        sessions
            .entry(user)
            .or_default()
            .insert(extension[2].to_owned());
    }
    assert_eq!(rows.len(), 6);
    assert!(sessions.values().any(|ids| ids.len() > 20));
}

#[test]
fn odd_datagrams_cause_no_row_gaps() {
    let options = SiteOptions {
        extended: true,
        odd_per_mille: 300,
        ..WELL_FORMED
    };
    let mut pipeline = crate::pipeline::PipelineConfig::default()
        .build()
        .expect("a pipeline");
    let mut output = crate::transform::OutputBuffer::default();
    let arrival = crate::event::Arrival::local(DateTime::UNIX_EPOCH);
    let mut rows: HashMap<(String, &'static str), u32> = HashMap::new();
    let mut seen = 0;
    for (datagram, _) in datagrams(options, 20_000) {
        pipeline.datagram(&datagram, arrival, &mut output);
        for event in output.drain() {
            let Some(row) = event.sequence() else {
                continue;
            };
            let host = event.host().expect("a host").to_owned();
            let before = rows.insert((host, event.kind().event()), row);
            assert_eq!(row, before.map_or(1, |before| before % 9_999 + 1));
            seen += 1;
        }
    }
    assert!(seen > 15_000, "{seen}");
}
