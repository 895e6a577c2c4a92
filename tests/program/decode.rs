//! Recorded datagrams in files and on standard input.

use std::fs;

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{
    CODECS, Codec, Finished, Records, command, finish, finish_with_input, payload, record,
};

/// A folder with files, and the path of each.
fn files(contents: &[&str]) -> (TempDir, Vec<String>) {
    let folder = tempfile::tempdir().expect("a folder");
    let paths = contents.iter().enumerate().map(|(number, text)| {
        let path = folder.path().join(format!("{number}.txt"));
        fs::write(&path, text).expect("a file");
        path.display().to_string()
    });
    let paths = paths.collect();
    (folder, paths)
}

fn decode(flags: &[&str], files: &[String]) -> Finished {
    let mut args = vec!["decode"];
    args.extend(flags);
    args.extend(files.iter().map(String::as_str));
    finish(&args)
}

fn users(ended: &Finished) -> Vec<Value> {
    let records = ended.records();
    records
        .into_iter()
        .map(|event| event["user_id"].clone())
        .collect()
}

/// The last diagnostic, with the counts.
fn counters(ended: &Finished) -> Value {
    let line = ended.stderr.split_inclusive('\n').next_back();
    record(line.expect("a diagnostic").as_bytes())
}

#[test]
fn a_file_is_decoded() {
    let text = format!(
        "{}\n{}\n{}",
        payload::start("a"),
        payload::CUT,
        payload::OPEN
    );
    let (_folder, files) = files(&[&text]);
    let ended = decode(&[], &files);
    assert_eq!(ended.status, 0, "{}", ended.stderr);
    let events = ended.records();
    assert_eq!(events.len(), 3);
    assert_eq!(events[0]["user_id"], "a");
    assert_eq!(events[1]["error"]["code"], "missing_field");
    assert_eq!(events[2]["app_id"], "a421f4a2-c311-4ef4-ba41-fe2e6a2b0d69");
    assert!(events.iter().all(|event| event.get("sender").is_none()));

    let counters = counters(&ended);
    assert_eq!(counters["message"], "decoded");
    assert_eq!(
        ["datagrams", "events", "undecoded", "excluded"].map(|name| &counters[name]),
        [3, 2, 1, 0].map(Value::from).each_ref(),
    );
}

#[test]
fn several_files_are_decoded_in_order() {
    let texts = ["a", "b", "c"].map(payload::start);
    let (_folder, files) = files(&texts.each_ref().map(String::as_str));
    assert_eq!(users(&decode(&[], &files)), ["a", "b", "c"]);
}

#[test]
fn standard_input_is_decoded() {
    for args in [&["decode"][..], &["decode", "-"]] {
        let ended = finish_with_input(args, payload::start("a") + "\n");
        assert_eq!(ended.status, 0);
        assert_eq!(users(&ended), ["a"], "{args:?}");
    }
}

#[test]
fn standard_input_can_be_read_between_files() {
    let (_folder, files) = files(&[&payload::start("a"), &payload::start("c")]);
    let args = ["decode", &files[0], "-", &files[1]];
    let ended = finish_with_input(&args, payload::start("b"));
    assert_eq!(users(&ended), ["a", "b", "c"]);
}

#[test]
fn blank_lines_are_skipped() {
    let text = format!(
        "\n\r\n{}\n \t\n\n{}\n\n",
        payload::start("a"),
        payload::start("b")
    );
    let (_folder, files) = files(&[&text]);
    let ended = decode(&[], &files);
    assert_eq!(users(&ended), ["a", "b"]);
    assert_eq!(counters(&ended)["datagrams"], 2);
}

#[test]
fn line_ends_of_windows_are_not_part_of_the_text() {
    let text = format!("{}\r\n{}\r\n", payload::start("a"), payload::start("b"));
    let (_folder, files) = files(&[&text]);
    let events = decode(&[], &files).records();
    assert_eq!(events.len(), 2);
    for event in events {
        assert_eq!(event["message"], "Start session for user");
    }
}

/// PowerShell 5 writes UTF-16 with a byte order mark and CRLF if output is redirected with `>`.
#[test]
fn a_recording_in_utf_16_is_read_line_by_line() {
    let folder = tempfile::tempdir().expect("a folder");
    let text = format!(
        "{}\r\n\r\n{}\r\n{}\r\n",
        payload::start("日本"),
        payload::CUT,
        payload::start("jörgen")
    );
    let marked = format!("\u{FEFF}{text}");
    let little = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let big = |text: &str| text.encode_utf16().flat_map(u16::to_be_bytes).collect();
    let files: [Vec<u8>; 4] = [little(&text), big(&text), little(&marked), big(&marked)];
    for file in files {
        let path = folder.path().join("recording.txt");
        fs::write(&path, file).expect("a file");
        let ended = decode(&[], &[path.display().to_string()]);
        let events = ended.records();
        assert_eq!(ended.status, 0, "{}", ended.stderr);
        assert_eq!(events.len(), 3, "{events:?}");
        assert_eq!(events[0]["user_id"], "日本");
        assert_eq!(events[0]["message"], "Start session for user");
        assert_eq!(events[1]["error"]["code"], "missing_field");
        assert_eq!(events[2]["user_id"], "jörgen");
    }
}

#[test]
fn a_recording_of_syslog_is_decoded() {
    let text = format!("<14>Proxy.exe: {}\n", payload::start("a"));
    let (_folder, files) = files(&[&text]);
    assert_eq!(users(&decode(&[], &files)), ["a"]);
}

#[test]
fn only_the_beginning_of_a_line_beyond_the_limit_is_kept() {
    let long = payload::start("long") + &"x".repeat(200_000);
    let text = format!("{}\n{long}\n{}\n", payload::start("a"), payload::start("b"));
    let config = "[source]\nmax_datagram_bytes = 150\n";
    let (_folder, files) = files(&[&text, config]);
    let ended = decode(&["--config", &files[1]], &files[..1]);
    let events = ended.records();
    assert_eq!(events.len(), 3);
    assert_eq!(events[0]["user_id"], "a");
    assert_eq!(events[1]["error"]["code"], "too_large");
    assert_eq!(events[1]["raw"], long[..150]);
    assert_eq!(events[2]["user_id"], "b");
}

#[test]
fn a_missing_file_is_reported_and_the_others_are_decoded() {
    let (folder, mut files) = files(&[&payload::start("a"), &payload::start("b")]);
    let missing = folder.path().join("missing.txt").display().to_string();
    files.insert(1, missing.clone());
    let ended = decode(&[], &files);
    assert_eq!(ended.status, 1);
    assert_eq!(users(&ended), ["a", "b"]);
    let first = ended.stderr.split_inclusive('\n').next();
    let diagnostic = record(first.expect("a diagnostic").as_bytes());
    assert_eq!(diagnostic["level"], "error");
    let message = diagnostic["message"].as_str().expect("text");
    let expected = format!("{missing}: cannot read the file: ");
    assert!(message.starts_with(&expected), "{message}");
}

#[test]
fn events_can_be_written_in_every_codec() {
    let (_folder, files) = files(&[&format!("{}\n{}", payload::start("a"), payload::OPEN)]);
    for codec in CODECS {
        let mut child = command()
            .args(["decode", "--codec", codec.name(), &files[0]])
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped())
            .spawn()
            .expect("the program starts");
        let mut events = Records::new(child.stdout.take().expect("a pipe"), codec);
        let mut diagnostics = Records::new(child.stderr.take().expect("a pipe"), codec);
        assert_eq!(events.one()["user_id"], "a", "{codec:?}");
        assert_eq!(events.one()["browser_name"], "Chrome", "{codec:?}");
        assert_eq!(events.next(), None, "{codec:?}");
        assert_eq!(diagnostics.one()["message"], "decoded", "{codec:?}");
        assert_eq!(child.wait().expect("a status").code(), Some(0));
    }
}

/// Lines that are read together are written in one frame.
#[test]
fn native_frames_hold_many_events() {
    let mut child = command()
        .args(["decode", "--codec", "native"])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::null())
        .spawn()
        .expect("the program starts");
    let text = (payload::start("a") + "\n").repeat(10);
    // A single write of less than PIPE_BUF is read as a whole.
    let stdin = child.stdin.take().expect("a pipe");
    std::io::Write::write_all(&mut &stdin, text.as_bytes()).expect("written");
    drop(stdin);
    let stdout = child.stdout.take().expect("a pipe");
    let frame = Records::new(stdout, Codec::Native).frame();
    assert_eq!(frame.expect("a frame").len(), 10);
    assert_eq!(child.wait().expect("a status").code(), Some(0));
}

#[test]
fn the_blacklist_of_the_configuration_applies() {
    let datagrams = format!(
        "{}\n{}\n",
        payload::start_in("INTERNAL", "sa_engine"),
        payload::start("goran")
    );
    let config = "[transform.blacklist]\nfiles = [\"2.txt\"]\n";
    let (_folder, files) = files(&[&datagrams, config, "INTERNAL\\sa_*\n"]);
    let ended = decode(&["--config", &files[1]], &files[..1]);
    assert_eq!(users(&ended), ["goran"]);
    assert_eq!(counters(&ended)["excluded"], 1);
}

#[test]
fn with_an_invalid_configuration_nothing_is_decoded() {
    let (_folder, files) = files(&[&payload::start("a"), "[source]\nadress = 1\n"]);
    let ended = decode(&["--config", &files[1]], &files[..1]);
    assert_eq!((ended.status, &*ended.stdout), (2, ""));
    assert!(
        ended.stderr.contains(":2: source.adress: "),
        "{}",
        ended.stderr
    );
}
