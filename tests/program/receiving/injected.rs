//! Errors of the system that nothing else brings about: strace makes system calls fail.

use std::process::{Command, Stdio};

use nix::sys::signal::Signal;

use super::Numbered;
use crate::support::{Codec, Running};

/// The program under strace, with some of its calls of `recvmmsg` failing.
fn failing(error: &str, when: &str) -> Running {
    let mut strace = Command::new("strace");
    strace
        .args(["-D", "-f", "-qq", "-o", "/dev/null", "-e", "trace=recvmmsg"])
        .args(["-e", &format!("inject=recvmmsg:error={error}:when={when}")])
        .arg(env!("CARGO_BIN_EXE_qlik-sense-events"))
        .args(["run", "--address", "127.0.0.1:0"])
        .stdin(Stdio::null());
    Running::of(strace, Codec::Json, 1)
}

/// Every third call fails, and nothing is lost: the datagrams are still in the socket.
fn survives(error: &str, reported: Option<&str>) {
    let mut program = failing(error, "2+3");
    let mut sender = Numbered::new("127.0.0.1", program.addresses()[0]);
    for number in 0..20 {
        sender.event();
        assert_eq!(super::linux::number(&program.events().one()), number);
    }
    let warning = reported.map(|_| {
        program
            .diagnostics
            .find(|diagnostic| diagnostic["level"] == "warn")
    });
    let stopped = crate::unix::stop(program, Signal::SIGTERM);
    assert_eq!(stopped.status, Some(0));
    assert_eq!(stopped.count("datagrams"), sender.sent);
    match (reported, warning.flatten()) {
        (None, None) => assert!(stopped.diagnostics.iter().all(|d| d["level"] == "info")),
        (Some(reported), Some(warning)) => {
            let message = warning["message"].as_str().expect("text");
            assert!(message.contains(reported), "{message}");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
#[ignore = "needs strace"]
fn an_interrupted_receive_is_nothing_to_speak_of() {
    survives("EINTR", None);
}

#[test]
#[ignore = "needs strace"]
fn no_buffer_space_is_reported_and_passes() {
    survives("ENOBUFS", Some("No buffer space available"));
}

#[test]
#[ignore = "needs strace"]
fn no_memory_is_reported_and_passes() {
    survives("ENOMEM", Some("Cannot allocate memory"));
}

#[test]
#[ignore = "needs strace"]
fn a_network_that_is_down_is_reported_and_passes() {
    survives("ENETDOWN", Some("Network is down"));
}
