//! Addresses that cannot be listened on.

use std::net::UdpSocket;

use crate::support::{CODECS, Records, command, finish, record, unstamped};
use serde_json::json;

#[test]
fn a_port_in_use_ends_the_program_with_one_line() {
    let taken = UdpSocket::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address").to_string();
    let ended = finish(&["run", "--codec", "json", "--address", &address]);
    assert_eq!(ended.status, 1);
    assert_eq!(ended.stdout, "");
    assert_eq!(ended.stderr.lines().count(), 1, "{}", ended.stderr);
    let diagnostic = record(ended.stderr.as_bytes());
    assert_eq!(diagnostic["event"], "plugin");
    assert_eq!(diagnostic["level"], "error");
    let message = diagnostic["message"].as_str().expect("text");
    assert!(
        message.starts_with(&format!("cannot listen on UDP {address}: ")),
        "{message}"
    );
    assert!(
        message.ends_with("another program is listening there: stop it or choose another address"),
        "{message}"
    );
}

/// With `native`, a plain line would break Vector's reader of standard error.
#[test]
fn the_error_is_in_the_codec() {
    let taken = UdpSocket::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address").to_string();
    for codec in CODECS {
        let mut child = command()
            .args(["--codec", codec.name(), "--address", &address])
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::piped())
            .spawn()
            .expect("the program starts");
        let diagnostics: Vec<_> =
            Records::new(child.stderr.take().expect("a pipe"), codec).collect();
        assert_eq!(child.wait().expect("a status").code(), Some(1));
        let [diagnostic] = &*diagnostics else {
            panic!("{diagnostics:?}");
        };
        let diagnostic = unstamped(diagnostic.clone());
        assert_eq!(diagnostic["level"], json!("error"), "{codec:?}");
    }
}

/// One occupied address is enough to end it: half a receiver would look like a whole one.
#[test]
fn every_address_must_be_free() {
    let taken = UdpSocket::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address").to_string();
    let flags = ["--address", "127.0.0.1:0", "--address", &address];
    let ended = finish(&flags);
    assert_eq!(ended.status, 1);
    assert_eq!(ended.stderr.lines().count(), 1, "{}", ended.stderr);
}
