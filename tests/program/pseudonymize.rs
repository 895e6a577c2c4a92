//! The key for pseudonyms: where it comes from, and which keys are refused.

use std::fs;

use crate::support::{Codec, Running, command, finish, payload};

const KEY: &str = "0123456789abcdef0123456789abcdef";

/// The token of the user of [`payload::OPEN`].
fn token(program: &mut Running) -> String {
    let event = program.event_of(payload::OPEN);
    assert!(!event.to_string().contains("goran"), "{event}");
    assert_eq!(event["browser_name"], "Chrome");
    assert_eq!(event["app_id"], "a421f4a2-c311-4ef4-ba41-fe2e6a2b0d69");
    event["user_id"].as_str().expect("a token").to_owned()
}

#[test]
fn a_file_and_the_environment_give_the_same_tokens() {
    let folder = tempfile::tempdir().expect("a folder");
    let key_file = |text: &str| fs::write(folder.path().join("key"), text).expect("a file");
    let config = folder.path().join("config.toml");
    let mut tokens = Vec::new();
    for key in [KEY.to_owned(), format!("{KEY}\n"), format!("{KEY}\r\n")] {
        key_file(&key);
        fs::write(&config, "[transform.pseudonymize]\nkey_file = \"key\"\n").expect("a file");
        let mut command = command();
        command
            .args(["run", "--address", "127.0.0.1:0", "--config"])
            .arg(&config);
        tokens.push(token(&mut Running::of(command, Codec::Json, 1)));
    }
    fs::write(&config, "[transform.pseudonymize]\nkey_env = \"QSE_KEY\"\n").expect("a file");
    let mut command = command();
    command
        .args(["run", "--address", "127.0.0.1:0", "--config"])
        .arg(&config)
        .env("QSE_KEY", KEY);
    tokens.push(token(&mut Running::of(command, Codec::Json, 1)));
    assert_eq!(tokens, vec![tokens[0].clone(); 4]);
}

#[test]
fn an_invalid_key_is_refused_and_never_shown() {
    let long = "x".repeat(70_000);
    let rows = [
        ("key_file = \"key\"", "secret", "at least 32 bytes, found 6"),
        ("key_file = \"key\"", "", "at least 32 bytes, found 0"),
        ("key_file = \"key\"", &long, "at most 65536 bytes"),
        (
            "key_file = \"nowhere\"",
            "secret",
            "cannot read the key for pseudonyms",
        ),
        (
            "key_env = \"QSE_NO_SUCH_KEY\"",
            "secret",
            "config.toml:2: transform.pseudonymize.key_env: the environment variable",
        ),
        (
            "key_file = \"key\"\nkey_env = \"secret\"",
            "secret",
            "transform.pseudonymize.key_env: expected a key in `key_file` or in `key_env`, not in both",
        ),
        (
            "key = \"secret\"",
            "secret",
            "transform.pseudonymize.key: unknown key; ",
        ),
        (
            "key_file = secret",
            "secret",
            "transform.pseudonymize.key_file: ",
        ),
        (
            "key_file = [\"secret\"]",
            "secret",
            "transform.pseudonymize.key_file: ",
        ),
        (
            "key_env = \"sec\\ret\\qsecret\"",
            "secret",
            "transform.pseudonymize.key_env: ",
        ),
        (
            "key_env = \"secret\\t\"",
            "secret",
            "transform.pseudonymize.key_env: ",
        ),
    ];
    for (options, key, expected) in rows {
        let folder = tempfile::tempdir().expect("a folder");
        let config = folder.path().join("config.toml");
        fs::write(folder.path().join("key"), key).expect("a file");
        fs::write(&config, format!("[transform.pseudonymize]\n{options}\n")).expect("a file");
        let config = config.display().to_string();
        for arguments in [
            &["run", "--address", "127.0.0.1:0", "--config", &config][..],
            &["check", &config],
        ] {
            let finished = finish(arguments);
            assert_eq!(finished.status, 2, "{options}");
            assert!(finished.stderr.contains(expected), "{}", finished.stderr);
            assert!(!finished.stderr.contains("secret"), "{}", finished.stderr);
        }
    }
}
