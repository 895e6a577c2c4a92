//! `top` as a job of a shell, which takes the terminal away from it.

use std::{fs, net::UdpSocket, process::Command};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use super::top::{RECORDED, Top};
use crate::support::command;

/// A shell with job control that runs a script, in which `$0` is the program and `$1` an argument.
fn shell(script: &str, argument: &str) -> Command {
    let mut shell = Command::new("setsid");
    shell.args(["--ctty", "--wait", "sh", "-m", "-c", script]);
    shell.arg(command().get_program()).arg(argument);
    shell
}

/// The system stops a program that uses its terminal from the background, and it would hold the port.
#[test]
fn top_in_the_background_is_refused_before_it_opens_its_port() {
    let used = UdpSocket::bind("127.0.0.1:0").expect("a port");
    let address = used.local_addr().expect("its address").to_string();
    let script = "\"$0\" top --address \"$1\" & wait $!; echo \"status $?\"";
    let mut top = Top::of(
        shell(script, &address),
        tempfile::tempdir().expect("a folder"),
    );
    top.await_text("status 1");
    let (said, _) = top.end();
    assert!(
        said.contains(
            "cannot use the terminal: `top` cannot show its screen in the background; run it without `&`"
        ),
        "{said:?}"
    );
    assert!(!said.contains("in use"), "{said:?}");
}

/// `top` as a job whose process id is in a file, stopped as a shell does it.
fn stopped(then: &str) -> Top {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("events.json");
    fs::write(&file, RECORDED).expect("a file");
    let script = format!(
        "sh -c 'echo $$ >\"$1.id\"; exec \"$0\" top \"$1\"' \"$0\" \"$1\"; id=$(cat \"$1.id\"); {then}"
    );
    let mut top = Top::of(shell(&script, file.to_str().expect("UTF-8")), folder);
    top.await_text("Sales");
    let id = fs::read_to_string(file.with_extension("json.id")).expect("a process id");
    let id = Pid::from_raw(id.trim().parse().expect("a process id"));
    kill(id, Signal::SIGSTOP).expect("stopped");
    top
}

#[test]
fn sigterm_ends_a_top_that_was_stopped() {
    let top = stopped("kill -TERM $id; bg; wait $id; echo \"status $?.\"");
    let (said, _) = top.end();
    // It may first notice the signal, or that it is in the background. A job that is stopped again has another status.
    assert!(
        said.contains("status 0.") || said.contains("status 1."),
        "{said:?}"
    );
}

#[test]
fn a_top_that_continues_in_the_background_ends() {
    let mut top = stopped("bg; wait $id; echo \"status $?\"");
    top.await_text("status 1");
    let (said, _) = top.end();
    assert!(said.contains("in the background"), "{said:?}");
}
