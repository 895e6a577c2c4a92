//! Memory in bytes allocated and not freed, which is the same on every machine, however busy.

use allocation_counter::measure;
use qlik_sense_events::transform::SessionsConfig;

use super::support::{CHROME, Followed, config, list};

/// The limit for 100,000 users with an open session, in bytes.
const LIMIT_OF_100_000: u64 = 64 << 20;

const USERS: u32 = 10_000;

/// One payload of the standard or the extended appender.
fn payload(extended: bool, family: &str, command: &str, user: u32, context: &str) -> String {
    let who = format!("{command};CORPORATE;firstname.lastname{user};AppAccess;{context}");
    let host = format!("pro2-win{}", user % 4);
    let message = format!("said; UserAgent: '{CHROME}'");
    if extended {
        let id = format!("00000000-0000-4000-8000-{user:012}");
        format!("/qlik-sense-{family}/2/;{host};20260131T090000.000+0000;1;{id};0;{who};{message}")
    } else {
        format!("/qseow-proxy-{family}/;{host};{who};{message}")
    }
}

/// The bytes kept for each user with a session and this many connections.
fn bytes_a_user(connections: u32, extended: bool) -> u64 {
    let mut kept = None;
    let allocations = measure(|| {
        let mut followed = Followed::new(config());
        for user in 0..USERS {
            let start = payload(extended, "session", "Start session", user, "/hub");
            followed.datagram(0.0, start.as_bytes());
            for number in 0..connections {
                let app = format!("/app/00000000-0000-4000-8000-{:012}", (user + number) % 300);
                let open = payload(extended, "connection", "Open connection", user, &app);
                followed.datagram(1.0, open.as_bytes());
            }
        }
        kept = Some(followed);
    });
    let statistics = kept
        .expect("followed")
        .sessions()
        .statistics()
        .expect("followed");
    let sessions: u64 = statistics.hosts.iter().map(|h| h.active_sessions()).sum();
    assert_eq!(sessions, u64::from(USERS));
    u64::try_from(allocations.bytes_current).expect("memory is held") / u64::from(USERS)
}

#[test]
fn a_hundred_thousand_users_stay_below_64_mib() {
    for (connections, extended, at_most) in [(0, false, 330), (2, false, 450), (2, true, 510)] {
        let bytes = bytes_a_user(connections, extended);
        println!("{connections} connections, extended {extended}: {bytes} bytes a user");
        assert!(bytes <= at_most, "{connections} {extended}: {bytes} bytes");
        assert!(bytes * 100_000 < LIMIT_OF_100_000);
    }
}

/// A flood of invented names, browsers and paths of the maximum length.
#[test]
fn a_flood_is_bounded() {
    const MAX_USERS: u32 = 250;
    let mut kept = None;
    let allocations = measure(|| {
        let mut followed = Followed::new(SessionsConfig {
            max_users: MAX_USERS as usize,
            ..config()
        });
        for number in 0..12 * MAX_USERS {
            let user = number / 4;
            let long = |what: &str| format!("{what}{number:x<500}");
            let open = format!(
                "/qseow-proxy-connection/;n{user};Open connection;LAB;{user:x<490};;/{};UserAgent: '{}'",
                long("path"),
                long("agent"),
            );
            followed.datagram(f64::from(number), open.as_bytes());
        }
        kept = Some(followed);
    });
    let statistics = kept
        .expect("followed")
        .sessions()
        .statistics()
        .expect("followed");
    assert!(statistics.evicted_users > 0);
    let bytes = u64::try_from(allocations.bytes_current).expect("memory is held");
    println!("{} bytes a user of a flood", bytes / u64::from(MAX_USERS));
    assert!(bytes < 16_384 * u64::from(MAX_USERS), "{bytes} bytes");
}

/// A proxy lists 50,000 sessions that no event showed. They are added over several ticks and take no more memory than
/// others.
#[test]
fn fifty_thousand_listed_sessions_are_bounded() {
    const LISTED: u32 = 50_000;
    let mut kept = None;
    let allocations = measure(|| {
        let mut followed = Followed::new(config());
        let users: Vec<String> = (0..LISTED)
            .map(|user| format!("firstname.lastname{user}"))
            .collect();
        followed.list(&list("pro2-win1", 0.0, &users.join(" ")));
        drop(users);
        let mut ticks = 0;
        while followed.open_sessions() < u64::from(LISTED) {
            followed.tick(6.0 + f64::from(ticks) / 4.0);
            ticks += 1;
        }
        assert_eq!(ticks, 25, "two thousand users a tick");
        kept = Some(followed);
    });
    let bytes = |bytes: i64| u64::try_from(bytes).expect("memory is held") / u64::from(LISTED);
    let kept_bytes = bytes(allocations.bytes_current);
    let most = allocations.bytes_max / u64::from(LISTED);
    println!("{kept_bytes} bytes a listed session, {most} at the most");
    assert!(kept_bytes <= 330, "{kept_bytes} bytes");
    assert!(most <= 660, "{most} bytes");
    drop(kept);
}
