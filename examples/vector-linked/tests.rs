//! Vector's own tests for components, and what passes through them. They need Vector's feature `test-utils`.

use std::{net::SocketAddr, time::Duration};

use bytes::BytesMut;
use futures::{SinkExt, StreamExt, stream};
use tokio::{net::UdpSocket, sync::mpsc, time};
use tokio_util::{codec::Decoder as _, sync::PollSender};
use vector::{
    config::{
        ConfigBuilder, SourceConfig,
        unit_test::{UnitTestStreamSinkConfig, UnitTestStreamSourceConfig},
    },
    event::{Event, LogEvent, Value},
    test_util::{
        addr::next_addr,
        components::{
            COMPONENT_ERROR_TAGS, SOCKET_PUSH_SOURCE_TAGS, assert_transform_compliance,
            run_and_assert_source_compliance_n, run_and_assert_source_error,
        },
        start_topology, test_generate_config,
    },
};
use vector_lib::{
    config::LogNamespace,
    lookup::{event_path, metadata_path},
    schema::meaning,
};

use super::{
    codec::QlikSenseCodec, exclude_qlik_users::ExcludeQlikUsersConfig, qlik_sense::QlikSenseConfig,
};

const START: &str = "/qseow-proxy-session/;pro2-win1;Start session;LAB;goran;;/hub;Start session";
const SERVICE: &str = "/qseow-proxy-session/;pro2-win1;Start session;INTERNAL;sa_engine;;;Start";

fn source(options: &str, address: SocketAddr) -> QlikSenseConfig {
    toml::from_str(&format!("address = \"{address}\"\n{options}")).expect("options")
}

/// Sends until the test ends, because it is unknown when the source starts to listen.
fn keep_sending(address: SocketAddr) {
    tokio::spawn(async move {
        let socket = UdpSocket::bind("127.0.0.1:0").await.expect("a port");
        loop {
            // The send is refused while nothing listens.
            let _ = socket.send_to(START.as_bytes(), address).await;
            time::sleep(Duration::from_millis(20)).await;
        }
    });
}

async fn compliant_events(options: &str) -> Vec<Event> {
    let (_guard, address) = next_addr();
    keep_sending(address);
    run_and_assert_source_compliance_n(source(options, address), 3, &SOCKET_PUSH_SOURCE_TAGS).await
}

#[test]
fn generated_configurations_are_read() {
    test_generate_config::<QlikSenseConfig>();
    test_generate_config::<ExcludeQlikUsersConfig>();
}

#[tokio::test]
async fn the_source_complies() {
    let events = compliant_events("").await;
    assert_eq!(events.len(), 3);
    let log = events[0].as_log();
    assert_eq!(log.get(event_path!("user_id")), Some(&Value::from("goran")));
    assert_eq!(
        log.get(event_path!("source_type")),
        Some(&Value::from("qlik_sense"))
    );
    assert!(matches!(
        log.get(event_path!("timestamp")),
        Some(Value::Timestamp(_))
    ));
}

#[tokio::test]
async fn the_source_complies_in_vectors_namespace() {
    let events = compliant_events("log_namespace = true").await;
    let log = events[0].as_log();
    let kept = log.get(metadata_path!("vector", "source_type"));
    assert_eq!(kept, Some(&Value::from("qlik_sense")));
    assert!(
        log.get(metadata_path!("vector", "ingest_timestamp"))
            .is_some()
    );
    assert_eq!(
        log.get(event_path!("host")),
        Some(&Value::from("pro2-win1"))
    );
}

#[tokio::test]
async fn a_port_that_is_taken_is_an_error_of_the_component() {
    let taken = UdpSocket::bind("127.0.0.1:0").await.expect("a port");
    let address = taken.local_addr().expect("an address");
    let timeout = Duration::from_secs(5);
    run_and_assert_source_error(source("", address), timeout, &COMPONENT_ERROR_TAGS).await;
}

#[test]
fn events_are_as_the_definition_says() {
    for (schema, timestamp, host) in [
        ("default", "timestamp", "host"),
        ("ecs", "@timestamp", "host.name"),
    ] {
        let options = format!("output.schema = \"{schema}\"");
        let config = source(&options, ([127, 0, 0, 1], 9997).into());
        for namespace in [LogNamespace::Legacy, LogNamespace::Vector] {
            let outputs = config.outputs(namespace);
            let definition = outputs[0].schema_definition(true).expect("a definition");
            let path = |meaning| {
                let path = definition.meaning_path(meaning).expect(meaning);
                path.path.to_string()
            };
            assert_eq!(path(meaning::TIMESTAMP), timestamp);
            assert_eq!(path(meaning::HOST), host);
            assert_eq!(path(meaning::MESSAGE), "message");
        }
    }
}

#[tokio::test]
async fn events_of_the_source_are_valid_for_its_definition() {
    let (_guard, address) = next_addr();
    for namespace in [false, true] {
        let config = source(&format!("log_namespace = {namespace}"), address);
        let outputs = config.outputs(namespace.into());
        let definition = outputs[0].schema_definition(true).expect("a definition");
        keep_sending(address);
        let tags = &SOCKET_PUSH_SOURCE_TAGS;
        for event in run_and_assert_source_compliance_n(config, 1, tags).await {
            definition.assert_valid_for_event(&event);
        }
    }
}

#[test]
fn the_codec_works_inside_vectors_decoder() {
    let mut decoder = QlikSenseCodec::default().decoder(LogNamespace::Legacy);
    let mut buffer = BytesMut::from(format!("{START}\n{SERVICE}").as_str());
    let (events, bytes) = decoder
        .decode_eof(&mut buffer)
        .expect("decoded")
        .expect("a frame");
    assert_eq!(bytes, START.len() + 1 + SERVICE.len());
    let users = events
        .iter()
        .map(|event| event.as_log().get(event_path!("user_id")).cloned());
    let users: Vec<_> = users.collect();
    assert_eq!(users, [Some("goran".into()), Some("sa_engine".into())]);
    assert!(decoder.decode_eof(&mut buffer).expect("decoded").is_none());
}

#[tokio::test]
async fn the_transform_complies() {
    assert_transform_compliance(async {
        let config: ExcludeQlikUsersConfig =
            toml::from_str(r"users = ['INTERNAL\sa_*']").expect("options");
        let codec = QlikSenseCodec::default();
        let mut decoder = codec.decoder(LogNamespace::Legacy);
        let mut logs = Vec::new();
        for datagram in [SERVICE, START] {
            let decoded = decoder.decode_eof(&mut BytesMut::from(datagram));
            logs.extend(decoded.expect("decoded").expect("a frame").0);
        }
        logs.push(LogEvent::from("not of Qlik's").into());

        let (sender, mut received) = mpsc::channel(8);
        let sink = PollSender::new(sender).sink_map_err(|error| panic!("{error}"));
        let mut builder = ConfigBuilder::default();
        builder.add_source(
            "in",
            UnitTestStreamSourceConfig::new(stream::iter(logs).boxed()),
        );
        builder.add_transform("exclude", &["in"], config);
        builder.add_sink("out", &["exclude"], UnitTestStreamSinkConfig::new(sink));
        let (topology, _) = start_topology(builder.build().expect("a topology"), false).await;
        topology.sources_finished().await;
        topology.stop().await;

        let kept: Event = received.recv().await.expect("an event");
        assert_eq!(
            kept.as_log().get(event_path!("user_id")),
            Some(&Value::from("goran"))
        );
        assert!(received.recv().await.is_some());
        assert!(received.recv().await.is_none());
    })
    .await;
}
