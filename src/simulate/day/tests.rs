use super::*;

#[test]
fn a_day_without_a_network_to_speak_of_sends_all() {
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
fn the_network_loses_doubles_and_delays() {
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

#[test]
fn the_truth_about_requests_is_what_was_sent() {
    let day = Day::new(&whole());
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
fn users_ask_while_a_connection_of_theirs_is_open() {
    let day = Day::new(&whole());
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
