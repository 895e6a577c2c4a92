//! Files that every socket needs are read only once, however many sockets there are.

use std::{
    fs,
    io::{self, PipeReader, Write},
    os::fd::AsRawFd,
};

use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use serde_json::Value;

use crate::support::{Codec, Running, command, payload, sender};

/// A pipe for a program, and its path there. Only the first reader gets the text.
fn once(text: &str) -> (PipeReader, String) {
    let (reader, mut writer) = io::pipe().expect("a pipe");
    writer.write_all(text.as_bytes()).expect("room");
    fcntl(&reader, FcntlArg::F_SETFD(FdFlag::empty())).expect("handed over");
    let name = format!("/dev/fd/{}", reader.as_raw_fd());
    (reader, name)
}

#[test]
fn blacklist_names_of_apps_and_key_are_read_once_for_all_sockets() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("config.toml");
    let (_users, users) = once("LAB\\maria\n");
    let (_apps, apps) = once("id,name\na421f4a2-c311-4ef4-ba41-fe2e6a2b0d69,Sales\n");
    let (_key, key) = once("0123456789abcdef0123456789abcdef");
    let config = format!(
        "[source]\naddress = \"127.0.0.1:0\"\nworkers = 3\n\
         [transform.blacklist]\nfiles = [\"{users}\"]\n\
         [transform.app_names]\nfiles = [\"{apps}\"]\n\
         [transform.pseudonymize]\nkey_file = \"{key}\"\n"
    );
    fs::write(&file, config).expect("a file");
    let mut command = command();
    command.args(["run", "--config"]).arg(file);
    let mut program = Running::of(command, Codec::Json, 1);
    let mut users = Vec::new();
    // The system distributes senders over the sockets.
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
