//! An output that nobody reads: at shutdown the program waits for its reader, but no longer than ten seconds, and says
//! what it did not write.
//!
//! These tests wait longer than any other, and tests start in the order of their names: hence the name of this module.

use std::{
    io::{self, BufRead, BufReader, Read},
    process::Stdio,
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use crate::{
    receiving::unix_stream::connected_with,
    support::{Codec, Process, Running, command, payload},
    unix::{full_pipe, signal},
};

/// The most events in a frame.
const FRAME: u64 = 64;

/// Asks a program to end that was sent this many long events, none of which has been read. Then reads what it has
/// written.
fn assert_shutdown_without_a_reader(mut program: Running, sent: u64, mut reader: impl Read) {
    signal(&program, Signal::SIGTERM);
    let (status, diagnostics) = program.wait();
    assert_eq!(status.code(), Some(1), "{diagnostics:?}");
    let mut written = Vec::new();
    reader.read_to_end(&mut written).expect("read");
    let written = written.iter().filter(|&&byte| byte == b'\n').count() as u64;
    let [.., dropped, stopped, reason] = &diagnostics[..] else {
        panic!("{diagnostics:?}");
    };
    let message = dropped["message"].as_str().expect("text");
    assert!(
        message.contains(" at shutdown, because the reader of the output did not read; "),
        "{message}"
    );
    let message = reason["message"].as_str().expect("text");
    assert!(
        message.contains("the reader of the output did not take all events within 10 s"),
        "{message}"
    );
    assert_eq!(stopped["message"], "stopped");
    let count = |name: &str| stopped[name].as_u64().unwrap_or(0);
    assert!(written > 0 && count("dropped") > 0, "{written}, {stopped}");
    // A frame that was written in part counts as dropped as a whole.
    let counted = written + count("dropped") + count("kernel_dropped");
    assert!((sent..sent + FRAME).contains(&counted), "{counted}");
}

/// More than fits into a pipe or a socket.
pub fn send_much(program: &Running) -> u64 {
    const EVENTS: u64 = 400;
    let long = payload::start(&"g".repeat(8_000));
    for _ in 0..EVENTS {
        program.send(&long);
    }
    EVENTS
}

#[test]
fn shutdown_does_not_wait_for_an_unread_pipe() {
    let (reader, writer) = io::pipe().expect("a pipe");
    let mut command = command();
    command
        .args(["run", "--address", "127.0.0.1:0"])
        .stdout(writer);
    let program = Running::with_stdout_of(command, Codec::Json, 1);
    let sent = send_much(&program);
    assert_shutdown_without_a_reader(program, sent, reader);
}

#[test]
fn the_demonstration_waits_for_no_pipe_that_nobody_reads() {
    let (_reader, writer) = full_pipe();
    let mut command = command();
    let flags = ["demo", "--seconds", "600", "--rate", "100"];
    command.args(flags).stdout(writer).stderr(Stdio::piped());
    let mut program = Process(command.spawn().expect("the program starts"));
    drop(command);
    let mut said = BufReader::new(program.0.stderr.take().expect("a pipe")).lines();
    let heading = said.next().expect("a heading").expect("text");
    assert!(heading.starts_with("A simulated "), "{heading}");
    let id = Pid::from_raw(i32::try_from(program.0.id()).expect("a process id"));
    kill(id, Signal::SIGTERM).expect("signalled");
    let said: Vec<String> = said.map_while(Result::ok).collect();
    let last = said.last().expect("a reason");
    assert!(
        last.contains("the reader of the output did not take all events"),
        "{said:?}"
    );
    assert_eq!(program.0.wait().expect("a status").code(), Some(1));
}

#[test]
fn shutdown_does_not_wait_for_an_unread_socket() {
    let folder = tempfile::tempdir().expect("a folder");
    let (program, [first, second]) =
        connected_with(folder.path(), Codec::Json, "unix_stream_connections = 2\n");
    let sent = send_much(&program);
    assert_shutdown_without_a_reader(program, sent, first.chain(second));
}

/// The program blocks in a write to the terminal, which only its end interrupts.
#[cfg(target_os = "linux")]
#[test]
fn shutdown_does_not_wait_for_an_unread_terminal() {
    use crate::unix::terminal::{open, terminal};

    let (_master, name) = terminal();
    let mut command = command();
    command
        .args(["run", "--address", "127.0.0.1:0"])
        .stdout(open(&name));
    let mut program = Running::with_stdout_of(command, Codec::Json, 1);
    send_much(&program);
    signal(&program, Signal::SIGTERM);
    let (status, diagnostics) = program.wait();
    assert_eq!(status.code(), Some(1));
    let reason = diagnostics.last().expect("a reason");
    let message = reason["message"].as_str().expect("text");
    assert!(
        message.contains("the reader of the output did not take all events"),
        "{message}"
    );
}
