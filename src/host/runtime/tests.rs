//! Tests of a runtime with faults that no datagram can cause.

use std::{
    fs, io,
    net::{SocketAddr, UdpSocket},
    path::Path,
    sync::{Arc, Mutex, mpsc},
    thread,
    time::{Duration, Instant},
};

use chrono::DateTime;

use super::{
    Edge, PATIENCE, Runtime,
    control::{Control, DRAIN},
    queue::Queue,
    refresh::Refresh,
    start::{Opened, StartError, open},
    supervisor::OnPanic,
    threads::{Failure, lock},
    worker::{Sink, Worker},
    workers::Workers,
};
use crate::{
    config::Config,
    encoding::{Metric, MetricValue},
    host::{
        diagnostics::{Diagnostic, Report},
        metrics::Telemetry,
    },
    transform::{OutputBuffer, Sessions},
};

/// Long enough for a busy machine.
const DEADLINE: Duration = Duration::from_secs(60);

/// A user for whom the sink [`Users`] panics.
const PANIC: &str = "panic";

#[derive(Clone)]
struct Users(mpsc::Sender<String>);

impl Sink for Users {
    fn take(&mut self, events: &mut OutputBuffer) -> io::Result<()> {
        let users: Vec<String> = events
            .drain()
            .filter_map(|event| event.user_id().map(str::to_owned))
            .collect();
        assert!(
            !users.iter().any(|user| user == PANIC),
            "this is the test of a panic"
        );
        users
            .into_iter()
            .try_for_each(|user| self.0.send(user).map_err(io::Error::other))
    }
}

/// Collects the reported lines.
#[derive(Clone)]
struct Lines(mpsc::Sender<String>);

impl Report for Lines {
    fn write(&mut self, diagnostic: &Diagnostic<'_>) {
        let mut line = String::new();
        diagnostic.line(&mut line).expect("text");
        // The test may have ended.
        let _ = self.0.send(line);
    }
}

/// A runtime, and what its host receives.
struct Host {
    runtime: Runtime,
    address: SocketAddr,
    sender: UdpSocket,
    users: mpsc::Receiver<String>,
    failures: mpsc::Receiver<Failure>,
    lines: mpsc::Receiver<String>,
    metrics: mpsc::Receiver<Vec<Metric>>,
}

impl Host {
    fn start(config: &str, on_panic: OnPanic) -> Self {
        Self::try_start(config, on_panic).expect("it starts")
    }

    fn try_start(config: &str, on_panic: OnPanic) -> Result<Self, StartError> {
        let text = format!("{config}\n[source]\naddress = \"127.0.0.1:0\"\n");
        Self::at(&Config::parse(&text).expect("a configuration"), on_panic)
    }

    fn at(config: &Config, on_panic: OnPanic) -> Result<Self, StartError> {
        Self::over(config, open(config)?, on_panic)
    }

    fn over(config: &Config, opened: Opened, on_panic: OnPanic) -> Result<Self, StartError> {
        let address = opened.bound[0].address;
        let (sink, users) = mpsc::channel();
        let (failed, failures) = mpsc::channel();
        let (report, lines) = mpsc::channel();
        let (record, metrics) = mpsc::channel();
        let edge = Edge {
            queues: Arc::new(<Queue>::new(config.queue, opened.workers())).into(),
            telemetry: Telemetry::callback(move |metrics| {
                // The test may have ended.
                let _ = record.send(metrics);
            }),
            on_panic,
            hands_sockets_on: false,
            failed: Box::new(move |failure| {
                // The test may have ended.
                let _ = failed.send(failure);
            }),
            diagnostics: Lines(report),
        };
        let refresh = Refresh::new(config)?;
        let sink = Users(sink);
        let runtime = Runtime::start(config, refresh, opened, move |_| sink.clone(), edge)?;
        let sender = UdpSocket::bind("127.0.0.1:0").expect("a port");
        sender.connect(address).expect("an address");
        Ok(Self {
            runtime,
            address,
            sender,
            users,
            failures,
            lines,
            metrics,
        })
    }

    fn send(&self, user: &str) {
        let datagram = format!("/proxy-session/;n1;Start session;LAB;{user};;/hub;");
        self.sender.send(datagram.as_bytes()).expect("sent");
    }

    fn user(&self) -> String {
        self.users.recv_timeout(DEADLINE).expect("a user")
    }

    /// Waits for a line that contains `part`, whatever comes before it.
    fn await_line(&self, part: &str) -> String {
        loop {
            let line = self.lines.recv_timeout(DEADLINE).expect(part);
            if line.contains(part) {
                return line;
            }
        }
    }

    fn panics(&self) {
        self.send(PANIC);
    }
}

/// The sum of a counter.
fn counted(metrics: &[Metric], name: &str) -> u64 {
    let values = metrics.iter().filter(|metric| metric.name == name);
    let values = values.map(|metric| match metric.value {
        MetricValue::Counter(more) => more,
        _ => panic!("{metric:?} is not a counter"),
    });
    values.sum()
}

#[test]
fn a_worker_that_panics_is_restarted() {
    let folder = tempfile::tempdir().expect("a folder");
    let list = folder.path().join("users.txt");
    fs::write(&list, "LAB\\anna\n").expect("a list");
    let config = format!("[transform.blacklist]\nfiles = ['{}']\n", list.display());
    let host = Host::start(&config, OnPanic::Restart);
    // The replacement of a worker also has the new list.
    fs::write(&list, "LAB\\maria\nLAB\\bob\n").expect("a list");
    host.await_line("reloaded the blacklist");
    for number in 0..3 {
        host.send(&format!("before{number}"));
        assert_eq!(host.user(), format!("before{number}"));
        host.panics();
        host.await_line("a receiving thread panicked");
        for user in ["maria", "anna"] {
            host.send(user);
        }
        assert_eq!(host.user(), "anna");
    }
    host.runtime.stop();
    assert!(host.runtime.await_end(PATIENCE));
    assert!(host.runtime.conclude(PATIENCE).is_some());
    let line = loop {
        let line = host.lines.recv_timeout(DEADLINE).expect("the last line");
        if line.starts_with("stopped ") {
            // Only Linux reports a number after the last one in the list below.
            break line + " ";
        }
    };
    for part in [
        " datagrams=12 ",
        " events=6 ",
        " excluded=3 ",
        " dropped=3 ",
    ] {
        assert!(line.contains(part), "{line}");
    }
    let metrics: Vec<_> = host.metrics.try_iter().flatten().collect();
    for (name, expected) in [
        ("received_datagrams_total", 12),
        ("excluded_events_total", 3),
        ("queue_dropped_events_total", 3),
    ] {
        assert_eq!(counted(&metrics, name), expected, "{name}");
    }
    assert!(host.failures.try_recv().is_err());
}

/// `docs/fields.md` lists these metrics for every host.
#[test]
fn every_host_gets_the_metrics_of_app_names() {
    let folder = tempfile::tempdir().expect("a folder");
    let list = folder.path().join("apps.csv");
    fs::write(
        &list,
        "id,name\na421f4a2-c311-4ef4-ba41-fe2e6a2b0d69,Sales\n",
    )
    .expect("a list");
    let config = format!("[transform.app_names]\nfiles = ['{}']\n", list.display());
    let host = Host::start(&config, OnPanic::Restart);
    fs::write(&list, "no list\n").expect("a file");
    host.await_line("cannot reload the files of app names");
    host.runtime.stop();
    assert!(host.runtime.await_end(PATIENCE));
    let metrics: Vec<_> = host.metrics.try_iter().flatten().collect();
    let failures = counted(&metrics, "app_names_refresh_failures_total");
    assert_eq!(failures, 1);
    let mut apps = metrics.iter().filter(|metric| metric.name == "app_names");
    assert!(apps.any(|apps| matches!(apps.value, MetricValue::Gauge(1.0))));
}

#[test]
fn after_four_panics_the_port_is_free_and_the_host_is_notified() {
    let host = Host::start("", OnPanic::Restart);
    for _ in 0..3 {
        host.panics();
        host.await_line("and is restarted");
    }
    host.panics();
    let failure = host.failures.recv_timeout(DEADLINE).expect("a failure");
    assert!(matches!(failure, Failure::Panicked));
    UdpSocket::bind(host.address).expect("the port is free");
    assert!(host.runtime.sockets().next().is_none());
    assert!(host.runtime.conclude(PATIENCE).is_some());
    let line = host.lines.iter().find(|line| line.starts_with("stopped "));
    assert!(line.expect("the last line").contains(" datagrams=4 "));
}

#[test]
fn a_host_that_restarts_is_notified_of_the_first_panic() {
    let host = Host::start("", OnPanic::End);
    host.panics();
    let failure = host.failures.recv_timeout(DEADLINE).expect("a failure");
    assert!(matches!(failure, Failure::Panicked));
    UdpSocket::bind(host.address).expect("the port is free");
}

const SESSIONS: &str = "[transform.sessions]\nenabled = true\n";

fn kept_in(file: &Path) -> String {
    format!("{SESSIONS}state_file = '{}'\n", file.display())
}

/// This holds in every host, whatever ends it.
#[test]
fn a_runtime_that_is_dropped_has_saved_the_sessions() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("sessions.ndjson");
    let host = Host::start(&kept_in(&file), OnPanic::Restart);
    host.send("goran");
    host.user();
    let Host {
        runtime,
        metrics,
        lines,
        ..
    } = host;
    drop(runtime);
    let state = fs::read_to_string(&file).expect("the state");
    assert!(state.contains("goran"), "{state}");
    let metrics: Vec<_> = metrics.try_iter().flatten().collect();
    assert_eq!(counted(&metrics, "received_datagrams_total"), 1);
    assert!(lines.try_iter().any(|line| line.starts_with("stopped ")));
    let host = Host::start(&kept_in(&file), OnPanic::Restart);
    host.await_line("resumed the sessions of 1 user");
}

/// Leaves the sessions half changed, as a panic in the middle of a change does.
fn break_off(sessions: Sessions) {
    struct Panics;

    impl io::Read for Panics {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            panic!("this is the test of a panic");
        }
    }

    let state = move || sessions.restore(&mut io::BufReader::new(Panics), DateTime::UNIX_EPOCH);
    thread::spawn(state).join().expect_err("a panic");
}

/// A runtime whose sessions are half changed, with "goran" in the saved state.
fn half_changed(file: &Path, on_panic: OnPanic) -> Host {
    let text = format!("{}[source]\naddress = \"127.0.0.1:0\"\n", kept_in(file));
    let config = Config::parse(&text).expect("a configuration");
    let host = Host::at(&config, OnPanic::Restart).expect("it starts");
    host.send("goran");
    host.user();
    drop(host.runtime);

    let opened = open(&config).expect("a port");
    let sessions = opened.pipeline.sessions().expect("followed").clone();
    let host = Host::over(&config, opened, on_panic).expect("it starts");
    host.await_line("resumed the sessions of 1 user");
    break_off(sessions);
    // Events still arrive.
    host.send("maria");
    assert_eq!(host.user(), "maria");
    host
}

#[test]
fn a_restarted_worker_continues_from_the_last_saved_sessions() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("sessions.ndjson");
    let host = half_changed(&file, OnPanic::Restart);
    host.panics();
    host.await_line("resumed the sessions of 1 user");
    host.send("peter");
    assert_eq!(host.user(), "peter");
    drop(host.runtime);
    let state = fs::read_to_string(&file).expect("the state");
    for (user, is_there) in [("goran", true), ("maria", false), ("peter", true)] {
        assert_eq!(state.contains(user), is_there, "{user} in {state}");
    }
}

#[test]
fn sessions_that_are_half_changed_are_not_saved_at_the_end() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("sessions.ndjson");
    let host = half_changed(&file, OnPanic::End);
    let before = fs::read_to_string(&file).expect("the state");
    host.panics();
    host.failures.recv_timeout(DEADLINE).expect("a failure");
    host.await_line("cannot write the session state");
    drop(host.runtime);
    assert_eq!(fs::read_to_string(&file).expect("the state"), before);
    // The state and its lock.
    assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 2);
}

/// An unreadable state is noticed after the sockets have been opened and before anything is received.
#[test]
fn a_start_that_fails_leaves_nothing_behind() {
    let folder = tempfile::tempdir().expect("a folder");
    let probe = UdpSocket::bind("127.0.0.1:0").expect("a port");
    let address = probe.local_addr().expect("its address");
    drop(probe);
    let text = format!(
        "{}[source]\naddress = \"{address}\"\n",
        kept_in(folder.path())
    );
    let config = Config::parse(&text).expect("a configuration");
    let refused = Host::at(&config, OnPanic::Restart).map(|host| host.address);
    assert!(
        matches!(refused, Err(StartError::State { .. })),
        "{refused:?}"
    );
    UdpSocket::bind(address).expect("the port is free");
}

/// A start that fails later leaves threads behind that receive already.
#[test]
fn workers_that_are_dropped_end() {
    // Other systems have one worker per address.
    let workers = if cfg!(target_os = "linux") { 2 } else { 1 };
    let config = format!("[source]\naddress = \"127.0.0.1:0\"\nworkers = {workers}\n");
    let config = Config::parse(&config).expect("a configuration");
    let opened = open(&config).expect("a port");
    let address = opened.bound[0].address;
    let (sink, users) = mpsc::channel();
    let sink = Users(sink);
    let news = mpsc::channel();
    let mut workers = Workers::new(&config, opened, Box::new(move |_| sink.clone()), news.0);
    workers.start().expect("threads");
    drop(workers);
    UdpSocket::bind(address).expect("the port is free");
    assert!(users.recv().is_err(), "no sink is left");
}

/// A sink that blocks holds up its worker, but neither the shutdown nor the saving of sessions.
#[test]
fn sessions_are_saved_even_if_a_sink_blocks() {
    #[derive(Clone)]
    struct Stuck(Arc<Mutex<mpsc::Receiver<()>>>, mpsc::Sender<()>);

    impl Sink for Stuck {
        fn take(&mut self, events: &mut OutputBuffer) -> io::Result<()> {
            if events.drain().count() > 0 {
                self.1.send(()).expect("the test waits");
                // This blocks until the test ends.
                let _ = lock(&self.0).recv();
            }
            Ok(())
        }
    }

    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("sessions.ndjson");
    let text = format!("{}[source]\naddress = \"127.0.0.1:0\"\n", kept_in(&file));
    let config = Config::parse(&text).expect("a configuration");
    let opened = open(&config).expect("a port");
    let address = opened.bound[0].address;
    let (release, until) = mpsc::channel::<()>();
    let (stands, still) = mpsc::channel();
    let sink = Stuck(Arc::new(Mutex::new(until)), stands);
    let (report, lines) = mpsc::channel();
    let edge = Edge {
        queues: Arc::new(<Queue>::new(config.queue, 1)).into(),
        telemetry: Telemetry::callback(|_| {}),
        on_panic: OnPanic::Restart,
        hands_sockets_on: false,
        failed: Box::new(|_| {}),
        diagnostics: Lines(report),
    };
    let refresh = Refresh::new(&config).expect("no certificates");
    let runtime = Runtime::start(&config, refresh, opened, move |_| sink.clone(), edge);
    let sender = UdpSocket::bind("127.0.0.1:0").expect("a port");
    let datagram = b"/proxy-session/;n1;Start session;LAB;goran;;/hub;";
    sender.send_to(datagram, address).expect("sent");
    still.recv_timeout(DEADLINE).expect("it blocks");
    let runtime = runtime.expect("it starts");
    for control in &runtime.controls {
        control.stop_at(a_while_ago(DRAIN));
    }
    drop(runtime);
    let state = fs::read_to_string(&file).expect("the state");
    assert!(state.contains("goran"), "{state}");
    assert!(
        lines
            .try_iter()
            .any(|line| line.contains("did not stop in time"))
    );
    drop(release);
}

/// The time at which workers were told to end, so that no test waits for as long as they may take.
fn a_while_ago(ago: Duration) -> Instant {
    Instant::now().checked_sub(ago).expect("a time")
}

/// Takes a while for each batch, like a thread that has much to decode.
struct Slow(mpsc::Sender<u64>);

/// How long that is.
const WORK: Duration = Duration::from_secs(1);

impl Sink for Slow {
    fn take(&mut self, events: &mut OutputBuffer) -> io::Result<()> {
        let count = events.drain().count() as u64;
        if count > 0 {
            thread::sleep(WORK);
            self.0.send(count).map_err(io::Error::other)?;
        }
        Ok(())
    }
}

#[test]
fn datagrams_that_shutdown_has_no_time_for_are_counted() {
    const DATAGRAMS: u64 = 1_000;
    let socket = Arc::new(UdpSocket::bind("127.0.0.1:0").expect("a socket"));
    let sender = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    let address = socket.local_addr().expect("an address");
    let config = Config::default();
    let pipeline = config.pipeline().build().expect("a pipeline");
    let (taken, takes) = mpsc::channel();
    let control = Arc::new(Control::default());
    let worker = Worker::new(
        Arc::clone(&socket),
        &config.source,
        pipeline,
        Slow(taken),
        Arc::clone(&control),
    );
    // There is time for a batch, and then none for the others.
    for _ in 0..DATAGRAMS {
        let datagram = b"/proxy-session/;n1;Stop session;LAB;goran;;;";
        sender.send_to(datagram, address).expect("sent");
    }
    control.stop_at(a_while_ago(DRAIN.saturating_sub(WORK)));
    worker.run().expect("it ends");
    let counters = control.counters();
    let decoded = counters.pipeline.events();
    assert_eq!(takes.try_iter().sum::<u64>(), decoded);
    assert!(counters.not_drained > 0, "{counters:?}");
    assert_eq!(
        counters.received_datagrams,
        decoded + counters.not_drained,
        "{counters:?}"
    );
}
