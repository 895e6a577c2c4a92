//! A blacklist file that changes while the program runs.

use std::{fs, path::Path};

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{Running, payload};

const CONFIG: &str = "[transform.blacklist]\nfiles = [\"users.txt\"]\n";

fn program(users: &str) -> Running {
    let folder: TempDir = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("users.txt"), users).expect("a file");
    Running::configured_in(folder, CONFIG)
}

/// Replaces the file atomically, so that a half-written one is never seen.
fn replace(folder: &Path, users: &str) {
    let new = folder.join("new.txt");
    fs::write(&new, users).expect("a file");
    fs::rename(new, folder.join("users.txt")).expect("replaced");
}

/// Sends sessions of goran and maria, and returns the events that come out.
fn seen(program: &mut Running) -> Vec<Value> {
    program.send(payload::start("goran"));
    program.send(payload::start("maria"));
    let events = program.events_so_far();
    events.into_iter().map(|e| e["user_id"].clone()).collect()
}

fn assert_read_again(program: &mut Running) {
    let diagnostic = program.diagnostics.one();
    assert_eq!(diagnostic["message"], "reloaded the blacklist");
    assert_eq!(diagnostic["level"], "info");
}

fn assert_old_entries_stay(program: &mut Running, reason: &str) {
    let diagnostic = program.diagnostics.one();
    assert_eq!(diagnostic["level"], "error");
    let message = diagnostic["message"].as_str().expect("text");
    let file = program.folder().join("users.txt");
    let expected = format!(
        "cannot reload the blacklist; the previous entries stay in effect: {}{reason}",
        file.display()
    );
    assert!(message.starts_with(&expected), "{message}");
}

#[test]
fn a_changed_file_is_reloaded() {
    let mut program = program("# nobody yet\n");
    assert_eq!(seen(&mut program), ["goran", "maria"]);
    replace(program.folder(), "LAB\\goran\n");
    assert_read_again(&mut program);
    assert_eq!(seen(&mut program), ["maria"]);
    replace(program.folder(), "# maria is on holiday\nlab\\MARIA\n");
    assert_read_again(&mut program);
    assert_eq!(seen(&mut program), ["goran"]);
}

#[test]
fn an_invalid_file_changes_nothing_until_it_is_corrected() {
    let mut program = program("LAB\\goran\n");
    replace(program.folder(), "LAB\\maria\nno separator\n");
    assert_old_entries_stay(
        &mut program,
        ":2: `no separator`: expected DIRECTORY\\user_id",
    );
    assert_eq!(seen(&mut program), ["maria"]);
    replace(program.folder(), "LAB\\maria\n");
    assert_read_again(&mut program);
    assert_eq!(seen(&mut program), ["goran"]);
}

#[test]
fn a_removed_file_changes_nothing_until_it_is_back() {
    let mut program = program("LAB\\goran\n");
    fs::remove_file(program.folder().join("users.txt")).expect("removed");
    assert_old_entries_stay(
        &mut program,
        ": cannot read the file in `transform.blacklist.files`: ",
    );
    assert_eq!(seen(&mut program), ["maria"]);
    replace(program.folder(), "LAB\\goran\nLAB\\maria\n");
    assert_read_again(&mut program);
    assert_eq!(seen(&mut program), Vec::<Value>::new());
}

/// Programs on Windows can lock others out of a file that they have open. Nothing about the file changes when they
/// close it.
#[cfg(windows)]
#[test]
fn a_locked_file_is_read_when_it_is_released() {
    use std::{io::Write, os::windows::fs::OpenOptionsExt};

    let mut program = program("LAB\\goran\n");
    let mut held = fs::OpenOptions::new()
        .write(true)
        .truncate(true)
        .share_mode(0)
        .open(program.folder().join("users.txt"))
        .expect("held");
    held.write_all(b"LAB\\maria\n").expect("written");
    assert_old_entries_stay(
        &mut program,
        ": cannot read the file in `transform.blacklist.files`: ",
    );
    assert_eq!(seen(&mut program), ["maria"]);
    drop(held);
    assert_read_again(&mut program);
    assert_eq!(seen(&mut program), ["goran"]);
}
