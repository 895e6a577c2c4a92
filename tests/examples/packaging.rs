//! The contents of packages and archives: each list agrees with the existing files. `packaging/dist` creates them.

use std::{
    collections::BTreeSet,
    fs,
    path::{Component, Path, PathBuf},
    process::Command,
};

use serde_json::Value;

/// The files that `packaging/dist` adds to those of the repository before it calls nfpm.
const BUILT: [&str; 9] = [
    "bin/qlik-sense-events",
    "completions/_qlik-sense-events",
    "completions/qlik-sense-events.bash",
    "completions/qlik-sense-events.fish",
    "debian/changelog.Debian.gz",
    "debian/copyright",
    "doc",
    "lib/libqlik_sense_events.so",
    "man",
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(file: impl AsRef<Path>) -> String {
    let file = root().join(file);
    fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

fn nfpm() -> Value {
    yaml_serde::from_str(&read("packaging/nfpm.yaml")).expect("YAML")
}

#[test]
fn everything_that_the_packages_install_exists_or_is_built() {
    let nfpm = nfpm();
    let mut built = BTreeSet::new();
    let contents = nfpm["contents"].as_array().expect("a list");
    let scripts = nfpm["scripts"].as_object().expect("scripts").values();
    // The packages create folders.
    let files = contents.iter().filter(|file| file["type"] != "dir");
    for source in files.map(|file| &file["src"]).chain(scripts) {
        let source = source.as_str().expect("a path");
        match source.strip_prefix("packaging/") {
            // This file is at the top of the repository, from where dist copies it.
            Some("plugin.toml") => assert!(root().join("plugin.toml").is_file()),
            Some(_) => assert!(root().join(source).is_file(), "{source}"),
            None => {
                built.insert(source);
            }
        }
    }
    assert_eq!(built, BUILT.into());
}

#[test]
fn only_the_configuration_is_below_etc_and_it_is_kept() {
    let nfpm = nfpm();
    let contents = nfpm["contents"].as_array().expect("a list");
    let below_etc: Vec<&Value> = contents
        .iter()
        .filter(|file| file["dst"].as_str().expect("a path").starts_with("/etc/"))
        .filter(|file| file["type"] != "dir")
        .collect();
    let [configuration] = below_etc[..] else {
        panic!("{below_etc:?}")
    };
    assert_eq!(configuration["type"], "config|noreplace");
    let unit = read("packaging/systemd/qlik-sense-events.service");
    let path = configuration["dst"].as_str().expect("a path");
    assert!(unit.contains(&format!("--config {path}\n")), "{path}");
}

/// The paths of Markdown links to files, without anchors.
fn links(text: &str) -> impl Iterator<Item = &str> {
    text.split("](").skip(1).filter_map(|rest| {
        let link = rest.split([')', '#']).next()?;
        (!link.is_empty() && !link.contains("://")).then_some(link)
    })
}

/// Resolves `..`.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => assert!(plain.pop(), "{}", path.display()),
            part => plain.push(part),
        }
    }
    plain
}

#[test]
fn archives_contain_what_their_documents_link_to() {
    let list = read("packaging/documents");
    let mut documents: Vec<PathBuf> = Vec::new();
    for path in list.lines() {
        let at = root().join(path);
        assert!(at.exists(), "{path}");
        if at.is_dir() {
            let entries = fs::read_dir(&at).expect("a folder");
            documents.extend(entries.map(|entry| entry.expect("an entry").path()));
        } else {
            documents.push(at);
        }
    }
    let mut seen = 0;
    documents.retain(|path| path.extension().is_some_and(|found| found == "md"));
    for document in &documents {
        let document = document.strip_prefix(root()).expect("a path");
        let folder = document.parent().expect("a folder");
        for link in links(&read(document)) {
            let link = plain(&folder.join(link));
            let is_held = list.lines().any(|path| link.starts_with(path));
            assert!(is_held, "{}: {}", document.display(), link.display());
            seen += 1;
        }
    }
    assert!(seen > 50, "{seen} links");
}

#[test]
fn file_names_in_the_documents_have_this_version() {
    let mut seen = 0;
    for file in [
        "docs/install.md",
        "docs/windows.md",
        "examples/kubernetes/vector.yaml",
    ] {
        let text = read(file);
        for (place, name) in text.match_indices("qlik-sense-events") {
            let rest = &text[place + name.len()..];
            let version = rest.strip_prefix(['-', '_', ':']).unwrap_or_default();
            if version.starts_with(|c: char| c.is_ascii_digit()) {
                assert!(
                    version.starts_with(env!("CARGO_PKG_VERSION")),
                    "{file}: {version:.20}"
                );
                seen += 1;
            }
        }
    }
    assert!(seen > 3, "{seen} names");
}

#[test]
fn the_changelog_has_this_version() {
    let heading = concat!("\n## [", env!("CARGO_PKG_VERSION"), "] - 2");
    assert!(read("CHANGELOG.md").contains(heading), "{heading}");
}

/// crates.io shows this page outside of the repository.
#[test]
fn the_page_of_the_crate_links_to_no_file_and_names_every_feature() {
    let page = read("packaging/crates-io.md");
    assert_eq!(links(&page).next(), None);
    let manifest: toml::Table = read("Cargo.toml").parse().expect("TOML");
    assert_eq!(
        manifest["package"]["readme"].as_str(),
        Some("packaging/crates-io.md")
    );
    let version = env!("CARGO_PKG_VERSION").rsplit_once('.').expect("three").0;
    assert!(page.contains(&format!("version = \"{version}\"")));
    let features = manifest["features"].as_table().expect("features");
    let features: BTreeSet<&str> = features.keys().map(String::as_str).collect();
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `"));
    let mut named: BTreeSet<&str> = rows.filter_map(|row| row.split('`').next()).collect();
    named.insert("default");
    assert_eq!(named, features);
}

#[test]
#[cfg_attr(windows, ignore = "needs cargo, which Wine does not have")]
fn the_crate_contains_what_is_built_and_read() {
    let output = Command::new(env!("CARGO"))
        .args(["package", "--list", "--allow-dirty", "--offline"])
        .current_dir(root())
        .output()
        .expect("cargo");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let listed = String::from_utf8(output.stdout).expect("text");
    // On Windows, cargo lists paths with backslashes.
    let listed = listed.replace('\\', "/");
    let top: BTreeSet<&str> = listed
        .lines()
        .filter_map(|path| path.split('/').next())
        .filter(|name| *name != ".cargo_vcs_info.json")
        .collect();
    let expected = [
        "CHANGELOG.md",
        "Cargo.lock",
        "Cargo.toml",
        "Cargo.toml.orig",
        "LICENSE",
        "README.md",
        "build.rs",
        "docs",
        "examples",
        "packaging",
        "plugin.toml",
        "src",
    ];
    assert_eq!(top, expected.into());
    let dashboards = listed.lines().filter(|path| path.contains("grafana/"));
    assert_eq!(dashboards.count(), 5);
}
