//! Output on a terminal: lines for people, in colour unless NO_COLOR is set.

use std::{
    fs::OpenOptions,
    io::{BufRead, BufReader, Read},
    os::unix::fs::OpenOptionsExt,
    process::{Child, Command, Stdio},
    sync::mpsc,
    thread,
};

use nix::{
    fcntl::OFlag,
    pty::{PtyMaster, grantpt, posix_openpt, ptsname_r, unlockpt},
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use crate::support::{DEADLINE, command};

/// A terminal, and the name by which to open it.
pub fn terminal() -> (PtyMaster, String) {
    let flags = OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_CLOEXEC;
    let master = posix_openpt(flags).expect("a terminal");
    grantpt(&master).expect("granted");
    unlockpt(&master).expect("unlocked");
    let name = ptsname_r(&master).expect("a name");
    (master, name)
}

pub fn open(name: &str) -> Stdio {
    let flags = (OFlag::O_NOCTTY | OFlag::O_CLOEXEC).bits();
    let mut options = OpenOptions::new();
    let file = options
        .read(true)
        .write(true)
        .custom_flags(flags)
        .open(name);
    file.expect("a terminal").into()
}

/// A program whose user has not configured colours.
fn plain() -> Command {
    let mut command = command();
    command.env("TERM", "xterm-256color");
    for name in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "CI"] {
        command.env_remove(name);
    }
    command
}

/// The lines that a terminal shows until its last writer closes it.
fn lines(master: PtyMaster) -> mpsc::Receiver<String> {
    let (sender, lines) = mpsc::channel();
    thread::spawn(move || {
        // The end of a terminal is an error (EIO).
        for line in BufReader::new(master).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    lines
}

struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The line in which a program reports that it listens.
fn listening(mut command: Command) -> String {
    let (master, name) = terminal();
    command.args(["run", "--address", "127.0.0.1:0", "--codec", "native"]);
    command.stdout(Stdio::piped()).stderr(open(&name));
    let _program = Killed(command.spawn().expect("the program starts"));
    lines(master).recv_timeout(DEADLINE).expect("a line")
}

#[test]
fn diagnostics_are_coloured_lines() {
    let line = listening(plain());
    assert!(line.contains('\x1b'), "{line:?}");
    assert!(line.contains(" listening address=127.0.0.1:"), "{line:?}");
    assert!(line.contains(" receive_buffer_bytes="), "{line:?}");
}

#[test]
fn no_color_is_respected() {
    let mut command = plain();
    command.env("NO_COLOR", "1");
    let line = listening(command);
    assert!(!line.contains('\x1b'), "{line:?}");
    assert!(
        line.contains(" info listening address=127.0.0.1:"),
        "{line:?}"
    );
}

/// When a terminal is closed, there is nobody for whom to reload files.
#[test]
fn a_hangup_ends_the_program_on_a_terminal() {
    let (master, name) = terminal();
    let mut command = plain();
    command.args(["run", "--address", "127.0.0.1:0"]);
    command.stdout(Stdio::piped()).stderr(open(&name));
    let mut program = Killed(command.spawn().expect("the program starts"));
    drop(command);
    let lines = lines(master);
    lines.recv_timeout(DEADLINE).expect("it listens");
    let id = Pid::from_raw(program.0.id().try_into().expect("a process id"));
    kill(id, Signal::SIGHUP).expect("signalled");
    let last = lines.recv_timeout(DEADLINE).expect("a line");
    assert!(last.contains(" stopped "), "{last}");
    assert_eq!(program.0.wait().expect("a status").code(), Some(0));
}

#[test]
fn help_is_coloured_unless_no_color_is_set() {
    for (no_color, coloured) in [(None, true), (Some("1"), false)] {
        let (master, name) = terminal();
        let mut command = plain();
        command
            .arg("--help")
            .stdout(open(&name))
            .stderr(Stdio::null());
        command.envs(no_color.map(|value| ("NO_COLOR", value)));
        let mut program = Killed(command.spawn().expect("the program starts"));
        // The command keeps the terminal open.
        drop(command);
        let lines = lines(master);
        let mut text = String::new();
        while let Ok(line) = lines.recv_timeout(DEADLINE) {
            text += &line;
        }
        assert_eq!(program.0.wait().expect("a status").code(), Some(0));
        assert!(text.contains("Usage:"), "{text}");
        assert_eq!(text.contains('\x1b'), coloured, "{text}");
    }
}

/// Events are shown as lines of a table for people, under a heading.
#[test]
fn the_demonstration_shows_lines_that_fit() {
    for (locale, cut) in [("C.UTF-8", "…"), ("C", "~")] {
        let (master, name) = terminal();
        let mut command = plain();
        command.env("NO_COLOR", "1").env("LC_ALL", locale);
        command.args(["demo", "--seconds", "1", "--rate", "20", "--odd", "0"]);
        command.stdout(open(&name)).stderr(Stdio::null());
        let mut program = Killed(command.spawn().expect("the program starts"));
        drop(command);
        let lines = lines(master);
        let heading = lines.recv_timeout(DEADLINE).expect("a heading");
        assert!(heading.starts_with("TIME      NODE "), "{heading}");
        let (mut shown, mut marks) = (0, String::new());
        while let Ok(line) = lines.recv_timeout(DEADLINE) {
            assert!(line.trim_end().chars().count() <= 80, "{line}");
            assert!(
                line.contains("  session ") || line.contains("  connection "),
                "{line}"
            );
            shown += 1;
            marks.extend(line.chars().filter(|mark| matches!(mark, '…' | '~')));
        }
        assert!(shown > 0);
        assert_eq!(marks.replace(cut, ""), "", "{locale}");
        assert_ne!(marks, "", "{locale}");
        assert_eq!(program.0.wait().expect("a status").code(), Some(0));
    }
}

/// Text in a payload or a file is shown, but cannot control the terminal.
#[test]
fn text_cannot_control_the_terminal() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("config.toml");
    std::fs::write(&file, "\"\\u001b[31m\\u202eevil\" = 1\n").expect("a file");
    let (master, name) = terminal();
    let mut command = plain();
    command
        .env("NO_COLOR", "1")
        .args(["run", "--config"])
        .arg(file);
    command.stdout(Stdio::null()).stderr(open(&name));
    let mut program = Killed(command.spawn().expect("the program starts"));
    drop(command);
    let shown = lines(master).recv_timeout(DEADLINE).expect("a line");
    assert!(shown.contains("\\u{1b}[31m\\u{202e}evil"), "{shown:?}");
    assert!(!shown.trim_end().contains(char::is_control), "{shown:?}");
    assert_eq!(program.0.wait().expect("a status").code(), Some(2));
}

/// The demonstration with only odd datagrams, some of which contain control characters.
#[test]
fn odd_payloads_cannot_control_the_terminal() {
    let (master, name) = terminal();
    let mut command = plain();
    command.env("NO_COLOR", "1");
    command.args(["demo", "--seconds", "1", "--rate", "400", "--odd", "1000"]);
    command.stdout(open(&name)).stderr(Stdio::null());
    let mut program = Killed(command.spawn().expect("the program starts"));
    drop(command);
    let lines = lines(master);
    let mut shown = 0;
    while let Ok(line) = lines.recv_timeout(DEADLINE) {
        assert!(!line.trim_end().contains(char::is_control), "{line:?}");
        shown += 1;
    }
    assert!(shown >= 400, "{shown}");
    assert_eq!(program.0.wait().expect("a status").code(), Some(0));
}

/// The status and the messages of a program that writes to a terminal.
fn onto_a_terminal(args: &[&str]) -> (Option<i32>, String) {
    let (_master, name) = terminal();
    let mut command = plain();
    command.args(args).stdin(Stdio::null());
    command.stdout(open(&name)).stderr(Stdio::piped());
    let mut program = Killed(command.spawn().expect("the program starts"));
    let mut stderr = program.0.stderr.take().expect("a pipe");
    let (sender, said) = mpsc::channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if stderr.read_to_end(&mut bytes).is_ok() {
            // If nothing receives this, the test has already failed.
            let _ = sender.send(bytes);
        }
    });
    let said = said.recv_timeout(DEADLINE).expect("the program ends");
    let status = program.0.wait().expect("a status");
    (status.code(), String::from_utf8_lossy(&said).into_owned())
}

/// Compressors and other programs that write binary data do the same.
#[test]
fn binary_output_goes_to_a_terminal_only_with_force() {
    for args in [
        &["run", "--address", "127.0.0.1:0", "--codec", "native"][..],
        &["decode", "--codec", "native"],
        &["demo", "--seconds", "1", "--codec", "native"],
    ] {
        let (status, said) = onto_a_terminal(args);
        assert_eq!(status, Some(2), "{args:?}");
        assert!(
            said.contains("standard output is a terminal"),
            "{args:?}: {said}"
        );
        assert!(said.contains("--force"), "{args:?}: {said}");
    }
    for args in [
        &["decode", "--codec", "native", "--force"][..],
        &["decode", "--codec", "native_json"],
    ] {
        assert_eq!(onto_a_terminal(args).0, Some(0), "{args:?}");
    }
}

/// A dumb terminal would show escape sequences as text.
#[test]
fn a_dumb_terminal_gets_no_escape_sequences() {
    for args in [
        &["demo", "--seconds", "1", "--rate", "50"][..],
        &["check", "/nonexistent/config.toml"],
        &["run", "--config", "/nonexistent/config.toml"],
        &["run", "--adress", "127.0.0.1:0"],
        &[
            "simulate",
            "--to",
            "127.0.0.1:9",
            "--count",
            "300",
            "--rate",
            "1000",
        ],
        &["--help"],
    ] {
        let (master, name) = terminal();
        let mut command = plain();
        command.env("TERM", "dumb").args(args).stdin(Stdio::null());
        command.stdout(open(&name)).stderr(open(&name));
        let mut program = Killed(command.spawn().expect("the program starts"));
        // The command keeps the terminal open.
        drop(command);
        let lines = lines(master);
        let mut text = String::new();
        while let Ok(line) = lines.recv_timeout(DEADLINE) {
            text += &line;
        }
        program.0.wait().expect("a status");
        assert!(!text.is_empty(), "{args:?}");
        assert!(!text.contains('\x1b'), "{args:?}: {text:?}");
    }
}
