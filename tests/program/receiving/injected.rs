//! System errors that nothing else causes: strace makes system calls fail.

use std::process::{Command, Stdio};

use nix::sys::signal::Signal;

use super::Numbered;
use crate::support::{Codec, Running};

/// The program under strace, where some of its calls of `recvmmsg` fail.
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

/// Every third call fails, but nothing is lost: the datagrams are still in the socket.
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
fn an_interrupted_receive_is_not_reported() {
    survives("EINTR", None);
}

#[test]
#[ignore = "needs strace"]
fn a_lack_of_buffer_space_is_reported_and_survived() {
    survives("ENOBUFS", Some("No buffer space available"));
}

#[test]
#[ignore = "needs strace"]
fn a_lack_of_memory_is_reported_and_survived() {
    survives("ENOMEM", Some("Cannot allocate memory"));
}

#[test]
#[ignore = "needs strace"]
fn a_network_that_is_down_is_reported_and_survived() {
    survives("ENETDOWN", Some("Network is down"));
}
