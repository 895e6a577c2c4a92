//! An instance of the plugin, as tests use it.

use std::{
    ffi::{CString, c_int},
    net::SocketAddr,
    sync::{Arc, mpsc},
    thread::{self, JoinHandle},
    time::Duration,
};

use super::{
    PATIENCE, Version, await_that,
    calls::{Call, life},
    library::loaded,
    records::Record,
    state::{State, lock},
};

/// The name that the host gives an instance's thread.
const OWN_THREAD: &str = "flb-in-qlik_sense.0-w0";

/// An instance on its own thread.
pub struct Instance {
    pub state: Arc<State>,
    calls: mpsc::Sender<(Call, mpsc::Sender<c_int>)>,
    thread: JoinHandle<()>,
}

impl Instance {
    /// Starts an instance, or returns what the plugin has logged if it refuses.
    pub fn begin(version: Version, properties: &[(&str, &str)]) -> Result<Self, Vec<String>> {
        Self::begin_with_log(version, properties, 3)
    }

    /// Like [`begin`](Self::begin), with a log that shows less.
    pub fn begin_with_log(
        version: Version,
        properties: &[(&str, &str)],
        log_level: c_int,
    ) -> Result<Self, Vec<String>> {
        Self::begin_on(OWN_THREAD, version, properties, log_level)
    }

    /// Like [`begin`](Self::begin), on the thread that runs all inputs with `threaded: false`.
    pub fn begin_on_the_pipeline(
        version: Version,
        properties: &[(&str, &str)],
    ) -> Result<Self, Vec<String>> {
        Self::begin_on("flb-pipeline", version, properties, 3)
    }

    fn begin_on(
        thread_name: &str,
        version: Version,
        properties: &[(&str, &str)],
        log_level: c_int,
    ) -> Result<Self, Vec<String>> {
        let text = |text: &str| CString::new(text).expect("text");
        let properties = properties
            .iter()
            .map(|(key, value)| (text(key), text(value)));
        let state = Arc::new(State {
            properties: properties.collect(),
            log_level,
            ..State::default()
        });
        // Building the plugin may take a while, and should not count as a delay below.
        loaded();
        let (calls, received) = mpsc::channel();
        let (ready, begun) = mpsc::channel();
        let of_thread = Arc::clone(&state);
        let thread = thread::Builder::new()
            .name(thread_name.into())
            .spawn(move || life(version, &of_thread, &ready, &received))
            .expect("a thread");
        let status = begun
            .recv_timeout(PATIENCE)
            .expect("the init callback returns");
        let instance = Self {
            state,
            calls,
            thread,
        };
        if status == 1 {
            Ok(instance)
        } else {
            let log = instance.log();
            instance.thread.join().expect("the thread ends");
            Err(log)
        }
    }

    fn call(&self, call: Call) -> c_int {
        let (answer, answered) = mpsc::channel();
        self.calls.send((call, answer)).expect("the thread lives");
        answered
            .recv_timeout(PATIENCE)
            .expect("the callback returns")
    }

    /// Runs the collector that the plugin has set; the host calls it at its interval.
    pub fn collect(&self) {
        assert_eq!(self.call(Call::Collect), 0);
    }

    /// Makes the call that the host makes once a second.
    pub fn tick(&self) {
        assert_eq!(self.call(Call::Tick), 0);
    }

    pub fn pause(&self) {
        self.call(Call::Pause);
    }

    pub fn resume(&self) {
        self.call(Call::Resume);
    }

    /// Ends it like the host does.
    pub fn exit(self, hot_reloading: bool) -> Ended {
        self.call(Call::PreExit(hot_reloading));
        assert_eq!(self.call(Call::Exit), 0);
        drop(self.calls);
        self.thread.join().expect("the thread ends");
        Ended(self.state)
    }

    pub fn interval(&self) -> Option<Duration> {
        let collect = lock(&self.state.collect);
        collect.map(|(_, nanoseconds)| Duration::from_nanos(nanoseconds as u64))
    }

    /// Makes calls like the host until there are enough records.
    pub fn records(&self, count: usize) -> Vec<Record> {
        let mut seen = 0;
        await_that(&format!("{count} records"), || {
            self.collect_or_tick();
            seen = self.state.records().len();
            seen >= count
        });
        self.state.records()
    }

    pub fn collect_or_tick(&self) {
        if crate::EXPORTS {
            self.collect();
        } else {
            self.tick();
        }
    }

    pub fn log(&self) -> Vec<String> {
        self.state.log()
    }

    /// The addresses on which it listens, according to its log.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        let log = self.log();
        let listening = log.iter().filter(|line| line.contains(" listening "));
        let addresses = listening.filter_map(|line| {
            let word = line
                .split(' ')
                .find_map(|word| word.strip_prefix("address="));
            word?.parse().ok()
        });
        addresses.collect()
    }
}

/// What is known about an instance that has ended.
pub struct Ended(pub Arc<State>);
