//! Asked to end by signals: once, and once more.

use nix::sys::{
    signal::Signal,
    wait::{Id, WaitPidFlag, WaitStatus, waitid},
};

use super::{full_pipe, process, signal, stop};
use crate::support::{Codec, Running, command, payload};

#[test]
fn sigint_loses_nothing() {
    crate::stop::everything_received_goes_out(|program| stop(program, Signal::SIGINT));
}

fn the_second_signal_ends_it_with_its_status(second: Signal, status: i32) {
    let (reader, writer) = full_pipe();
    let mut command = command();
    command
        .args(["run", "--address", "127.0.0.1:0"])
        .stdout(writer);
    let mut program = Running::with_stdout_of(command, Codec::Json, 1);
    // It is received before the end, whatever comes first, and cannot be written.
    program.send(payload::OPEN);
    // A system may deliver several of a kind as one; a program that has ended takes any more.
    let is_running = || {
        let status = waitid(
            Id::Pid(process(&program)),
            WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT | WaitPidFlag::WNOHANG,
        );
        status.expect("a child") == WaitStatus::StillAlive
    };
    while is_running() {
        signal(&program, second);
    }
    let (ended, diagnostics) = program.wait();
    assert_eq!(ended.code(), Some(status));
    assert_eq!(diagnostics, Vec::<serde_json::Value>::new());
    drop(reader);
}

#[test]
fn a_second_sigint_ends_it_at_once_without_a_reader() {
    the_second_signal_ends_it_with_its_status(Signal::SIGINT, 130);
}

#[test]
fn a_second_sigterm_ends_it_at_once_without_a_reader() {
    the_second_signal_ends_it_with_its_status(Signal::SIGTERM, 143);
}
