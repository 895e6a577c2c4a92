//! While datagrams are so frequent that they gather, time passes, files are reloaded, and the program can end.

use std::{
    fs,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use nix::sys::signal::Signal;
use serde_json::Value;

use crate::{
    support::{Running, payload, sender},
    unix::stop,
};

/// Gathers for the longest possible time.
const CONFIG: &str = "[source]\ngather_micros = 10000\n[transform.blacklist]\nfiles = [\"users.txt\"]\n\
                      [transform.sessions]\nenabled = true\nsnapshot_interval_secs = 1\n";

/// Datagrams from a user of its own, one every two milliseconds: another one always arrives before a pause is over, but
/// never more than are read at once. The stream ends after a minute, or when it is dropped.
struct Stream {
    sent: Arc<AtomicU64>,
    sender: Option<JoinHandle<()>>,
}

impl Stream {
    const USER: &str = "stream";
    const MOST: u64 = 30_000;

    fn begin(to: SocketAddr) -> Self {
        let sent = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&sent);
        let sender = thread::spawn(move || {
            let (socket, datagram) = (sender(to), payload::start(Self::USER));
            while counted.load(Ordering::SeqCst) < Self::MOST {
                // The program may have ended.
                let _ = socket.send(datagram.as_bytes());
                counted.fetch_add(1, Ordering::SeqCst);
                thread::sleep(Duration::from_millis(2));
            }
        });
        Self {
            sent,
            sender: Some(sender),
        }
    }

    fn sent(&self) -> u64 {
        let sent = self.sent.load(Ordering::SeqCst);
        assert!(sent < Self::MOST, "it goes on all the while");
        sent
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.sent.store(Self::MOST, Ordering::SeqCst);
        if let Some(sender) = self.sender.take() {
            // A panic of the sender is not the cause of the failure.
            let _ = sender.join();
        }
    }
}

fn is_streamed(event: &Value) -> bool {
    event["event"] == "session" && event["user_id"] == Stream::USER
}

#[test]
fn gathering_delays_neither_the_time_nor_files_nor_the_end() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("users.txt"), "# nobody yet\n").expect("a file");
    let mut program = Running::configured_in(folder, CONFIG);
    let stream = Stream::begin(program.addresses()[0]);

    let mut seen = 0;
    let mut until = |program: &mut Running, is_it: &dyn Fn(&Value) -> bool| {
        let events = program.events().by_ref();
        let event = events.inspect(|event| seen += u64::from(is_streamed(event)));
        let before: Vec<Value> = event.take_while(|event| !is_it(event)).collect();
        stream.sent();
        before
    };
    until(&mut program, &|event| event["event"] == "session_snapshot");

    let (list, new) = (
        program.folder().join("users.txt"),
        program.folder().join("new.txt"),
    );
    fs::write(&new, "LAB\\goran\n").expect("a file");
    fs::rename(new, list).expect("replaced");
    let said = program.diagnostics.one();
    assert_eq!(said["message"], "reloaded the blacklist: 1 entry");
    for user in ["goran", "maria"] {
        program.send(payload::start(user));
    }
    let before = until(&mut program, &|event| event["user_id"] == "maria");
    assert!(before.iter().all(|event| event["user_id"] != "goran"));

    let sent = stream.sent();
    program.send(payload::start("last"));
    let stopped = stop(program, Signal::SIGTERM);
    stream.sent();
    assert_eq!(stopped.status, Some(0));
    for said in &stopped.diagnostics {
        assert_eq!(said["level"], "info", "{said}");
    }
    let mut rest = stopped.events.iter();
    assert!(rest.any(|event| event["user_id"] == "last"));
    let rest = stopped.events.iter().filter(|event| is_streamed(event));
    let seen = seen + rest.count() as u64;
    assert!(seen >= sent, "{seen} of {sent}");
    assert_eq!(stopped.count("datagrams"), seen + 3);
}
