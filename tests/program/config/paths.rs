//! Paths in the configuration, and the files and sockets to which they lead.

use std::fs;

use tempfile::TempDir;

use super::{check, folder, messages, refused, run};
use crate::support::{Running, end, payload, record};

#[test]
fn a_path_that_two_options_have_is_refused() {
    for (config, expected) in [
        (
            "[transform.blacklist]\nfiles = ['users.txt']\n[transform.sessions]\nstate_file = 'users.txt'\n",
            "config.toml:4: transform.sessions.state_file = 'users.txt': expected a path of its own; \
             `transform.blacklist.files[0]` is the same",
        ),
        #[cfg(unix)]
        (
            "[output]\nunix_stream = 'a.sock'\nlocal_socket = 'a.sock'\n",
            "config.toml:3: output.local_socket = 'a.sock': expected a path of its own; `output.unix_stream` is the same",
        ),
    ] {
        let folder = folder(config);
        let checked = check(&folder);
        assert_eq!(checked.status, 2, "{config}");
        assert!(checked.stderr.contains(expected), "{}", checked.stderr);
        assert_eq!(run(&folder).status, 2, "{config}");
    }
}

#[cfg(unix)]
#[test]
fn a_path_that_is_too_long_for_a_socket_is_refused_with_its_length() {
    let folder = tempfile::tempdir().expect("a folder");
    let name = "a".repeat(150);
    for (option, most) in [("unix_stream", 107), ("local_socket", 99)] {
        let most = if cfg!(target_os = "linux") {
            most
        } else {
            most - 4
        };
        let config = format!("[output]\n{option} = '{name}'\n");
        fs::write(folder.path().join("config.toml"), config).expect("a file");
        let path = folder.path().join(&name);
        let expected = format!(
            "expected a path of at most {most} bytes, the limit of the system for sockets; {} has {}",
            path.display(),
            path.as_os_str().len()
        );
        let checked = check(&folder);
        assert_eq!(checked.status, 2);
        assert!(
            checked
                .stderr
                .contains(&format!("config.toml:2: output.{option} = "))
        );
        assert!(checked.stderr.contains(&expected), "{}", checked.stderr);
        assert_eq!(run(&folder).status, 2);
    }
}

/// A service manager may create a missing folder at start, so this is only a warning.
#[test]
fn an_unusable_path_for_the_state_is_reported() {
    let config = "[transform.sessions]\nenabled = true\nstate_file = 'none/sessions.ndjson'\n";
    let missing = folder(config);
    let checked = check(&missing);
    assert_eq!(checked.status, 0);
    let expected = format!(
        "config.toml:3: transform.sessions.state_file = 'none/sessions.ndjson': the folder {} does not exist",
        missing.path().join("none").display()
    );
    assert!(checked.stderr.contains(&expected), "{}", checked.stderr);

    let occupied = folder("[transform.sessions]\nenabled = true\nstate_file = 'sessions'\n");
    fs::create_dir(occupied.path().join("sessions")).expect("a folder");
    let checked = check(&occupied);
    assert_eq!(checked.status, 2);
    let expected = "config.toml:3: transform.sessions.state_file = 'sessions': expected a file there or nothing";
    assert!(checked.stderr.contains(expected), "{}", checked.stderr);
}

#[cfg(unix)]
#[test]
fn links_to_no_usable_place_for_the_state_are_reported() {
    use std::os::unix::fs::symlink;

    let config = "[transform.sessions]\nenabled = true\nstate_file = 'sessions'\n";
    let head = "config.toml:3: transform.sessions.state_file = 'sessions': ";
    for (target, status, expected) in [
        ("none/sessions.ndjson", 0, "the folder "),
        ("sessions", 2, "too many levels of symbolic links"),
    ] {
        let folder = folder(config);
        symlink(target, folder.path().join("sessions")).expect("a link");
        let checked = check(&folder);
        assert_eq!(checked.status, status, "{target}");
        let expected = format!("{head}{expected}");
        assert!(checked.stderr.contains(&expected), "{}", checked.stderr);
    }
}

/// The path may be that of Vector's own configuration, for example.
#[cfg(unix)]
#[test]
fn a_file_in_the_place_of_a_socket_is_reported() {
    for option in ["unix_stream", "local_socket"] {
        let folder = folder(&format!("[output]\n{option} = 'users.txt'\n"));
        let checked = check(&folder);
        assert_eq!(checked.status, 2, "{option}");
        let expected = format!(
            "config.toml:2: output.{option} = 'users.txt': expected a socket there or nothing"
        );
        assert!(checked.stderr.contains(&expected), "{}", checked.stderr);
    }
    let ran = run(&folder("[output]\nunix_stream = 'users.txt'\n"));
    assert_eq!(ran.status, 1);
    let [message] = &messages(&ran)[..] else {
        panic!("{}", ran.stderr)
    };
    assert!(
        message.contains("this is not a socket; expected the `path` of Vector's source"),
        "{message}"
    );
}

#[test]
fn an_invalid_blacklist_file_is_refused() {
    refused(
        "[transform.blacklist]\nfiles = [\"users.txt\"]\n",
        "users.txt:2: `LAB\\`: the user id is empty",
    );
}

/// Asserts that `run` and `check` both refuse the configuration with the same messages, which have these parts in their
/// order.
fn refused_with(folder: &TempDir, expected: &[&str]) {
    let (ran, checked) = (run(folder), check(folder));
    assert_eq!((ran.status, checked.status), (2, 2));
    let said: Vec<String> = messages(&ran);
    assert_eq!(said, checked.stderr.lines().collect::<Vec<_>>());
    assert_eq!(said.len(), expected.len(), "{said:#?}");
    for (message, expected) in said.iter().zip(expected) {
        assert!(message.contains(expected), "{message}\n{expected}");
    }
}

#[test]
fn every_file_that_is_missing_is_named_with_its_line() {
    let folder = folder(
        "[transform.blacklist]\nfiles = [\n  'first.txt',\n  'second.txt',\n]\n\
         [transform.app_names]\nfiles = ['apps.csv', '.']\n\
         [transform.pseudonymize]\nkey_file = 'key'\n",
    );
    let absent = |name: &str| folder.path().join(name).display().to_string();
    let [first, second] = ["first.txt", "second.txt"].map(absent);
    refused_with(
        &folder,
        &[
            &format!(
                "config.toml:3: transform.blacklist.files[0] = 'first.txt': cannot read {first}: "
            ),
            &format!(
                "config.toml:4: transform.blacklist.files[1] = 'second.txt': cannot read {second}: "
            ),
            "config.toml:7: transform.app_names.files[0] = 'apps.csv': cannot read ",
            "config.toml:7: transform.app_names.files[1] = '.': cannot read ",
            // The value may be the key itself.
            "config.toml:9: transform.pseudonymize.key_file: cannot read the key for pseudonyms: ",
        ],
    );
}

/// As a shell would expand them.
#[test]
fn patterns_in_paths_are_explained() {
    let folder =
        folder("[transform.blacklist]\nfiles = ['*.txt', '~/users.txt', '$HOME/users.txt']\n");
    let expected = "; patterns, `~` and variables are not expanded in paths";
    refused_with(&folder, &[expected; 3]);
}

/// Windows PowerShell's older commands can save a file like this, and it is UTF-8 with a zero in every other byte.
#[test]
fn a_list_in_utf_16_without_a_mark_is_refused_as_that() {
    let folder = folder(
        "[transform.blacklist]\nfiles = ['users.txt']\n[transform.app_names]\nfiles = ['apps.csv']\n",
    );
    for (name, text) in [
        ("users.txt", "LAB\\goran\n"),
        (
            "apps.csv",
            "id,name\na421f4a2-c311-4ef4-ba41-fe2e6a2b0d69,Sales\n",
        ),
    ] {
        let bytes: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        fs::write(folder.path().join(name), bytes).expect("a file");
    }
    refused_with(
        &folder,
        &[
            "users.txt:1: the file in `transform.blacklist.files` is not UTF-8 text; save it as UTF-8",
            "apps.csv:1: this is not UTF-8 text; save the list as UTF-8",
        ],
    );
}

/// Beside the mistake, `check` warns of a folder that is missing.
#[test]
fn a_mistake_hides_no_missing_folder() {
    let folder = folder(
        "[transform.blacklist]\nfiles = ['absent.txt']\n\
         [transform.sessions]\nenabled = true\nstate_file = 'none/sessions.ndjson'\n",
    );
    let checked = check(&folder);
    let [file, state] = &checked.stderr.lines().collect::<Vec<_>>()[..] else {
        panic!("{}", checked.stderr)
    };
    assert_eq!(checked.status, 2);
    assert!(
        file.contains("config.toml:2: transform.blacklist.files[0]"),
        "{file}"
    );
    assert!(
        state.contains("config.toml:5: transform.sessions.state_file"),
        "{state}"
    );
}

/// A default is named too: the certificates of the repository have one. A file that several services use is named
/// once.
#[cfg(feature = "qrs")]
#[test]
fn every_certificate_and_key_that_is_missing_is_named_with_its_line() {
    let folder = folder(
        "[transform.app_names.qrs]\nhost = 'qs.example'\nkey_file = 'own.pem'\n\
         [engine_health]\nnodes = [{ host = 'qs.example' }]\ncertificate_file = 'engine.pem'\n",
    );
    refused_with(
        &folder,
        &[
            "config.toml:3: transform.app_names.qrs.key_file = 'own.pem': cannot read ",
            "config.toml:6: engine_health.certificate_file = 'engine.pem': cannot read ",
            "config.toml: transform.app_names.qrs.certificate_file: cannot read ",
            "config.toml: transform.app_names.qrs.root_file: cannot read ",
        ],
    );
}

#[cfg(feature = "qrs")]
#[test]
fn a_certificate_of_the_repository_that_only_engines_need_is_named_with_the_reason() {
    let checked = check(&folder(
        "[engine_health]\nnodes = [{ host = 'qs.example', node = 'n1' }]\n",
    ));
    assert_eq!(checked.status, 2);
    let reason = "use this file where they name none of their own";
    let lines = checked.stderr.lines();
    for (line, option) in lines.zip(["certificate_file", "key_file", "root_file"]) {
        let head = format!("config.toml: transform.app_names.qrs.{option}: cannot read ");
        assert!(line.contains(&head) && line.ends_with(reason), "{line}");
    }
    assert_eq!(checked.stderr.lines().count(), 3);
}

#[test]
fn a_missing_configuration_file_is_reported() {
    let folder = tempfile::tempdir().expect("a folder");
    let ran = run(&folder);
    assert_eq!(ran.status, 2);
    let message = record(ran.stderr.as_bytes())["message"].to_string();
    assert!(message.contains("config.toml: cannot read the configuration file: "));
    assert_eq!(check(&folder).status, 2);
}

/// On Windows the paths have drives and backslashes, and the configuration is in another folder.
#[test]
fn every_option_accepts_an_absolute_path() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    for (name, text) in [
        ("users.txt", "LAB\\maria\n"),
        (
            "apps.csv",
            "id,name\na421f4a2-c311-4ef4-ba41-fe2e6a2b0d69,Sales\n",
        ),
        ("pseudonyms.key", "0123456789abcdef0123456789abcdef"),
    ] {
        fs::write(path(name), text).expect("a file");
    }
    let config = format!(
        "[transform.blacklist]\nfiles = ['{}']\n[transform.app_names]\nfiles = ['{}']\n\
         [transform.pseudonymize]\nkey_file = '{}'\n\
         [transform.sessions]\nenabled = true\nstate_file = '{}'\n",
        path("users.txt").display(),
        path("apps.csv").display().to_string().replace('\\', "/"),
        path("pseudonyms.key").display(),
        path("sessions.ndjson").display(),
    );
    let mut program = Running::configured(&config);
    program.send(payload::start("maria"));
    let event = program.event_of(payload::OPEN);
    assert_eq!(event["app_name"], "Sales");
    assert_ne!(event["user_id"], "goran");
    assert_eq!(end(program).status, Some(0));
    assert!(path("sessions.ndjson").exists());
}
