//! Mistakes in the configuration: they are refused before anything is received, with file, line and key.

mod intent;
mod keys;
mod listing;
mod paths;
mod summary;
mod syntax;
mod values;

use std::fs;

use tempfile::TempDir;

use crate::support::{Finished, finish, record};

/// A folder with a configuration, and with a blacklist that has a mistake in its second line.
fn folder(config: &str) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("config.toml"), config).expect("a file");
    fs::write(folder.path().join("users.txt"), "LAB\\goran\nLAB\\\n").expect("a file");
    folder
}

fn run(folder: &TempDir) -> Finished {
    let file = folder.path().join("config.toml").display().to_string();
    finish(&["run", "--address", "127.0.0.1:0", "--config", &file])
}

fn check(folder: &TempDir) -> Finished {
    finish(&[
        "check",
        &folder.path().join("config.toml").display().to_string(),
    ])
}

/// The messages of a `run` that has ended.
fn messages(ran: &Finished) -> Vec<String> {
    let lines = ran.stderr.split_inclusive('\n');
    let records = lines.map(|line| record(line.as_bytes()));
    let message = |record: serde_json::Value| record["message"].as_str().map(str::to_owned);
    records.filter_map(message).collect()
}

/// Asserts that `run` and `check` both refuse the configuration, with the same single message.
fn refused(config: &str, expected: &str) {
    let folder = folder(config);
    let ran = run(&folder);
    assert_eq!(ran.status, 2, "{config}");
    assert_eq!(ran.stdout, "", "{config}");
    let diagnostic = record(ran.stderr.as_bytes());
    assert_eq!(diagnostic["level"], "error", "{config}");
    let message = diagnostic["message"].as_str().expect("text");
    let start = format!("{}/{expected}", folder.path().display());
    let start = start.replace('/', std::path::MAIN_SEPARATOR_STR);
    let comparable = message.replace('/', std::path::MAIN_SEPARATOR_STR);
    assert!(comparable.starts_with(&start), "{config}\n{message}");

    let checked = check(&folder);
    assert_eq!(checked.status, 2, "{config}");
    assert_eq!(checked.stdout, "", "{config}");
    assert_eq!(checked.stderr.trim_end(), message, "{config}");
}
