//! A blacklist file that changes while the program runs.

use std::{fs, path::Path};

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{Running, finish, payload};

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

fn assert_read_again(program: &mut Running, entries: &str) {
    let diagnostic = program.diagnostics.one();
    let expected = format!("reloaded the blacklist: {entries}");
    assert_eq!(diagnostic["message"], expected);
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
    assert_read_again(&mut program, "1 entry");
    assert_eq!(seen(&mut program), ["maria"]);
    replace(program.folder(), "# maria is on holiday\nlab\\MARIA\n");
    assert_read_again(&mut program, "1 entry");
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
    assert_read_again(&mut program, "1 entry");
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
    assert_read_again(&mut program, "2 entries");
    assert_eq!(seen(&mut program), Vec::<Value>::new());
}

/// `program > users.txt` empties the file first.
#[test]
fn a_file_that_is_being_written_excludes_the_same_users_until_it_has_text() {
    let mut program = program("LAB\\goran\n");
    for empty in ["", "\r\n \n"] {
        replace(program.folder(), empty);
        assert_old_entries_stay(
            &mut program,
            ": the file in `transform.blacklist.files` is empty, as while it is being written; for a list without \
             entries, write a comment into it",
        );
        assert_eq!(seen(&mut program), ["maria"]);
    }
    replace(program.folder(), "LAB\\maria\n");
    assert_read_again(&mut program, "1 entry");
    assert_eq!(seen(&mut program), ["goran"]);
}

#[test]
fn a_list_of_comments_excludes_nobody_and_that_is_a_warning() {
    let mut program = program("LAB\\goran\n");
    replace(program.folder(), "# nobody at present\n");
    let diagnostic = program.diagnostics.one();
    assert_eq!(diagnostic["level"], "warn");
    assert_eq!(
        diagnostic["message"],
        "reloaded the blacklist: no entries, so no events are excluded any more"
    );
    assert_eq!(seen(&mut program), ["goran", "maria"]);
}

#[test]
fn a_list_without_entries_is_a_warning_at_start_and_in_check() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = folder.path().join("config.toml").display().to_string();
    fs::write(&config, CONFIG).expect("a file");
    fs::write(folder.path().join("users.txt"), "").expect("a file");
    let expected = format!(
        "{}: the file in `transform.blacklist.files` has no entries, so it excludes nobody",
        folder.path().join("users.txt").display()
    );
    let checked = finish(&["check", &config]);
    assert_eq!((checked.status, checked.stderr.trim_end()), (0, &*expected));

    let program = Running::start(&["--config", &config]);
    let said = program.warnings.iter();
    let said: Vec<_> = said.map(|it| (&it["level"], &it["message"])).collect();
    assert_eq!(said, [(&"warn".into(), &expected.into())]);
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
    assert_read_again(&mut program, "1 entry");
    assert_eq!(seen(&mut program), ["goran"]);
}
