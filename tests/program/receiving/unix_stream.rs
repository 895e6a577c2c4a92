//! Events to a Unix socket with a listener, instead of standard output.

use std::{
    collections::BTreeMap,
    net::UdpSocket,
    os::unix::net::{UnixListener, UnixStream},
    path::Path,
    process::{Command, Stdio},
};

use nix::sys::signal::Signal;

use crate::{
    abandoned::send_much,
    support::{Codec, DEADLINE, Records, Running, command, payload},
    unix::signal,
};

fn run(folder: &Path, codec: Codec) -> Command {
    run_with(folder, codec, "")
}

fn run_with(folder: &Path, codec: Codec, options: &str) -> Command {
    let file = folder.join("config.toml");
    let options = format!("[output]\nunix_stream = \"vector.sock\"\n{options}");
    std::fs::write(&file, options).expect("a file");
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
fn connected(folder: &Path, codec: Codec) -> (Running, UnixStream) {
    let (program, [stream]) = connected_with(folder, codec, "");
    (program, stream)
}

/// The same with more options, and this number of connections.
pub fn connected_with<const CONNECTIONS: usize>(
    folder: &Path,
    codec: Codec,
    options: &str,
) -> (Running, [UnixStream; CONNECTIONS]) {
    let listener = UnixListener::bind(folder.join("vector.sock")).expect("a socket");
    // Diagnostics are for a journal, whatever the codec.
    let program = Running::with_stdout_of(run_with(folder, codec, options), Codec::Json, 1);
    let streams = std::array::from_fn(|_| {
        let (stream, _) = listener.accept().expect("a connection");
        stream.set_read_timeout(Some(DEADLINE)).expect("set");
        stream
    });
    (program, streams)
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

/// The case of a name does not make another user.
#[test]
fn events_of_a_user_go_over_one_connection_in_order() {
    let folder = tempfile::tempdir().expect("a folder");
    let (program, streams) = connected_with::<3>(
        folder.path(),
        Codec::Native,
        "unix_stream_connections = 3\n",
    );
    let users = (0..30).map(|number| format!("user{number}"));
    let users: Vec<String> = users.collect();
    const EACH: usize = 8;
    let threads = streams.map(|stream| {
        std::thread::spawn(move || {
            let mut records = Records::new(stream, Codec::Native);
            let events: Vec<_> = records.by_ref().collect();
            (events, records.metrics.len())
        })
    });
    for number in 0..EACH {
        for user in &users {
            let user = match number % 2 {
                0 => user.clone(),
                _ => user.to_uppercase(),
            };
            program.send(format!(
                "/proxy-session/;n1;Start session;LAB;{user};;;{number}"
            ));
            program.send(format!(
                "/proxy-session/;n{user};Start session;;;;;{number}"
            ));
        }
    }
    signal(&program, Signal::SIGTERM);
    let read = threads.map(|thread| thread.join().expect("read"));
    let mut numbers: BTreeMap<String, (usize, Vec<String>)> = BTreeMap::new();
    for (connection, (events, _)) in read.iter().enumerate() {
        assert!(!events.is_empty(), "connection {connection} has events");
        for event in events {
            let name = event.get("user_id").unwrap_or(&event["host"]);
            let name = name.as_str().expect("text").to_lowercase();
            let (only, numbers) = numbers.entry(name).or_insert((connection, Vec::new()));
            assert_eq!(*only, connection, "{event}");
            numbers.push(event["message"].as_str().expect("text").to_owned());
        }
    }
    assert_eq!(numbers.len(), 2 * users.len());
    let all: Vec<String> = (0..EACH).map(|number| number.to_string()).collect();
    for (name, (_, numbers)) in numbers {
        assert_eq!(numbers, all, "{name}");
    }
    let metrics = read.map(|(_, metrics)| metrics > 0);
    assert_eq!(metrics, [true, false, false]);
}

/// No other connection may take its users, because their events would be out of order.
#[test]
fn the_program_ends_when_one_connection_is_closed() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut program, [_first, second]) =
        connected_with(folder.path(), Codec::Json, "unix_stream_connections = 2\n");
    drop(second);
    let (status, diagnostics) = program.wait();
    assert_eq!(status.code(), Some(0));
    let [closed, stopped] = &diagnostics[..] else {
        panic!("{diagnostics:?}");
    };
    let message = closed["message"].as_str().expect("text");
    assert!(
        message.contains("Vector has closed a connection"),
        "{message}"
    );
    assert_eq!(stopped["message"], "stopped");
}

#[test]
fn each_connection_has_its_share_of_the_queue() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut program, streams) = connected_with::<2>(
        folder.path(),
        Codec::Json,
        "unix_stream_connections = 2\n[queue]\nmax_events = 100\n",
    );
    send_much(&program);
    let warning = program.diagnostics.one();
    let message = warning["message"].as_str().expect("text");
    let expected = "queue.max_events (50 for each of 2 connections) is reached";
    assert!(message.contains(expected), "{message}");
    drop(streams);
    let (status, _) = program.wait();
    assert_eq!(status.code(), Some(0));
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
fn a_socket_that_takes_no_connection_is_reported_with_what_to_do() {
    use std::os::unix::net::UnixDatagram;

    type Make = fn(&Path) -> Option<UnixDatagram>;
    let cases: [(Make, &str, &str); 3] = [
        (
            |socket| {
                drop(UnixListener::bind(socket).expect("a socket"));
                None
            },
            "Connection refused",
            "if Vector does not start because this file exists, remove it",
        ),
        (
            |socket| Some(UnixDatagram::bind(socket).expect("a socket")),
            "",
            "what listens there expects datagrams",
        ),
        (
            |socket| {
                std::fs::remove_dir(socket.parent().expect("a folder")).expect("removed");
                None
            },
            "No such file or directory",
            "its folder does not exist",
        ),
    ];
    for (make, reason, advice) in cases {
        let folder = tempfile::tempdir().expect("a folder");
        let of_socket = folder.path().join("run");
        std::fs::create_dir(&of_socket).expect("a folder");
        let _listening = make(&of_socket.join("vector.sock"));
        let mut command = run(folder.path(), Codec::Native);
        let file = folder.path().join("config.toml");
        std::fs::write(file, "[output]\nunix_stream = \"run/vector.sock\"\n").expect("a file");
        let output = command.output().expect("it runs");
        assert_eq!(output.status.code(), Some(1));
        let line = String::from_utf8(output.stderr).expect("text");
        let record: serde_json::Value = serde_json::from_str(&line).expect("JSON");
        let message = record["message"].as_str().expect("text");
        assert!(
            message.starts_with("output.unix_stream = ") && message.contains("vector.sock"),
            "{message}"
        );
        assert!(message.contains(reason), "{message}");
        assert!(message.contains(advice), "{message}");
    }
}
