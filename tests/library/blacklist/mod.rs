//! The blacklist with real files, through the transform and through the pipeline.

mod entries;
mod excluded;

use std::{fs, path::PathBuf};

use qlik_sense_events::{
    event::Event,
    transform::{Blacklist, BlacklistConfig, blacklist::BlacklistError},
};
use tempfile::TempDir;

use crate::support::pipeline::events;

/// A folder with files of the given contents, and their paths.
fn files(contents: &[&[u8]]) -> (TempDir, Vec<PathBuf>) {
    let folder = tempfile::tempdir().expect("a folder");
    let paths = contents
        .iter()
        .enumerate()
        .map(|(number, content)| {
            let path = folder.path().join(format!("blacklist-{number}.txt"));
            fs::write(&path, content).expect("a file");
            path
        })
        .collect();
    (folder, paths)
}

fn of_files(contents: &[&[u8]]) -> Result<Blacklist, BlacklistError> {
    let (_folder, files) = files(contents);
    let config = BlacklistConfig {
        files,
        ..BlacklistConfig::default()
    };
    config.build()
}

fn of_users(users: &[&str], case_sensitive: bool) -> Blacklist {
    let config = BlacklistConfig {
        users: users.iter().map(|user| user.parse().expect(user)).collect(),
        case_sensitive,
        ..BlacklistConfig::default()
    };
    config.build().expect("a blacklist")
}

fn lists(blacklist: &Blacklist, user: &str) -> bool {
    let (directory, id) = user.split_once('\\').expect("a user");
    blacklist.contains(Some(directory), Some(id))
}

fn event(directory: &str, id: &str) -> Event {
    let datagram = format!("/proxy-session/;n1;Start session;{directory};{id};;/hub;m");
    events(datagram.as_bytes()).remove(0)
}
