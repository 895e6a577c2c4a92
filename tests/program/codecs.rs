//! What each kind of event looks like in each codec, with every field.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::support::{CODECS, Codec, Running, payload, time, unstamped};

fn session() -> Value {
    json!({
        "source_type": "qlik_sense",
        "event": "session",
        "action": "start",
        "qlik_command": "Start session",
        "host": "pro2-win1",
        "user_directory": "LAB",
        "user_id": "Jörgen",
        "user": r"LAB\Jörgen",
        "origin": "Not available",
        "context": "/hub",
        "message": "Start session for user",
        "sender": "127.0.0.1",
    })
}

fn connection() -> Value {
    let message = payload::OPEN.splitn(8, ';').last();
    let user_agent = payload::OPEN.split('\'').nth(1);
    json!({
        "source_type": "qlik_sense",
        "event": "connection",
        "action": "open",
        "qlik_command": "Open connection",
        "host": "pro2-win1",
        "user_directory": "LAB",
        "user_id": "goran",
        "user": r"LAB\goran",
        "origin": "AppAccess",
        "context": "/sales/app/a421f4a2-c311-4ef4-ba41-fe2e6a2b0d69?reloaduri=https%3A%2F%2Fsense.example.com",
        "message": message,
        "virtual_proxy": "sales",
        "app_id": "a421f4a2-c311-4ef4-ba41-fe2e6a2b0d69",
        "user_agent": user_agent,
        "browser_name": "Chrome",
        "browser_version": "126.0.0.0",
        "os_name": "Windows",
        "os_version": "NT 10.0",
        "sender": "127.0.0.1",
    })
}

fn undecoded() -> Value {
    json!({
        "source_type": "qlik_sense",
        "event": "undecoded",
        "host": "127.0.0.1",
        "error": {"code": "missing_field", "field": "user_id", "offset": payload::CUT.len()},
        "raw": payload::CUT,
        "sender": "127.0.0.1",
    })
}

fn now() -> DateTime<Utc> {
    std::time::SystemTime::now().into()
}

fn every_kind_of_event(codec: Codec) {
    let mut program = Running::start(&["--codec", codec.name()]);
    let before = now();
    for (datagram, expected) in [
        (&*payload::start("Jörgen"), session()),
        (payload::OPEN, connection()),
        (payload::CUT, undecoded()),
    ] {
        let event = program.event_of(datagram);
        let time = time(&event, codec);
        assert!(before <= time && time <= now(), "{before} {time} {}", now());
        assert_eq!(unstamped(event), expected);
    }
}

#[test]
fn every_kind_of_event_is_complete_in_json() {
    every_kind_of_event(Codec::Json);
}

#[test]
fn every_kind_of_event_is_complete_in_native_json() {
    every_kind_of_event(Codec::NativeJson);
}

#[test]
fn every_kind_of_event_is_complete_in_native() {
    every_kind_of_event(Codec::Native);
}

#[test]
fn the_codec_comes_from_the_configuration() {
    let flags = ["--codec", "json"];
    let config = "[output]\ncodec = \"native\"\n";
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("config.toml");
    std::fs::write(&file, config).expect("a file");
    for (flags, codec) in [(&flags[..0], Codec::Native), (&flags, Codec::Json)] {
        let mut command = crate::support::command();
        command
            .args(["run", "--address", "127.0.0.1:0", "--config"])
            .arg(&file)
            .args(flags);
        let mut program = Running::of(command, codec, 1);
        let event = program.event_of(payload::start("goran"));
        assert_eq!(event["user_id"], "goran", "{codec:?}");
    }
}

#[test]
fn absent_fields_are_left_out() {
    for codec in CODECS {
        let mut program = Running::start(&["--codec", codec.name()]);
        let event = program.event_of("/proxy-session/;n1;Stop session;(null);;(null);;");
        let expected = json!({
            "source_type": "qlik_sense",
            "event": "session",
            "action": "stop",
            "qlik_command": "Stop session",
            "host": "n1",
            "sender": "127.0.0.1",
        });
        assert_eq!(unstamped(event), expected, "{codec:?}");
    }
}
