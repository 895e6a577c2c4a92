//! The Rust examples. Each is a module here, so it is compiled as well.

use serde_json::Value;

use crate::{field, files, names};

#[allow(dead_code)]
#[path = "../../examples/blacklist.rs"]
mod blacklist;
#[allow(dead_code)]
#[path = "../../examples/decode.rs"]
mod decode;
#[allow(dead_code)]
#[path = "../../examples/udp_framed.rs"]
mod udp_framed;

#[test]
fn these_tests_run_every_rust_example() {
    let known = ["blacklist", "decode", "udp_framed"];
    assert_eq!(names(&files("examples", "rs")), known);
}

#[test]
fn the_decode_example_describes_events() {
    let expected = r"LAB\goran logged in
LAB\goran opened a421f4a2-c311-4ef4-ba41-fe2e6a2b0d69 with Chrome
LAB\goran is gone
the task Nightly Sales failed
undecoded: the payload ends at byte 45, before its field `user_directory`; expected every field up to `message`, separated by `;`
";
    assert_eq!(decode::report().expect("events"), expected);
}

#[test]
fn the_blacklist_example_leaves_out_users() {
    let (json, excluded) = blacklist::report().expect("events");
    let event: Value = serde_json::from_str(&json).expect("one line of JSON");
    assert_eq!((&event["user"], excluded), (&Value::from(r"LAB\goran"), 2));
}

#[tokio::test]
async fn the_udp_framed_example_receives_an_event() {
    let event = udp_framed::receive_one().await.expect("an event");
    assert_eq!(field(&event, "action"), "close");
}
