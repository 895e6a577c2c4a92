//! Readers of the local socket, fast and stopped, beside the output that must not notice them.

use std::{
    io::{BufRead, BufReader},
    os::unix::net::UnixStream,
    path::PathBuf,
    time::Instant,
};

use nix::sys::signal::Signal;
use serde_json::Value;
use tempfile::TempDir;

use super::drained;
use crate::{
    support::{Codec, DEADLINE, Running, payload, sender},
    unix::{signal, stop},
};

/// A program with a local socket, and where that is.
fn program() -> (Running, PathBuf) {
    let folder: TempDir = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("events.sock");
    let config = "[output]\nlocal_socket = \"events.sock\"\n";
    (Running::configured_in(folder, config), path)
}

fn connect(path: &PathBuf) -> BufReader<UnixStream> {
    let stream = UnixStream::connect(path).expect("a connection");
    stream.set_read_timeout(Some(DEADLINE)).expect("set");
    BufReader::new(stream)
}

fn line(reader: &mut impl BufRead) -> Value {
    let mut line = String::new();
    reader.read_line(&mut line).expect("a line in time");
    serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?}"))
}

/// Sends an event at a time until the reader is known to the program.
fn first_line(program: &mut Running, reader: &mut BufReader<UnixStream>) -> Value {
    let started = Instant::now();
    let patience = std::time::Duration::from_millis(50);
    reader
        .get_ref()
        .set_read_timeout(Some(patience))
        .expect("set");
    loop {
        program.event_of(payload::OPEN);
        let mut text = String::new();
        if reader.read_line(&mut text).is_ok_and(|read| read > 0) {
            reader
                .get_ref()
                .set_read_timeout(Some(DEADLINE))
                .expect("set");
            return serde_json::from_str(&text).expect("JSON");
        }
        assert!(started.elapsed() < DEADLINE, "no event reaches the reader");
    }
}

#[test]
fn readers_get_the_events_that_the_output_gets() {
    let (mut program, path) = program();
    let mut readers = [connect(&path), connect(&path)];
    for reader in &mut readers {
        first_line(&mut program, reader);
    }
    // What both have, and the output: until the second one was known, the first one had more.
    let expected = program.event_of(payload::start("last"));
    for reader in &mut readers {
        let mut seen = line(reader);
        while seen["user_id"] != "last" {
            seen = line(reader);
        }
        assert_eq!(seen, expected);
    }
    let stopped = stop(program, Signal::SIGTERM);
    assert_eq!(stopped.status, Some(0));
    for mut reader in readers {
        let mut rest = String::new();
        assert_eq!(reader.read_line(&mut rest).expect("the end"), 0, "{rest}");
    }
    assert!(!path.exists(), "the file goes with the program");
}

/// A reader that is connected and reads nothing: every datagram still comes out, none is dropped.
#[test]
fn a_stopped_reader_changes_nothing_for_the_output() {
    const DATAGRAMS: u64 = 12_000;
    let (mut program, path) = program();
    let mut stopped_reader = connect(&path);
    first_line(&mut program, &mut stopped_reader);
    let address = program.addresses()[0];
    let socket = sender(address);
    let round = program.capacity(200);
    for number in 0..DATAGRAMS {
        if number % round == 0 {
            drained(address);
        }
        socket.send(payload::OPEN.as_bytes()).expect("sent");
    }
    drained(address);
    let stopped = stop(program, Signal::SIGTERM);
    assert_eq!(stopped.status, Some(0));
    assert_eq!(
        stopped.count("dropped") + stopped.count("kernel_dropped"),
        0
    );
    // Those before were taken out one by one.
    assert_eq!(stopped.events.len() as u64, DATAGRAMS);
    assert!(stopped.count("events") > DATAGRAMS);
    let mut read = 0;
    for line in stopped_reader.lines().map_while(Result::ok) {
        read += u64::from(line.ends_with('}'));
    }
    assert!(
        read < DATAGRAMS,
        "{read} were read, so nothing was held back"
    );
}

#[test]
fn events_flow_without_a_socket_that_cannot_be_opened() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("events.sock"), "precious").expect("a file");
    let path = folder.path().join("events.sock");
    let config = "[output]\nlocal_socket = \"events.sock\"\n";
    let mut program = Running::configured_in(folder, config);
    program.event_of(payload::OPEN);
    assert_eq!(std::fs::read_to_string(&path).expect("a file"), "precious");
    signal(&program, Signal::SIGTERM);
    let (status, diagnostics) = program.wait();
    assert_eq!(status.code(), Some(0));
    let errors: Vec<&str> = diagnostics
        .iter()
        .filter(|diagnostic| diagnostic["level"] == "error")
        .map(|diagnostic| diagnostic["message"].as_str().expect("text"))
        .collect();
    let [error] = errors[..] else {
        panic!("{errors:?}")
    };
    assert!(
        error.contains("events.sock: a file that is not a socket"),
        "{error}"
    );
}

/// A second program, started by mistake, takes nothing of the first one's: neither the port nor the socket.
#[test]
fn a_second_program_takes_nothing_of_the_first() {
    let (mut program, path) = program();
    let address = program.addresses()[0];
    let file = program.folder().join("config.toml");
    let second = crate::support::finish(&[
        "run",
        "--address",
        &address.to_string(),
        "--config",
        file.to_str().expect("text"),
    ]);
    assert_eq!(second.status, 1, "{second:?}");
    assert!(
        second.stderr.contains("another program is listening there"),
        "{second:?}"
    );
    let seen = first_line(&mut program, &mut connect(&path));
    assert_eq!(seen["user_id"], "goran");
}

/// As one follows another at a socket that the service manager holds.
#[test]
fn a_program_that_follows_opens_the_socket_when_the_first_has_ended() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("events.sock");
    let config = format!("[output]\nlocal_socket = \"{}\"\n", path.display());
    let first = Running::configured(&config);
    let mut second = Running::configured(&config);
    let waits = second.diagnostics.one();
    assert_eq!(waits["level"], "warn");
    let message = waits["message"].as_str().expect("text");
    assert!(
        message.contains("another program is using this socket"),
        "{message}"
    );
    let mut reader = connect(&path);
    stop(first, Signal::SIGTERM);
    let mut rest = String::new();
    assert_eq!(
        reader.read_line(&mut rest).expect("the end"),
        0,
        "it was the first one's"
    );
    let opens = second.diagnostics.one();
    let message = opens["message"].as_str().expect("text");
    assert!(message.ends_with("is now open"), "{message}");
    first_line(&mut second, &mut connect(&path));
    stop(second, Signal::SIGTERM);
    assert!(!path.exists());
}

#[test]
fn the_lines_are_json_in_the_schema_default_whatever_the_output_is() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("events.sock");
    let config = "[source]\naddress = \"127.0.0.1:0\"\n[output]\ncodec = \"native_json\"\n\
                  schema = \"ecs\"\nlocal_socket = \"events.sock\"\n";
    std::fs::write(folder.path().join("config.toml"), config).expect("a file");
    let mut command = crate::support::command();
    command
        .arg("run")
        .arg("--config")
        .arg(folder.path().join("config.toml"));
    let mut program = Running::of(command, Codec::NativeJson, 1);
    let seen = first_line(&mut program, &mut connect(&path));
    assert_eq!(
        (&seen["event"], &seen["action"]),
        (&"connection".into(), &"open".into())
    );
    stop(program, Signal::SIGTERM);
}
