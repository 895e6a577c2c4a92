//! Files and readers that do not answer do not keep the program from ending.

use std::{
    fs::{self, OpenOptions},
    net::{SocketAddr, UdpSocket},
    os::unix::{fs::OpenOptionsExt, process::ExitStatusExt},
    process::{Child, Stdio},
    thread,
    time::{Duration, Instant},
};

use nix::{
    fcntl::OFlag,
    sys::{
        signal::{Signal, kill},
        stat::Mode,
    },
    unistd::{Pid, mkfifo},
};

use super::{full_pipe, signal};
use crate::support::{Codec, DEADLINE, Records, Running, command, payload, sender};

/// Waits for something that can only be polled.
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

/// A pipe with a name hangs as a network share may: a reader waits for somebody who writes.
#[test]
fn a_file_that_hangs_keeps_no_signal_waiting() {
    let folder = tempfile::tempdir().expect("a folder");
    let (list, pipe) = (folder.path().join("users.txt"), folder.path().join("pipe"));
    fs::write(&list, "# nobody\n").expect("a list");
    mkfifo(&pipe, Mode::S_IRWXU).expect("a pipe");
    let config = "[transform.blacklist]\nfiles = [\"users.txt\"]\n\
                  [transform.sessions]\nenabled = true\nstate_file = \"sessions.ndjson\"\n";
    let mut program = Running::configured_in(folder, config);
    fs::rename(&pipe, &list).expect("replaced");
    // It can only be opened when somebody reads; nothing is ever written.
    let _writer = until("the pipe is read", || {
        let mut options = OpenOptions::new();
        options.write(true).custom_flags(OFlag::O_NONBLOCK.bits());
        options.open(&list).ok()
    });
    program.event_of(payload::start("goran"));
    let state = program.folder().join("sessions.ndjson");
    signal(&program, Signal::SIGTERM);
    let (status, diagnostics) = program.wait();
    assert_eq!(status.code(), Some(0));
    assert_eq!(diagnostics.last().expect("a summary")["message"], "stopped");
    let state = fs::read_to_string(state).expect("the state");
    assert!(state.contains("goran"), "{state}");
}

/// Before it listens there is nothing to bring to an end.
#[test]
fn a_file_that_hangs_at_the_start_keeps_no_signal_waiting() {
    let folder = tempfile::tempdir().expect("a folder");
    let pipe = folder.path().join("users.txt");
    mkfifo(&pipe, Mode::S_IRWXU).expect("a pipe");
    let config = folder.path().join("plugin.toml");
    fs::write(&config, "[transform.blacklist]\nfiles = [\"users.txt\"]\n").expect("a file");
    let mut program = command();
    let program = program.args(["run", "--address", "127.0.0.1:0", "--config"]);
    let program = program.arg(&config).stdin(Stdio::null());
    let mut program = Killed(program.spawn().expect("the program"));
    // It can only be opened when somebody reads; nothing is ever written.
    let _writer = until("the pipe is read", || {
        let mut options = OpenOptions::new();
        options.write(true).custom_flags(OFlag::O_NONBLOCK.bits());
        options.open(&pipe).ok()
    });
    let pid = Pid::from_raw(program.0.id().cast_signed());
    kill(pid, Signal::SIGTERM).expect("a signal");
    let status = until("it ends", || program.0.try_wait().expect("a status"));
    assert_eq!(status.signal(), Some(Signal::SIGTERM as i32));
}

/// A program that a test has not seen to the end.
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
fn unread_standard_error_blocks_no_signal() {
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
