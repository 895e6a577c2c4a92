//! An instance from its first call to its last.

use std::{
    collections::BTreeSet,
    fs,
    sync::atomic::Ordering,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use crate::{
    golden::{Golden, golden},
    host::{Instance, VERSIONS, Version, await_received, await_that, config_file, register},
    send, start, users,
};

const ANY_PORT: (&str, &str) = ("address", "127.0.0.1:0");

fn begin(version: Version, properties: &[(&str, &str)]) -> Instance {
    Instance::begin(version, properties).unwrap_or_else(|log| panic!("{log:?}"))
}

#[test]
fn it_registers_with_every_version_and_stays_within_its_structs() {
    for version in VERSIONS {
        assert_eq!(register(version, false), "qlik_sense", "{version:?}");
    }
}

/// The golden datagrams, sent through the plugin, have the same fields as in every host.
#[test]
fn every_golden_datagram_arrives_with_its_fields_and_time() {
    for version in VERSIONS {
        let instance = begin(version, &[ANY_PORT]);
        assert_eq!(instance.interval(), Some(Duration::from_millis(20)));
        let address = instance.addresses()[0];
        let mut covered = 0;
        for Golden {
            name,
            datagram,
            expected,
        } in golden()
        {
            let before = SystemTime::now();
            send(address, [datagram]);
            covered += expected.len();
            let records = instance.records(covered);
            let seen = &records[covered - expected.len()..];
            for (seen, mut expected) in seen.iter().zip(expected) {
                let time = expected["timestamp"].take();
                let fields = expected.as_object_mut().expect("an event");
                fields.remove("timestamp");
                // The arrival in the file is invented, but the time from Qlik Sense is not.
                if time == "2026-01-31T09:00:00.123456789Z" {
                    let time = UNIX_EPOCH + Duration::new(seen.seconds.into(), seen.nanoseconds);
                    assert!(
                        time >= before && time <= SystemTime::now(),
                        "{name}: {time:?}"
                    );
                } else {
                    let time = time.as_str().expect("a time").parse();
                    let time: chrono::DateTime<chrono::Utc> = time.expect("RFC 3339");
                    assert_eq!(i64::from(seen.seconds), time.timestamp(), "{name}");
                    assert_eq!(seen.nanoseconds, time.timestamp_subsec_nanos(), "{name}");
                }
                for field in ["sender", "host"] {
                    if fields.get(field).is_some_and(|value| value == "192.0.2.17") {
                        fields.insert(field.into(), "127.0.0.1".into());
                    }
                }
                let seen_fields = seen.fields.as_object().expect("fields");
                if let Some(arrival) = seen_fields.get("ingest_timestamp") {
                    assert!(
                        fields
                            .insert("ingest_timestamp".into(), arrival.clone())
                            .is_some()
                    );
                }
                assert_eq!(seen.fields, expected, "{name}");
            }
        }
        assert!(covered > 100, "{covered}");
        instance.exit(false);
    }
}

#[test]
fn events_keep_their_order_and_the_log_has_the_counts() {
    for version in VERSIONS {
        let instance = begin(version, &[ANY_PORT]);
        let sent: Vec<_> = (0..1_000).map(|number| number.to_string()).collect();
        send(instance.addresses()[0], sent.iter().map(|user| start(user)));
        assert_eq!(users(&instance.records(sent.len())), sent);
        let log = instance.exit(false).0.log();
        let closing = log.last().expect("a line");
        assert!(
            closing.starts_with("3 [qlik_sense] stopped address=127.0.0.1:"),
            "{closing}"
        );
        assert!(closing.contains(" datagrams=1000 "), "{closing}");
        assert!(closing.contains(" events=1000 "), "{closing}");
        assert!(closing.contains(" dropped=0 "), "{closing}");
    }
}

#[test]
fn counters_are_separate_records() {
    let config = config_file(
        "counters",
        "[source]\naddress = \"127.0.0.1:0\"\n[telemetry]\ninterval_secs = 1\n",
    );
    let instance = begin(Version::V5_1, &[("config", &config)]);
    send(instance.addresses()[0], [start("goran"), "rubbish".into()]);
    instance.records(2);
    await_that("counters", || {
        instance.collect();
        !instance.state.counters().is_empty()
    });
    let counters = &instance.state.counters()[0].fields;
    assert_eq!(counters["event"], "plugin", "{counters}");
    assert_eq!(counters["message"], "running");
    assert!(
        counters.get("timestamp").is_none(),
        "it is beside the fields"
    );
    assert_eq!(counters["address"], instance.addresses()[0].to_string());
    assert_eq!(
        (&counters["events"], &counters["undecoded"]),
        (&1.into(), &1.into())
    );
    instance.exit(false);
}

/// A host that ends pauses first, and accepts nothing after that.
#[test]
fn the_first_pause_delivers_everything_that_was_received() {
    for version in VERSIONS {
        let instance = begin(version, &[ANY_PORT]);
        let sent: Vec<_> = (0..500).map(|number| number.to_string()).collect();
        send(instance.addresses()[0], sent.iter().map(|user| start(user)));
        await_received(&instance);
        instance.pause();
        instance.pause();
        let ended = instance.exit(false).0;
        assert_eq!(users(&ended.records()), sent, "{version:?}");
    }
}

#[test]
fn a_pause_is_limited_and_counts_what_it_drops() {
    let config = config_file(
        "pause",
        "[source]\naddress = \"127.0.0.1:0\"\nundecoded = \"drop\"\n[queue]\nmax_events = 10\n[telemetry]\ninterval_secs = 0\n",
    );
    let instance = begin(Version::V5_1, &[("config", &config)]);
    let address = instance.addresses()[0];
    instance.pause();
    for number in 0..25 {
        send(address, [start(&number.to_string())]);
        // They are sent one at a time, so that each is a frame of its own.
        await_received(&instance);
        instance.collect();
        instance.tick();
    }
    assert_eq!(instance.state.record_bytes(), 0, "paused");
    // The plugin reads it only once the last event is in the queue, or dropped.
    send(address, ["no event".to_owned()]);
    await_received(&instance);
    instance.resume();
    let records = instance.records(10);
    assert_eq!(
        users(&records),
        ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]
    );
    let log = instance.exit(false).0.log();
    let closing = log.last().expect("a line");
    assert!(closing.contains(" datagrams=26 "), "{closing}");
    assert!(closing.contains(" dropped=15 "), "{closing}");
}

#[test]
fn events_wait_for_a_host_that_accepts_nothing_for_a_while() {
    let instance = begin(Version::V4_0, &[ANY_PORT]);
    instance.state.refuses.store(true, Ordering::SeqCst);
    send(instance.addresses()[0], [start("a"), start("b")]);
    for _ in 0..20 {
        instance.collect();
        instance.tick();
    }
    send(instance.addresses()[0], [start("c")]);
    assert_eq!(instance.state.record_bytes(), 0);
    instance.state.refuses.store(false, Ordering::SeqCst);
    assert_eq!(users(&instance.records(3)), ["a", "b", "c"]);
    instance.exit(false);
}

/// A host that runs its inputs on one thread pauses them while it is receiving their records.
#[test]
fn a_pause_during_a_delivery_lasts_until_the_host_resumes() {
    for version in VERSIONS {
        let instance = begin(version, &[ANY_PORT]);
        instance.state.pauses_within.store(true, Ordering::SeqCst);
        send(instance.addresses()[0], [start("a")]);
        assert_eq!(users(&instance.records(1)), ["a"]);
        send(instance.addresses()[0], [start("b")]);
        await_received(&instance);
        instance.pause();
        instance.collect();
        instance.tick();
        assert_eq!(users(&instance.state.records()), ["a"], "{version:?}");
        instance.resume();
        assert_eq!(users(&instance.records(2)), ["a", "b"], "{version:?}");
        instance.exit(false);
    }
}

#[test]
fn events_that_the_host_never_takes_are_counted() {
    let instance = begin(Version::V5_1, &[ANY_PORT]);
    instance.state.refuses.store(true, Ordering::SeqCst);
    send(instance.addresses()[0], [start("a"), start("b")]);
    await_received(&instance);
    instance.collect();
    instance.tick();
    let log = instance.exit(false).0.log();
    let closing = log.last().expect("a line");
    assert!(closing.contains(" dropped=2 "), "{closing}");
}

#[test]
fn two_instances_receive_on_two_addresses() {
    let both = begin(Version::V5_1, &[("address", "127.0.0.1:0, [::1]:0")]);
    let other = begin(Version::V5_1, &[ANY_PORT]);
    let addresses = both.addresses();
    assert_eq!(addresses.len(), 2, "{:?}", both.log());
    send(addresses[0], [start("a")]);
    both.records(1);
    send(addresses[1], [start("b")]);
    send(other.addresses()[0], [start("c")]);
    assert_eq!(users(&both.records(2)), ["a", "b"]);
    assert_eq!(users(&other.records(1)), ["c"]);
    other.exit(false);
    send(addresses[0], [start("d")]);
    assert_eq!(users(&both.records(3)), ["a", "b", "d"]);
    both.exit(false);
}

/// Fluent Bit handles signals in its own threads.
#[test]
fn threads_of_the_plugin_leave_signals_to_the_host() {
    let instance = begin(Version::V5_1, &[ANY_PORT]);
    let mut seen = BTreeSet::new();
    // A thread gets its name shortly after it has started.
    await_that("both kinds of threads", || {
        for task in fs::read_dir("/proc/self/task").expect("threads").flatten() {
            let Ok(status) = fs::read_to_string(task.path().join("status")) else {
                continue;
            };
            let field = |name| {
                let line = status.lines().find_map(|line| line.strip_prefix(name));
                line.unwrap_or_default().trim().to_owned()
            };
            let name = field("Name:");
            if ["worker", "supervisor"].contains(&&*name) {
                let blocked = u64::from_str_radix(&field("SigBlk:"), 16).expect("a mask");
                let sigterm = 1 << (15 - 1);
                assert_ne!(blocked & sigterm, 0, "{name}: {blocked:x}");
                seen.insert(name);
            }
        }
        seen.len() == 2
    });
    instance.exit(false);
}

#[test]
fn calls_without_an_instance_fail_harmlessly() {
    let log = Instance::begin(Version::V5_1, &[("address", "nonsense")]).err();
    assert!(log.is_some_and(|log| log.len() == 1));
}

#[test]
fn the_log_respects_the_level_of_the_host() {
    let instance = Instance::begin_with_log(Version::V4_0, &[ANY_PORT], 1);
    let instance = instance.unwrap_or_else(|log| panic!("{log:?}"));
    instance.tick();
    let ended = instance.exit(false).0;
    assert_eq!(ended.log(), Vec::<String>::new());
}
