//! Files that every socket needs are read once, however many sockets there are.

use std::{fs, path::Path, thread};

use nix::{sys::stat::Mode, unistd::mkfifo};
use serde_json::Value;

use crate::support::{Codec, Running, command, payload, sender};

/// A pipe with a name, which gives its text to the first who reads it. A second one waits for ever.
fn once(file: &Path, text: &'static str) {
    mkfifo(file, Mode::S_IRUSR | Mode::S_IWUSR).expect("a pipe");
    let file = file.to_owned();
    thread::spawn(move || fs::write(file, text));
}

#[test]
fn blacklist_names_of_apps_and_key_are_read_once_for_all_sockets() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    once(&path("users"), "LAB\\maria\n");
    once(
        &path("apps"),
        "id,name\na421f4a2-c311-4ef4-ba41-fe2e6a2b0d69,Sales\n",
    );
    once(&path("key"), "0123456789abcdef0123456789abcdef");
    let config = "[source]\naddress = \"127.0.0.1:0\"\nworkers = 3\n\
                  [transform.blacklist]\nfiles = [\"users\"]\n\
                  [transform.app_names]\nfiles = [\"apps\"]\n\
                  [transform.pseudonymize]\nkey_file = \"key\"\n";
    fs::write(path("config.toml"), config).expect("a file");
    let mut command = command();
    command.args(["run", "--config"]).arg(path("config.toml"));
    let mut program = Running::of(command, Codec::Json, 1);
    let mut users = Vec::new();
    // The system spreads senders over the sockets.
    for _ in 0..8 {
        let socket = sender(program.addresses()[0]);
        for datagram in [&*payload::start("maria"), payload::OPEN] {
            socket.send(datagram.as_bytes()).expect("sent");
        }
        let event: Value = program.events().one();
        assert_eq!(event["app_name"], "Sales");
        users.push(event["user_id"].clone());
    }
    assert_eq!(users, vec![users[0].clone(); 8]);
    assert_ne!(users[0], "goran");
}
