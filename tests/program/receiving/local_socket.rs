//! Readers of the local socket, fast and slow, which must not affect the output.

use std::{
    io::{BufRead, BufReader, ErrorKind, Read},
    path::{Path, PathBuf},
    sync::mpsc::{Receiver, RecvTimeoutError, sync_channel},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{Codec, DEADLINE, Running, end, payload, sender};

/// An unused name for a socket, and the folder for it. On Windows it is the name of a pipe.
fn place() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = if cfg!(windows) {
        let name = folder.path().file_name().expect("a name");
        Path::new(r"\\.\pipe").join(name)
    } else {
        folder.path().join("events.sock")
    };
    (folder, path)
}

fn config(path: &Path) -> String {
    format!("[output]\nlocal_socket = '{}'\n", path.display())
}

/// A program with a local socket, and the socket's path.
fn program() -> (Running, PathBuf) {
    let (folder, path) = place();
    let config = config(&path);
    (Running::configured_in(folder, &config), path)
}

#[cfg(unix)]
fn open(path: &Path) -> std::io::Result<impl Read + Send + 'static> {
    std::os::unix::net::UnixStream::connect(path)
}

#[cfg(windows)]
fn open(path: &Path) -> std::io::Result<impl Read + Send + 'static> {
    std::fs::File::open(path)
}

/// A reader that takes the next line when it is asked to, so that it can stand still.
struct Reader(Receiver<Option<String>>);

impl Reader {
    fn connect(path: &Path) -> Self {
        let started = Instant::now();
        let stream = loop {
            match open(path) {
                Ok(stream) => break stream,
                // The next instance of a pipe may not exist yet.
                Err(error) => assert!(started.elapsed() < DEADLINE, "{error}"),
            }
        };
        let (lines, read) = sync_channel(0);
        thread::spawn(move || {
            let mut stream = BufReader::new(stream);
            loop {
                let mut line = String::new();
                let is_end = match stream.read_line(&mut line) {
                    Ok(read) => read == 0,
                    // This is a pipe whose other end is gone.
                    Err(error) => {
                        assert_eq!(error.kind(), ErrorKind::BrokenPipe);
                        true
                    }
                };
                // A test may not need any more lines.
                if lines.send((!is_end).then_some(line)).is_err() || is_end {
                    break;
                }
            }
        });
        Self(read)
    }

    /// The next line; `None` at the end.
    fn next(&self) -> Option<String> {
        self.0.recv_timeout(DEADLINE).expect("a line in time")
    }

    fn line(&self) -> Value {
        let line = self.next().expect("a line");
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?}"))
    }

    /// Sends events until the program knows the reader.
    fn first_line(&self, program: &mut Running) -> Value {
        let started = Instant::now();
        loop {
            program.event_of(payload::OPEN);
            match self.0.recv_timeout(Duration::from_millis(50)) {
                Ok(line) => return serde_json::from_str(&line.expect("a line")).expect("JSON"),
                Err(RecvTimeoutError::Timeout) => {}
                Err(error) => panic!("{error}"),
            }
            assert!(started.elapsed() < DEADLINE, "no event reaches the reader");
        }
    }
}

#[test]
fn readers_get_the_events_that_the_output_gets() {
    let (mut program, path) = program();
    let readers = [Reader::connect(&path), Reader::connect(&path)];
    for reader in &readers {
        reader.first_line(&mut program);
    }
    // Both readers and the output have these events; the first reader got more before the second was known.
    let expected = program.event_of(payload::start("last"));
    for reader in &readers {
        let mut seen = reader.line();
        while seen["user_id"] != "last" {
            seen = reader.line();
        }
        assert_eq!(seen, expected);
    }
    let stopped = end(program);
    assert_eq!(stopped.status, Some(0));
    for reader in readers {
        assert_eq!(reader.next(), None);
    }
    assert!(open(&path).is_err(), "it goes with the program");
    assert!(cfg!(windows) || !path.exists());
}

/// If a connected reader reads nothing, every datagram still comes out, and none is dropped.
#[test]
fn a_stopped_reader_changes_nothing_for_the_output() {
    const DATAGRAMS: u64 = 12_000;
    let (mut program, path) = program();
    let stopped_reader = Reader::connect(&path);
    stopped_reader.first_line(&mut program);
    let socket = sender(program.addresses()[0]);
    let round = program.capacity(200);
    let mut sent = 0;
    while sent < DATAGRAMS {
        for _ in 0..round {
            socket.send(payload::OPEN.as_bytes()).expect("sent");
        }
        sent += round;
        // All events come out, and none is dropped.
        program.events().several(round as usize);
    }
    let stopped = end(program);
    assert_eq!(stopped.status, Some(0));
    assert_eq!(stopped.count("dropped"), 0);
    assert!(stopped.count("events") > DATAGRAMS);
    let mut read = 0;
    while let Some(line) = stopped_reader.next() {
        read += u64::from(line.ends_with("}\n"));
    }
    assert!(
        read < DATAGRAMS,
        "{read} were read, so nothing was held back"
    );
}

/// Nothing else can be in the place of a pipe.
#[cfg(unix)]
#[test]
fn events_flow_if_the_local_socket_cannot_be_opened() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("events.sock"), "precious").expect("a file");
    let path = folder.path().join("events.sock");
    let config = "[output]\nlocal_socket = \"events.sock\"\n";
    let mut program = Running::configured_in(folder, config);
    program.event_of(payload::OPEN);
    assert_eq!(std::fs::read_to_string(&path).expect("a file"), "precious");
    crate::support::ask_to_end(&program);
    let (status, diagnostics) = program.wait();
    assert_eq!(status.code(), Some(0));
    let errors: Vec<&str> = diagnostics
        .iter()
        .filter(|diagnostic| diagnostic["level"] == "error")
        .map(|diagnostic| diagnostic["message"].as_str().expect("text"))
        .collect();
    let [error] = errors[..] else {
        panic!("{errors:?}")
    };
    assert!(
        error.contains("events.sock: a file that is not a socket"),
        "{error}"
    );
}

/// A second program that is started by mistake takes neither the port nor the socket of the first one.
#[test]
fn a_second_program_takes_nothing_from_the_first() {
    let (mut program, path) = program();
    let address = program.addresses()[0];
    let file = program.folder().join("config.toml");
    let second = crate::support::finish(&[
        "run",
        "--address",
        &address.to_string(),
        "--config",
        file.to_str().expect("text"),
    ]);
    assert_eq!(second.status, 1, "{second:?}");
    assert!(
        second.stderr.contains("another program is listening there"),
        "{second:?}"
    );
    let seen = Reader::connect(&path).first_line(&mut program);
    assert_eq!(seen["user_id"], "goran");
}

/// Programs follow each other like this at a socket that the service manager holds.
#[test]
#[cfg_attr(windows, ignore = "Wine 8 gives two programs a pipe of the same name")]
fn a_program_that_follows_opens_the_socket_when_the_first_has_ended() {
    let (_folder, path) = place();
    let config = config(&path);
    let first = Running::configured(&config);
    let mut second = Running::configured(&config);
    let waits = second.diagnostics.one();
    assert_eq!(waits["level"], "warn");
    let message = waits["message"].as_str().expect("text");
    assert!(
        message.contains("another program is using this socket"),
        "{message}"
    );
    let reader = Reader::connect(&path);
    end(first);
    assert_eq!(reader.next(), None, "it was the first one's");
    let opens = second.diagnostics.one();
    let message = opens["message"].as_str().expect("text");
    assert!(message.ends_with("is now open"), "{message}");
    Reader::connect(&path).first_line(&mut second);
    end(second);
    assert!(open(&path).is_err());
}

/// A cleaner of temporary files may do this.
#[cfg(unix)]
#[test]
fn a_socket_that_is_removed_comes_back() {
    let (mut program, path) = program();
    let connected = Reader::connect(&path);
    connected.first_line(&mut program);
    let said = |program: &mut Running, level: &str, expected: &str| {
        let diagnostic = program.diagnostics.one();
        assert_eq!(diagnostic["level"], level);
        let message = diagnostic["message"].as_str().expect("text");
        assert!(message.contains(expected), "{message}");
    };
    std::fs::remove_file(&path).expect("removed");
    said(&mut program, "warn", "something has removed or replaced ");
    said(&mut program, "info", "events.sock is now open");
    Reader::connect(&path).first_line(&mut program);
    // Who was connected before still is.
    connected.line();

    // What is in its place is left alone, until it is gone.
    let file = program.folder().join("file");
    std::fs::write(&file, "precious").expect("a file");
    std::fs::rename(&file, &path).expect("replaced");
    said(&mut program, "warn", "something has removed or replaced ");
    said(
        &mut program,
        "error",
        "a file that is not a socket is in its place",
    );
    let found = std::fs::read_to_string(&path).expect("a file");
    assert_eq!(found, "precious");
    std::fs::remove_file(&path).expect("removed");
    said(&mut program, "info", "events.sock is now open");
    Reader::connect(&path).first_line(&mut program);
    end(program);
    assert!(!path.exists());
}

#[test]
fn the_lines_are_json_in_the_schema_default_whatever_the_output_is() {
    let (folder, path) = place();
    let config = format!(
        "[source]\naddress = \"127.0.0.1:0\"\n{}codec = \"native_json\"\nschema = \"ecs\"\n",
        config(&path)
    );
    std::fs::write(folder.path().join("config.toml"), config).expect("a file");
    let mut command = crate::support::command();
    command
        .arg("run")
        .arg("--config")
        .arg(folder.path().join("config.toml"));
    let mut program = Running::of(command, Codec::NativeJson, 1);
    let seen = Reader::connect(&path).first_line(&mut program);
    assert_eq!(
        (&seen["event"], &seen["action"]),
        (&"connection".into(), &"open".into())
    );
    end(program);
}
