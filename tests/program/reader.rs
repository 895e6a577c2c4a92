//! A reader that goes away: Vector has ended, so there is nothing left to do and nothing to complain about.

use std::io;

use crate::support::{Codec, Running, command, payload};

/// A program, and the reading end of its output pipe.
fn program() -> (Running, io::PipeReader) {
    let (reader, writer) = io::pipe().expect("a pipe");
    let mut command = command();
    command
        .args(["run", "--address", "127.0.0.1:0"])
        .stdout(writer);
    (Running::with_stdout_of(command, Codec::Json, 1), reader)
}

fn ends_in_peace(mut program: Running) {
    let (status, diagnostics) = program.wait();
    assert_eq!(status.code(), Some(0));
    let last = diagnostics.last().expect("a summary");
    assert_eq!(last["message"], "stopped");
    // The events that waited for the reader are lost, which is worth one message.
    let dropped = last["dropped"].as_u64().expect("a number");
    let events = if dropped == 1 { "event" } else { "events" };
    let expected = format!(
        "dropped {dropped} {events} at shutdown, because the reader of the output has ended; docs/reliability.md, \
         section Shutdown, says how to keep events across a restart"
    );
    let levels = diagnostics.iter().map(|diagnostic| {
        let message = diagnostic["message"].as_str().expect("text");
        assert!(
            diagnostic["level"] == "info" || message == expected,
            "{message}"
        );
        diagnostic["level"].as_str().expect("text")
    });
    assert_eq!(
        levels.filter(|&level| level == "warn").count(),
        usize::from(dropped > 0)
    );
}

/// Windows only reports this on a write.
#[cfg(unix)]
#[test]
fn the_program_ends_when_its_reader_goes_while_nothing_arrives() {
    let (program, reader) = program();
    drop(reader);
    ends_in_peace(program);
}

#[test]
fn the_program_ends_when_its_reader_goes_before_a_datagram() {
    let (program, reader) = program();
    drop(reader);
    program.send(payload::OPEN);
    ends_in_peace(program);
}

/// Windows only reports this on a write.
#[cfg(unix)]
#[test]
fn the_program_ends_when_its_reader_goes_after_datagrams() {
    let (program, mut reader) = program();
    program.send(payload::OPEN);
    let mut beginning = [0; 16];
    io::Read::read_exact(&mut reader, &mut beginning).expect("an event");
    drop(reader);
    ends_in_peace(program);
}

/// `head` ends while there is more to read.
#[test]
fn decode_ends_when_the_reader_goes() {
    let mut child = command()
        .arg("decode")
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("the program starts");
    drop(child.stdout.take());
    let mut stdin = child.stdin.take().expect("a pipe");
    // The program may have ended before it has read everything.
    let _ = io::Write::write_all(&mut stdin, payload::OPEN.as_bytes());
    drop(stdin);
    let ended = child.wait_with_output().expect("a status");
    assert_eq!(ended.status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&ended.stderr), "");
}
