use super::*;
use crate::event::{Level, TaskAction};
use crate::simulate::truth::{EngineReload, TaskRun};
use chrono::DateTime;
use std::time::Duration;

fn run() -> TaskRun {
    TaskRun {
        task_name: "Nightly Sales".into(),
        app_name: Some("Sales".into()),
        task_id: "d1b6a1f2-0b73-4a1e-9d04-3c7f95a2e610".into(),
        app_id: Some("0f3d9c1e-7b64-4a58-8d2f-2c5e91ab7740".into()),
        execution_id: "b5c0e9d7-1f28-4c96-a3b4-6d7e8f901a2b".into(),
        user: r"INTERNAL\sa_scheduler".into(),
    }
}

fn log(service: Service) -> Entry {
    let kind = (Level::Error, "System.Engine.Engine");
    let (time, host) = (DateTime::UNIX_EPOCH, "pro2-win1".into());
    let mut event = LogRow::new(time, &host, service, kind, "It failed");
    event.row = 17;
    event.user_id = Some("goran".into());
    event.task = (service == Service::Scheduler).then(run);
    event.context = (service == Service::Proxy).then(|| "/sales/hub".to_owned());
    Entry::log(0, event)
}

fn performance() -> Entry {
    let request = Request {
        time: DateTime::UNIX_EPOCH,
        row: 17,
        host: "pro2-win1".into(),
        level: Level::Info,
        session_id: Some("c0de71aa-40b2-4d0e-8f31-0c9b8f2d6a10".into()),
        directory: Some("LAB".into()),
        user_id: Some("goran".into()),
        engine_session_id: None,
        app_id: Some("0f3d9c1e-7b64-4a58-8d2f-2c5e91ab7740".into()),
        request_id: 42,
        method: "GenericObject::GetLayout",
        process: Some(Duration::from_micros(18_734)),
        work: Duration::from_micros(18_612),
        lock: Duration::ZERO,
        validate: Duration::from_micros(21),
        traverse: Duration::from_micros(11_050),
        handle: 7,
        object_id: "TgFKZs".into(),
        net_ram_bytes: 20_480,
        peak_ram_bytes: Some(1_310_720),
        object_type: "barchart",
        exception: None,
    };
    Entry::performance(0, request)
}

fn task(about: About) -> Entry {
    let event = TaskRow {
        time: DateTime::UNIX_EPOCH,
        host: "pro2-win1".into(),
        action: TaskAction::Failed,
        type_token: match about {
            About::Run(_) => "/scheduler-task-failed/",
            About::Reload(_) => "/engine-reload-failed/",
        },
        about,
        message: "Max retries reached".to_owned(),
        exception: None,
    };
    Entry::task(0, event)
}

fn entries() -> Vec<Entry> {
    let reload = EngineReload {
        app_id: "0f3d9c1e-7b64-4a58-8d2f-2c5e91ab7740".into(),
        engine_session_id: "8c7f2d11-6a5b-4f30-9e21-b10c44d7a903".into(),
        directory: "LAB".into(),
        user_id: "eva".into(),
    };
    let others = [
        performance(),
        task(About::Run(run())),
        task(About::Reload(reload)),
    ];
    Service::ALL
        .iter()
        .copied()
        .map(log)
        .chain(others)
        .collect()
}

/// Datagrams of each family that are odd in one way: the entry, the datagram, and its content.
fn written(odd: OddEntry) -> Vec<(Entry, Vec<u8>, Datagram)> {
    let mut rng = Rng::with_seed(1);
    let mut all = Vec::new();
    for _ in 0..40 {
        for mut entry in entries() {
            entry.take_row(&mut EntryRows::new(1));
            let mut datagram = Vec::new();
            let mut rows = EntryRows::new(1);
            let truth = odd.write(entry.clone(), &mut rows, &mut rng, &mut datagram);
            all.push((entry, datagram, truth));
        }
    }
    all
}

fn usual(entry: &Entry) -> Vec<u8> {
    let mut datagram = Vec::new();
    let type_token = entry.event.type_token();
    let event = &entry.event;
    event.write(type_token, Style::USUAL, &mut datagram);
    datagram
}

fn has(datagram: &[u8], part: &str) -> bool {
    let part = part.as_bytes();
    datagram.windows(part.len()).any(|window| window == part)
}

fn semicolons(datagram: &[u8]) -> usize {
    datagram.iter().filter(|&&byte| byte == b';').count()
}

#[test]
fn each_kind_is_odd_in_its_own_way() {
    for odd in OddEntry::ALL {
        for (entry, datagram, truth) in written(odd) {
            let usual = usual(&entry);
            let is_task = matches!(entry.event, EntryEvent::Task(_));
            let is_reload = matches!(&truth, Datagram::Task(event)
                if matches!(event.about, About::Reload(_)));
            let is_odd = match odd {
                OddEntry::NullFields => is_reload || has(&datagram, ";(null)"),
                OddEntry::EmptyFields => is_reload || has(&datagram, ";;"),
                OddEntry::Punctuation => semicolons(&datagram) > semicolons(&usual),
                OddEntry::Exception => {
                    datagram.ends_with(b"()\r\n") && has(&datagram, "\r\n   at Example.")
                }
                // The services combine the lines.
                OddEntry::Relay => datagram == usual,
                OddEntry::TrailingLf => datagram == [&*usual, b"\n"].concat(),
                OddEntry::TrailingCrLf => datagram == [&*usual, b"\r\n"].concat(),
                OddEntry::TrailingNul => datagram == [&*usual, b"\0"].concat(),
                OddEntry::ByteOrderMark => datagram == [b"\xEF\xBB\xBF", &*usual].concat(),
                OddEntry::Windows1252 => std::str::from_utf8(&datagram).is_err(),
                OddEntry::Utf16 => {
                    datagram.starts_with(b"/\0") && datagram.len() == 2 * usual.len()
                }
                OddEntry::Capitals => datagram != usual && datagram.eq_ignore_ascii_case(&usual),
                OddEntry::OtherZone => is_task || (datagram != usual && !has(&datagram, "+0100;")),
                OddEntry::Peculiar => is_reload || datagram != usual,
                OddEntry::MissingFields => {
                    usual.starts_with(&datagram) && semicolons(&datagram) < semicolons(&usual)
                }
            };
            assert!(is_odd, "{odd:?}: {}", datagram.escape_ascii());
        }
    }
}

#[test]
fn the_truth_describes_the_odd_datagram() {
    for (_, datagram, truth) in written(OddEntry::MissingFields) {
        let code = "missing_field";
        assert_eq!(truth, Datagram::Undecoded { code });
        assert!(!datagram.is_empty());
    }
    for (_, datagram, truth) in written(OddEntry::Peculiar) {
        match truth {
            Datagram::Log(event) => {
                let of_another = format!("/qseow-{}/", event.service.as_str());
                assert!(!datagram.starts_with(of_another.as_bytes()));
            }
            Datagram::Performance(request) => {
                let is_unreadable = has(&datagram, ";NaN;");
                assert_eq!(request.process.is_none(), is_unreadable);
                let is_huge = has(&datagram, ";268435456000;");
                assert_eq!(request.peak_ram_bytes == Some(250 << 30), is_huge);
                let has_comma = has(&datagram, ";18,734;18,612;0;0,021;11,05;");
                assert!(is_unreadable || is_huge || has_comma);
            }
            _ => {}
        }
    }
    for (_, datagram, truth) in written(OddEntry::NullFields) {
        if let Datagram::Performance(request) = truth {
            let is_nameless = has(&datagram, ";(null);goran;") || has(&datagram, ";(null);(null);");
            assert!(is_nameless && request.user().is_none());
        }
    }
    for part in ["/sales/hub?x=1;y=2", ";Load \"A;B\"", ";my-ext;a;"] {
        let mut all = written(OddEntry::Punctuation).into_iter();
        assert!(all.any(|(_, datagram, _)| has(&datagram, part)), "{part}");
    }
}

#[test]
fn other_zones_denote_the_same_instant() {
    let mut zones = std::collections::HashSet::new();
    for (_, datagram, truth) in written(OddEntry::OtherZone) {
        if let Datagram::Performance(_) = truth {
            let text = String::from_utf8(datagram).expect("UTF-8");
            let times: Vec<&str> = text.split(';').skip(2).take(2).collect();
            zones.insert((times[0].to_owned(), times[1].to_owned()));
        }
    }
    let expected = [
        ("19691231T203000.000-0330", "1969-12-31 20:30:00,000"),
        ("19700101T010000.000+01:00", "1970-01-01 01:00:00,000"),
        ("19700101T000000.000Z", "1970-01-01 00:00:00,000"),
    ];
    assert_eq!(zones.len(), expected.len());
    for (time, date) in expected {
        assert!(
            zones.contains(&(time.to_owned(), date.to_owned())),
            "{zones:?}"
        );
    }
}
