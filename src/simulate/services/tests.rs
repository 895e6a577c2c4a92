use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::LazyLock;
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::OddEntry;
use crate::event::{Level, Service, TaskAction};
use crate::simulate::{
    About, Cost, Datagram, Families, LogRow, Request, Site, SiteOptions, Tally, TaskRow,
};

const ALL: SiteOptions = SiteOptions {
    seed: 7,
    users: 200,
    nodes: 3,
    odd_per_mille: 0,
    extended: false,
    families: Families::ALL,
};

/// The first datagrams of that site: enough for the numbers of rows to begin again.
static OF_ALL: LazyLock<Vec<(Vec<u8>, Datagram)>> = LazyLock::new(|| datagrams(ALL, 60_000));

fn time() -> DateTime<Utc> {
    "2026-01-31T09:00:00.125987Z".parse().expect("a time")
}

/// The first `count` datagrams of a site, with their contents.
fn datagrams(options: SiteOptions, count: usize) -> Vec<(Vec<u8>, Datagram)> {
    let mut site = Site::new(options);
    site.set_time(time());
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

/// A value as Qlik writes it, or `(null)`.
fn or_null<T: AsRef<str>>(value: &Option<T>) -> &str {
    value.as_ref().map_or("(null)", AsRef::as_ref)
}

/// The time in a field with milliseconds, read digit by digit.
fn milliseconds(field: &str) -> Duration {
    let (whole, fraction) = field.split_once('.').unwrap_or((field, ""));
    let microseconds = format!("{whole}{fraction:0<3}");
    Duration::from_micros(microseconds.parse().expect("digits"))
}

fn assert_header(fields: &[&str], (row, level): (u16, Level), host: &str, logger: &str) {
    let expected = [
        &*row.to_string(),
        "20260131T100000.125+0100",
        "2026-01-31 10:00:00,125",
        &level.as_str().to_uppercase(),
        host,
        logger,
        r"LAB\qlikservice",
    ];
    assert_eq!(fields[1..8], expected);
}

fn assert_performance(text: &str, request: &Request) {
    let fields: Vec<&str> = text.split(';').collect();
    assert_eq!(fields.len(), 26, "{text}");
    assert_eq!(request.time.to_rfc3339(), "2026-01-31T09:00:00.125+00:00");
    assert_eq!(fields[0], "/qseow-qix-perf/");
    let logger = "QixPerformance.Engine.Engine";
    assert_header(&fields, (request.row, request.level), &request.host, logger);
    assert_eq!(fields[8], request.session_id.as_deref().unwrap_or("0"));
    assert_eq!(fields[9], or_null(&request.directory));
    assert_eq!(fields[10], or_null(&request.user_id));
    assert_eq!(fields[11], "20260131T100000.123+0100");
    assert_eq!(fields[12], or_null(&request.engine_session_id));
    assert_eq!(fields[13], or_null(&request.app_id));
    assert_eq!(fields[14], request.request_id.to_string());
    assert_eq!(fields[15], request.method);
    assert_eq!(Some(milliseconds(fields[16])), request.process);
    assert_eq!(milliseconds(fields[17]), request.work);
    assert_eq!(milliseconds(fields[18]), request.lock);
    assert_eq!(milliseconds(fields[19]), request.validate);
    assert_eq!(milliseconds(fields[20]), request.traverse);
    assert_eq!(fields[21], request.handle.to_string());
    assert_eq!(fields[22], &*request.object_id);
    assert_eq!(fields[23], request.net_ram_bytes.to_string());
    let peak = request.peak_ram_bytes.expect("well-formed");
    assert_eq!(fields[24], peak.to_string());
    assert_eq!(fields[25], request.object_type);

    assert!(request.process >= Some(request.work), "{request:?}");
    assert!(request.work >= request.traverse, "{request:?}");
    assert!(request.net_ram_bytes <= peak, "{request:?}");
}

/// Compares the fields to the left of the message and those to its right, depending on the service.
fn assert_log(text: &str, event: &LogRow) {
    let (tail, has_exception) = match event.service {
        Service::Engine => (10, false),
        Service::Proxy | Service::Repository => (6, true),
        Service::Scheduler => (8, true),
    };
    let (text, glued) = match text.strip_suffix("\r\n") {
        Some(text) => {
            let exception = event.exception.expect("an exception");
            (text.strip_suffix(exception).expect("at the end"), true)
        }
        None => (text, false),
    };
    let fields: Vec<&str> = text.split(';').collect();
    assert_eq!(fields[0], format!("/qseow-{}/", event.service.as_str()));
    assert_header(&fields, (event.row, event.level), &event.host, event.logger);
    let middle = &fields[8..fields.len() - tail];
    let message = if has_exception {
        let (exception, message) = middle.split_last().expect("an exception");
        let expected = event.exception.filter(|_| !glued).unwrap_or_default();
        assert_eq!(*exception, expected);
        message.join(";")
    } else {
        middle.join(";")
    };
    assert_eq!(message, event.message);
    let tail = &fields[fields.len() - tail..];
    match event.service {
        Service::Engine => {
            assert_eq!(tail[0], event.session_id.as_deref().unwrap_or("0"));
            assert_eq!(tail[1], or_null(&event.directory));
            assert_eq!(tail[2], or_null(&event.user_id));
            assert_eq!(tail[8], or_null(&event.engine_session_id));
            assert_eq!(tail[9], or_null(&event.app_id));
        }
        Service::Proxy | Service::Repository => {
            let expected = [
                or_null(&event.directory),
                or_null(&event.user_id),
                or_null(&event.command),
                or_null(&event.result),
                or_null(&event.origin),
                or_null(&event.context),
            ];
            assert_eq!(tail, expected);
        }
        Service::Scheduler => {
            let run = event.task.as_ref();
            let of = |value: Option<&str>| value.unwrap_or("(null)").to_owned();
            let expected = [
                of(run.map(|run| &*run.user)),
                of(run.map(|run| &*run.task_name)),
                of(run.and_then(|run| run.app_name.as_deref())),
                of(run.map(|run| &*run.task_id)),
                of(run.and_then(|run| run.app_id.as_deref())),
                of(run.map(|run| &*run.execution_id)),
            ];
            assert_eq!(tail[2..], expected);
        }
    }
}

fn assert_task(text: &str, event: &TaskRow) {
    let fields: Vec<&str> = text.split(';').collect();
    assert_eq!(fields[..2], [event.type_token, &*event.host]);
    let date = "2026-01-31 10:00:00,125";
    match &event.about {
        About::Run(run) => {
            let expected = [
                &*run.task_name,
                run.app_name.as_deref().unwrap_or_default(),
                &*run.user,
                &*run.task_id,
                run.app_id.as_deref().unwrap_or_default(),
                date,
                "INFO",
                &*run.execution_id,
                &*event.message,
            ];
            assert_eq!(fields[2..], expected);
        }
        About::Reload(reload) => {
            let expected = [
                &*reload.app_id,
                &*reload.engine_session_id,
                &*reload.directory,
                &*reload.user_id,
                date,
                "ERROR",
                &*event.message,
            ];
            assert_eq!(fields[2..], expected);
        }
    }
}

#[test]
fn fields_agree_with_the_truth() {
    let mut seen = Tally::default();
    for (datagram, truth) in &*OF_ALL {
        let text = text(datagram);
        match truth {
            Datagram::Log(event) => assert_log(text, event),
            Datagram::Performance(request) => assert_performance(text, request),
            Datagram::Task(event) => assert_task(text, event),
            Datagram::Session { .. } | Datagram::Connection { .. } => {}
            _ => panic!("odd: {truth:?}"),
        }
        seen += truth.tally();
    }
    assert!(seen.performance.requests > 45_000, "{seen:?}");
    assert!(seen.logs() > 600, "{seen:?}");
    assert!(seen.tasks() > 30, "{seen:?}");
    assert_eq!(seen.events(), 60_000);
}

#[test]
fn the_cost_of_requests_agrees_with_the_datagrams() {
    let mut expected = Cost::default();
    let mut tally = Tally::default();
    for (datagram, truth) in &*OF_ALL {
        tally += truth.tally();
        let fields: Vec<&str> = text(datagram).split(';').collect();
        if fields[0] != "/qseow-qix-perf/" {
            continue;
        }
        expected.requests += 1;
        for (spent, place) in [
            (&mut expected.process, 16),
            (&mut expected.work, 17),
            (&mut expected.lock, 18),
            (&mut expected.validate, 19),
            (&mut expected.traverse, 20),
        ] {
            let time = milliseconds(fields[place]);
            spent.sum += time;
            spent.max = spent.max.max(time);
        }
        let bytes = |place: usize| -> u64 { fields[place].parse().expect("a number") };
        expected.net_ram_bytes += bytes(23);
        expected.max_net_ram_bytes = expected.max_net_ram_bytes.max(bytes(23));
        expected.max_peak_ram_bytes = expected.max_peak_ram_bytes.max(bytes(24));
    }
    assert_eq!(tally.performance, expected);
    assert!(expected.max_peak_ram_bytes > 1 << 30, "{expected:?}");
}

#[test]
fn user_events_are_the_same_whatever_else_is_sent() {
    for odd_per_mille in [0, 200] {
        let options = SiteOptions {
            odd_per_mille,
            ..ALL
        };
        let user = SiteOptions {
            families: Families::USER,
            ..options.clone()
        };
        let alone = datagrams(user, 2_000);
        let mut alone = alone.iter().peekable();
        for one in &datagrams(options, 20_000) {
            let is_user = matches!(
                one.1,
                Datagram::Session { .. } | Datagram::Connection { .. }
            );
            let is_next = alone.peek().is_some_and(|next| *next == one);
            assert!(is_next || !is_user, "{}", one.0.escape_ascii());
            if is_next {
                alone.next();
            }
        }
        // There must be enough of the others for this to be meaningful.
        assert!(alone.count() < 1_500);
    }
}

#[test]
fn requests_belong_to_the_sessions_of_users() {
    let options = SiteOptions {
        extended: true,
        ..ALL
    };
    let mut users: HashMap<String, String> = HashMap::new();
    let mut asked = HashSet::new();
    for (datagram, truth) in datagrams(options, 50_000) {
        let fields: Vec<&str> = text(&datagram).split(';').collect();
        match &truth {
            Datagram::Session { .. } | Datagram::Connection { .. } => {
                let user = format!("{}\\{}", fields[7], fields[8]);
                assert!(fields[4].starts_with("c0de"));
                users.insert(fields[4].to_owned(), user);
            }
            Datagram::Performance(request) => match &request.session_id {
                // Its connection was opened earlier.
                Some(id) => {
                    assert_eq!(users.get(&**id), request.user().as_ref());
                    asked.insert(id.clone());
                }
                None => assert_eq!(request.user().as_deref(), Some(r"INTERNAL\sa_scheduler")),
            },
            _ => {}
        }
    }
    assert!(asked.len() > 250, "{}", asked.len());
}

#[test]
fn each_appender_of_each_node_numbers_its_rows() {
    let mut rows: BTreeMap<(String, String), u32> = BTreeMap::new();
    for (datagram, truth) in &*OF_ALL {
        if !matches!(truth, Datagram::Log(_) | Datagram::Performance(_)) {
            continue;
        }
        let fields: Vec<&str> = text(datagram).split(';').collect();
        let appender = (fields[0].to_owned(), fields[5].to_owned());
        let row = fields[1].parse().expect("a row");
        let before = rows.insert(appender, row);
        assert_eq!(row, before.map_or(1, |before| before % 9_999 + 1));
    }
    assert_eq!(rows.len(), 5 * 3);
}

#[test]
fn only_the_chosen_families_are_sent() {
    let off = Families {
        user: false,
        log: false,
        performance: false,
        task: false,
    };
    let counts = |families| {
        let options = SiteOptions { families, ..ALL };
        let all = datagrams(options, 500);
        let tally: Tally = all.iter().map(|(_, truth)| truth.tally()).sum();
        let users = tally.sessions() + tally.connections();
        [
            users,
            tally.logs(),
            tally.performance.requests,
            tally.tasks(),
        ]
    };
    assert_eq!(counts(off), [500, 0, 0, 0]);
    assert_eq!(counts(Families { log: true, ..off }), [0, 500, 0, 0]);
    let performance = Families {
        performance: true,
        ..off
    };
    assert_eq!(counts(performance), [0, 0, 500, 0]);
    assert_eq!(counts(Families { task: true, ..off }), [0, 0, 0, 500]);
    let two = counts(Families {
        task: true,
        ..Families::USER
    });
    assert!(two[0] > 0 && two[3] > 0 && two[0] + two[3] == 500);
}

#[test]
fn every_action_and_every_token_occurs() {
    let families = Families {
        user: false,
        performance: false,
        ..Families::ALL
    };
    let options = SiteOptions { families, ..ALL };
    let mut tokens = HashSet::new();
    let mut runs_by_action: HashMap<TaskAction, HashSet<String>> = HashMap::new();
    let mut levels = HashSet::new();
    let (mut events, mut glued) = (0, 0);
    for (datagram, truth) in datagrams(options, 40_000) {
        tokens.insert(text(&datagram).split(';').next().map(ToOwned::to_owned));
        match truth {
            Datagram::Task(event) => {
                events += 1;
                if let About::Run(run) = event.about {
                    let runs = runs_by_action.entry(event.action).or_default();
                    runs.insert(run.execution_id.to_string());
                }
            }
            Datagram::Log(event) => {
                levels.insert(event.level);
                glued += u32::from(event.is_glued);
            }
            _ => {}
        }
    }
    for token in [
        "/scheduler-reload-failed/",
        "/scheduler-reload-aborted/",
        "/scheduler-reloadtask-success/",
        "/scheduler-task-failed/",
        "/scheduler-task-aborted/",
        "/scheduler-task-success//",
        "/scheduler-task-success/",
        "/scheduler-distribute/",
        "/engine-reload-failed/",
        "/qseow-engine/",
        "/qseow-proxy/",
        "/qseow-repository/",
        "/qseow-scheduler/",
    ] {
        assert!(tokens.contains(&Some(token.to_owned())), "{token}");
    }
    assert_eq!(tokens.len(), 13);
    assert_eq!(runs_by_action.len(), 4);
    // Both old and new appenders report some runs.
    let runs: usize = runs_by_action.values().map(HashSet::len).sum();
    assert!(runs < events && runs > events / 2, "{runs} of {events}");
    let aborted = &runs_by_action[&TaskAction::Aborting];
    assert!(
        aborted
            .intersection(&runs_by_action[&TaskAction::Failed])
            .count()
            > 0
    );
    assert_eq!(levels.len(), 3, "{levels:?}");
    assert!(glued > 100, "{glued}");
}

#[test]
fn the_same_options_give_the_same_datagrams() {
    let odd = SiteOptions {
        odd_per_mille: 100,
        ..ALL
    };
    let first = datagrams(odd.clone(), 5_000);
    assert_eq!(first, datagrams(odd.clone(), 5_000));
    assert_ne!(first, datagrams(SiteOptions { seed: 8, ..odd }, 5_000));
}

#[test]
fn every_kind_of_oddness_has_its_share() {
    // All kinds have equal shares: 1,200 of 60,000 datagrams each.
    const EACH: usize = 1_200;
    let families = Families {
        user: false,
        ..Families::ALL
    };
    let options = SiteOptions {
        odd_per_mille: OddEntry::ALL.len() as u16 * 20,
        families,
        ..ALL
    };
    let all = datagrams(options, 60_000);
    let about = |expected: usize, is: &dyn Fn(&[u8], &Datagram) -> bool| {
        let count = all.iter().filter(|(bytes, truth)| is(bytes, truth)).count();
        assert!(
            count * 10 >= expected * 9 && count * 10 <= expected * 11,
            "{count} is not about {expected}"
        );
    };
    about(EACH, &|_, truth| {
        matches!(truth, Datagram::Undecoded { .. })
    });
    about(EACH, &|_, truth| matches!(truth, Datagram::Relay(_)));
    about(EACH, &|bytes, _| bytes.starts_with(b"\xEF\xBB\xBF"));
    about(EACH, &|bytes, _| bytes.starts_with(b"/\0"));
    about(EACH, &|bytes, _| {
        bytes.starts_with(b"/QSEOW") || bytes.starts_with(b"/SCHED")
    });
    about(EACH, &|bytes, _| {
        bytes.ends_with(b"\0") && !bytes.starts_with(b"/\0")
    });
    about(EACH, &|bytes, _| {
        std::str::from_utf8(bytes).is_err() && !bytes.starts_with(b"/\0")
    });

    let mut relayed = Tally::default();
    for (bytes, truth) in &all {
        assert!(bytes.len() <= 65_507);
        if let Datagram::Relay(lines) = truth {
            let events = text(bytes).lines().filter(|line| line.starts_with('/'));
            assert_eq!(events.count() as u64, lines.events());
            relayed += **lines;
        }
    }
    assert!(relayed.performance.requests > 2_000, "{relayed:?}");
}
