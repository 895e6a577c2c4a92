//! The `tokio-util` codec, over real sockets and over streams that are cut at any position.

use std::{
    collections::VecDeque,
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use futures_util::{FutureExt, StreamExt};
use proptest::prelude::*;
use qlik_sense_events::{
    decoding::{LogNamespace, QlikSenseDecoder, QlikSenseDeserializerConfig},
    event::{Body, Event},
    payload::ErrorCode,
    schema::Schema,
};
use serde_json::Value;
use tokio::{
    io::{AsyncRead, ReadBuf},
    net::UdpSocket,
    time::timeout,
};
use tokio_util::{
    codec::{Decoder, FramedRead},
    udp::UdpFramed,
};

use crate::support::golden::golden;

/// A stream that returns its bytes in the given portions.
struct Portions(VecDeque<Vec<u8>>);

impl Portions {
    /// `bytes`, cut at each of `cuts`.
    fn new(bytes: &[u8], cuts: &[usize]) -> Self {
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut % (bytes.len() + 1)).collect();
        cuts.extend([0, bytes.len()]);
        cuts.sort_unstable();
        cuts.dedup();
        Self(
            cuts.windows(2)
                .map(|ends| bytes[ends[0]..ends[1]].to_vec())
                .collect(),
        )
    }
}

impl AsyncRead for Portions {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if let Some(portion) = self.0.front_mut() {
            let length = portion.len().min(buffer.remaining());
            buffer.put_slice(&portion[..length]);
            portion.drain(..length);
            if portion.is_empty() {
                self.0.pop_front();
            }
        }
        Poll::Ready(Ok(()))
    }
}

fn decoder(max_datagram_bytes: usize) -> QlikSenseDecoder {
    let config = QlikSenseDeserializerConfig {
        max_datagram_bytes,
        ..QlikSenseDeserializerConfig::default()
    };
    QlikSenseDecoder::new(config.build())
}

/// Events as their fields, because two events may store their text differently.
fn shown(events: &[Event]) -> Vec<Value> {
    events
        .iter()
        .map(|event| serde_json::to_value(Schema::Default.view(event)).expect("JSON"))
        .collect()
}

/// All items of a stream. It is never pending, so it ends without a runtime.
fn items(bytes: &[u8], cuts: &[usize], limit: usize) -> Vec<Event> {
    FramedRead::new(Portions::new(bytes, cuts), decoder(limit))
        .map(|item| item.expect("an item, not the end of the stream"))
        .collect()
        .now_or_never()
        .expect("a stream that is never pending")
}

/// The events that the deserializer returns for the same bytes at once.
fn at_once(bytes: &[u8]) -> Vec<Event> {
    QlikSenseDeserializerConfig::default()
        .build()
        .parse(Bytes::copy_from_slice(bytes), LogNamespace::Legacy)
        .expect("events")
        .into_vec()
}

fn host(event: &Event) -> &str {
    match event.body() {
        Body::Undecoded(undecoded) => undecoded.error().code.as_str(),
        _ => event.host().unwrap_or("-"),
    }
}

fn hosts(events: &[Event]) -> Vec<&str> {
    events.iter().map(host).collect()
}

fn session(host: &str, message: &str) -> String {
    format!("/qseow-proxy-session/;{host};Start session;LAB;goran;;/hub;{message}")
}

/// A receiver on loopback and the socket that sends to it.
async fn sockets(decoder: QlikSenseDecoder) -> (UdpFramed<QlikSenseDecoder>, UdpSocket) {
    let receiver = UdpSocket::bind("127.0.0.1:0").await.expect("a port");
    let sender = UdpSocket::bind("127.0.0.1:0").await.expect("a port");
    let address = receiver.local_addr().expect("an address");
    sender.connect(address).await.expect("a peer");
    (UdpFramed::new(receiver, decoder), sender)
}

async fn next(receiver: &mut UdpFramed<QlikSenseDecoder>, sender: &UdpSocket) -> Event {
    let item = timeout(Duration::from_secs(20), receiver.next())
        .await
        .expect("an item in time")
        .expect("an open stream");
    let (event, address) = item.expect("an item, not an error");
    assert_eq!(Some(address), sender.local_addr().ok());
    event
}

#[tokio::test]
async fn every_datagram_is_decoded_by_itself() {
    let (mut receiver, sender) = sockets(QlikSenseDecoder::default()).await;
    let mut covered = 0;
    for golden in golden() {
        if golden.datagram.is_empty() {
            continue;
        }
        sender.send(&golden.datagram).await.expect("a datagram");
        let mut seen = Vec::new();
        for _ in &golden.expected {
            seen.push(next(&mut receiver, &sender).await);
        }
        assert_eq!(
            shown(&seen),
            shown(&at_once(&golden.datagram)),
            "{}",
            golden.name
        );
        covered += 1;
    }
    assert!(covered > 0);
    assert!(receiver.read_buffer().is_empty());
}

#[tokio::test]
async fn what_cannot_be_decoded_is_an_item_and_the_stream_goes_on() {
    let (mut receiver, sender) = sockets(QlikSenseDecoder::default()).await;
    let rows: [(&[u8], &str); 6] = [
        (b"noise", "unknown_type"),
        (b"\0\0", "empty"),
        (b"/proxy-session/;h", "missing_field"),
        (b"\xFF\xFE\x00\xD8x\0", "invalid_encoding"),
        (&[b';'; 65_507], "unknown_type"),
        (b"\n", "empty"),
    ];
    for (bad, code) in rows {
        sender.send(bad).await.expect("a datagram");
        sender.send(b"").await.expect("a datagram");
        sender
            .send(session("n1", "").as_bytes())
            .await
            .expect("a datagram");
        assert_eq!(host(&next(&mut receiver, &sender).await), code);
        // The empty datagram gave no item, and nothing is left of the bad one.
        assert_eq!(host(&next(&mut receiver, &sender).await), "n1", "{code}");
    }
}

#[tokio::test]
async fn a_datagram_over_the_limit_does_not_reach_into_the_next() {
    let (mut receiver, sender) = sockets(decoder(100)).await;
    for length in [60, 61, 101, 125, 126, 127, 151, 500, 9_000] {
        let long = session("n1", &"x".repeat(length));
        sender.send(long.as_bytes()).await.expect("a datagram");
        sender
            .send(session("n2", "").as_bytes())
            .await
            .expect("a datagram");
        let event = next(&mut receiver, &sender).await;
        let Body::Undecoded(first) = event.body() else {
            panic!("{length}: decoded");
        };
        assert_eq!(first.error().code, ErrorCode::TooLarge, "{length}");
        assert_eq!(first.raw(), Some(&long[..100]), "{length}");
        assert_eq!(host(&next(&mut receiver, &sender).await), "n2", "{length}");
    }
}

#[tokio::test]
async fn several_events_of_a_datagram_are_several_items() {
    let (mut receiver, sender) = sockets(QlikSenseDecoder::default()).await;
    for count in [1, 2, 3, 50, 500] {
        let lines: Vec<String> = (0..count).map(|n| session(&format!("n{n}"), "")).collect();
        sender
            .send(lines.join("\r\n").as_bytes())
            .await
            .expect("a datagram");
        for number in 0..count {
            let event = next(&mut receiver, &sender).await;
            assert_eq!(host(&event), format!("n{number}"));
        }
        assert!(receiver.read_buffer().is_empty());
    }
}

#[test]
fn a_stream_cut_anywhere_gives_the_same_events() {
    let stream = format!(
        "\u{FEFF}\r\n{}\r\n   at Line()\n{}\n\n{}\r\n{}\n/proxy-session/;short\n{}\r\n",
        session("n1", "Jörgen"),
        session("n2", "/proxy-session/;no"),
        session("n3", "x\n/qseow-printing/;1"),
        "/QSEOW-PROXY-CONNECTION/;n4;Open connection;a;b;c;d;UserAgent: 'x'",
        session("n5", ""),
    );
    let expected = at_once(stream.as_bytes());
    assert_eq!(
        hosts(&expected),
        ["n1", "n2", "n3", "n4", "missing_field", "n5"]
    );
    let expected = shown(&expected);
    let length = stream.len();
    let mut covered = 0;
    for first in 0..=length {
        assert_eq!(
            shown(&items(stream.as_bytes(), &[first], 65_507)),
            expected,
            "{first}"
        );
        for second in (first + 1..=length).step_by(7) {
            assert_eq!(
                shown(&items(stream.as_bytes(), &[first, second], 65_507)),
                expected,
                "{first} {second}"
            );
            covered += 1;
        }
    }
    assert!(covered > 5_000);
    let every: Vec<usize> = (0..=length).collect();
    assert_eq!(shown(&items(stream.as_bytes(), &every, 65_507)), expected);
}

#[test]
fn a_stretch_over_the_limit_is_one_item_wherever_the_stream_is_cut() {
    for noise in [
        "x".repeat(400),
        "x\n".repeat(200),
        "\n ".repeat(50) + &"\r\n".repeat(150),
        "/proxy-session".repeat(30),
    ] {
        let stream = [
            session("n1", ""),
            session("n2", &noise),
            session("n3", ""),
            "/qseow-proxy-connection/;n4;Open connection;;;;;".to_owned(),
        ]
        .join("\n");
        let every: Vec<usize> = (0..=stream.len()).collect();
        let mut cuts: Vec<Vec<usize>> = every.iter().map(|cut| vec![*cut]).collect();
        cuts.extend((1..40).map(|step| every.iter().copied().step_by(step).collect()));
        cuts.push(vec![]);
        for cuts in cuts {
            let seen = items(stream.as_bytes(), &cuts, 100);
            assert_eq!(
                hosts(&seen),
                ["n1", "too_large", "n3", "n4"],
                "{noise:?} {cuts:?}"
            );
            let Body::Undecoded(large) = seen[1].body() else {
                unreachable!("the item is too large");
            };
            assert_eq!(large.raw(), Some(&session("n2", &noise)[..100]));
        }
    }
}

#[test]
fn a_line_end_does_not_count_towards_the_limit() {
    let event = session("n1", "m");
    let stream = format!("{event}\n{event}");
    let seen = items(stream.as_bytes(), &[], event.len());
    assert_eq!(hosts(&seen), ["n1", "n1"]);
}

#[test]
fn text_before_the_first_event_is_dropped_wherever_the_stream_is_cut() {
    for leading in [
        "\n",
        "\r\n",
        " ",
        "\u{FEFF}",
        " \u{FEFF}\n",
        "\n\u{FEFF} \n",
    ] {
        for times in [1, 3, 12, 26, 40] {
            let stream = leading.repeat(times) + &session("n1", "") + "\n" + &session("n2", "");
            for cut in 0..=stream.len() {
                let seen = items(stream.as_bytes(), &[cut], 1_000);
                assert_eq!(hosts(&seen), ["n1", "n2"], "{leading:?} {times} {cut}");
            }
            let every: Vec<usize> = (0..=stream.len()).collect();
            let seen = items(stream.as_bytes(), &every, 1_000);
            assert_eq!(hosts(&seen), ["n1", "n2"], "{leading:?} {times}");
        }
    }
}

#[test]
fn memory_stays_bounded_on_an_endless_stretch() {
    let mut decoder = decoder(1_000);
    let mut buffer = BytesMut::new();
    let mut items = 0;
    let mut largest = 0;
    buffer.extend_from_slice(session("n1", "").as_bytes());
    for _ in 0..10_000 {
        buffer.extend_from_slice(&[b'x'; 777]);
        while decoder.decode(&mut buffer).expect("no error").is_some() {
            items += 1;
        }
        largest = largest.max(buffer.len());
    }
    assert_eq!(items, 1, "7.7 MB without a new event are one item");
    // The longest start of an event, with a syslog header, is kept in addition.
    assert!(largest < 2_200, "{largest} bytes were kept");
    assert!(buffer.capacity() < 64 << 10, "{}", buffer.capacity());
    buffer.extend_from_slice(b"\n");
    buffer.extend_from_slice(session("n2", "").as_bytes());
    let mut rest = Vec::new();
    while let Some(event) = decoder.decode_eof(&mut buffer).expect("no error") {
        rest.push(event);
    }
    assert_eq!(hosts(&rest), ["n2"]);
    assert!(buffer.is_empty());
}

/// Stretches of a stream: whole events, damaged events, noise, line ends.
fn stretch() -> impl Strategy<Value = Vec<u8>> {
    let text = prop_oneof![
        4 => "[a-z]{1,3}".prop_map(|host| session(&host, "m") + "\n"),
        2 => Just("/qseow-proxy-connection/;c;Open connection;D;u;;/app/x;m\r\n".to_owned()),
        2 => Just("\n/Proxy-Session/;p;Stop session;D;u;;;".to_owned()),
        2 => Just("\n".to_owned()),
        1 => "[ \r\n]{0,30}",
        1 => Just("\n/qseow-proxy-connection/".to_owned()),
        1 => Just("\n<13>Nov 27 09:26:05 relay qlik: /proxy-session/;r;Stop session;D;u;;;".to_owned()),
        1 => Just("/proxy-session/;d;Start".to_owned()),
        1 => "[xö;\n]{0,80}",
        1 => (20_usize..150).prop_map(|times| "y".repeat(times)),
    ];
    prop_oneof![
        8 => text.prop_map(String::into_bytes),
        1 => prop::collection::vec(any::<u8>(), 0..20),
    ]
}

proptest! {
    #[test]
    fn chunks_do_not_change_the_events(
        leading in "[ \r\n\u{FEFF}]{0,30}",
        stretches in prop::collection::vec(stretch(), 0..8),
        cuts in prop::collection::vec(0_usize..2_000, 0..12),
        limit in prop_oneof![Just(65_507_usize), 100_usize..130],
    ) {
        let stream = [leading.into_bytes(), stretches.concat()].concat();
        let whole = shown(&items(&stream, &[], limit));
        let cut = shown(&items(&stream, &cuts, limit));
        prop_assert_eq!(&whole, &cut);
        let every: Vec<usize> = (0..=stream.len()).collect();
        let single = shown(&items(&stream, &every, limit));
        prop_assert_eq!(&whole, &single);
        prop_assert_eq!(whole.is_empty(), stream.is_empty());
        let datagram = shown(&at_once(&stream));
        if stream.is_ascii() && stream.len() <= limit && !stream.is_empty() {
            prop_assert_eq!(&whole, &datagram);
        }
    }

    #[test]
    fn the_buffer_is_consumed(
        stretches in prop::collection::vec(stretch(), 0..8),
        limit in 1_usize..200,
    ) {
        let mut decoder = decoder(limit);
        let mut buffer = BytesMut::from(&stretches.concat()[..]);
        while decoder.decode_eof(&mut buffer).expect("no error").is_some() {}
        prop_assert!(buffer.is_empty());
        // The earlier bytes have left no trace.
        buffer.extend_from_slice(b"/proxy-session/;h;;;;;;");
        let event = decoder.decode_eof(&mut buffer).expect("no error");
        prop_assert!(event.is_some());
        prop_assert!(decoder.decode_eof(&mut buffer).expect("no error").is_none());
    }
}
