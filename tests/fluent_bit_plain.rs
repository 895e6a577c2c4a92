//! The plugin in a host that exports only the proxy interface: it takes records once a second.

#[path = "fluent_bit/host/mod.rs"]
#[allow(dead_code, unused_imports, reason = "the other test uses all of it")]
mod host;

use std::net::UdpSocket;

use host::{Instance, VERSIONS, await_received};

const EXPORTS: bool = false;

/// This many events, with the length of their messages, fill more than one piece of the queue.
const PER_ROUND: usize = 200;

#[test]
fn records_are_returned_at_each_tick_and_freed() {
    for version in VERSIONS {
        let instance = Instance::begin(version, &[("address", "127.0.0.1:0")]);
        let instance = instance.unwrap_or_else(|log| panic!("{log:?}"));
        assert_eq!(instance.interval(), None);
        let address = instance.addresses()[0];
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
        instance.tick();
        assert_eq!(instance.state.record_bytes(), 0, "nothing has come");
        let message = "x".repeat(8_000);
        for round in 1..=3 {
            for number in 0..PER_ROUND {
                let datagram =
                    format!("/proxy-session/;n1;Stop session;LAB;{round}-{number};;/hub;{message}");
                socket.send_to(datagram.as_bytes(), address).expect("sent");
                // Never send more than fits into the socket's buffer.
                if number % 10 == 9 {
                    await_received(&instance);
                }
            }
            let records = instance.records(round * PER_ROUND);
            let last = &records[round * PER_ROUND - 1].fields;
            let expected = format!("{round}-{}", PER_ROUND - 1);
            assert_eq!(last["user_id"], expected, "{version:?}");
        }
        instance.pause();
        instance.tick();
        instance.resume();
        instance.exit(false);
    }
}
