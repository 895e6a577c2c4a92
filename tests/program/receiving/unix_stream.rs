//! Events to a Unix socket with a listener, instead of standard output.

use std::{
    net::UdpSocket,
    os::unix::net::{UnixListener, UnixStream},
    path::Path,
    process::{Command, Stdio},
};

use nix::sys::signal::Signal;

use crate::{
    support::{Codec, DEADLINE, Records, Running, command, payload},
    unix::signal,
};

fn run(folder: &Path, codec: Codec) -> Command {
    let file = folder.join("config.toml");
    std::fs::write(&file, "[output]\nunix_stream = \"vector.sock\"\n").expect("a file");
    let mut command = command();
    command
        .args(["run", "--address", "127.0.0.1:0", "--codec", codec.name()])
        .arg("--config")
        .arg(file)
        .stdin(Stdio::null())
        .stdout(Stdio::null());
    command
}

/// A program that has connected, and the reader's end.
pub fn connected(folder: &Path, codec: Codec) -> (Running, UnixStream) {
    let listener = UnixListener::bind(folder.join("vector.sock")).expect("a socket");
    // Diagnostics are for a journal, whatever the codec.
    let program = Running::with_stdout_of(run(folder, codec), Codec::Json, 1);
    let (stream, _) = listener.accept().expect("a connection");
    stream.set_read_timeout(Some(DEADLINE)).expect("set");
    (program, stream)
}

#[test]
fn events_go_to_the_listener_and_diagnostics_to_standard_error_as_json() {
    let folder = tempfile::tempdir().expect("a folder");
    let (program, stream) = connected(folder.path(), Codec::Native);
    program.send(payload::OPEN);
    let mut events = Records::new(stream, Codec::Native);
    let event = events.next().expect("an event");
    assert_eq!(event["event"], "connection");
    signal(&program, Signal::SIGTERM);
    assert_eq!(events.next(), None);
    assert!(!events.metrics.is_empty());
}

#[test]
fn the_program_ends_with_its_reader_and_the_port_is_free() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut program, stream) = connected(folder.path(), Codec::Json);
    let address = program.addresses()[0];
    drop(stream);
    let (status, _) = program.wait();
    assert_eq!(status.code(), Some(0));
    UdpSocket::bind(address).expect("the port is free");
}

#[test]
fn a_socket_without_a_listener_is_reported() {
    let folder = tempfile::tempdir().expect("a folder");
    drop(UnixListener::bind(folder.path().join("vector.sock")).expect("a socket"));
    let output = run(folder.path(), Codec::Native).output().expect("it runs");
    assert_eq!(output.status.code(), Some(1));
    let line = String::from_utf8(output.stderr).expect("text");
    let record: serde_json::Value = serde_json::from_str(&line).expect("JSON");
    let message = record["message"].as_str().expect("text");
    assert!(
        message.starts_with("output.unix_stream = ") && message.contains("vector.sock"),
        "{message}"
    );
    assert!(message.contains("Connection refused"), "{message}");
}
