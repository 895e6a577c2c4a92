use std::sync::LazyLock;

use chrono::TimeDelta;

use super::*;
use crate::event::Level;

#[test]
fn on_a_perfect_network_every_datagram_arrives() {
    let day = Day::new(&DayOptions::default());
    assert!(day.sessions.len() > 1_800, "{}", day.sessions.len());
    assert_eq!(day.deliveries.len() as u64, day.sent);
    let events = 2 * (day.sessions.len() + day.connections.len());
    assert_eq!(day.deliveries.len(), events);
    assert!(day.deliveries.is_sorted_by_key(|delivery| delivery.arrival));
    assert!(
        day.sessions.iter().chain(&day.connections).all(|stay| {
            stay.start <= stay.end && !stay.user.is_empty() && !stay.host.is_empty()
        })
    );
    assert_eq!(day, Day::new(&DayOptions::default()));
}

#[test]
fn the_network_loses_duplicates_and_delays_datagrams() {
    let network = Network {
        lost: 100_000,
        doubled: 50_000,
        late: 50_000,
    };
    let day = Day::new(&DayOptions {
        network,
        ..DayOptions::default()
    });
    let sent = day.sent as f64;
    let arrived = day.deliveries.len() as f64 / sent;
    assert!((0.9..1.0).contains(&arrived), "{arrived}");
}

fn whole() -> DayOptions {
    DayOptions {
        begin: "2026-03-02T06:00:00.000999Z".parse().expect("a time"),
        logins: 150,
        hours: 4,
        extended: true,
        families: Families::ALL,
        ..DayOptions::default()
    }
}

static WHOLE: LazyLock<Day> = LazyLock::new(|| Day::new(&whole()));

#[test]
fn the_truth_about_requests_agrees_with_the_datagrams() {
    let day = &*WHOLE;
    let mut sent = day.requests.iter();
    let of_type = |kind: &'static str| {
        day.deliveries
            .iter()
            .map(|delivery| std::str::from_utf8(&delivery.datagram).expect("UTF-8"))
            .filter(move |text| text.starts_with(kind))
    };
    for text in of_type("/qseow-qix-perf/") {
        let request = sent.next().expect("a request");
        let fields: Vec<&str> = text.split(';').collect();
        assert_eq!(fields[1], request.row.to_string());
        assert_eq!(fields[5], &*request.host);
        let time = DateTime::parse_from_str(fields[2], "%Y%m%dT%H%M%S%.3f%z");
        assert_eq!(time.expect("a time"), request.time);
        let peak = request.peak_ram_bytes.expect("well-formed");
        assert_eq!(fields[24], peak.to_string());
    }
    assert!(sent.next().is_none());
    assert!(day.requests.len() > 10_000, "{}", day.requests.len());
    assert!(day.requests.is_sorted_by_key(|request| request.time));

    let logs: usize = ["engine", "proxy", "repository", "scheduler"]
        .map(|service| format!("/qseow-{service}/"))
        .iter()
        .map(|kind| {
            let is_of = |d: &&Delivery| d.datagram.starts_with(kind.as_bytes());
            day.deliveries.iter().filter(is_of).count()
        })
        .sum();
    assert_eq!(logs, day.logs.len());
    assert!(logs > 100);
    let tasks = of_type("/scheduler-").chain(of_type("/engine-reload-failed/"));
    assert_eq!(tasks.count(), day.tasks.len());
    assert!(day.tasks.len() > 20);
    assert_eq!(day.sent, day.deliveries.len() as u64);
}

#[test]
fn users_make_requests_while_they_have_a_connection() {
    let day = &*WHOLE;
    let mut asked = 0;
    for request in &day.requests {
        if request.session_id.is_none() {
            continue;
        }
        asked += 1;
        let user = request.user().expect("a user").to_lowercase();
        let at = (request.time - day.begin).to_std().expect("in the day");
        let is_open = |stay: &Stay| {
            stay.user == user && *stay.host == *request.host && stay.start <= at && at <= stay.end
        };
        assert!(day.connections.iter().any(is_open), "{request:?}");
    }
    assert!(asked > 10_000);
}

#[test]
fn user_events_are_the_same_whatever_else_is_sent() {
    let network = Network {
        lost: 20_000,
        doubled: 20_000,
        late: 20_000,
    };
    let all = DayOptions {
        network,
        extended: false,
        ..whole()
    };
    let user = Day::new(&DayOptions {
        families: Families::USER,
        ..all.clone()
    });
    let all = Day::new(&all);
    let is_user = |delivery: &&Delivery| delivery.datagram.starts_with(b"/qseow-proxy-");
    assert!(all.deliveries.iter().filter(is_user).eq(&user.deliveries));
    assert_eq!(all.sessions, user.sessions);
    let arrived = all.deliveries.len() as f64 / all.sent as f64;
    assert!((0.98..1.02).contains(&arrived), "{arrived}");
    assert_ne!(all.deliveries.len() as u64, all.sent);
}

fn with_a_drop() -> Day {
    Day::new(&DayOptions {
        memory_drop: Some(Duration::from_secs(2 * 3_600)),
        ..whole()
    })
}

#[test]
fn the_user_who_made_memory_drop_made_the_request_with_the_highest_peak() {
    let day = with_a_drop();
    let drop = day.memory_drop.as_ref().expect("somebody is there");
    assert!(drop.begin >= day.begin + TimeDelta::hours(2));
    let largest = day
        .requests
        .iter()
        .max_by_key(|request| request.peak_ram_bytes);
    let request = largest.expect("requests");
    assert_eq!(request.user().as_ref(), Some(&drop.user));
    assert_eq!(request.session_id.as_ref(), Some(&drop.session_id));
    assert_eq!(request.app_id.as_ref(), Some(&drop.app_id));
    assert_eq!(
        (&request.host, &request.object_id),
        (&drop.host, &drop.object_id)
    );
    assert_eq!(
        (request.time, request.peak_ram_bytes),
        (drop.end, Some(drop.peak_ram_bytes))
    );
    assert_eq!(request.level, Level::Error);
    let logged = day.logs.iter().filter(|row| {
        (drop.begin..drop.end).contains(&row.time)
            && row.session_id.as_ref() == Some(&drop.session_id)
    });
    assert_eq!(logged.count(), 2);

    let plain = &*WHOLE;
    assert_eq!(plain.memory_drop, None);
    assert_eq!(day.requests.len(), plain.requests.len() + 1);
    assert_eq!(day.sessions, plain.sessions);
}

#[test]
fn only_the_memory_of_that_node_drops() {
    let day = with_a_drop();
    let drop = day.memory_drop.as_ref().expect("somebody is there");
    let begin = (drop.begin - day.begin).to_std().expect("later");
    let free = |host: &str, minutes: f64| {
        let at = begin + Duration::from_secs_f64(60.0 * minutes);
        day.health_at(host, at).free_bytes >> 30
    };
    for host in day.nodes.hosts() {
        let (before, worst, after) = (free(host, 0.0), free(host, 2.4), free(host, 13.0));
        if *host == drop.host {
            assert!(before - worst > 240, "{before} {worst}");
            assert!(after > worst + 230, "{worst} {after}");
        } else {
            assert!(before.abs_diff(worst) < 20, "{before} {worst}");
        }
    }
    let health = day.health_at(&drop.host, begin + Duration::from_secs(120));
    assert!(health.active_apps.contains(&drop.app_id) && health.loaded_apps.contains(&drop.app_id));
    assert!(health.committed_bytes < health.allocated_bytes);
    assert!(health.calls > health.selections && health.cache_lookups > health.cache_hits);
}

#[test]
fn proxies_list_the_open_sessions() {
    let day = &*WHOLE;
    let mut most = 0;
    for minutes in (0..300).step_by(7) {
        let at = Duration::from_secs(60 * minutes);
        for host in day.nodes.hosts() {
            let mut held: Vec<String> = day
                .nodes
                .sessions_at(host, at)
                .map(|one| format!("{}\\{}", one.directory, one.user_id).to_lowercase())
                .collect();
            let open = |stay: &&Stay| stay.host == **host && stay.start <= at && at < stay.end;
            let mut truth: Vec<String> = day
                .sessions
                .iter()
                .filter(open)
                .map(|stay| stay.user.clone())
                .collect();
            held.sort();
            truth.sort();
            assert_eq!(held, truth);
            most = most.max(held.len());
        }
    }
    assert!(most > 5, "{most}");
}

#[test]
fn a_day_is_played_from_the_requested_time() {
    let day = Day::new(&DayOptions {
        logins: 20_000,
        users: 20_000,
        hours: 1,
        ..DayOptions::default()
    });
    let receiver = std::net::UdpSocket::bind("127.0.0.1:0").expect("a port");
    let sender = std::net::UdpSocket::bind("127.0.0.1:0").expect("a port");
    sender
        .connect(receiver.local_addr().expect("an address"))
        .expect("connected");
    let from = Duration::from_secs(1_800);
    let part = Duration::from_millis(300);
    let played = day
        .play(&sender, from, |played| {
            if played.elapsed < part {
                std::ops::ControlFlow::Continue(())
            } else {
                std::ops::ControlFlow::Break(())
            }
        })
        .expect("played");
    let due = |until: Duration| {
        let deliveries = day.deliveries.iter();
        deliveries
            .filter(|one| (from..until).contains(&one.arrival))
            .count() as u64
    };
    assert!(played.datagrams >= due(from + part), "{played:?}");
    assert!(played.datagrams <= due(from + played.elapsed), "{played:?}");
    let mut first = [0; 65_536];
    let length = receiver.recv(&mut first).expect("a datagram");
    let expected = day
        .deliveries
        .iter()
        .find(|one| one.arrival >= from)
        .expect("more");
    assert_eq!(first[..length], expected.datagram);
    let tally = day.tally(from..from + played.elapsed);
    assert_eq!(played.tally, tally);
    assert!(
        tally.session_start > 0 && tally.connection_open > 0,
        "{tally:?}"
    );
}
