//! Files with secrets that more users can read than necessary.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

use nix::sys::signal::Signal;
use tempfile::TempDir;

use super::stop;
use crate::support::{Running, finish, qrs::Site};

const KEY: &str = "0123456789abcdef0123456789abcdef";

/// A folder with all the files that both configurations name.
fn folder(config: &str) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    Site::new().export(folder.path());
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).expect("a file");
    write("pseudonyms.key", KEY);
    write("config.toml", config);
    folder
}

/// The warnings of `run` about a file, and what `check` writes to standard error.
fn warnings(folder: TempDir, file: &str) -> (Vec<String>, String) {
    let path = folder.path().join("config.toml");
    let checked = finish(&[Path::new("check"), &path]);
    assert_eq!(checked.status, 0, "{}", checked.stderr);
    let config = fs::read_to_string(&path).expect("a file");
    let stopped = stop(Running::configured_in(folder, &config), Signal::SIGTERM);
    assert_eq!(stopped.status, Some(0));
    let warnings = stopped.diagnostics.iter();
    let warnings = warnings
        .filter(|said| said["level"] == "warn")
        .filter_map(|said| said["message"].as_str())
        .filter(|message| message.contains(file));
    (warnings.map(String::from).collect(), checked.stderr)
}

#[test]
fn a_key_that_others_can_read_causes_a_warning() {
    let pseudonyms = "[transform.pseudonymize]\nkey_file = \"pseudonyms.key\"\n";
    let repository = "[transform.app_names.qrs]\nhost = \"127.0.0.1\"\nport = 1\n";
    let rows = [
        (pseudonyms, "pseudonyms.key"),
        (repository, "client_key.pem"),
    ];
    let mut seen = 0;
    for (config, file) in rows {
        for mode in [0o644, 0o640, 0o604, 0o600, 0o400] {
            let folder = folder(config);
            let key = folder.path().join(file);
            fs::set_permissions(key, fs::Permissions::from_mode(mode)).expect("permissions");
            let (warnings, checked) = warnings(folder, file);
            if mode & 0o044 == 0 {
                assert_eq!((warnings, &*checked), (vec![], ""), "{file} {mode:o}");
            } else {
                let [warning] = &*warnings else {
                    panic!("{file} {mode:o}: {warnings:?}");
                };
                assert!(warning.contains(&format!("(mode {mode:04o})")), "{warning}");
                assert!(checked.contains(warning.as_str()), "{checked}");
            }
            seen += 1;
        }
    }
    assert_eq!(seen, 10);
}
