//! Signals that end the program: a first one, and a second one.

use std::{fs, io::Read, thread, time::Duration};

use nix::sys::{
    signal::Signal,
    wait::{Id, WaitPidFlag, WaitStatus, waitid},
};

use super::{full_pipe, process, signal, stop};
use crate::support::{Codec, Running, command, payload};

#[test]
fn no_event_is_lost_on_sigint() {
    crate::stop::everything_received_goes_out(|program| stop(program, Signal::SIGINT));
}

/// A terminal signals Vector and the program, and Vector then signals the program too.
fn further_signals_belong_to_the_first(first: Signal, further: Signal) {
    let folder = tempfile::tempdir().expect("a folder");
    let (config, state) = (
        folder.path().join("config.toml"),
        folder.path().join("sessions.ndjson"),
    );
    let text = "[transform.sessions]\nenabled = true\nstate_file = 'sessions.ndjson'\n";
    fs::write(&config, text).expect("a file");
    let (mut reader, writer) = full_pipe();
    let mut command = command();
    command
        .args(["run", "--address", "127.0.0.1:0", "--config"])
        .arg(&config)
        .stdout(writer);
    let mut program = Running::with_stdout_of(command, Codec::Json, 1);
    // It is received before the end, but cannot be written before the signals are handled.
    program.send(payload::start("goran"));
    signal(&program, first);
    // A system may deliver several signals of a kind as one, unless some time passes between them.
    for _ in 0..20 {
        thread::sleep(Duration::from_millis(1));
        signal(&program, further);
    }
    let reading = thread::spawn(move || {
        let mut written = Vec::new();
        reader.read_to_end(&mut written).expect("read");
        written
    });
    let (ended, diagnostics) = program.wait();
    assert_eq!(ended.code(), Some(0), "{diagnostics:?}");
    let stopped = diagnostics.last().expect("a diagnostic");
    assert_eq!(stopped["message"], "stopped");
    assert_eq!(stopped["events"], 1);
    assert_eq!(stopped["dropped"], 0);
    let written = String::from_utf8(reading.join().expect("read")).expect("text");
    assert!(written.contains("goran"));
    let state = fs::read_to_string(state).expect("the state");
    assert!(state.contains("goran"), "{state}");
}

#[test]
fn two_sigterms_in_quick_succession_are_one_request() {
    further_signals_belong_to_the_first(Signal::SIGTERM, Signal::SIGTERM);
}

#[test]
fn sigint_and_sigterm_in_quick_succession_are_one_request() {
    further_signals_belong_to_the_first(Signal::SIGINT, Signal::SIGTERM);
}

fn a_later_signal_ends_it_with_its_status(second: Signal, status: i32) {
    let (reader, writer) = full_pipe();
    let mut command = command();
    command
        .args(["run", "--address", "127.0.0.1:0"])
        .stdout(writer);
    let mut program = Running::with_stdout_of(command, Codec::Json, 1);
    // The datagram is received before the end, but cannot be written.
    program.send(payload::OPEN);
    // Signals within a second of the first belong to it. A system may deliver several signals of a kind as one; a
    // program that has ended accepts more of them.
    let is_running = || {
        let status = waitid(
            Id::Pid(process(&program)),
            WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT | WaitPidFlag::WNOHANG,
        );
        status.expect("a child") == WaitStatus::StillAlive
    };
    while is_running() {
        signal(&program, second);
        thread::sleep(Duration::from_millis(10));
    }
    let (ended, diagnostics) = program.wait();
    assert_eq!(ended.code(), Some(status));
    assert_eq!(diagnostics, Vec::<serde_json::Value>::new());
    drop(reader);
}

#[test]
fn a_later_second_sigint_ends_the_program_at_once() {
    a_later_signal_ends_it_with_its_status(Signal::SIGINT, 130);
}

#[test]
fn a_later_second_sigterm_ends_the_program_at_once() {
    a_later_signal_ends_it_with_its_status(Signal::SIGTERM, 143);
}
