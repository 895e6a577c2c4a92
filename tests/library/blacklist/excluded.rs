//! Whose events the blacklist excludes, and of which kinds.

use std::fs;

use allocation_counter::measure;
use qlik_sense_events::{
    event::{Arrival, Body, Event, EventName, Family},
    pipeline::PipelineConfig,
    transform::{Blacklist, BlacklistConfig, FunctionTransform, OutputBuffer},
};

use super::{event, files, lists, of_files, of_users};
use crate::support::pipeline::events;

/// A sender that may send invents ids, so that no state of the automaton is ever of use again.
#[test]
fn users_who_are_never_the_same_cost_no_memory() {
    for entry in [r"LAB\svc{}*", r"LAB\*svc{}*"] {
        let content: String = (0..2_000)
            .map(|number| entry.replace("{}", &number.to_string()) + "\n")
            .collect();
        let blacklist = of_files(&[content.as_bytes()]).expect("a blacklist");
        let mut random = fastrand::Rng::with_seed(7);
        let users: Vec<String> = (0..300)
            .map(|_| {
                let letters = std::iter::repeat_with(|| random.alphanumeric());
                format!("LAB\\svc{}", letters.take(24).collect::<String>())
            })
            .collect();
        let mut listed = 0;
        let memory = measure(|| {
            listed = users.iter().filter(|user| lists(&blacklist, user)).count();
        });
        assert!(memory.bytes_max < 32 << 20, "{entry}: {memory:?}");
        assert!((1..300).contains(&listed), "{entry}: {listed}");
    }
}

#[test]
fn ten_thousand_entries_and_patterns_match_their_users() {
    let mut content: String = (0..10_000)
        .map(|number| format!("DIR{}\\user{number}\r\n", number % 10))
        .collect();
    content += &(0..300)
        .map(|number| format!("SVC{number}\\*_{number}_?\n"))
        .collect::<String>();
    let blacklist = of_files(&[content.as_bytes()]).expect("a blacklist");
    let mut covered = 0;
    for number in 0..10_000 {
        let user = |directory: usize| format!("dir{directory}\\USER{number}");
        assert!(lists(&blacklist, &user(number % 10)), "{number}");
        assert!(!lists(&blacklist, &user((number + 1) % 10)), "{number}");
        covered += 1;
    }
    for number in 0..300 {
        let user = |tail: &str| format!("svc{number}\\job_{number}_{tail}");
        assert!(lists(&blacklist, &user("x")));
        assert!(!lists(&blacklist, &user("")));
        assert!(!lists(&blacklist, &user("xy")));
        covered += 1;
    }
    assert_eq!(covered, 10_300);
}

#[test]
fn entries_match_by_patterns_and_case() {
    // Entry, user, listed, listed with `case_sensitive`.
    let rows = [
        (r"LAB\goran", r"LAB\goran", true, true),
        (r"LAB\goran", r"lab\GORAN", true, false),
        (r"LAB\goran", r"LAB\goran2", false, false),
        (r"LAB\g*n", r"LAB\gn", true, true),
        (r"LAB\g*n", r"LAB\goran", true, true),
        (r"LAB\g*n", r"lab\GORAN", true, false),
        (r"LAB\g*n", r"LAB\gorans", false, false),
        (r"LAB\g?n", r"LAB\gon", true, true),
        (r"LAB\g?n", r"LAB\gön", true, true),
        (r"LAB\g?n", r"LAB\gn", false, false),
        (r"LAB\g?n", r"LAB\goon", false, false),
        (r"L*\*", r"LAB\x", true, true),
        (r"*\*", r"\", true, true),
        (r"*\sa_*", r"INTERNAL\sa_engine", true, true),
        (r"*\sa.*", r"INTERNAL\sa_engine", false, false),
        (r"ФИРМА\*", r"фирма\x", true, false),
        (r"LAB\Jörgen", r"LAB\JÖRGEN", true, false),
        (r"LAB\[ab]", r"LAB\a", false, false),
        (r"LAB\[ab]", r"LAB\[AB]", true, false),
        (r"LAB\*\x", r"LAB\d\x", true, true),
        (r"LAB\*", "LAB\\two\nlines", true, true),
        (r"LAB\two?lines", "LAB\\two\nlines", true, true),
    ];
    let mut covered = 0;
    for (entry, user, ignoring_case, minding_case) in rows {
        let seen = [false, true].map(|case| lists(&of_users(&[entry], case), user));
        assert_eq!(seen, [ignoring_case, minding_case], "{entry} {user}");
        covered += 1;
    }
    assert_eq!(covered, 22);
}

#[test]
fn excluded_events_leave_no_trace_but_a_count() {
    let mut blacklist = of_users(&[r"LAB\goran", r"INTERNAL\*"], false);
    let mut output = OutputBuffer::default();
    for (directory, id) in [
        ("LAB", "goran"),
        ("LAB", "maria"),
        ("internal", "sa_engine"),
        ("(null)", "goran"),
        ("INTERNAL", ""),
        ("", ""),
    ] {
        blacklist.transform(&mut output, event(directory, id));
    }
    for undecoded in [&b"noise"[..], b"", b"/proxy-session/;LAB;goran"] {
        blacklist.transform(&mut output, events(undecoded).remove(0));
    }
    assert_eq!(blacklist.excluded(), 3);
    let left: Vec<Option<&str>> = output
        .iter()
        .map(|event| match event.body() {
            Body::Undecoded(_) => Some("undecoded"),
            _ => event.user_id(),
        })
        .collect();
    let undecoded = Some("undecoded");
    assert_eq!(
        left,
        [
            Some("maria"),
            Some("goran"),
            None,
            undecoded,
            undecoded,
            undecoded
        ]
    );
}

#[test]
fn an_absent_part_is_listed_by_a_pattern_for_anything_only() {
    let blacklist = of_users(&[r"*\anonymous*", r"NONE\*"], false);
    assert!(blacklist.contains(None, Some("anonymous1")));
    assert!(blacklist.contains(Some("NONE"), None));
    assert!(!blacklist.contains(None, None));
    assert!(!blacklist.contains(None, Some("goran")));
    assert!(!of_users(&[r"LAB\goran", r"?\?"], false).contains(None, None));
    assert!(!Blacklist::default().contains(None, None));
}

#[test]
fn new_rules_keep_the_count() {
    let mut blacklist = of_users(&[r"LAB\goran"], false);
    let mut output = OutputBuffer::default();
    blacklist.transform(&mut output, event("LAB", "goran"));
    assert_eq!((blacklist.excluded(), output.len()), (1, 0));
    let mut other = of_users(&[r"LAB\maria"], true);
    for _ in 0..5 {
        other.transform(&mut OutputBuffer::default(), event("LAB", "maria"));
    }
    blacklist.replace_rules(other);
    assert_eq!(blacklist.excluded(), 1);
    for id in ["goran", "maria", "MARIA"] {
        blacklist.transform(&mut output, event("LAB", id));
    }
    assert_eq!((blacklist.excluded(), output.len()), (2, 2));
}

#[test]
fn a_pipeline_counts_and_takes_files_that_changed() {
    let (_folder, paths) = files(&[b"LAB\\goran\n"]);
    let config = PipelineConfig {
        blacklist: BlacklistConfig {
            files: paths.clone(),
            ..BlacklistConfig::default()
        },
        ..PipelineConfig::default()
    };
    let mut pipeline = config.build().expect("a pipeline");
    let mut output = OutputBuffer::default();
    let arrival = Arrival::local("2026-01-31T09:00:00Z".parse().expect("a time"));
    let datagram = b"/proxy-session/;n;Start session;LAB;goran;;;\n/proxy-session/;n;Start session;LAB;maria;;;\n/proxy-session/;n\n";
    pipeline.datagram(datagram, arrival, &mut output);
    let counts = |pipeline: &qlik_sense_events::pipeline::Pipeline| {
        let counters = pipeline.counters();
        (
            counters.datagrams,
            counters.events(),
            counters.excluded,
            counters.undecoded_events(),
        )
    };
    assert_eq!(counts(&pipeline), (1, 1, 1, 1));
    assert_eq!(output.len(), 2);

    fs::write(&paths[0], "LAB\\*\n").expect("a file");
    pipeline.replace_blacklist(config.blacklist.build().expect("a blacklist"));
    pipeline.datagram(datagram, arrival, &mut output);
    assert_eq!(counts(&pipeline), (2, 1, 3, 2));
    assert_eq!(output.len(), 3);
}

/// An event of each kind that a payload gives, from the user `LAB\\goran`.
fn event_named(name: &str) -> Event {
    let files = fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden"));
    let paths = files
        .expect("golden files")
        .map(|file| file.expect("a file").path());
    let datagrams = paths.filter(|path| path.extension().is_some_and(|it| it == "bin"));
    let events = datagrams.flat_map(|path| events(&fs::read(path).expect("a datagram")));
    let mut found = events.filter(|event| {
        event.kind().event() == name
            && (event.user_directory(), event.user_id()) == (Some("LAB"), Some("goran"))
    });
    found
        .next()
        .unwrap_or_else(|| panic!("no golden event is called {name}"))
}

#[test]
fn only_the_configured_kinds_of_events_are_excluded() {
    let families = Family::ALL.iter().map(|family| family.event_name());
    let sent: Vec<EventName> = EventName::ALL
        .iter()
        .copied()
        .filter(|name| families.clone().any(|family| family == *name))
        .collect();
    let excluded = |config: &BlacklistConfig| {
        let mut blacklist = config.build().expect("a blacklist");
        let left_out = sent.iter().copied().filter(|name| {
            let mut output = OutputBuffer::default();
            blacklist.transform(&mut output, event_named(name.as_str()));
            output.is_empty()
        });
        let left_out: Vec<EventName> = left_out.collect();
        assert_eq!(blacklist.excluded(), left_out.len() as u64);
        left_out
    };
    let of_goran = BlacklistConfig {
        users: vec![r"LAB\goran".parse().expect("an entry")],
        ..BlacklistConfig::default()
    };
    assert_eq!(
        excluded(&of_goran),
        [EventName::Session, EventName::Connection]
    );
    for name in &sent {
        let events = vec![*name];
        assert_eq!(
            excluded(&BlacklistConfig {
                events,
                ..of_goran.clone()
            }),
            [*name]
        );
    }
    let events = EventName::ALL.to_vec();
    assert_eq!(excluded(&BlacklistConfig { events, ..of_goran }), sent);
    assert!(sent.len() >= 3, "{sent:?}");
}

#[test]
fn new_rules_replace_the_kinds_of_events() {
    let of_goran = BlacklistConfig {
        users: vec![r"LAB\goran".parse().expect("an entry")],
        ..BlacklistConfig::default()
    };
    let mut blacklist = of_goran.build().expect("a blacklist");
    let of_requests = BlacklistConfig {
        events: vec![EventName::Performance],
        ..of_goran
    };
    blacklist.replace_rules(of_requests.build().expect("a blacklist"));
    let mut output = OutputBuffer::default();
    blacklist.transform(&mut output, event_named("performance"));
    assert_eq!(output.len(), 0);
    blacklist.transform(&mut output, event_named("session"));
    assert_eq!(output.len(), 1);
}
