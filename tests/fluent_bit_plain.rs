//! The plugin in a host that exports nothing but the proxy interface: it takes records once a second.

#[path = "fluent_bit/host.rs"]
#[allow(dead_code, reason = "the other test uses all of it")]
mod host;

use std::net::UdpSocket;

use host::{Instance, VERSIONS};

const EXPORTS: bool = false;

#[test]
fn records_are_given_at_each_tick_and_taken_back() {
    for version in VERSIONS {
        let instance = Instance::begin(version, &[("address", "127.0.0.1:0")]);
        let instance = instance.unwrap_or_else(|log| panic!("{log:?}"));
        assert_eq!(instance.interval(), None);
        let address = instance.addresses()[0];
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
        instance.tick();
        assert_eq!(instance.state.record_bytes(), 0, "nothing has come");
        for round in 1..=3 {
            for number in 0..100 {
                let datagram =
                    format!("/proxy-session/;n1;Stop session;LAB;{round}-{number};;/hub;");
                socket.send_to(datagram.as_bytes(), address).expect("sent");
            }
            let records = instance.records(round * 100);
            let last = &records[round * 100 - 1].fields;
            assert_eq!(last["user_id"], format!("{round}-99"), "{version:?}");
        }
        instance.pause();
        instance.tick();
        instance.resume();
        instance.exit(false);
    }
}
