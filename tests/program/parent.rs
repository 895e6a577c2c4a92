//! A parent that is killed while another process keeps the pipe open, as a shell between Vector and the program may do.

use std::{
    fs, io,
    net::UdpSocket,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use crate::support::{Codec, DEADLINE, Running, payload, sender};

/// A shell that starts the program with a blacklist file and waits for it. The test holds the reading ends of the
/// pipes, so only the parent goes away when the shell is killed.
fn under_a_shell(folder: &std::path::Path, flags: &[&str]) -> Running {
    let config = folder.join("config.toml");
    fs::write(folder.join("users.txt"), "# nobody\n").expect("a file");
    fs::write(&config, "[transform.blacklist]\nfiles = [\"users.txt\"]\n").expect("a file");
    let mut shell = if cfg!(windows) {
        let mut shell = Command::new("cmd");
        shell.arg("/c");
        shell
    } else {
        let mut shell = Command::new("sh");
        shell.args(["-c", "\"$@\" & wait", "sh"]);
        shell
    };
    shell
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
fn the_program_can_outlive_its_parent() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut program = under_a_shell(folder.path(), &["--outlive-parent"]);
    program.kill();
    // The program checks its parent before it checks its files.
    fs::write(folder.path().join("users.txt"), "LAB\\maria\n").expect("a file");
    let diagnostic = program.diagnostics.one();
    assert_eq!(diagnostic["message"], "reloaded the blacklist: 1 entry");
    assert_eq!(program.event_of(payload::OPEN)["user_id"], "goran");

    // It still ends with its reader, which Windows only reports when it writes.
    program.output = None;
    let (socket, end) = (sender(program.addresses()[0]), Instant::now() + DEADLINE);
    while program
        .diagnostics
        .waiting()
        .is_none_or(|said| said["message"] != "stopped")
    {
        // The send is refused when the program has ended.
        let _ = socket.send(payload::OPEN.as_bytes());
        assert!(Instant::now() < end, "it goes on");
        std::thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(program.diagnostics.next(), None);
}
