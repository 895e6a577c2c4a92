//! A parent that is killed while somebody keeps the pipe open, as a shell between Vector and the
//! program may.

use std::{
    fs, io,
    net::UdpSocket,
    process::{Command, Stdio},
    time::Instant,
};

use crate::support::{Codec, DEADLINE, Running, payload};

/// A shell that starts the program with a blacklist file and waits for it. The test holds the
/// reading ends of its pipes, so only the parent goes when the shell is killed.
fn under_a_shell(folder: &std::path::Path, flags: &[&str]) -> Running {
    let config = folder.join("config.toml");
    fs::write(folder.join("users.txt"), "# nobody\n").expect("a file");
    fs::write(&config, "[transform.blacklist]\nfiles = [\"users.txt\"]\n").expect("a file");
    let mut shell = Command::new("sh");
    shell
        .args(["-c", "\"$@\" & wait", "sh"])
        .arg(env!("CARGO_BIN_EXE_qlik-sense-events"))
        .args(["run", "--address", "127.0.0.1:0", "--config"])
        .arg(config)
        .args(flags)
        .stdin(Stdio::null());
    Running::of(shell, Codec::Json, 1)
}

#[test]
fn the_program_ends_with_its_parent_and_frees_the_port() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut program = under_a_shell(folder.path(), &[]);
    assert_eq!(program.event_of(payload::OPEN)["user_id"], "goran");
    program.kill();
    assert_eq!(program.events().next(), None);
    assert_eq!(program.diagnostics.one()["message"], "stopped");
    assert_eq!(program.diagnostics.next(), None);
    // A process closes its files one after the other.
    let end = Instant::now() + DEADLINE;
    while let Err(error) = UdpSocket::bind(program.addresses()[0]) {
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
        assert!(Instant::now() < end, "the port is still taken");
        std::thread::yield_now();
    }
}

#[test]
fn the_program_goes_on_if_asked_to() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut program = under_a_shell(folder.path(), &["--outlive-parent"]);
    program.kill();
    // It looks for its parent before it looks at its files.
    fs::write(folder.path().join("users.txt"), "LAB\\maria\n").expect("a file");
    let diagnostic = program.diagnostics.one();
    assert_eq!(diagnostic["message"], "reloaded the blacklist");
    assert_eq!(program.event_of(payload::OPEN)["user_id"], "goran");

    // It still ends with its reader.
    program.output = None;
    program.send(payload::OPEN);
    assert_eq!(program.diagnostics.one()["message"], "stopped");
    assert_eq!(program.diagnostics.next(), None);
}
