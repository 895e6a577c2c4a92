//! `top` on a terminal: it shows the users with sessions, and leaves the terminal as it was.

use std::{
    fs::File,
    io::{Read, Write},
    num::NonZeroU16,
    os::fd::OwnedFd,
    process::{Command, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use nix::{
    fcntl::{FcntlArg, FdFlag, fcntl},
    pty::{Winsize, openpty},
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use crate::support::{Codec, DEADLINE, Process, Running, command, finish, payload, sender};

const SIZE: Winsize = Winsize {
    ws_row: 24,
    ws_col: 80,
    ws_xpixel: 0,
    ws_ypixel: 0,
};

const TERMINAL: &str = "xterm-256color";

pub(super) const RECORDED: &str = r#"{"timestamp":"2026-01-31T09:00:00Z","source_type":"qlik_sense","event":"session","action":"start","host":"n1","user":"LAB\\goran"}
{"timestamp":"2026-01-31T09:01:00Z","source_type":"qlik_sense","event":"connection","action":"open","host":"n1","user":"LAB\\goran","app_name":"Sales","app_id":"a421f4a2-c311-4ef4-ba41-fe2e6a2b0d69"}
nonsense
"#;

/// `top` in a terminal.
pub(super) struct Top {
    child: Process,
    keys: File,
    shown: mpsc::Receiver<Vec<u8>>,
    /// Everything that it has written.
    screen: String,
    /// The current screen. When a text changes, only the characters that differ are written.
    terminal: vt100::Parser,
    _folder: tempfile::TempDir,
}

impl Top {
    /// Starts it with a recording.
    fn start() -> Self {
        Self::start_on(TERMINAL)
    }

    /// Starts it with a recording on this kind of terminal.
    fn start_on(terminal: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("events.json");
        std::fs::write(&file, RECORDED).expect("a file");
        let mut command = command();
        command.arg("top").arg(&file).env("TERM", terminal);
        Self::of(command, folder)
    }

    pub(super) fn of(command: Command, folder: tempfile::TempDir) -> Self {
        Self::of_size(command, folder, (SIZE.ws_row, SIZE.ws_col))
    }

    /// Starts it with a configuration file in the folder.
    #[cfg(feature = "qrs")]
    fn configured(config: &str, folder: tempfile::TempDir) -> Self {
        let file = folder.path().join("config.toml");
        std::fs::write(&file, config).expect("a file");
        let mut command = command();
        command.args(["top", "--address", "127.0.0.1:0", "--config"]);
        command.arg(file);
        Self::of(command, folder)
    }

    /// Starts it on a terminal with this many rows and columns.
    pub(super) fn of_size(
        mut command: Command,
        folder: tempfile::TempDir,
        (ws_row, ws_col): (u16, u16),
    ) -> Self {
        let size = Winsize {
            ws_row,
            ws_col,
            ..SIZE
        };
        let pty = openpty(Some(&size), None).expect("a terminal");
        // A program that held the other end of its own terminal would never see it close.
        for end in [&pty.master, &pty.slave] {
            fcntl(end, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC)).expect("set");
        }
        let end = |fd: &OwnedFd| Stdio::from(fd.try_clone().expect("an end"));
        if command.get_envs().all(|(name, _)| name != "TERM") {
            command.env("TERM", TERMINAL);
        }
        command
            .stdin(end(&pty.slave))
            .stdout(end(&pty.slave))
            .stderr(end(&pty.slave));
        let child = Process(command.spawn().expect("the program starts"));
        drop((command, pty.slave));
        let keys = File::from(pty.master);
        let mut master = keys.try_clone().expect("a handle");
        let (sender, shown) = mpsc::channel();
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            // The end of a terminal is an error (EIO).
            while let Ok(read @ 1..) = master.read(&mut buffer) {
                if sender.send(buffer[..read].to_vec()).is_err() {
                    break;
                }
            }
        });
        let size = |length| NonZeroU16::new(length).expect("a size");
        Self {
            child,
            keys,
            shown,
            screen: String::new(),
            terminal: vt100::Parser::new(size(ws_row), size(ws_col), 0),
            _folder: folder,
        }
    }

    pub(super) fn press(&mut self, keys: &[u8]) {
        self.keys.write_all(keys).expect("a key");
    }

    /// The complete screen when it is asked to end, before it leaves the screen.
    pub(super) fn last_screen(mut self) -> vt100::Screen {
        const LEAVE: &[u8] = b"\x1b[?1049l";
        self.press(b"q");
        let mut rest = Vec::new();
        while let Ok(bytes) = self.shown.recv_timeout(DEADLINE) {
            rest.extend(bytes);
        }
        let end = rest.windows(LEAVE.len()).position(|bytes| bytes == LEAVE);
        self.terminal
            .process(&rest[..end.expect("the screen is left")]);
        self.terminal.screen().clone()
    }

    pub(super) fn await_text(&mut self, text: &str) {
        let started = Instant::now();
        while !self.shows(text) {
            let left = DEADLINE.saturating_sub(started.elapsed());
            let bytes = self.shown.recv_timeout(left);
            let bytes = bytes.unwrap_or_else(|_| panic!("no {text:?} in {:?}", self.screen));
            self.take(&bytes);
        }
    }

    /// Whether the text is on the screen or has been written.
    fn shows(&self, text: &str) -> bool {
        self.screen.contains(text) || self.terminal.screen().contents().contains(text)
    }

    fn take(&mut self, bytes: &[u8]) {
        self.screen += &String::from_utf8_lossy(bytes);
        self.terminal.process(bytes);
    }

    /// Everything up to the end, and the status.
    pub(super) fn end(mut self) -> (String, Option<i32>) {
        while let Ok(bytes) = self.shown.recv_timeout(DEADLINE) {
            self.take(&bytes);
        }
        let status = self.child.0.wait().expect("a status");
        (self.screen, status.code())
    }
}

fn ends_well(end: impl FnOnce(&mut Top)) {
    let mut top = Top::start();
    for text in ["\x1b[?1049h", r"LAB\goran", "Sales", "the input has ended"] {
        top.await_text(text);
    }
    end(&mut top);
    let (screen, status) = top.end();
    assert_eq!(status, Some(0), "{screen:?}");
    let (_, after) = screen
        .rsplit_once("\x1b[?1049l")
        .expect("the screen is left");
    assert!(
        after.contains("\x1b[?25h"),
        "the cursor is shown: {after:?}"
    );
}

#[test]
fn q_ends_top() {
    ends_well(|top| top.keys.write_all(b"q").expect("a key"));
}

#[test]
fn control_c_ends_top() {
    ends_well(|top| top.keys.write_all(b"\x03").expect("a key"));
}

#[test]
fn a_signal_ends_top() {
    ends_well(|top| {
        let id = i32::try_from(top.child.0.id()).expect("a process id");
        kill(Pid::from_raw(id), Signal::SIGTERM).expect("signalled");
    });
}

/// Most of its terminals go away because a connection breaks.
#[test]
fn top_ends_with_its_terminal() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("events.json");
    std::fs::write(&file, RECORDED).expect("a file");
    // The leader of a session with this terminal, as a shell or the child of sshd is.
    let mut leader = Command::new("setsid");
    leader.arg("--ctty").arg(command().get_program());
    leader.arg("top").arg(&file);
    let mut top = Top::of(leader, folder);
    top.await_text("Sales");
    assert_ends_with_its_terminal(top);
}

/// A program that does not lead a session gets no signal.
#[test]
fn top_ends_with_its_terminal_without_a_signal() {
    let mut top = Top::start();
    top.await_text("Sales");
    assert_ends_with_its_terminal(top);
}

fn assert_ends_with_its_terminal(top: Top) {
    let Top {
        mut child,
        mut keys,
        shown,
        ..
    } = top;
    // The thread that reads the terminal releases it when its receiver is dropped.
    drop(shown);
    keys.write_all(b"?").expect("a key");
    drop(keys);
    let (sender, ended) = mpsc::channel();
    let id = i32::try_from(child.0.id()).expect("a process id");
    let waiting = thread::spawn(move || sender.send(child.0.wait().expect("a status").code()));
    let status = ended.recv_timeout(DEADLINE);
    if status.is_err() {
        kill(Pid::from_raw(id), Signal::SIGKILL).expect("killed");
    }
    // It may first notice the signal, or that it cannot draw any more.
    assert!(matches!(status, Ok(Some(0 | 1))), "{status:?}");
    waiting.join().expect("waited").expect("heard");
}

/// The program's state contains users whose sessions started before anybody watched.
#[test]
fn top_starts_with_the_users_whom_the_program_follows() {
    let folder = tempfile::tempdir().expect("a folder");
    let (socket, config) = (folder.path().join("e.sock"), folder.path().join("c.toml"));
    let text = "[source]\naddress = \"127.0.0.1:0\"\n[output]\nlocal_socket = \"e.sock\"\n\
                [transform.sessions]\nenabled = true\nstate_file = \"state\"\n";
    std::fs::write(&config, text).expect("a file");
    let run = || {
        let mut command = command();
        command.arg("run").arg("--config").arg(&config);
        Running::of(command, Codec::Json, 1)
    };
    let mut program = run();
    program.event_of(payload::start("goran"));
    program.event_of(payload::OPEN);
    super::stop(program, Signal::SIGTERM);
    let mut program = run();
    program.diagnostics.one();
    let mut command = command();
    command.arg("top").arg("--socket").arg(&socket);
    command.arg("--config").arg(&config);
    let mut top = Top::of(command, folder);
    for text in [r"LAB\goran", "Chrome"] {
        top.await_text(text);
    }
    top.keys.write_all(b"q").expect("a key");
    assert_eq!(top.end().1, Some(0));
    super::stop(program, Signal::SIGTERM);
}

/// Vector starts a new program when its configuration changes.
#[test]
fn top_continues_with_the_program_that_replaces_another() {
    let folder = tempfile::tempdir().expect("a folder");
    let socket = folder.path().join("events.sock");
    let config = folder.path().join("config.toml");
    let text = "[source]\naddress = \"127.0.0.1:0\"\n[output]\nlocal_socket = \"events.sock\"\n";
    std::fs::write(&config, text).expect("a file");
    let run = || {
        let mut command = command();
        command.arg("run").arg("--config").arg(&config);
        Running::of(command, Codec::Json, 1)
    };
    let mut program = run();
    let mut command = command();
    command.arg("top").arg("--socket").arg(&socket);
    let mut top = Top::of(command, folder);
    top.await_text("No sessions yet");
    // It may connect after the first events.
    let await_user = |program: &mut Running, top: &mut Top, name: &str| {
        let started = Instant::now();
        let mut number = 0;
        while !top.shows(name) {
            assert!(
                started.elapsed() < DEADLINE,
                "no {name} in {:?}",
                top.screen
            );
            program.event_of(payload::start(&format!("{name}{number}")));
            number += 1;
            if let Ok(bytes) = top.shown.recv_timeout(Duration::from_millis(100)) {
                top.take(&bytes);
            }
        }
    };
    await_user(&mut program, &mut top, "goran");
    super::stop(program, Signal::SIGTERM);
    top.await_text("waiting for it to start again");
    let mut program = run();
    await_user(&mut program, &mut top, "kim-li");
    top.keys.write_all(b"q").expect("a key");
    assert_eq!(top.end().1, Some(0));
    super::stop(program, Signal::SIGTERM);
}

#[test]
fn keys_change_what_is_shown() {
    let mut top = Top::start();
    top.await_text("Sales");
    top.keys.write_all(b"?").expect("a key");
    top.await_text("quit  ");
    top.keys.write_all(b"x/nobody\r").expect("keys");
    top.await_text("No session matches");
    top.keys.write_all(b"q").expect("a key");
    assert_eq!(top.end().1, Some(0));
}

const LIST: &str = "\
users 1   sessions 1   connections 1   events 2
USER       SINCE             CONN  APP    BROWSER  NODE
LAB\\goran   09:00  1m 00s       1  Sales           n1
";

#[test]
fn a_recording_becomes_a_plain_list_in_a_pipe() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("events.json").display().to_string();
    std::fs::write(&file, RECORDED).expect("a file");
    let expected = format!("{file}  2026-01-31 09:01:00 UTC\n{LIST}");
    let finished = finish(&["top", &file]);
    assert_eq!(finished.stdout, expected);
    assert_eq!(
        finished.stderr,
        "1 line is not an event in the schema default\n"
    );
    assert_eq!(finished.status, 0);
    let finished = crate::support::finish_with_input(&["top", "-"], RECORDED);
    assert_eq!(
        finished.stdout,
        format!("standard input  2026-01-31 09:01:00 UTC\n{LIST}")
    );
    let absent = finish(&["top", "/nonexistent/events.json"]);
    assert_eq!((absent.status, &*absent.stdout), (1, ""));
    assert!(
        absent
            .stderr
            .starts_with("/nonexistent/events.json: cannot read the file: ")
    );
}

/// A script would take an empty list for a site without users.
#[test]
fn a_file_without_any_event_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, tip) in [
        ("my.toml", "; to name a configuration, use --config"),
        ("events.log", ""),
    ] {
        let file = folder.path().join(name).display().to_string();
        std::fs::write(&file, "[output]\ncodec = \"json\"\n").expect("a file");
        let refused = finish(&["top", &file]);
        assert_eq!((refused.status, &*refused.stdout), (1, ""));
        let expected = format!(
            "{file}: no line of it is an event; expected what `run` writes with the codec json and the schema \
             default{tip}\n"
        );
        assert_eq!(refused.stderr, expected);
    }
    let file = folder.path().join("empty").display().to_string();
    std::fs::write(&file, "").expect("a file");
    assert_eq!(
        finish(&["top", &file]).status,
        0,
        "nobody has logged in yet"
    );
}

#[test]
fn an_address_a_file_and_a_socket_in_the_place_of_another_are_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("events.json").display().to_string();
    std::fs::write(&file, RECORDED).expect("a file");
    for (args, expected) in [
        (
            &["top", "127.0.0.1:9997"][..],
            "; to receive datagrams, use --address 127.0.0.1:9997",
        ),
        (
            &["top", "9997"],
            "; to receive datagrams, use --address 0.0.0.0:9997",
        ),
        (
            &["top", "::1"],
            "; to receive datagrams, use --address [::1]:9997",
        ),
        (
            &["top", "--socket", &file],
            ": this is not a socket; expected the output.local_socket of a running program",
        ),
        (
            &["top", "--address", "192.0.2.1:9997"],
            "`top` receives at an address of this machine",
        ),
    ] {
        let refused = finish(args);
        assert_eq!((refused.status, &*refused.stdout), (1, ""), "{args:?}");
        assert!(refused.stderr.contains(expected), "{}", refused.stderr);
    }
}

#[test]
fn top_beside_a_receiver_is_told_how_to_watch_it() {
    let taken = std::net::UdpSocket::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address").to_string();
    let refused = finish(&["top", "--address", &address]);
    assert_eq!((refused.status, &*refused.stdout), (1, ""));
    let expected = "set output.local_socket in its configuration and use top --socket FILE";
    assert!(refused.stderr.contains(expected), "{}", refused.stderr);
}

/// Events of services about a session that continues, a run that two appenders report, and a summary.
const SERVICES: &str = r#"{"timestamp":"2026-01-31T09:01:00Z","ingest_timestamp":"2026-01-31T09:01:00.1Z","source_type":"qlik_sense","event":"performance","host":"n2","user":"LAB\\goran","process_ms":1500.5,"peak_ram_bytes":1288490189}
{"timestamp":"2026-01-31T09:01:00Z","source_type":"qlik_sense","event":"performance_summary","host":"n2","user":"LAB\\goran","requests":20,"process_ms_sum":60000,"peak_ram_bytes_max":1024}
{"timestamp":"2026-01-31T09:01:00Z","source_type":"qlik_sense","event":"log","level":"error","host":"n1"}
{"timestamp":"2026-01-31T09:01:00Z","source_type":"qlik_sense","event":"log","level":"warn","host":"n1"}
{"timestamp":"2026-01-31T09:01:00Z","source_type":"qlik_sense","event":"task","action":"failed","execution_id":"b5c0e9d7-1f28-4c96-a3b4-6d7e8f901a2b"}
{"timestamp":"2026-01-31T09:01:00Z","source_type":"qlik_sense","event":"task","action":"failed","execution_id":"b5c0e9d7-1f28-4c96-a3b4-6d7e8f901a2b"}
"#;

#[test]
fn the_list_includes_what_the_services_report() {
    let recorded = format!("{RECORDED}{SERVICES}");
    let finished = crate::support::finish_with_input(&["top", "-"], recorded);
    let expected = "\
users 1   sessions 1   connections 1   events 2   errors 1   failed tasks 1
USER       SINCE             CONN    REQ    TIME      RAM  APP    BROWSER  NODE
LAB\\goran   09:00  1m 00s       1     21  1m 01s  1.2 GiB  Sales           n1
";
    let (_, list) = finished.stdout.split_once('\n').expect("a title");
    assert_eq!(list, expected);
}

/// On its own port it also receives log, performance and task events.
#[test]
fn sessions_show_their_cost_and_can_be_sorted_by_it() {
    let mut command = command();
    command.args(["top", "--address", "127.0.0.1:0"]);
    let mut top = Top::of(command, tempfile::tempdir().expect("a folder"));
    top.await_text("No sessions yet");
    let title = top.terminal.screen().contents();
    let address = title.split_whitespace().nth(2).expect("an address");
    let socket = sender(address.parse().expect("an address"));
    for datagram in [
        payload::start("goran"),
        payload::start("anna"),
        "/qseow-qix-perf/;77;20260131T100017.250+0100;2026-01-31 10:00:17,250;INFO;n2;QixPerformance.Engine.Engine;\
         LAB\\qlikservice;c0de71aa;LAB;goran;20260131T100017.250+0100;1;0f3d9c1e-7b64-4a58-8d2f-2c5e91ab7740;31;\
         GenericObject::GetLayout;2500.25;2500;0;0.05;8;5;pXkRz;4096;268435456000;barchart"
            .into(),
        "/qseow-engine/;412;20260131T095959.987+0100;2026-01-31 09:59:59,987;ERROR;n1;System.Engine.Engine;\
         LAB\\qlikservice;Out of memory;0;(null);(null);20260131T095959.961+0100;(null);(null);(null);(null);(null);(null)"
            .into(),
        "/scheduler-task-failed/;n1;Nightly;Sales;LAB\\eva;;;2026-01-31 06:00:12,345;INFO;;x".into(),
    ] {
        socket.send(datagram.as_bytes()).expect("sent");
    }
    for text in ["2.5s", "250 GiB", "errors 1", "failed tasks 1", "c cost"] {
        top.await_text(text);
    }
    top.keys.write_all(b"c").expect("a key");
    top.await_text("RAM v");
    let seen = top.terminal.screen().contents();
    let goran = seen.find(r"LAB\goran").expect("goran");
    assert!(goran < seen.find(r"LAB\anna").expect("anna"), "{seen}");
    top.keys.write_all(b"q").expect("a key");
    assert_eq!(top.end().1, Some(0));
}

/// A dumb terminal would show escape sequences as text.
#[test]
fn a_dumb_terminal_shows_the_list() {
    let mut top = Top::start_on("dumb");
    top.await_text("n1");
    let (screen, status) = top.end();
    assert!(
        screen.contains("LAB\\goran   09:00  1m 00s       1  Sales"),
        "{screen}"
    );
    assert!(!screen.contains('\x1b'), "{screen:?}");
    assert_eq!(status, Some(0));
}

#[test]
fn without_a_terminal_top_says_what_to_do() {
    let finished = finish(&["top", "--address", "127.0.0.1:0"]);
    assert_eq!(finished.status, 1);
    assert!(
        finished
            .stderr
            .contains("standard output is not a terminal"),
        "{}",
        finished.stderr
    );
    let finished = finish(&["top", "--socket", "/nonexistent/events.sock"]);
    assert_eq!(finished.status, 1);
    assert!(
        finished.stderr.contains("output.local_socket"),
        "{}",
        finished.stderr
    );
}

/// Users who appear in no event are marked, and users on the blacklist are not shown.
#[cfg(feature = "qrs")]
#[test]
fn users_whom_only_a_proxy_lists_are_marked() {
    use crate::support::qrs::{Site, sessions};

    let site = Site::new();
    let users = sessions(&["maria", "sa_api"]);
    let service = site.service(users);
    let folder = tempfile::tempdir().expect("a folder");
    site.export(folder.path());
    let port = service.address.port();
    let config = format!(
        "[transform.blacklist]\nusers = ['LAB\\sa_*']\n[transform.sessions]\nenabled = true\n\
         [transform.sessions.qps]\nenabled = true\nproxies = [{{ host = \"127.0.0.1\", port = {port}, node = \"pro2-win1\" }}]\n"
    );
    let mut top = Top::configured(&config, folder);
    top.await_text("LAB\\maria");
    top.await_text("*");
    let screen = top.last_screen().contents();
    assert!(screen.contains("LAB\\maria"), "{screen}");
    assert!(!screen.contains("sa_api"), "{screen}");
}

#[cfg(feature = "qrs")]
#[test]
fn the_memory_of_a_node_is_shown_while_its_engine_answers() {
    use crate::support::qrs::{Answer, Site, engine_health};

    let site = Site::new();
    let service = site.service(engine_health());
    let folder = tempfile::tempdir().expect("a folder");
    site.export(folder.path());
    let config = format!(
        "[engine_health]\ninterval_secs = 5\ncertificate_file = 'client.pem'\nkey_file = 'client_key.pem'\n\
         root_file = 'root.pem'\nnodes = [{{ host = '127.0.0.1', port = {}, node = 'pro2-win1' }}]\n",
        service.address.port()
    );
    let mut top = Top::configured(&config, folder);
    top.await_text("RAM in use  pro2-win1 75% of 64 GiB");
    service.set(Answer::Status(503));
    top.await_text("RAM in use  pro2-win1 ?");
    top.await_text("cannot read the health of the engine of pro2-win1");
}
