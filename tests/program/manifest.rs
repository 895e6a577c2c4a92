//! `plugin.toml`: the manifest and the commented default configuration, in step with the code.

use qlik_sense_events::config::Config;
use toml::{Table, Value};

use crate::support::finish;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/plugin.toml");

fn text() -> String {
    std::fs::read_to_string(FILE).expect("plugin.toml")
}

#[test]
fn check_finds_it_ok() {
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
fn its_version_is_the_programs() {
    let table: Table = text().parse().expect("TOML");
    let version = table["plugin"]["version"].as_str();
    assert_eq!(version, Some(env!("CARGO_PKG_VERSION")));
    let program = finish(&["--version"]).stdout;
    assert_eq!(
        program.trim_end(),
        concat!("qlik-sense-events ", env!("CARGO_PKG_VERSION"))
    );
}

/// The keys of a table with their tables before them: `source.address`.
fn keys(table: &Table, prefix: &str, keys: &mut Vec<String>) {
    for (name, value) in table {
        let key = format!("{prefix}{name}");
        match value {
            Value::Table(table) if !table.is_empty() => self::keys(table, &format!("{key}."), keys),
            _ => keys.push(key),
        }
    }
}

/// The keys that are written in the file, each with whether a comment explains it: right above it,
/// or, in the manifest, above its table.
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
