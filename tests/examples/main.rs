//! Every example is run or read by the program that it is for, and the documentation agrees with the program.
//!
//! Each test counts the files that it has seen. So a file that is added without a test is noticed, and so is one that a
//! test no longer finds.

// These tests end the program with a signal.
#[cfg(unix)]
mod dashboards;
mod documentation;
mod options;
mod packaging;
mod qlik;
mod rust;
mod vector;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use qlik_sense_events::{config::Config, event::Event, schema::Schema};
use serde_json::Value;

pub const PROGRAM: &str = env!("CARGO_BIN_EXE_qlik-sense-events");

pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

pub fn read(file: &Path) -> String {
    fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

/// The files of a folder with an extension, by name.
pub fn files(folder: &str, extension: &str) -> BTreeMap<String, PathBuf> {
    fs::read_dir(root().join(folder))
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|found| found == extension))
        .map(|path| {
            let name = path.file_stem().expect("a name").to_string_lossy();
            (name.into_owned(), path)
        })
        .collect()
}

pub fn names(files: &BTreeMap<String, PathBuf>) -> Vec<&str> {
    files.keys().map(String::as_str).collect()
}

pub fn field(event: &Event, name: &str) -> Value {
    serde_json::to_value(Schema::Default.view(event)).expect("an event")[name].clone()
}

#[test]
fn every_configuration_is_accepted() {
    let configurations = files("examples", "toml");
    assert_eq!(names(&configurations), ["blacklist"]);
    for file in configurations.values() {
        let config = Config::load(file).expect("a configuration");
        config.pipeline().build().expect("a pipeline");
        let checked = Command::new(PROGRAM).arg("check").arg(file).output();
        assert!(checked.expect("the program").status.success());
    }
}
