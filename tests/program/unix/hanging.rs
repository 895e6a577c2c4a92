//! Files and readers that do not respond do not keep the program from ending.

use std::{
    fs,
    io::{self, Write},
    net::{SocketAddr, UdpSocket},
    os::unix::{fs::symlink, process::ExitStatusExt},
    process::{Child, Stdio},
    thread,
    time::{Duration, Instant},
};

use nix::{
    sys::{
        signal::{Signal, kill},
        stat::Mode,
    },
    unistd::{Pid, mkfifo},
};

use super::{full_pipe, signal};
use crate::support::{
    Codec, DEADLINE, Records, Running, command, finish, finish_with_input, payload, sender,
};

/// Waits for a condition that can only be polled.
fn until<T>(what: &str, mut holds: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + DEADLINE;
    loop {
        if let Some(held) = holds() {
            return held;
        }
        assert!(Instant::now() < end, "{what}");
        thread::sleep(Duration::from_millis(1));
    }
}

/// Writes more than fits into a pipe, which only succeeds once the pipe is being read.
fn begin_list(writer: &mut io::PipeWriter) {
    let comment = vec![b'#'; 1 << 20];
    writer.write_all(&comment).expect("it is read");
}

/// A pipe whose writer does not close it blocks like a network share might.
#[test]
fn a_file_that_hangs_delays_no_signal() {
    let folder = tempfile::tempdir().expect("a folder");
    let place = |name: &str| folder.path().join(name);
    fs::write(place("users.txt"), "# nobody\n").expect("a list");
    let config = "[transform.blacklist]\nfiles = [\"users.txt\"]\n\
                  [transform.sessions]\nenabled = true\nstate_file = \"sessions.ndjson\"\n";
    fs::write(place("config.toml"), config).expect("a file");
    let (reader, mut writer) = io::pipe().expect("a pipe");
    let mut command = command();
    command.args(["run", "--address", "127.0.0.1:0", "--config"]);
    command.arg(place("config.toml")).stdin(reader);
    let mut program = Running::of(command, Codec::Json, 1);
    symlink("/dev/stdin", place("link")).expect("a link");
    fs::rename(place("link"), place("users.txt")).expect("replaced");
    begin_list(&mut writer);
    program.event_of(payload::start("goran"));
    signal(&program, Signal::SIGTERM);
    let (status, diagnostics) = program.wait();
    assert_eq!(status.code(), Some(0));
    assert_eq!(diagnostics.last().expect("a summary")["message"], "stopped");
    let state = fs::read_to_string(place("sessions.ndjson")).expect("the state");
    assert!(state.contains("goran"), "{state}");
}

/// Before the program listens, there is nothing to shut down.
#[test]
fn a_file_that_hangs_at_start_delays_no_signal() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = folder.path().join("plugin.toml");
    fs::write(&config, "[transform.blacklist]\nfiles = [\"/dev/stdin\"]\n").expect("a file");
    let (reader, mut writer) = io::pipe().expect("a pipe");
    let mut program = command();
    let program = program.args(["run", "--address", "127.0.0.1:0", "--config"]);
    let program = program.arg(&config).stdin(reader);
    let mut program = Killed(program.spawn().expect("the program"));
    begin_list(&mut writer);
    let pid = Pid::from_raw(program.0.id().cast_signed());
    kill(pid, Signal::SIGTERM).expect("a signal");
    let status = until("it ends", || program.0.try_wait().expect("a status"));
    assert_eq!(status.signal(), Some(Signal::SIGTERM as i32));
}

/// Nobody knows whether anything will ever be written to a named pipe.
#[test]
fn named_pipes_and_devices_are_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let pipe = folder.path().join("pipe");
    mkfifo(&pipe, Mode::S_IRWXU).expect("a pipe");
    let config = folder.path().join("config.toml");
    let config_name = config.to_str().expect("UTF-8");
    for file in [pipe.to_str().expect("UTF-8"), "/dev/zero"] {
        for option in [
            "transform.blacklist.files = ['",
            "transform.app_names.files = ['",
        ] {
            fs::write(&config, format!("{option}{file}']\n")).expect("a file");
            for args in [
                &["check", config_name][..],
                &["run", "--address", "127.0.0.1:0", "--config", config_name],
            ] {
                let ended = finish(args);
                assert_eq!(ended.status, 2, "{option}{file}");
                let expected = "this is a named pipe, a socket or a device; expected a file";
                assert!(ended.stderr.contains(expected), "{}", ended.stderr);
            }
        }
        for args in [&["check", file][..], &["run", "--config", file]] {
            let ended = finish(args);
            assert_eq!(ended.status, 2, "{args:?}");
            let expected = format!(
                "{file}: cannot read the configuration file: this is a named pipe, a socket or a device; expected a file"
            );
            assert!(ended.stderr.contains(&expected), "{}", ended.stderr);
        }
    }
}

/// `check <(command)` and `command | check /dev/stdin` do this. The writer exists, and ends.
#[test]
fn an_inherited_pipe_is_read_to_its_end() {
    for name in ["/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"] {
        let checked = finish_with_input(&["check", name], "[output]\ncodec = 'native'\n");
        assert_eq!((checked.status, &*checked.stderr), (0, ""), "{name}");
        assert!(
            checked.stdout.contains("codec native"),
            "{}",
            checked.stdout
        );
    }
    assert_eq!(finish(&["check", "/dev/null"]).status, 0);
}

/// A program that is killed if it outlives its test.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn is_bound(address: SocketAddr) -> bool {
    let port = format!(":{:04X}", address.port());
    let table = fs::read_to_string("/proc/net/udp").expect("a table");
    let mut rows = table
        .lines()
        .filter_map(|row| row.split_ascii_whitespace().nth(1));
    rows.any(|local| local.ends_with(&port))
}

#[test]
fn unread_standard_error_delays_no_signal() {
    let (_reader, writer) = full_pipe();
    let free = UdpSocket::bind("127.0.0.1:0").expect("a port");
    let address = free.local_addr().expect("its address");
    drop(free);
    let mut command = command();
    command.args(["run", "--address", &address.to_string()]);
    command.stdout(Stdio::piped()).stderr(writer);
    let mut program = Killed(command.spawn().expect("the program starts"));
    drop(command);
    until("it listens", || is_bound(address).then_some(()));
    let mut events = Records::new(program.0.stdout.take().expect("a pipe"), Codec::Json);
    sender(address)
        .send(payload::OPEN.as_bytes())
        .expect("sent");
    assert_eq!(events.one()["user_id"], "goran");
    let id = Pid::from_raw(program.0.id().try_into().expect("a process id"));
    kill(id, Signal::SIGTERM).expect("signalled");
    assert_eq!(events.count(), 0);
    let status = program.0.wait().expect("a status");
    assert_eq!(status.code(), Some(0));
}
