//! Where events come from: a UDP port of its own, a file, standard input, or a `run` that shares its events.

use std::{
    fs::File,
    io::{self, BufRead},
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant, SystemTime},
};

use chrono::{DateTime, TimeDelta, Utc};
use qlik_sense_events::{
    config::Config,
    event::UserAgentCache,
    host::{
        local_socket,
        runtime::{
            control::Control,
            listener::Listener,
            start::{self, Opened, StartError},
            threads::{Failure, lock},
            worker::Sink,
        },
    },
    transform::{
        OutputBuffer,
        sessions::{Activity, StateError},
    },
};

use super::{
    super::{files, input::LineReader},
    model::Model,
    record::{self, Record},
    screen::{Node, Screen, grouped},
    told::Told,
};
#[cfg(feature = "qrs")]
use super::{engines::Engines, proxies::Proxies};

/// The longest line to read, in bytes. The event of the longest datagram is shorter.
const MAX_LINE: usize = 1 << 20;

/// How long to wait before a socket is tried again.
const RECONNECT: Duration = Duration::from_millis(500);

/// The notice at the end of a file or a pipe.
pub const ENDED: &str = "the input has ended";

const EXPECTED: &str = "expected what `run` writes with the codec json and the schema default";

/// The input, and the model that it feeds.
#[derive(Debug, Clone)]
pub struct Input {
    source: String,
    state: Arc<Mutex<State>>,
    /// Whether events happen now, by this machine's clock.
    is_live: bool,
    /// The counts of a UDP port.
    controls: Vec<Arc<Control>>,
}

#[derive(Debug)]
struct State {
    model: Model,
    /// When the last event was taken, by this machine's clock.
    taken: Instant,
    /// Lines that are records of the program, and others.
    records: u64,
    lines_passed_over: u64,
    dropped: u64,
    /// How the input has ended.
    ended: Option<String>,
    /// Whether no program is at the other end of the socket.
    is_waiting: bool,
    /// Why the saved state could not be read.
    unread_state: Option<String>,
    /// The proxies that are queried for their sessions.
    #[cfg(feature = "qrs")]
    proxies: Option<Proxies>,
    /// The engines that are queried for their health.
    #[cfg(feature = "qrs")]
    engines: Option<Engines>,
}

/// Where lines come from.
#[derive(Debug, Clone)]
pub enum LineSource {
    /// A file, `-` for standard input.
    File(PathBuf),
    /// The local socket of a `run`.
    Socket(PathBuf),
}

impl Input {
    fn new(source: String, config: &Config) -> Self {
        let state = State {
            model: Model::new(&config.transform.sessions),
            taken: Instant::now(),
            records: 0,
            lines_passed_over: 0,
            dropped: 0,
            ended: None,
            is_waiting: false,
            unread_state: None,
            #[cfg(feature = "qrs")]
            proxies: None,
            #[cfg(feature = "qrs")]
            engines: None,
        };
        Self {
            source,
            state: Arc::new(Mutex::new(state)),
            is_live: false,
            controls: Vec::new(),
        }
    }

    /// Receives datagrams as `run` does, in threads that end with the process.
    ///
    /// # Errors
    ///
    /// When an address cannot be listened on or a file of the configuration cannot be read.
    pub fn udp(with_sessions: &Config) -> Result<Self, StartError> {
        let mut config = with_sessions.clone();
        // Sessions are followed here, for all workers together.
        config.transform.sessions.enabled = false;
        // So are costs: they are shown by session, and summaries name none.
        config.transform.performance.enabled = false;
        let Opened { bound, pipeline } = start::open(&config)?;
        let listeners = Listener::all(bound);
        let addresses: Vec<String> = listeners
            .iter()
            .map(|listener| format!("udp {}", listener.address))
            .collect();
        let mut input = Self::new(addresses.join(", "), &config);
        lock(&input.state).ask_services(with_sessions)?;
        let mut controls = Vec::new();
        for handle in listeners.iter().flat_map(|listener| &listener.workers) {
            let sink = ModelSink(Arc::clone(&input.state));
            let Some(worker) = handle.worker(&config.source, pipeline.clone_for_socket(), sink)
            else {
                continue;
            };
            controls.push(worker.control());
            let state = Arc::clone(&input.state);
            let receive = move || {
                let ended = match worker.run() {
                    Ok(()) => return,
                    Err(Failure::Failed(error)) => error.to_string(),
                    Err(Failure::Panicked) => "a thread panicked".to_owned(),
                };
                lock(&state).ended = Some(format!("stopped receiving: {ended}"));
            };
            thread::Builder::new()
                .name("worker".into())
                .spawn(receive)
                .map_err(StartError::Thread)?;
        }
        input.is_live = true;
        input.controls = controls;
        Ok(input)
    }

    /// Reads JSON lines on a thread that ends with the process.
    ///
    /// # Errors
    ///
    /// When a file or a socket cannot be opened, or a thread cannot be started.
    pub fn lines(lines: &LineSource, config: &Config) -> io::Result<Self> {
        let (source, reader) = match lines {
            LineSource::File(file) => open(file)?,
            LineSource::Socket(path) => (path.display().to_string(), connect(path)?),
        };
        let mut input = Self::new(source, config);
        if let LineSource::Socket(_) = lines {
            input.is_live = true;
            let mut state = lock(&input.state);
            state.resume(config);
            // Events are shown without it, too.
            if let Err(error) = state.ask_services(config) {
                state.unread_state = Some(error.to_string());
            }
        }
        let state = Arc::clone(&input.state);
        let lines = lines.clone();
        let read = move || match lines {
            LineSource::Socket(path) => read_socket(reader, &path, &state),
            LineSource::File(_) => {
                let ended = match read_lines(reader, &state) {
                    Ok(()) => ENDED.to_owned(),
                    Err(error) => format!("cannot read the input: {error}"),
                };
                lock(&state).ended = Some(ended);
            }
        };
        thread::Builder::new().name("lines".into()).spawn(read)?;
        Ok(input)
    }

    /// Reads JSON lines to their end.
    ///
    /// # Errors
    ///
    /// When the file cannot be read.
    pub fn whole(file: &Path, config: &Config) -> io::Result<Self> {
        let (source, reader) = open(file)?;
        let input = Self::new(source, config);
        read_lines(reader, &input.state)?;
        lock(&input.state).ended = Some(ENDED.to_owned());
        Ok(input)
    }

    /// Why there is nothing to show, if no line is an event.
    pub fn nothing_read(&self) -> Option<String> {
        let state = lock(&self.state);
        let is_foreign = state.records == 0 && state.lines_passed_over > 0;
        is_foreign.then(|| format!("no line of it is an event; {EXPECTED}"))
    }

    /// The current screen.
    pub fn screen(&self) -> Screen {
        let mut state = lock(&self.state);
        state.take_lists();
        let now = if self.is_live {
            Some(SystemTime::now().into())
        } else {
            state.recorded_now()
        };
        let mut screen = state.model.screen(now);
        screen.source.clone_from(&self.source);
        screen.nodes = state.nodes();
        screen.notices = state.notices();
        drop(state);
        let counters = self
            .controls
            .iter()
            .map(|control| control.counters().pipeline);
        let lost: Vec<u64> = counters.filter_map(|counters| counters.row_gaps).collect();
        screen.lost = (!lost.is_empty()).then(|| lost.iter().sum());
        screen
    }
}

impl State {
    /// Starts with the users in the last saved state of the program at the other end.
    fn resume(&mut self, config: &Config) {
        let Some(file) = config.transform.sessions.state_file() else {
            return;
        };
        let read = File::open(file).map_err(StateError::from).and_then(|file| {
            let now = SystemTime::now().into();
            self.model.resume(&mut io::BufReader::new(file), now)
        });
        self.unread_state = match read {
            Ok(()) => None,
            Err(StateError::Read(error)) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => Some(format!("{}: {error}", file.display())),
        };
    }

    /// Starts to query the proxies and engines that the configuration names.
    #[cfg(feature = "qrs")]
    fn ask_services(&mut self, config: &Config) -> Result<(), StartError> {
        self.proxies = Proxies::start(config)?;
        self.engines = Engines::start(config)?;
        Ok(())
    }

    #[cfg(not(feature = "qrs"))]
    const fn ask_services(&self, _: &Config) -> Result<(), StartError> {
        Ok(())
    }

    /// Takes the lists of proxies.
    #[cfg(feature = "qrs")]
    fn take_lists(&mut self) {
        let lists = self.proxies.iter_mut().flat_map(Proxies::lists);
        lists.for_each(|list| self.model.take_list(list));
    }

    #[cfg(not(feature = "qrs"))]
    const fn take_lists(&self) {}

    /// What the engines report about the memory of their nodes.
    #[cfg(feature = "qrs")]
    fn nodes(&mut self) -> Vec<Node> {
        self.engines.as_mut().map_or_else(Vec::new, Engines::nodes)
    }

    #[cfg(not(feature = "qrs"))]
    const fn nodes(&self) -> Vec<Node> {
        Vec::new()
    }

    /// What is wrong with a proxy and with an engine, if anything.
    #[cfg(feature = "qrs")]
    fn warnings(&self) -> [Option<String>; 2] {
        [
            self.proxies.as_ref().and_then(Proxies::warning),
            self.engines.as_ref().and_then(Engines::warning),
        ]
    }

    #[cfg(not(feature = "qrs"))]
    const fn warnings(&self) -> [Option<String>; 2] {
        [None, None]
    }

    /// The time of the last event plus the time since it arrived. For a recording that has ended, time stands still.
    fn recorded_now(&self) -> Option<DateTime<Utc>> {
        let last = self.model.last_event()?;
        if self.ended.is_some() {
            return Some(last);
        }
        let passed = TimeDelta::from_std(self.taken.elapsed()).unwrap_or_default();
        last.checked_add_signed(passed)
    }

    fn notices(&self) -> Vec<String> {
        let lines = grouped(self.lines_passed_over);
        let passed_over = match self.lines_passed_over {
            0 => None,
            _ if self.records == 0 => Some(format!("no line is an event, of {lines}; {EXPECTED}")),
            1 => Some("1 line is not an event in the schema default".to_owned()),
            _ => Some(format!(
                "{lines} lines are not events in the schema default"
            )),
        };
        let dropped = (self.dropped > 0).then(|| {
            format!(
                "{} events skipped, because they came too fast",
                grouped(self.dropped)
            )
        });
        let waits = "the program has ended; waiting for it to start again";
        let waiting = self.is_waiting.then(|| waits.to_owned());
        let unread_state = self.unread_state.clone();
        let notices = [
            self.ended.clone(),
            waiting,
            dropped,
            passed_over,
            unread_state,
        ];
        notices
            .into_iter()
            .chain(self.warnings())
            .flatten()
            .collect()
    }
}

struct ModelSink(Arc<Mutex<State>>);

impl Sink for ModelSink {
    fn take(&mut self, events: &mut OutputBuffer) -> io::Result<()> {
        if !events.is_empty() {
            let mut state = lock(&self.0);
            for event in events.drain() {
                if let Some(activity) = Activity::of(&event) {
                    state.model.follow(activity);
                } else if let Some(told) = Told::of(&event) {
                    state.model.hear(&told);
                }
            }
        }
        Ok(())
    }
}

/// Reads the events of a program, and then of its successor: Vector starts a new one when its configuration changes.
/// Ends with the process.
fn read_socket(mut reader: Box<dyn BufRead + Send>, path: &Path, state: &Mutex<State>) {
    loop {
        // A read error means the same as the end of the stream.
        let _ = read_lines(&mut reader, state);
        lock(state).is_waiting = true;
        reader = loop {
            thread::sleep(RECONNECT);
            if let Ok(reader) = connect(path) {
                break reader;
            }
        };
        lock(state).is_waiting = false;
    }
}

fn read_lines(reader: impl BufRead, state: &Mutex<State>) -> io::Result<()> {
    let user_agents = UserAgentCache::default();
    let mut reader = LineReader::new(reader);
    let mut line = Vec::new();
    while reader.read_line(&mut line, MAX_LINE)? > 0 {
        if line.trim_ascii().is_empty() {
            continue;
        }
        let record = record::read(&line, &user_agents);
        let mut state = lock(state);
        state.records += u64::from(record.is_some());
        match record {
            Some(Record::User(record)) => {
                state.model.follow(record.activity());
                state.taken = Instant::now();
            }
            Some(Record::Service(record)) => {
                state.model.hear(&record.told());
                state.taken = Instant::now();
            }
            Some(Record::Dropped(events)) => state.dropped += events,
            Some(Record::Other) => {}
            None => state.lines_passed_over += 1,
        }
    }
    Ok(())
}

/// The name of a file, `-` for standard input, and its lines.
fn open(file: &Path) -> io::Result<(String, Box<dyn BufRead + Send>)> {
    if file == Path::new("-") {
        let stdin = io::BufReader::new(io::stdin());
        return Ok(("standard input".into(), Box::new(stdin)));
    }
    let opened = io::BufReader::new(files::open(file)?);
    Ok((file.display().to_string(), Box::new(opened)))
}

fn connect(path: &Path) -> io::Result<Box<dyn BufRead + Send>> {
    let stream = local_socket::connect(path)?;
    Ok(Box::new(io::BufReader::new(stream)))
}
