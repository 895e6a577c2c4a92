//! The golden datagrams, `tests/golden/NAME.bin`, with the expected events, `NAME.json`.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;

pub struct Golden {
    pub name: String,
    pub datagram: Vec<u8>,
    pub expected: Vec<Value>,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

/// Every datagram in the folder, with the expected events.
///
/// Panics if either file of a pair is missing, so that none is skipped silently.
pub fn golden() -> Vec<Golden> {
    let mut datagrams = BTreeSet::new();
    let mut expectations = BTreeSet::new();
    for entry in fs::read_dir(folder()).expect("tests/golden") {
        let path = entry.expect("an entry").path();
        let name = path.file_stem().and_then(|name| name.to_str());
        let name = name.expect("a name").to_owned();
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("bin") => assert!(datagrams.insert(name)),
            Some("json") => assert!(expectations.insert(name)),
            _ => assert_eq!(name, ".gitattributes", "an unexpected file"),
        }
    }
    assert_eq!(datagrams, expectations, "files without a partner");
    assert!(!datagrams.is_empty(), "no file");
    datagrams.into_iter().map(read).collect()
}

fn read(name: String) -> Golden {
    let bytes = |extension: &str| {
        let path = folder().join(format!("{name}.{extension}"));
        fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    };
    let expected = serde_json::from_slice(&bytes("json"))
        .unwrap_or_else(|error| panic!("{name}.json: {error}"));
    Golden {
        datagram: bytes("bin"),
        expected,
        name,
    }
}
