//! The simulator against the receiver: everything that is reported as sent comes out.

#[cfg(unix)]
use std::time::Duration;
use std::{collections::BTreeSet, net::UdpSocket};

#[cfg(unix)]
use qlik_sense_events::simulate::{Day, DayOptions, Families};
use serde_json::Value;

use crate::support::{DEADLINE, Process, Running, command, finish, record};

/// Sends this many datagrams of an odd site to the program. Returns their content according to the simulator.
fn simulate(program: &Running, count: u64, families: &str) -> Value {
    let ended = finish(&[
        "simulate",
        "--to",
        &program.addresses()[0].to_string(),
        "--count",
        &count.to_string(),
        "--rate",
        "2000",
        "--odd",
        "300",
        "--seed",
        "7",
        "--families",
        families,
    ]);
    assert_eq!((ended.status, &*ended.stderr), (0, ""));
    let truth = record(ended.stdout.as_bytes());
    assert_eq!(truth["datagrams"], count);
    assert_eq!(truth["given_up"], 0);
    assert_eq!(truth["refused"], 0);
    assert_adds_up(&truth);
    truth
}

/// The prefixes of the names of kinds of events.
const FAMILIES: [&str; 5] = ["session_", "connection_", "log_", "performance", "task_"];

/// Asserts that the kinds add up to all events, and that `of_which` is a part of them.
fn assert_adds_up(truth: &Value) {
    let number = |value: &Value| value.as_u64().expect("a number");
    let table = truth.as_object().expect("a table");
    let kinds = table
        .iter()
        .filter(|(name, _)| FAMILIES.iter().any(|family| name.starts_with(family)));
    let events: u64 = kinds.map(|(_, count)| number(count)).sum();
    assert_eq!(number(&truth["events"]), events, "{truth}");
    let parts = truth["of_which"].as_object().expect("a table");
    assert!(parts.values().map(number).sum::<u64>() <= events, "{truth}");
}

/// The number of events of this kind.
fn count(events: &[Value], event: &str, action: Option<&str>) -> usize {
    events
        .iter()
        .filter(|e| e["event"] == event && e["action"].as_str() == action)
        .count()
}

fn assert_kinds(truth: &Value, events: &[Value]) {
    for (event, action) in [
        ("session", "start"),
        ("session", "stop"),
        ("session", "other"),
        ("connection", "open"),
        ("connection", "close"),
        ("connection", "other"),
        ("task", "failed"),
        ("task", "aborting"),
        ("task", "succeeded"),
        ("task", "distributed"),
    ] {
        let name = format!("{event}_{action}");
        assert_eq!(truth[&name], count(events, event, Some(action)), "{name}");
    }
    for level in ["debug", "info", "warn", "error", "fatal"] {
        let rows = events
            .iter()
            .filter(|event| event["event"] == "log" && event["level"] == level);
        let name = format!("log_{level}");
        assert_eq!(truth[&name], rows.count(), "{name}");
    }
    assert_eq!(truth["performance"], count(events, "performance", None));
    assert_eq!(truth["undecoded"], count(events, "undecoded", None));
}

#[test]
fn every_event_comes_out() {
    let mut program = Running::start(&[]);
    let truth = simulate(&program, program.capacity(500), "user");
    let events = program.events_so_far();
    assert_kinds(&truth, &events);
    let service_accounts = events
        .iter()
        .filter(|event| event["user"].as_str().is_some_and(is_service_account))
        .count();
    assert_eq!(truth["of_which"]["service_account"], service_accounts);
}

#[test]
fn log_events_come_out() {
    let mut program = Running::start(&[]);
    let truth = simulate(&program, program.capacity(500), "log,task");
    assert_kinds(&truth, &program.events_so_far());
    for name in ["log_warn", "log_error", "task_succeeded", "task_failed"] {
        assert!(truth[name].as_u64() > Some(0), "{truth}");
    }
}

#[test]
fn the_cost_of_requests_comes_out() {
    let mut program = Running::start(&[]);
    let truth = simulate(&program, program.capacity(500), "all");
    let events = program.events_so_far();
    assert_kinds(&truth, &events);
    // Milliseconds have at most three decimals, so that microseconds are exact.
    let times = events
        .iter()
        .filter_map(|event| event["process_ms"].as_f64());
    let microseconds: Vec<u64> = times.map(|time| (time * 1_000.0).round() as u64).collect();
    let cost = &truth["cost"];
    assert_eq!(cost["process_us"], microseconds.iter().sum::<u64>());
    assert_eq!(
        cost["max_process_us"].as_u64(),
        microseconds.into_iter().max()
    );
    let bytes = |name: &'static str| events.iter().filter_map(move |event| event[name].as_u64());
    assert_eq!(cost["net_ram_bytes"], bytes("net_ram_bytes").sum::<u64>());
    assert_eq!(
        cost["max_net_ram_bytes"].as_u64(),
        bytes("net_ram_bytes").max()
    );
    assert_eq!(
        cost["max_peak_ram_bytes"].as_u64(),
        bytes("peak_ram_bytes").max()
    );
}

#[test]
fn events_of_blacklisted_accounts_do_not_come_out() {
    let mut program = Running::configured("[transform.blacklist]\nusers = ['INTERNAL\\sa_*']\n");
    let truth = simulate(&program, program.capacity(500), "user");
    let events = program.events_so_far();
    let expected = [
        "session_start",
        "session_stop",
        "session_other",
        "connection_open",
        "connection_close",
        "connection_other",
        "undecoded",
    ]
    .map(|name| truth[name].as_u64().expect("a number"))
    .iter()
    .sum::<u64>();
    let excluded = truth["of_which"]["service_account"]
        .as_u64()
        .expect("a number");
    assert!(excluded > 0);
    assert_eq!(events.len() as u64, expected - excluded);
    for event in events {
        assert!(
            !event["user"].as_str().is_some_and(is_service_account),
            "{event}"
        );
    }
}

fn is_service_account(user: &str) -> bool {
    user.to_lowercase().starts_with(r"internal\sa_")
}

#[test]
fn the_same_seed_gives_the_same_site() {
    let run = |seed| {
        let mut program = Running::start(&[]);
        let to = program.addresses()[0].to_string();
        let args = [
            "simulate", "--to", &to, "--count", "50", "--rate", "0", "--seed", seed,
        ];
        assert_eq!(finish(&args).status, 0);
        let events = program.events_so_far();
        let without_time = events.into_iter().map(crate::support::unstamped);
        without_time.collect::<Vec<_>>()
    };
    let events = run("1");
    assert_eq!(events.len(), 50);
    assert_eq!(events, run("1"));
    assert_ne!(events, run("2"));
}

/// The other system reports a missing listener, also after the last datagram.
#[test]
#[cfg_attr(windows, ignore = "Wine does not tell a sender that nobody listens")]
fn a_missing_listener_is_reported() {
    // The address of a closed socket, which the system does not reuse at once.
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
    let address = socket.local_addr().expect("an address").to_string();
    drop(socket);
    for args in [
        &["--count", "1"][..],
        &["--count", "20", "--rate", "1000"],
        &["--count", "200", "--rate", "0"],
    ] {
        let ended = finish(&[&["simulate", "--to", &*address][..], args].concat());
        assert_eq!(ended.status, 1, "{args:?}");
        let truth = record(ended.stdout.as_bytes());
        assert!(truth["refused"].as_u64() > Some(0), "{truth}");
        assert_adds_up(&truth);
        let last = ended.stderr.lines().last().unwrap_or_default();
        let (refused, sent) = (&truth["refused"], &truth["datagrams"]);
        let noun = if sent == 1 { "datagram" } else { "datagrams" };
        let expected =
            format!("nothing listened on {address}: at least {refused} of {sent} {noun} ");
        assert!(last.starts_with(&expected), "{}", ended.stderr);
    }
}

/// A receiver does not answer, but without one the system would refuse the datagrams.
#[test]
#[cfg_attr(windows, ignore = "Wine does not tell a sender that nobody listens")]
fn a_receiver_that_starts_later_is_reported() {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
    let address = socket.local_addr().expect("an address");
    drop(socket);
    let mut program = command();
    program
        .args(["simulate", "--to", &address.to_string()])
        .stderr(std::process::Stdio::piped());
    let mut program = Process(program.spawn().expect("started"));
    let stderr = std::io::BufReader::new(program.0.stderr.take().expect("a pipe"));
    let (sender, lines) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        for line in std::io::BufRead::lines(stderr).map_while(Result::ok) {
            // If nobody waits for it, the test has failed.
            let _ = sender.send(line);
        }
    });
    let expected = format!("nothing listens on {address}; still sending");
    assert_eq!(lines.recv_timeout(DEADLINE), Ok(expected));
    let _receiver = UdpSocket::bind(address).expect("the same port");
    let expected = format!("{address} no longer refuses datagrams");
    assert_eq!(lines.recv_timeout(DEADLINE), Ok(expected));
}

#[test]
fn options_of_a_day_are_refused_without_one() {
    for option in ["--skip", "--lost", "--hours", "--logins", "--memory-drop"] {
        let ended = finish(&["simulate", option, "5", "--count", "1"]);
        assert_eq!((ended.status, &*ended.stdout), (2, ""), "{option}");
        assert!(ended.stderr.contains(option), "{}", ended.stderr);
        assert!(ended.stderr.contains("--count"), "{}", ended.stderr);
        let ended = finish(&["simulate", option, "5"]);
        assert!(ended.stderr.contains("--day"), "{}", ended.stderr);
    }
}

#[test]
fn a_day_has_at_least_one_login_and_fits_into_memory() {
    for logins in ["0", "20001", "99999999999"] {
        let ended = finish(&["simulate", "--day", "--logins", logins]);
        assert_eq!((ended.status, &*ended.stdout), (2, ""), "{logins}");
        let expected = "expected a whole number from 1 to 20000";
        assert!(ended.stderr.contains(expected), "{}", ended.stderr);
    }
}

#[test]
#[cfg(not(feature = "serve"))]
fn a_program_that_cannot_answer_requests_says_how_to_build_one_that_can() {
    let ended = finish(&["simulate", "--day", "--serve", "certificates"]);
    assert_eq!((ended.status, &*ended.stdout), (2, ""));
    let expected = "--features serve";
    assert!(ended.stderr.contains(expected), "{}", ended.stderr);
}

#[test]
fn an_invalid_destination_is_refused() {
    const EXPECTED: &str = "expected HOST:PORT such as 127.0.0.1:9997";
    for (to, hint) in [
        ("nowhere", "; did you mean nowhere:9997?"),
        ("9997", "; did you mean 127.0.0.1:9997?"),
        (":9997", "; did you mean 127.0.0.1:9997?"),
        ("127.0.0.1", "; did you mean 127.0.0.1:9997?"),
        ("::1", "; did you mean [::1]:9997?"),
        ("127.0.0.1:0", ", with a port from 1 to 65535"),
        ("127.0.0.1:99999", ", with a port from 1 to 65535"),
        (
            "255.255.255.255:9997",
            "; this is an address for many machines",
        ),
    ] {
        let ended = finish(&["simulate", "--to", to]);
        assert_eq!((ended.status, &*ended.stdout), (2, ""), "{to}");
        let expected = format!("--to {to:?}: {EXPECTED}{hint}");
        assert_eq!(ended.stderr.trim_end(), expected);
    }
    let ended = finish(&["simulate", "--to", "[fe80::1%eth0]:9997"]);
    assert_eq!((ended.status, &*ended.stdout), (2, ""));
    let expected = "expected the number of the interface behind the link-local address instead of its name, such as \
                    [fe80::1%2]:9997";
    assert!(ended.stderr.contains(expected), "{}", ended.stderr);
}

#[test]
fn an_unknown_name_is_not_reported_as_malformed() {
    let ended = finish(&["simulate", "--to", "no-such-host.invalid:9997"]);
    assert_eq!((ended.status, &*ended.stdout), (1, ""));
    let expected = "--to \"no-such-host.invalid:9997\": cannot resolve no-such-host.invalid: ";
    assert!(ended.stderr.starts_with(expected), "{}", ended.stderr);
    assert!(!ended.stderr.contains("lookup"), "{}", ended.stderr);
    assert!(
        ended.stderr.contains("or use the IP address"),
        "{}",
        ended.stderr
    );
}

/// The truth about a site that sends these families, and the first fields of its datagrams.
fn sent(families: &str) -> (Value, BTreeSet<String>) {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
    let address = socket.local_addr().expect("an address").to_string();
    let ended = finish(&[
        "simulate",
        "--to",
        &address,
        "--count",
        "200",
        "--rate",
        "0",
        "--odd",
        "0",
        "--families",
        families,
    ]);
    assert_eq!((ended.status, &*ended.stderr), (0, ""));
    let mut bytes = vec![0; 65_536];
    socket.set_nonblocking(true).expect("an option");
    let mut tokens = BTreeSet::new();
    while let Ok(length) = socket.recv(&mut bytes) {
        let text = String::from_utf8_lossy(&bytes[..length]).into_owned();
        tokens.extend(text.split(';').next().map(ToOwned::to_owned));
    }
    (record(ended.stdout.as_bytes()), tokens)
}

#[test]
fn only_the_chosen_families_are_sent() {
    for (families, tokens) in [
        (
            "user",
            &["/qseow-proxy-session/", "/qseow-proxy-connection/"][..],
        ),
        ("performance", &["/qseow-qix-perf/"]),
        ("log", &["/qseow-engine/", "/qseow-repository/"]),
        ("task,performance", &["/qseow-qix-perf/", "/scheduler-"]),
        ("all", &["/qseow-proxy-connection/", "/qseow-qix-perf/"]),
    ] {
        let (truth, sent) = sent(families);
        assert_adds_up(&truth);
        assert_eq!(truth["events"], 200, "{families}");
        for token in tokens {
            assert!(sent.iter().any(|one| one.starts_with(token)), "{sent:?}");
        }
        let count = |name: &str| truth[name].as_u64().expect("a number");
        let (has_all, has) = (families == "all", |name| families.contains(name));
        let users = count("session_start") + count("connection_open");
        assert_eq!(users > 0, has_all || has("user"), "{truth}");
        let requests = count("performance");
        assert_eq!(requests > 0, has_all || has("performance"), "{truth}");
        let cost = &truth["cost"]["process_us"];
        assert_eq!(cost.as_u64() > Some(0), requests > 0, "{truth}");
    }
    let unknown = finish(&["simulate", "--families", "users"]);
    assert_eq!((unknown.status, &*unknown.stdout), (2, ""));
    assert!(unknown.stderr.contains("user, log, performance, task, all"));
}

#[test]
fn an_impossible_memory_drop_is_refused() {
    let receiver = UdpSocket::bind("127.0.0.1:0").expect("a port");
    let to = receiver.local_addr().expect("an address").to_string();
    let flags = "simulate --day --families all --hours 1 --logins 40 --skip 600 --to";
    let mut args: Vec<&str> = flags.split(' ').collect();
    args.push(&to);
    // The day is long over, so there is nothing to send and no user who could make the memory drop.
    let ended = finish(&args);
    assert_eq!((ended.status, &*ended.stdout), (2, ""));
    let expected = "--skip 600: the last session ends after ";
    assert!(ended.stderr.starts_with(expected), "{}", ended.stderr);
    let ended = finish(&[args.as_slice(), &["--memory-drop", "1"]].concat());
    assert_eq!(ended.status, 2);
    assert!(
        ended.stderr.contains("no user has an app open"),
        "{}",
        ended.stderr
    );
    args[3] = "user";
    let ended = finish(&[args.as_slice(), &["--memory-drop", "1"]].concat());
    assert!(
        ended.stderr.contains("use --families all"),
        "{}",
        ended.stderr
    );
}

/// The report of a day with a memory drop that is interrupted at its first datagram.
#[cfg(unix)]
fn interrupted_day() -> Value {
    use std::{io::Read as _, process::Stdio};

    use nix::{
        sys::signal::{Signal, kill},
        unistd::Pid,
    };

    let receiver = UdpSocket::bind("127.0.0.1:0").expect("a port");
    let to = receiver.local_addr().expect("an address").to_string();
    let flags =
        "simulate --day --families all --hours 3 --logins 300 --skip 90 --memory-drop 5 --to";
    let mut program = command();
    program
        .args(flags.split(' '))
        .arg(to)
        .stdout(Stdio::piped());
    let mut program = Process(program.spawn().expect("started"));
    // The first datagram shows that the signal handler is installed.
    receiver.recv(&mut [0; 65_536]).expect("a datagram");
    kill(Pid::from_raw(program.0.id().cast_signed()), Signal::SIGINT).expect("a signal");
    let mut stdout = String::new();
    let mut pipe = program.0.stdout.take().expect("standard output");
    pipe.read_to_string(&mut stdout).expect("text");
    record(stdout.as_bytes())
}

#[cfg(unix)]
#[test]
fn the_truth_names_the_user_who_made_the_memory_drop() {
    let drop = &interrupted_day()["memory_drop"];
    let minutes = |minutes: u64| Duration::from_secs(60 * minutes);
    let day = Day::new(&DayOptions {
        memory_drop: Some(minutes(90) + minutes(5)),
        users: 200,
        logins: 300,
        hours: 3,
        families: Families::ALL,
        ..DayOptions::default()
    });
    let truth = day.memory_drop.expect("somebody is there");
    assert_eq!(drop["user"], truth.user);
    assert_eq!(drop["app_id"], *truth.app_id);
    assert_eq!(drop["app_name"], *truth.app_name);
    assert_eq!(drop["object_id"], *truth.object_id);
    assert_eq!(drop["host"], *truth.host);
    assert_eq!(drop["peak_ram_bytes"], truth.peak_ram_bytes);
}

/// The table in `docs/simulate.md` has every name of the report, and no others.
#[cfg(unix)]
#[test]
fn the_report_of_simulate_is_documented() {
    fn names(report: &Value, prefix: &str, all: &mut BTreeSet<String>) {
        for (name, value) in report.as_object().expect("a table") {
            let name = format!("{prefix}{name}");
            match value {
                Value::Object(_) => names(value, &format!("{name}."), all),
                _ => drop(all.insert(name)),
            }
        }
    }

    let mut reported = BTreeSet::new();
    names(&interrupted_day(), "", &mut reported);
    let document = include_str!("../../docs/simulate.md");
    let (_, section) = document
        .split_once("\n## The report\n")
        .expect("the section");
    let documented: BTreeSet<String> = section
        .lines()
        .skip_while(|line| !line.starts_with("| `"))
        .take_while(|line| line.starts_with('|'))
        .flat_map(|line| line.split('|').nth(1).expect("a cell").split(", "))
        .map(|name| name.trim().trim_matches('`').to_owned())
        .collect();
    assert_eq!(documented, reported);
}
