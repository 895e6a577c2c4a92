//! The file that keeps the sessions if the program is killed or the disk is full.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::{Duration, Instant, SystemTime},
};

use chrono::{DateTime, Utc};
use qlik_sense_events::{
    event::Arrival,
    pipeline::PipelineConfig,
    transform::{OutputBuffer, Sessions, SessionsConfig},
};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{Codec, DEADLINE, Running, command, end, finish, payload};

const CONFIG: &str = "[transform.sessions]\nenabled = true\nstate_file = \"sessions.ndjson\"\n\
                      [source]\naddress = \"127.0.0.1:0\"\n";

/// The number of users for a state that takes a while to write.
const USERS: usize = 4_000;

struct Site {
    folder: TempDir,
}

impl Site {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("config.toml"), CONFIG).expect("a file");
        Self { folder }
    }

    fn file(&self, suffix: &str) -> PathBuf {
        self.folder.path().join(format!("sessions.ndjson{suffix}"))
    }

    fn program(&self) -> Running {
        self.program_of(command())
    }

    fn program_of(&self, mut command: Command) -> Running {
        let config = self.folder.path().join("config.toml");
        command.args(["run", "--config"]).arg(config);
        Running::of(command, Codec::Json, 1)
    }

    /// The number of users in the file, which has to be complete.
    fn users(&self) -> u64 {
        let text = fs::read(self.file("")).expect("the state");
        let sessions = Sessions::new(&SessionsConfig::default());
        let users = sessions.restore(&mut &*text, now());
        users.expect("a whole state")
    }
}

fn now() -> DateTime<Utc> {
    SystemTime::now().into()
}

/// Writes the state of many users whose sessions started at a given time.
fn many_users(file: &Path, start: DateTime<Utc>) {
    let config = PipelineConfig {
        sessions: SessionsConfig {
            enabled: true,
            ..SessionsConfig::default()
        },
        ..PipelineConfig::default()
    };
    let mut pipeline = config.build().expect("a pipeline");
    let mut output = OutputBuffer::default();
    for number in 0..USERS {
        let start_of = payload::start(&format!("user{number}"));
        pipeline.datagram(start_of.as_bytes(), Arrival::local(start), &mut output);
        output.drain();
    }
    let sessions = pipeline.sessions().expect("followed");
    let text: Vec<u8> = sessions.state().flatten().collect();
    fs::write(file, text).expect("a file");
}

/// The file may be on another disk, and a link must not become a file.
#[cfg(unix)]
#[test]
fn a_link_stays_and_the_file_behind_it_is_written() {
    let site = Site::new();
    fs::create_dir(site.folder.path().join("disk")).expect("a folder");
    let link = |target: &str, name: &str| {
        let name = site.folder.path().join(name);
        std::os::unix::fs::symlink(target, name).expect("a link");
    };
    link("other.ndjson", "sessions.ndjson");
    link("disk/sessions.ndjson", "other.ndjson");
    for users in [1, 2] {
        let mut program = site.program();
        program.event_of(payload::start(&format!("user{users}")));
        end(program);
        for name in ["sessions.ndjson", "other.ndjson"] {
            let found = fs::symlink_metadata(site.folder.path().join(name));
            assert!(found.expect("a link").is_symlink(), "{name}");
        }
        assert_eq!(site.users(), users);
    }
    let names = |folder: &Path| {
        let entries = fs::read_dir(folder).expect("a folder");
        let names = entries.map(|entry| entry.expect("an entry").file_name());
        names.collect::<std::collections::BTreeSet<_>>()
    };
    let expected = ["sessions.ndjson", "sessions.ndjson.lock"].map(Into::into);
    assert_eq!(names(&site.folder.path().join("disk")), expected.into());
    let expected = ["config.toml", "disk", "other.ndjson", "sessions.ndjson"].map(Into::into);
    assert_eq!(names(site.folder.path()), expected.into());
}

fn stop_session(user: &str) -> String {
    payload::start(user).replace("Start session", "Stop session")
}

/// The program writes its state after it has read it. Whenever it is killed during that, the next run finds a complete
/// state and continues from it.
#[test]
fn a_program_that_is_killed_while_writing_leaves_a_complete_state() {
    let site = Site::new();
    let start: DateTime<Utc> = now() - chrono::TimeDelta::minutes(10);
    many_users(&site.file(""), start);
    let size = fs::metadata(site.file("")).expect("the state").len();
    let mut killed_in_writing = 0;
    // How many quarters of the new file exist when the program is killed. A complete one may already have its final
    // name.
    for part in [0, 1, 2, 3, 4] {
        let before = fs::metadata(site.file("")).expect("the state");
        let before = before.modified().expect("a time");
        let mut program = site.program();
        let started = Instant::now();
        loop {
            let new = fs::metadata(site.file(".new")).map(|found| found.len());
            if new.is_ok_and(|length| length * 4 >= size * part) {
                break;
            }
            let file = fs::metadata(site.file("")).expect("there is always one");
            if file.modified().expect("a time") != before {
                break;
            }
            assert!(started.elapsed() < DEADLINE, "no state is written");
            if cfg!(windows) {
                // On Windows, checking a file without pauses would keep it from being replaced.
                thread::sleep(Duration::from_millis(1));
            } else {
                thread::yield_now();
            }
        }
        program.kill();
        killed_in_writing += usize::from(site.file(".new").exists());
        assert_eq!(site.users(), USERS as u64);
    }
    assert!(killed_in_writing > 0, "it was never killed in writing");

    let mut program = site.program();
    let message = program.diagnostics.one()["message"].to_string();
    let expected = format!("resumed the sessions of {USERS} users");
    assert!(message.contains(&expected), "{message}");
    for number in [0, 1, USERS - 1] {
        program.send(stop_session(&format!("user{number}")));
        let events = program.events().several(2);
        let seen: DateTime<Utc> = events[1]["start"]
            .as_str()
            .expect("a time")
            .parse()
            .expect("a time");
        assert_eq!(seen.timestamp_micros(), start.timestamp_micros());
        assert_eq!(events[1]["start_seen"], true);
    }
    assert_eq!(end(program).status, Some(0));
    assert!(!site.file(".new").exists());
}

/// After a kill, saved sessions continue, and unsaved ones appear as lost.
#[test]
fn after_a_kill_the_saved_sessions_continue() {
    let site = Site::new();
    let mut program = site.program();
    let start = program.event_of(payload::start("goran"));
    end(program);
    let mut program = site.program();
    program.diagnostics.one();
    program.event_of(payload::start("anna"));
    program.kill();

    let mut program = site.program();
    program.diagnostics.one();
    for user in ["goran", "anna"] {
        program.send(stop_session(user));
    }
    let summaries: Vec<Value> = program
        .events()
        .several(4)
        .into_iter()
        .filter(|event| event["event"] == "session_summary")
        .collect();
    let seen: Vec<_> = summaries
        .iter()
        .map(|summary| (&summary["user_id"], &summary["start_seen"]))
        .collect();
    assert_eq!(
        seen,
        [
            (&json!("goran"), &json!(true)),
            (&json!("anna"), &json!(false))
        ]
    );
    assert_eq!(summaries[0]["start"], start["timestamp"]);
}

/// A limit on file sizes makes a write fail halfway, as a full disk does. Windows has no such limit.
#[cfg(unix)]
#[test]
fn a_full_disk_leaves_the_old_state() {
    let site = Site::new();
    let mut program = site.program();
    program.event_of(payload::start("goran"));
    assert_eq!(end(program).status, Some(0));

    let mut limited = Command::new("sh");
    let script = "trap '' XFSZ; ulimit -f 8; exec \"$0\" \"$@\"";
    limited.args(["-c", script]).arg(command().get_program());
    let mut program = site.program_of(limited);
    let message = program.diagnostics.one()["message"].to_string();
    assert!(
        message.contains("resumed the sessions of 1 user"),
        "{message}"
    );
    for number in 0..100 {
        program.event_of(payload::start(&format!("user{number}")));
    }
    let stopped = end(program);
    assert_eq!(stopped.status, Some(1));
    let errors: Vec<&str> = stopped
        .diagnostics
        .iter()
        .filter(|diagnostic| diagnostic["level"] == "error")
        .filter_map(|diagnostic| diagnostic["message"].as_str())
        .collect();
    let [error, last] = errors[..] else {
        panic!("{:?}", stopped.diagnostics)
    };
    assert!(error.contains("cannot write the session state"), "{error}");
    assert!(
        last.contains("the session state could not be saved, as reported above"),
        "{last}"
    );
    assert_eq!(site.users(), 1);
    assert!(!site.file(".new").exists(), "half a state takes room");

    let mut program = site.program();
    program.diagnostics.one();
    program.send(stop_session("goran"));
    assert_eq!(program.events().several(2)[1]["start_seen"], true);
}

#[test]
fn a_state_without_a_folder_is_reported_and_saved_once_there_is_one() {
    let site = Site::new();
    let file = site.folder.path().join("config.toml");
    let config = CONFIG.replace("sessions.ndjson", "none/sessions.ndjson");
    fs::write(file, config).expect("a file");
    let mut program = site.program();
    let message = program.diagnostics.one()["message"].to_string();
    assert!(
        message.contains("cannot write the session state: ")
            && message.contains("; its folder does not exist: create it"),
        "{message}"
    );
    program.event_of(payload::start("goran"));
    let folder = site.folder.path().join("none");
    fs::create_dir(&folder).expect("a folder");
    assert_eq!(end(program).status, Some(0));
    assert!(folder.join("sessions.ndjson").exists());
}

/// It is neither renamed nor replaced, whatever it is: a device would be gone for all programs, and opening a pipe may
/// block forever.
#[test]
fn anything_but_a_regular_file_is_refused_and_left_alone() {
    let refused = |site: &Site| {
        let config = site.folder.path().join("config.toml");
        let path = config.to_str().expect("UTF-8");
        for args in [&["check", path][..], &["run", "--config", path]] {
            let ended = finish(args);
            assert_eq!(ended.status, 2, "{}", ended.stderr);
            assert_eq!(ended.stderr.lines().count(), 1, "{}", ended.stderr);
            let expected = "expected a file there or nothing; remove what is in its place";
            assert!(ended.stderr.contains(expected), "{}", ended.stderr);
        }
        assert!(!site.file(".damaged").exists());
    };
    let site = Site::new();
    fs::create_dir(site.file("")).expect("a folder");
    refused(&site);
    assert!(site.file("").is_dir());
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;

        let site = Site::new();
        nix::unistd::mkfifo(&site.file(""), nix::sys::stat::Mode::S_IRWXU).expect("a pipe");
        refused(&site);
        let found = fs::symlink_metadata(site.file("")).expect("it is there");
        assert!(found.file_type().is_fifo());
    }
}

/// Somebody has named the wrong file; renaming and replacing it would harm.
#[test]
fn a_file_that_is_no_session_state_is_refused_and_left_alone() {
    for (name, text, reason) in [
        (
            "notes.txt",
            Some("hello\n"),
            "expected a session state or no file; this is another file, and would be replaced: move it, or choose \
             another path",
        ),
        (
            "config.toml",
            None,
            "expected a path of its own; this is the configuration itself",
        ),
    ] {
        let site = Site::new();
        let config = site.folder.path().join("config.toml");
        let changed = CONFIG.replace("sessions.ndjson", name);
        fs::write(&config, &changed).expect("a file");
        let file = site.folder.path().join(name);
        if let Some(text) = text {
            fs::write(&file, text).expect("a file");
        }
        let path = config.to_str().expect("UTF-8");
        let expected = format!("{path}:3: transform.sessions.state_file = \"{name}\": {reason}");
        for args in [&["check", path][..], &["run", "--config", path]] {
            let ended = finish(args);
            assert_eq!(ended.status, 2, "{}", ended.stderr);
            let said = match args {
                ["check", _] => ended.stderr.trim_end().to_owned(),
                _ => {
                    let diagnostic: Value = serde_json::from_str(&ended.stderr).expect("a line");
                    diagnostic["message"].as_str().expect("text").to_owned()
                }
            };
            assert_eq!(said, expected);
            let kept = fs::read_to_string(&file).expect("the file");
            assert_eq!(kept, text.unwrap_or(&changed));
            let found = fs::read_dir(site.folder.path()).expect("a folder").count();
            assert_eq!(found, if text.is_some() { 2 } else { 1 });
        }
    }
}

#[test]
fn of_two_programs_with_the_same_state_the_second_says_so_and_leaves_it_alone() {
    let site = Site::new();
    let mut first = site.program();
    first.event_of(payload::start("goran"));
    let mut second = site.program();
    let diagnostic = second.diagnostics.one();
    assert_eq!(diagnostic["level"], "error");
    let message = diagnostic["message"].as_str().expect("text");
    let file = site.file("");
    assert_eq!(
        message,
        format!(
            "{}: another program uses this session state; this one neither resumes nor saves sessions: give it a \
             transform.sessions.state_file of its own, or end the other program and restart this one",
            file.display()
        )
    );
    assert_eq!(second.event_of(payload::start("anna"))["user_id"], "anna");
    assert_eq!(end(first).status, Some(0));
    assert_eq!(end(second).status, Some(0));
    let state = fs::read_to_string(file).expect("the state");
    assert!(
        state.contains("goran") && !state.contains("anna"),
        "{state}"
    );
}

/// The socket that systemd holds lets the next program start while the last one still ends.
#[test]
fn a_program_waits_for_the_state_of_the_one_before() {
    let site = Site::new();
    let mut program = site.program();
    program.event_of(payload::start("goran"));
    assert_eq!(end(program).status, Some(0));
    let held = fs::File::open(site.file(".lock")).expect("a lock");
    held.lock().expect("held");
    let mut program = site.program();
    drop(held);
    let message = program.diagnostics.one()["message"].to_string();
    assert!(
        message.contains("resumed the sessions of 1 user"),
        "{message}"
    );
}

/// A program that ends may wait ten seconds for its reader.
#[test]
fn a_program_that_ends_has_given_its_state_free_before_it_waits_for_its_reader() {
    let site = Site::new();
    let (reader, writer) = std::io::pipe().expect("a pipe");
    let mut first = command();
    first
        .args(["run", "--config"])
        .arg(site.folder.path().join("config.toml"))
        .stdout(writer);
    let first = Running::with_stdout_of(first, Codec::Json, 1);
    let long = payload::start(&"g".repeat(8_000));
    for _ in 0..400 {
        first.send(&long);
    }
    crate::support::ask_to_end(&first);
    let mut second = site.program();
    let message = second.diagnostics.one()["message"].to_string();
    assert!(message.contains("resumed the sessions of "), "{message}");
    drop(reader);
}
