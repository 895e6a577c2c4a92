//! The reader of the program's output: counts records and adds up metrics, pauses or leaves on request.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, PipeReader},
    sync::{Arc, Condvar, Mutex, MutexGuard},
    thread::{self, JoinHandle},
};

use serde::Deserialize;

/// What has been read.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    /// Records of events from datagrams.
    pub events: u64,
    /// Records of derived events.
    pub derived: u64,
    /// The program's counters, each the sum over all tags.
    pub counters: BTreeMap<String, u64>,
    /// The program's gauges in the latest complete set of metrics, each the sum over all tags.
    gauges: BTreeMap<String, f64>,
    /// The gauges in the set that is being read.
    coming: BTreeMap<String, f64>,
    /// How many sets of metrics have begun, and the time of the latest.
    pub sets: u64,
    set: String,
}

impl Seen {
    pub fn counter(&self, name: &str) -> u64 {
        self.counters.get(name).copied().unwrap_or_default()
    }

    /// Users, sessions and connections, if they are followed.
    pub fn followed(&self) -> [f64; 3] {
        ["active_users", "active_sessions", "active_connections"]
            .map(|name| self.gauges.get(name).copied().unwrap_or_default())
    }

    /// Records that were read, and those that the queue has dropped.
    fn out_or_dropped(&self) -> u64 {
        self.events + self.derived + self.counter("queue_dropped_events_total")
    }

    /// Whether everything that was received is counted in one place, according to the latest metrics.
    pub fn is_balanced(&self) -> bool {
        let sum = |names: &[&str]| names.iter().map(|name| self.counter(name)).sum::<u64>();
        let events = sum(&["events_total", "undecoded_events_total"]);
        let left_out = sum(&[
            "excluded_events_total",
            "refused_datagrams_total",
            "rate_limited_datagrams_total",
        ]);
        self.counter("received_datagrams_total") == events + left_out
            && self.out_or_dropped() == events + self.counter("derived_events_total")
    }

    fn add(&mut self, line: &str) {
        let line: Line<'_> =
            serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        match line {
            Line::Log(log) if log.event.starts_with("session_") => self.derived += 1,
            Line::Log(log) if log.event.starts_with("connection_") => self.derived += 1,
            Line::Log(_) => self.events += 1,
            Line::Metric(metric) => self.add_metric(&metric),
        }
    }

    fn end_set(&mut self) {
        self.gauges = std::mem::take(&mut self.coming);
    }

    fn add_metric(&mut self, metric: &Metric<'_>) {
        // All metrics of a set have the same time.
        if metric.timestamp != self.set {
            metric.timestamp.clone_into(&mut self.set);
            self.sets += 1;
            self.end_set();
        }
        if let Some(counter) = &metric.counter {
            *self.counters.entry(metric.name.to_owned()).or_default() += counter.value as u64;
        }
        if let Some(gauge) = &metric.gauge {
            *self.coming.entry(metric.name.to_owned()).or_default() += gauge.value;
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line<'a> {
    #[serde(borrow)]
    Log(Log<'a>),
    #[serde(borrow)]
    Metric(Metric<'a>),
}

#[derive(Deserialize)]
struct Log<'a> {
    event: &'a str,
}

#[derive(Deserialize)]
struct Metric<'a> {
    name: &'a str,
    timestamp: &'a str,
    counter: Option<Number>,
    gauge: Option<Number>,
}

#[derive(Deserialize)]
struct Number {
    value: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Reads,
    StandsStill,
    Goes,
}

struct Shared {
    mode: Mutex<Mode>,
    changed: Condvar,
    seen: Mutex<Seen>,
}

pub struct Reader {
    shared: Arc<Shared>,
    thread: JoinHandle<()>,
}

impl Reader {
    /// How much is read from the pipe at once, in bytes.
    pub const BUFFER: usize = 1 << 16;

    pub fn start(pipe: PipeReader) -> Self {
        let shared = Arc::new(Shared {
            mode: Mutex::new(Mode::Reads),
            changed: Condvar::new(),
            seen: Mutex::default(),
        });
        let thread = thread::spawn({
            let shared = Arc::clone(&shared);
            move || read(&shared, BufReader::with_capacity(Self::BUFFER, pipe))
        });
        Self { shared, thread }
    }

    pub fn set(&self, mode: Mode) {
        *lock(&self.shared.mode) = mode;
        self.shared.changed.notify_all();
    }

    pub fn seen(&self) -> Seen {
        lock(&self.shared.seen).clone()
    }

    /// Everything up to the end of the pipe, or until the reader went away.
    pub fn end(self) -> Seen {
        self.thread.join().expect("a reader");
        let mut seen = lock(&self.shared.seen).clone();
        seen.end_set();
        seen
    }
}

fn read(shared: &Shared, mut pipe: BufReader<PipeReader>) {
    let mut line = Vec::new();
    loop {
        let mode = shared
            .changed
            .wait_while(lock(&shared.mode), |mode| *mode == Mode::StandsStill);
        if *mode.expect("no thread panics with it") == Mode::Goes {
            return;
        }
        line.clear();
        pipe.read_until(b'\n', &mut line).expect("read");
        // A program that was killed may have written a partial line.
        let Some(whole) = line.strip_suffix(b"\n") else {
            return;
        };
        let whole = std::str::from_utf8(whole).expect("UTF-8");
        lock(&shared.seen).add(whole);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("no thread panics with it")
}
