//! Names of apps from files that change while the program runs.

use std::{fs, path::Path};

use serde_json::{Value, json};

use crate::support::{Running, finish, finish_with_input, payload, record};

const SALES: &str = "a421f4a2-c311-4ef4-ba41-fe2e6a2b0d69";
/// Names go to all workers, of which there is only one on other systems.
const CONFIG: &str = if cfg!(target_os = "linux") {
    "[source]\nworkers = 2\n[transform.app_names]\nfiles = [\"apps.csv\"]\n"
} else {
    "[transform.app_names]\nfiles = [\"apps.csv\"]\n"
};

fn program(apps: &str) -> Running {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("apps.csv"), apps).expect("a file");
    Running::configured_in(folder, CONFIG)
}

/// Replaces the file atomically, so that a half-written one is never seen.
fn replace(folder: &Path, apps: &str) {
    let new = folder.join("new.csv");
    fs::write(&new, apps).expect("a file");
    fs::rename(new, folder.join("apps.csv")).expect("replaced");
}

fn app_name(program: &mut Running) -> Value {
    program.event_of(payload::OPEN)["app_name"].clone()
}

#[test]
fn a_changed_file_is_reloaded() {
    let mut program = program(&format!("id,name\n{SALES},Sales\n"));
    assert_eq!(app_name(&mut program), "Sales");
    let list = json!([{"id": SALES, "name": "Verkauf"}]).to_string();
    replace(program.folder(), &list);
    let diagnostic = program.diagnostics.one();
    assert_eq!(diagnostic["level"], "info");
    let expected = "reloaded the files of app names: 1 app";
    assert_eq!(diagnostic["message"], expected);
    assert_eq!(app_name(&mut program), "Verkauf");
}

#[test]
fn an_invalid_file_changes_nothing_until_it_is_corrected() {
    let mut program = program(&format!("{SALES},Sales\n"));
    for (bad, reason) in [
        (
            "id,name\nsales,Sales\n",
            ":2: expected an app's id such as ",
        ),
        ("", ":1: the list has no apps"),
    ] {
        replace(program.folder(), bad);
        let diagnostic = program.diagnostics.one();
        assert_eq!(diagnostic["level"], "error");
        let file = program.folder().join("apps.csv");
        let expected = format!(
            "cannot reload the files of app names; the previous names stay in use: {}{reason}",
            file.display()
        );
        let message = diagnostic["message"].as_str().expect("text");
        assert!(message.starts_with(&expected), "{message}");
        assert_eq!(app_name(&mut program), "Sales");
    }
    replace(program.folder(), &format!("{SALES},Verkauf\n"));
    assert_eq!(program.diagnostics.one()["level"], "info");
    assert_eq!(app_name(&mut program), "Verkauf");
}

#[test]
fn an_invalid_file_is_refused_at_start() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = folder.path().join("config.toml").display().to_string();
    fs::write(&config, CONFIG).expect("a file");
    let file = folder.path().join("apps.csv");
    for (apps, expected) in [
        (
            None,
            ": transform.app_names.files[0] = \"apps.csv\": cannot read ".to_owned(),
        ),
        (
            Some("id,name\n\nsales,Sales\n"),
            format!("{}:3: expected an app's id such as ", file.display()),
        ),
    ] {
        if let Some(apps) = apps {
            fs::write(&file, apps).expect("a file");
        }
        let ran = finish(&["run", "--address", "127.0.0.1:0", "--config", &config]);
        assert_eq!((ran.status, &*ran.stdout), (2, ""));
        let said = record(ran.stderr.as_bytes());
        let message = said["message"].as_str().expect("text");
        assert!(message.contains(&expected), "{message}");
        let checked = finish(&["check", &config]);
        assert_eq!((checked.status, &*checked.stdout), (2, ""));
        assert!(checked.stderr.contains(&expected), "{}", checked.stderr);
    }
    fs::write(&file, format!("{SALES},Sales\n")).expect("a file");
    let checked = finish(&["check", &config]);
    assert_eq!((checked.status, &*checked.stderr), (0, ""));
    assert!(
        checked.stdout.contains(", 1 app name, "),
        "{}",
        checked.stdout
    );
}

#[test]
fn decode_adds_app_names_too() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = folder.path().join("config.toml").display().to_string();
    fs::write(&config, CONFIG).expect("a file");
    fs::write(folder.path().join("apps.csv"), format!("{SALES},Sales\n")).expect("a file");
    let decoded = finish_with_input(&["decode", "--config", &config], payload::OPEN);
    assert_eq!(decoded.status, 0);
    assert_eq!(decoded.records()[0]["app_name"], "Sales");
}
