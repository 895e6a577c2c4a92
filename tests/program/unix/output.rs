//! Standard output and standard error that cannot be written, for every command.

use std::{
    fs::{File, OpenOptions},
    io,
    path::Path,
    process::{Command, Stdio},
};

use crate::support::command;

const DATAGRAM: &str = "/qseow-proxy-session/;n1;Start session;LAB;goran;;/hub;Start session\n";

const EVENT: &str = r#"{"timestamp":"2026-01-31T09:00:00Z","source_type":"qlik_sense","event":"session","action":"start","host":"n1","user":"LAB\\goran"}"#;

/// All commands that write to standard output and end by themselves.
fn commands(folder: &Path) -> Vec<Vec<String>> {
    let file = |name: &str, text: &str| {
        let file = folder.join(name);
        std::fs::write(&file, text).expect("a file");
        file.display().to_string()
    };
    let config = file("config.toml", "");
    let datagrams = file("datagrams.txt", DATAGRAM);
    let butler_sos = file(
        "butler.yaml",
        "Butler-SOS:\n  userEvents:\n    enable: true\n",
    );
    #[allow(unused_mut, reason = "without the feature `top` there are no others")]
    let mut commands = vec![
        vec!["--help"],
        vec!["--version"],
        vec!["run", "--help"],
        vec!["check", &config],
        vec!["man"],
        vec!["completions", "bash"],
        vec!["completions", "fish"],
        vec!["decode", &datagrams],
        vec!["demo", "--seconds", "1", "--rate", "20"],
        vec!["import-butler-sos", &butler_sos],
    ];
    let events = file("events.json", EVENT);
    if cfg!(feature = "top") {
        commands.push(vec!["top", &events]);
    }
    let owned = |args: Vec<&str>| args.into_iter().map(str::to_owned).collect();
    commands.into_iter().map(owned).collect()
}

/// The status, and the text on standard error.
fn ended(mut command: Command, stdout: impl Into<Stdio>) -> (Option<i32>, String) {
    let output = command.stdout(stdout).stderr(Stdio::piped()).output();
    let output = output.expect("the program starts");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code(), said)
}

fn full() -> File {
    let opened = OpenOptions::new().write(true).open("/dev/full");
    opened.expect("a device that is always full")
}

fn closed_pipe() -> io::PipeWriter {
    let (reader, writer) = io::pipe().expect("a pipe");
    drop(reader);
    writer
}

#[test]
fn a_full_disk_is_reported_in_one_line() {
    let folder = tempfile::tempdir().expect("a folder");
    for args in commands(folder.path()) {
        let mut command = command();
        command.args(&args);
        let (status, said) = ended(command, full());
        assert_eq!(status, Some(1), "{args:?}: {said}");
        let is_about_it =
            |line: &&str| line.contains("cannot write") && line.contains("No space left");
        assert_eq!(
            said.lines().filter(is_about_it).count(),
            1,
            "{args:?}: {said}"
        );
        // A demonstration first says what it is about to do.
        assert!(
            args[0] == "demo" || said.lines().count() == 1,
            "{args:?}: {said}"
        );
        assert!(!said.contains("panicked"), "{args:?}: {said}");
    }
}

#[test]
fn a_closed_pipe_is_not_reported() {
    let folder = tempfile::tempdir().expect("a folder");
    for args in commands(folder.path()) {
        let mut command = command();
        command.args(&args);
        let (status, said) = ended(command, closed_pipe());
        assert_eq!(status, Some(0), "{args:?}: {said}");
        assert!(
            !said.contains("panicked") && !said.contains("pipe"),
            "{args:?}: {said}"
        );
        let may_say_more = ["demo", "decode", "import-butler-sos"].contains(&&*args[0]);
        assert!(may_say_more || said.is_empty(), "{args:?}: {said}");
    }
}

/// The error cannot be reported anywhere, so only the status shows it.
#[test]
fn a_full_standard_error_causes_no_panic() {
    for args in [
        &["check", "/nonexistent/config.toml"][..],
        &["run", "--config", "/nonexistent/config.toml"],
        &["run", "--adress", "127.0.0.1:0"],
        &["simulate", "--to", "nowhere"],
        &["import-butler-sos", "/nonexistent/butler.yaml"],
        #[cfg(feature = "top")]
        &["top", "--config", "/nonexistent/config.toml"],
    ] {
        let mut command = command();
        command.args(args).stdout(Stdio::null()).stderr(full());
        let status = command.status().expect("the program starts");
        assert_eq!(status.code(), Some(2), "{args:?}");
    }
}
