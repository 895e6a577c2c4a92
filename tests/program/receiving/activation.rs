//! A socket that a service manager holds: datagrams wait in it between the end of one program and the start of the
//! next.

use std::{
    collections::BTreeSet,
    net::UdpSocket,
    os::fd::OwnedFd,
    process::{Command, Stdio},
};

use nix::sys::signal::Signal;

use super::{Numbered, linux::number};
use crate::{
    support::{Codec, Records, Running, Stopped, payload},
    unix,
};

/// A socket as a service manager opens it, with the buffer of an unprivileged program.
fn socket() -> UdpSocket {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
    let buffer = nix::sys::socket::sockopt::RcvBuf;
    nix::sys::socket::setsockopt(&socket, buffer, &212_992).expect("a buffer");
    socket
}

/// The program with the socket as file descriptor 3, according to systemd's protocol. `LISTEN_PID` is the program's own
/// id, which only a shell in between can know beforehand.
fn activated(socket: &UdpSocket, flags: &[&str]) -> Command {
    let socket: OwnedFd = socket.try_clone().expect("a handle").into();
    let mut shell = Command::new("sh");
    shell
        .args([
            "-c",
            "exec 3<&0 0</dev/null; LISTEN_PID=$$ LISTEN_FDS=1 exec \"$@\"",
            "sh",
        ])
        .arg(env!("CARGO_BIN_EXE_qlik-sense-events"))
        .arg("run")
        .args(flags)
        .stdin(Stdio::from(socket));
    shell
}

fn start(socket: &UdpSocket) -> Running {
    let program = Running::of(activated(socket, &[]), Codec::Json, 1);
    assert_eq!(
        program.addresses(),
        [socket.local_addr().expect("an address")]
    );
    program
}

fn end(program: Running) -> Stopped {
    unix::signal(&program, Signal::SIGTERM);
    ended(program)
}

fn ended(program: Running) -> Stopped {
    let stopped = crate::support::ended(program);
    assert_eq!(stopped.status, Some(0));
    stopped
}

#[test]
fn the_socket_passes_from_one_program_to_the_next_and_nothing_is_lost() {
    const ROUNDS: u64 = 20;
    let socket = socket();
    let address = socket.local_addr().expect("an address");
    let mut sender = Numbered::new("127.0.0.1", address);
    let mut numbers = BTreeSet::new();
    let mut counted = 0;
    let mut program = start(&socket);
    let round = program.capacity(150) / 3;
    for _ in 0..ROUNDS {
        sender.feed(&program, 4 * round);
        // A first burst arrives before the program is asked to end, a second one while it ends, …
        let burst = |sender: &mut Numbered| (0..round).for_each(|_| sender.event());
        burst(&mut sender);
        unix::signal(&program, Signal::SIGTERM);
        burst(&mut sender);
        let stopped = crate::support::ended(program);
        // … and a third one while no program is running.
        burst(&mut sender);
        for event in &stopped.events {
            assert!(numbers.insert(number(event)), "twice: {event}");
        }
        counted += stopped.count("datagrams");
        assert_eq!(stopped.count("kernel_dropped"), 0);
        program = start(&socket);
    }
    let stopped = end(program);
    numbers.extend(stopped.events.iter().map(number));
    assert_eq!(counted + stopped.count("datagrams"), sender.sent);
    assert_eq!(numbers, (0..sender.sent).collect());
}

/// The kernel counts drops since the socket was opened, but each run only counts its own.
#[test]
fn earlier_drops_are_reported_but_not_counted_again() {
    let socket = socket();
    let address = socket.local_addr().expect("an address");
    let mut sender = Numbered::new("127.0.0.1", address);
    // Nothing receives, and the buffer is full long before the end.
    for _ in 0..2_000 {
        sender.event();
    }
    let mut program = start(&socket);
    let warning = loop {
        let diagnostic = program.diagnostics.one();
        if diagnostic["kernel_dropped"] != serde_json::Value::Null {
            break diagnostic;
        }
    };
    assert_eq!(warning["level"], "warn");
    let before = warning["kernel_dropped"].as_u64().expect("a number");
    let stopped = end(program);
    assert_eq!(stopped.count("kernel_dropped"), 0);
    assert_eq!(stopped.count("datagrams") + before, sender.sent);
    assert!(before > 0);
}

/// The addresses are those of the sockets that are handed over; those in the configuration are not opened.
#[test]
fn handed_over_sockets_take_precedence_over_the_configuration() {
    let socket = socket();
    let taken = UdpSocket::bind("127.0.0.1:0").expect("a port");
    let taken = taken.local_addr().expect("an address").to_string();
    let command = activated(&socket, &["--address", &taken]);
    let mut program = Running::of(command, Codec::Json, 1);
    assert_eq!(
        program.addresses(),
        [socket.local_addr().expect("an address")]
    );
    assert_eq!(program.event_of(payload::OPEN)["user_id"], "goran");
}

/// Behind Vector, `LISTEN_PID` would be Vector's own id. If it is empty, the sockets are for the process that inherits
/// them.
#[test]
fn an_empty_listen_pid_is_enough() {
    let socket = socket();
    let handle: OwnedFd = socket.try_clone().expect("a handle").into();
    let mut shell = Command::new("sh");
    shell
        .args(["-c", "exec 3<&0 0</dev/null; exec \"$@\"", "sh"])
        .arg(env!("CARGO_BIN_EXE_qlik-sense-events"))
        .envs([("LISTEN_PID", ""), ("LISTEN_FDS", "1")])
        .stdin(Stdio::from(handle));
    let mut program = Running::of(shell, Codec::Json, 1);
    assert_eq!(
        program.addresses(),
        [socket.local_addr().expect("an address")]
    );
    assert_eq!(program.event_of(payload::OPEN)["user_id"], "goran");
}

/// A service manager may set a larger buffer than a program may request.
#[test]
fn a_larger_receive_buffer_is_not_reduced() {
    let socket = socket();
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("config.toml");
    std::fs::write(&file, "[source]\nreceive_buffer_bytes = 4096\n").expect("a file");
    let flags = ["--config", file.to_str().expect("text")];
    let program = Running::of(activated(&socket, &flags), Codec::Json, 1);
    assert_eq!(program.listening[0]["receive_buffer_bytes"], 425_984);
}

/// If `LISTEN_PID` names another process, the sockets belong to that process.
#[test]
fn sockets_of_another_process_are_left_alone() {
    let mut command = crate::support::command();
    command.args(["run", "--address", "127.0.0.1:0"]);
    command.envs([("LISTEN_PID", "1"), ("LISTEN_FDS", "1")]);
    let mut program = Running::of(command, Codec::Json, 1);
    assert_eq!(program.event_of(payload::OPEN)["user_id"], "goran");
}

/// Anything other than a UDP socket is refused with one line.
#[test]
fn a_file_is_refused_as_a_socket() {
    let mut shell = Command::new("sh");
    shell
        .args([
            "-c",
            "exec 3</dev/null; LISTEN_PID=$$ LISTEN_FDS=1 exec \"$@\"",
            "sh",
        ])
        .arg(env!("CARGO_BIN_EXE_qlik-sense-events"))
        .arg("run")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    let mut child = shell.spawn().expect("a shell");
    let diagnostics: Vec<_> =
        Records::new(child.stderr.take().expect("a pipe"), Codec::Json).collect();
    assert_eq!(child.wait().expect("a status").code(), Some(1));
    let [diagnostic] = &*diagnostics else {
        panic!("{diagnostics:?}");
    };
    let message = diagnostic["message"].as_str().expect("text");
    assert!(message.starts_with("cannot use a socket: "), "{message}");
}
