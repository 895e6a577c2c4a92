//! From datagrams to events: addresses, order, sizes, encodings.

use std::net::{Ipv6Addr, SocketAddr, UdpSocket};

use crate::support::{Codec, Running, command, payload, sender};

/// A machine may have IPv6 disabled; then there is nothing to test.
fn has_ipv6() -> bool {
    UdpSocket::bind((Ipv6Addr::LOCALHOST, 0)).is_ok()
}

/// Each of the two addresses has its own sender.
fn both_addresses_receive(mut program: Running) {
    let senders = ["127.0.0.1", "::1"];
    for (address, expected) in program.addresses().into_iter().zip(senders) {
        sender(address)
            .send(payload::start("goran").as_bytes())
            .expect("sent");
        assert_eq!(program.events().one()["sender"], expected);
    }
}

#[test]
fn both_addresses_of_two_flags_receive() {
    if has_ipv6() {
        let mut command = command();
        command.args(["run", "--address", "127.0.0.1:0", "--address", "[::1]:0"]);
        both_addresses_receive(Running::of(command, Codec::Json, 2));
    }
}

#[test]
fn both_addresses_of_the_configuration_receive() {
    if has_ipv6() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("config.toml");
        let config = "[source]\naddress = [\"127.0.0.1:0\", \"[::1]:0\"]\n";
        std::fs::write(&file, config).expect("a file");
        let mut command = command();
        command.args(["run", "--config"]).arg(file);
        both_addresses_receive(Running::of(command, Codec::Json, 2));
    }
}

#[test]
fn the_unspecified_address_of_ipv6_takes_both() {
    if has_ipv6() {
        let mut command = command();
        command.args(["run", "--address", "[::]:0"]);
        let mut program = Running::of(command, Codec::Json, 1);
        let port = program.addresses()[0].port();
        for host in ["127.0.0.1", "::1"] {
            let address = SocketAddr::new(host.parse().expect("an address"), port);
            sender(address)
                .send(payload::start("goran").as_bytes())
                .expect("sent");
            assert_eq!(program.events().one()["sender"], host);
        }
    }
}

#[test]
fn run_is_the_default_subcommand() {
    let mut command = command();
    command.args(["--address", "127.0.0.1:0", "--codec", "native_json"]);
    let mut program = Running::of(command, Codec::NativeJson, 1);
    assert_eq!(program.event_of(payload::OPEN)["user_id"], "goran");
}

#[test]
fn events_keep_their_order() {
    let mut program = Running::start(&[]);
    let count = program.capacity(1_000);
    for number in 0..count {
        program.send(payload::start(&number.to_string()));
    }
    for number in 0..count {
        assert_eq!(program.events().one()["user_id"], number.to_string());
    }
}

#[test]
fn a_datagram_may_contain_several_events() {
    let mut program = Running::start(&[]);
    program.send(
        [
            payload::start("a"),
            payload::CUT.into(),
            payload::start("b"),
        ]
        .join("\r\n"),
    );
    let events = program.events().several(3);
    assert_eq!(events[0]["user_id"], "a");
    assert_eq!(events[1]["error"]["code"], "missing_field");
    assert_eq!(events[2]["user_id"], "b");
}

#[test]
fn the_largest_datagram_is_received_whole() {
    let mut program = Running::start(&[]);
    let mut datagram = payload::start("goran");
    let message = "Start session for user".to_owned() + &"x".repeat(65_507 - datagram.len());
    datagram += &"x".repeat(65_507 - datagram.len());
    let event = program.event_of(&datagram);
    assert_eq!(event["message"], message);
    assert_eq!(event["action"], "start");
}

#[test]
fn an_empty_datagram_is_an_event() {
    let mut program = Running::start(&[]);
    let event = program.event_of("");
    assert_eq!(event["error"]["code"], "empty");
    assert_eq!(event["raw"], "");
    assert_eq!(event["sender"], "127.0.0.1");
}

#[test]
fn the_beginning_of_a_datagram_beyond_the_limit_is_kept() {
    let datagram = payload::start("goran");
    let limit = datagram.len();
    let mut program = Running::configured(&format!("[source]\nmax_datagram_bytes = {limit}\n"));
    assert_eq!(program.event_of(&datagram)["action"], "start");
    let event = program.event_of(format!("{datagram}x"));
    assert_eq!(event["event"], "undecoded");
    assert_eq!(event["error"]["code"], "too_large");
    assert_eq!(event["error"]["offset"], limit);
    assert_eq!(event["raw"], datagram);
    assert_eq!(event["sender"], "127.0.0.1");
}

#[test]
fn undecoded_datagrams_can_be_dropped() {
    let mut program = Running::configured("[source]\nundecoded = \"drop\"\n");
    program.send(payload::start("a"));
    for datagram in ["", "garbage", payload::CUT] {
        program.send(datagram);
    }
    let events = program.events_so_far();
    assert_eq!(events.len(), 1, "{events:?}");
    assert_eq!(events[0]["user_id"], "a");
}

/// `Jörgen` in windows-1252 and in windows-1250; `è` in the former is `č` in the latter.
const CODE_PAGE: &[u8] = b"/proxy-session/;n1;Start session;LAB;J\xF6rgen \xE8;;;";

#[test]
fn a_code_page_is_read_as_the_fallback_encoding() {
    for (config, expected) in [
        ("", "Jörgen è"),
        (
            "[source]\nfallback_encoding = \"windows-1250\"\n",
            "Jörgen č",
        ),
    ] {
        let mut program = Running::configured(config);
        assert_eq!(program.event_of(CODE_PAGE)["user_id"], expected);
    }
}

#[test]
fn with_utf_8_as_fallback_no_encoding_is_guessed() {
    let mut program = Running::configured("[source]\nfallback_encoding = \"utf-8\"\n");
    let event = program.event_of(CODE_PAGE);
    assert_eq!(event["error"]["code"], "invalid_encoding");
    assert_eq!(
        program.event_of(payload::start("Jörgen"))["user_id"],
        "Jörgen"
    );
}

#[test]
fn utf_16_is_recognised() {
    let mut program = Running::start(&[]);
    let units = payload::start("Jörgen");
    let datagram: Vec<u8> = units.encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(program.event_of(datagram)["user_id"], "Jörgen");
}

#[test]
fn events_of_blacklisted_users_are_left_out() {
    let mut program = Running::configured(
        "[transform.blacklist]\nusers = ['INTERNAL\\sa_*', { user_directory = 'LAB', user_id = 'bot' }]\n",
    );
    for (directory, user_id) in [
        ("INTERNAL", "sa_engine"),
        ("LAB", "goran"),
        ("lab", "Bot"),
        ("INTERNAL", "system"),
    ] {
        program.send(payload::start_in(directory, user_id));
    }
    let events = program.events_so_far();
    let users: Vec<_> = events.iter().map(|event| &event["user"]).collect();
    assert_eq!(users, [r"LAB\goran", r"INTERNAL\system"]);
}
