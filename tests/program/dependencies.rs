//! What the crate is built from: licences, origins, and one crate for one purpose.
//!
//! Known vulnerabilities are not checked here: the database of advisories is not in the registry, so a test that only
//! needs a toolchain cannot read it. `cargo audit` and `cargo deny` check them.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    process::Command,
};

use serde_json::Value;

/// Licences that only require attribution.
const PERMISSIVE: [&str; 12] = [
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "ISC",
    "MIT",
    "MIT-0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// Crates with another licence, and the feature that includes them.
const OTHERS: [(&str, &str, &str); 1] = [("vrl", "MPL-2.0", "vrl")];

/// Crates with the same purpose; the program should need at most one of each group.
const ALIKE: [&[&str]; 10] = [
    &["chrono", "time", "jiff"],
    &["serde_json", "simd-json", "sonic-rs", "json"],
    &["toml", "toml_edit", "basic-toml"],
    &["regex", "regex-lite", "fancy-regex", "pcre2"],
    &["foldhash", "ahash", "fxhash", "rustc-hash"],
    &["quick_cache", "lru", "moka", "cached"],
    &["nom", "winnow", "chumsky", "pest"],
    &["clap", "argh", "pico-args", "lexopt"],
    &["anyhow", "eyre", "snafu"],
    &["prost", "protobuf", "quick-protobuf"],
];

/// Crates that cargo's metadata lists for a feature of a dependency that is disabled: the calendar of ratatui. `cargo
/// tree` shows that they are not built.
const NOT_BUILT: [&str; 1] = ["time"];

fn metadata(flags: &[&str]) -> Value {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--locked", "--format-version", "1"])
        .args(flags)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    serde_json::from_slice(&output.stdout).expect("JSON")
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_default()
}

fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value[name].as_array().expect("a list")
}

/// The names of the packages in the default program on this platform, by package id, without those for build scripts
/// and tests.
fn of_the_program() -> BTreeMap<String, String> {
    let host = Command::new("rustc").arg("-vV").output().expect("rustc");
    let host = String::from_utf8(host.stdout).expect("text");
    let host = host.lines().find_map(|line| line.strip_prefix("host: "));
    let metadata = metadata(&["--filter-platform", host.expect("a host")]);
    let names: BTreeMap<&str, &str> = list(&metadata, "packages")
        .iter()
        .map(|package| (text(package, "id"), text(package, "name")))
        .collect();
    let nodes: BTreeMap<&str, &Value> = list(&metadata["resolve"], "nodes")
        .iter()
        .map(|node| (text(node, "id"), node))
        .collect();
    let mut open = vec![text(&metadata["resolve"], "root")];
    let mut seen = BTreeMap::new();
    while let Some(id) = open.pop() {
        if seen.insert(id.to_owned(), names[id].to_owned()).is_some() {
            continue;
        }
        for dependency in list(nodes[id], "deps") {
            let is_normal = |kind: &Value| kind["kind"].is_null();
            if list(dependency, "dep_kinds").iter().any(is_normal) {
                open.push(text(dependency, "pkg"));
            }
        }
    }
    seen
}

/// Whether permissive licences are enough to satisfy an SPDX expression. `/` is an old `OR`.
fn is_permissive(expression: &str) -> bool {
    let expression = expression.replace('/', " OR ");
    // The expressions in use have at most one pair of parentheses, around alternatives.
    expression.split(" AND ").all(|part| {
        part.trim_matches(['(', ')'])
            .split(" OR ")
            .any(|licence| PERMISSIVE.contains(&licence.trim()))
    })
}

#[test]
fn expressions_are_understood() {
    for (expression, expected) in [
        ("MIT", true),
        ("MIT/Apache-2.0", true),
        ("MIT OR GPL-3.0-only", true),
        ("MIT AND GPL-3.0-only", false),
        ("(MIT OR Apache-2.0) AND Unicode-3.0", true),
        ("(MIT OR Apache-2.0) AND MPL-2.0", false),
        ("MPL-2.0", false),
        ("", false),
    ] {
        assert_eq!(is_permissive(expression), expected, "{expression}");
    }
}

#[test]
#[cfg_attr(windows, ignore = "needs cargo and rustc, which Wine does not have")]
fn every_licence_is_permissive() {
    let metadata = metadata(&["--all-features"]);
    let mut others = BTreeSet::new();
    for package in list(&metadata, "packages") {
        let (name, licence) = (text(package, "name"), text(package, "license"));
        if !is_permissive(licence) {
            others.insert((name, licence));
        }
    }
    let expected = OTHERS.map(|(name, licence, _)| (name, licence));
    assert_eq!(others, expected.into());
    let own = of_the_program();
    for (name, _, feature) in OTHERS {
        assert!(
            own.values().all(|own| own != name),
            "{name} is not in the program"
        );
        let root = list(&metadata, "packages")
            .iter()
            .find(|package| text(package, "name") == env!("CARGO_PKG_NAME"))
            .expect("this package");
        assert_eq!(
            root["features"][feature],
            serde_json::json!([format!("dep:{name}")])
        );
    }
}

/// Nothing comes from a repository or another registry, neither here nor in the dependencies of the fuzz targets.
#[test]
fn every_crate_is_from_crates_io() {
    for lock in ["Cargo.lock", "fuzz/Cargo.lock"] {
        let lock = Path::new(env!("CARGO_MANIFEST_DIR")).join(lock);
        // The package on crates.io does not contain the fuzz targets.
        let Ok(text) = std::fs::read_to_string(&lock) else {
            continue;
        };
        let sources: BTreeSet<&str> = text
            .lines()
            .filter_map(|line| line.strip_prefix("source = "))
            .collect();
        let only = "\"registry+https://github.com/rust-lang/crates.io-index\"";
        assert_eq!(sources, [only].into(), "{}", lock.display());
        let packages = text.matches("[[package]]").count();
        let checksums = text.matches("\nchecksum = ").count();
        assert!(packages - checksums <= 2, "every crate has a checksum");
    }
}

/// Crates that are needed in two versions are counted, so that their number does not grow unnoticed.
#[test]
#[cfg_attr(windows, ignore = "needs cargo and rustc, which Wine does not have")]
fn there_is_one_crate_for_each_purpose() {
    let own = of_the_program();
    let names: BTreeSet<&str> = own.values().map(String::as_str).collect();
    for alike in ALIKE {
        let is_built = |name: &&&str| names.contains(**name) && !NOT_BUILT.contains(*name);
        let found: Vec<_> = alike.iter().filter(is_built).collect();
        // toml is built on winnow, while the grammars of payloads use nom. ratatui keeps its layouts in lru.
        let expected = if alike.contains(&"nom") || alike.contains(&"lru") {
            2
        } else {
            1
        };
        assert!(found.len() <= expected, "{found:?}");
    }
    let twice = own.len() - names.len();
    // One of them is syn, which is not part of the program: the macros of ratatui still need version 2.
    assert!(twice <= 2, "{twice} crates in two versions: {names:?}");
}
