//! `plugin.toml`: the manifest and the commented default configuration, compared with the code.

use std::path::Path;

use qlik_sense_events::config::Config;
use toml::{Table, Value};

use crate::support::finish;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/plugin.toml");

fn text() -> String {
    std::fs::read_to_string(FILE).expect("plugin.toml")
}

#[test]
fn check_accepts_it() {
    let checked = finish(&["check", FILE]);
    assert_eq!((checked.status, &*checked.stderr), (0, ""));
    assert!(
        checked.stdout.starts_with(&format!("{FILE}: ok; ")),
        "{}",
        checked.stdout
    );
}

#[test]
fn it_is_the_default_configuration() {
    assert_eq!(Config::parse(&text()), Ok(Config::default()));
}

#[test]
fn its_version_is_that_of_the_program() {
    let table: Table = text().parse().expect("TOML");
    let version = table["plugin"]["version"].as_str();
    assert_eq!(version, Some(env!("CARGO_PKG_VERSION")));
}

/// A release build also reports its commit, if it is known: `qlik-sense-events 0.1.0 (0a0c9b2b1d)`.
#[test]
fn the_program_reports_its_version_and_features() {
    let short = finish(&["-V"]).stdout;
    let (name, version) = short.trim_end().split_once(' ').expect("a version");
    assert_eq!(name, "qlik-sense-events");
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let is_known = [".git", ".cargo_vcs_info.json"].map(|name| root.join(name).exists());
    match version.split_once(" (") {
        Some((version, commit)) => {
            assert_eq!(version, env!("CARGO_PKG_VERSION"));
            let commit = commit.strip_suffix(')').expect("its end");
            assert!(
                commit.bytes().all(|byte| byte.is_ascii_hexdigit()),
                "{short}"
            );
            assert_eq!(commit.len(), 10, "{short}");
        }
        None => {
            assert_eq!(version, env!("CARGO_PKG_VERSION"));
            assert!(
                cfg!(debug_assertions) || !is_known.contains(&true),
                "{short}"
            );
        }
    }

    let long = finish(&["--version"]).stdout;
    let (first, features) = long.split_once("\nfeatures: ").expect("features");
    assert_eq!(first, short.trim_end());
    let features: Vec<&str> = features.trim_end().split(", ").collect();
    assert!(features.contains(&"cli"), "{features:?}");
    assert_eq!(
        features.contains(&"top"),
        cfg!(feature = "top"),
        "{features:?}"
    );
    assert!(!features.contains(&"default"), "{features:?}");
}

/// The full keys of a table, such as `source.address`.
fn keys(table: &Table, prefix: &str, keys: &mut Vec<String>) {
    for (name, value) in table {
        let key = format!("{prefix}{name}");
        match value {
            Value::Table(table) if !table.is_empty() => self::keys(table, &format!("{key}."), keys),
            _ => keys.push(key),
        }
    }
}

/// The keys in the file, and whether a comment explains each of them: directly above it, or, in the manifest, above its
/// table.
fn written(text: &str) -> Vec<(String, bool)> {
    let mut written = Vec::new();
    let (mut table, mut above) = (String::new(), "");
    let mut table_has_comment = false;
    for line in text.lines() {
        if let Some(name) = line.strip_prefix('[') {
            table = name.trim_end_matches(']').to_owned();
            table_has_comment = above.starts_with('#');
        } else if let Some((name, _)) = line.split_once(" = ")
            && !line.starts_with('#')
        {
            let is_manifest = table.split('.').next() == Some("plugin");
            let explained = above.starts_with('#') || is_manifest && table_has_comment;
            written.push((format!("{table}.{name}"), explained));
        }
        above = line;
    }
    written
}

#[test]
fn it_has_every_key_with_a_comment_and_no_other() {
    let defaults = Table::try_from(Config::default()).expect("a table");
    let mut expected = Vec::new();
    keys(&defaults, "", &mut expected);
    assert!(expected.contains(&"source.address".to_owned()));
    expected.sort();

    let mut written = written(&text());
    for (key, explained) in &written {
        assert!(explained, "{key} has no comment above it");
    }
    written.sort();
    let written: Vec<String> = written.into_iter().map(|(key, _)| key).collect();
    assert_eq!(written, expected);
}
