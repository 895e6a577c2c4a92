//! The running source: events as values, a host that stands still, shutdown, and the state that survives it.

use std::{collections::BTreeSet, fs, net::UdpSocket};

use qlik_sense_events::encoding::{MetricValue, OwnedValue};
use serde_json::json;

use super::{PATIENCE, Source, datagram, text_of};

#[test]
fn datagrams_become_values() {
    let mut source = Source::start(json!({
        "output": {"tags": {"site": "Lund"}, "drop_fields": ["user"]},
        "transform": {"blacklist": {"users": [r"LAB\sa_*"]}},
    }));
    let datagrams = [
        datagram("sa_engine"),
        datagram("goran"),
        "garbage".to_owned(),
    ];
    datagrams.iter().for_each(|datagram| source.send(datagram));
    let (events, bytes, dropped) = source.events(2);
    assert_eq!(bytes, datagrams.iter().map(|d| d.len() as u64).sum::<u64>());
    assert_eq!(dropped, 1);
    assert_eq!(text_of(&events[0], "user_id"), Some("goran"));
    let time = events[0].get("timestamp");
    assert!(matches!(time, Some(OwnedValue::Timestamp(_))), "{time:?}");
    assert_eq!(text_of(&events[0], "tags.site"), Some("Lund"));
    assert_eq!(events[0].get("user"), None);
    assert_eq!(text_of(&events[1], "event"), Some("undecoded"));
}

#[test]
fn dropped_events_are_counted() {
    let mut source = Source::start(json!({"undecoded": "drop"}));
    // No other event arrives, but the loss is still reported.
    source.send("garbage");
    let batch = source.batch().expect("a batch");
    assert_eq!((batch.bytes, batch.dropped, batch.len()), (7, 1, 0));
    source.send(&datagram("goran"));
    let (events, _, dropped) = source.events(1);
    assert_eq!((events.len(), dropped), (1, 0));
}

#[test]
fn refused_senders_are_named() {
    let source = Source::start(json!({"allowed_senders": ["192.0.2.0/24"]}));
    source.send(&datagram("goran"));
    let line = source.line("source.allowed_senders has refused 1 datagram at ");
    assert!(line.contains(" now from 127.0.0.1; "), "{line}");
}

#[test]
fn at_the_end_nothing_is_left_and_the_port_is_free() {
    let mut source = Source::start(json!({"workers": 1}));
    for number in 0..500 {
        source.send(&datagram(&format!("user{number}")));
    }
    source.running.stop();
    let (mut received, mut dropped) = (0, 0);
    while let Some(batch) = source.batch() {
        received += batch.len();
        dropped += batch.dropped;
    }
    assert_eq!((received, dropped), (500, 0));
    source.await_counter("received_datagrams_total", 500);
    let address = source.address();
    let lines = source.end();
    let line = lines.last().expect("a report");
    assert!(
        line.starts_with("stopped ") && line.contains(" events=500 "),
        "{line}"
    );
    UdpSocket::bind(address).expect("the port is free");
}

#[test]
fn workers_end_with_a_dropped_host() {
    let Source {
        running,
        batches,
        sender,
        ..
    } = Source::start(json!({}));
    drop((batches, running));
    UdpSocket::bind(sender.peer_addr().expect("an address")).expect("the port is free");
}

/// A sink that stands still accepts nothing for minutes, and nothing here may wait for it.
#[test]
fn a_host_that_takes_nothing_stops_neither_counters_nor_the_end_nor_what_is_saved() {
    let folder = tempfile::tempdir().expect("a folder");
    let state_file = folder.path().join("sessions.jsonl");
    let given = json!({
        "queue": {"max_events": 1},
        "transform": {"sessions": {"enabled": true, "state_file": state_file}},
    });
    let mut source = Source::start(given.clone());
    source.send(&datagram("user0"));
    // Until it waits, nothing counts as too much.
    source.await_counter("received_datagrams_total", 1);
    (1..30).for_each(|number| source.send(&datagram(&format!("user{number}"))));
    source.await_counter("queue_dropped_events_total", 29);
    let line = source.line("the queue is full");
    assert!(line.contains("queue.max_events"), "{line}");

    let lines = source.end();
    let line = lines.last().expect("a report");
    assert!(line.starts_with("stopped "), "{line}");
    assert!(
        line.contains(" datagrams=30 ") && line.contains(" dropped=30 "),
        "{line}"
    );

    let source = Source::start(given);
    drop(source.line(&format!(
        "{}: resumed the sessions of 30 users",
        state_file.display()
    )));
}

#[test]
fn app_names_are_counted_as_in_every_host() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("apps.csv");
    fs::write(
        &file,
        "id,name\na421f4a2-c311-4ef4-ba41-fe2e6a2b0d69,Sales\n",
    )
    .expect("written");
    let source = Source::start(json!({"transform": {"app_names": {"files": [file]}}}));
    let metrics = source.metrics.recv_timeout(PATIENCE).expect("metrics");
    let apps = metrics.iter().find(|metric| metric.name == "app_names");
    let value = &apps.expect("the gauge").value;
    assert!(matches!(value, MetricValue::Gauge(1.0)), "{value:?}");
}

/// Vector's `internal_metrics` sets the tag `host` itself, to the machine that it runs on.
#[test]
fn metrics_name_the_node_in_a_tag_that_vector_does_not_set() {
    let source = Source::start(json!({"transform": {"sessions": {"enabled": true}}}));
    for node in ["pro2-win1", "pro2-win2"] {
        source.send(&format!(
            "/proxy-session/;{node};Start session;LAB;goran;;;"
        ));
    }
    let mut open = BTreeSet::new();
    while open.len() < 2 {
        let metrics = source.metrics.recv_timeout(PATIENCE).expect("metrics");
        for metric in metrics {
            assert!(
                metric.tags.iter().all(|&(name, _)| name != "host"),
                "{metric:?}"
            );
            if metric.name == "active_sessions" {
                open.extend(metric.tags);
            }
        }
    }
    let nodes = ["pro2-win1", "pro2-win2"].map(|node| ("node", node.into()));
    assert_eq!(open, BTreeSet::from(nodes));
}

/// Vector's own metrics have its machine in the tag `host`, so the node is in another one.
#[cfg(feature = "qrs")]
#[test]
fn the_health_of_an_engine_is_a_set_of_metrics_of_its_node() {
    use qlik_sense_events::encoding::Metric;

    use crate::qrs::support::{Site, engine_health};

    let (site, folder) = (Site::new(), tempfile::tempdir().expect("a folder"));
    site.export(folder.path());
    let service = site.service(engine_health());
    let file = |name: &str| folder.path().join(name).display().to_string();
    let source = Source::start(json!({"engine_health": {
        "certificate_file": file("client.pem"),
        "key_file": file("client_key.pem"),
        "root_file": file("root.pem"),
        "nodes": [{"host": "127.0.0.1", "port": service.address.port(), "node": "pro2-win1"}],
    }}));
    source.line("read the health of the engine of pro2-win1");
    let free = Metric {
        name: "engine_ram_free_bytes",
        tags: vec![("node", "pro2-win1".into())],
        value: MetricValue::Gauge(17_179_869_184.0),
    };
    let mut sets = source.metrics.iter();
    let set = sets.find(|metrics| metrics.contains(&free)).expect("a set");
    let of_engine = set.iter().filter(|it| it.name.starts_with("engine_"));
    // All gauges, and the number of failures; counters are increments, which need a second set.
    assert!(of_engine.count() >= 15, "{set:?}");
    source.end();
}
