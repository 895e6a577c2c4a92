//! A small Fluent Bit: it loads the real plugin and runs instances as Fluent Bit does.

#![allow(unsafe_code, reason = "the plugin's interface is C")]

use std::{
    collections::BTreeMap,
    ffi::{CStr, CString, c_char, c_int, c_long, c_void},
    fs,
    net::SocketAddr,
    path::PathBuf,
    process::Command,
    ptr,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

#[cfg(unix)]
use libloading::os::unix::{Library, RTLD_GLOBAL, RTLD_NOW};
#[cfg(windows)]
use libloading::os::windows::Library;
use rmpv::Value;

/// How long anything may take on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// The version whose structs the host uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(C)]
pub enum Version {
    V4_0,
    V5_1,
}

pub const VERSIONS: [Version; 2] = [Version::V4_0, Version::V5_1];

type Collect = unsafe extern "C" fn(*mut c_void, *mut c_void, *mut c_void) -> c_int;
type GetProperty = extern "C" fn(*const c_char, *mut c_void) -> *const c_char;
type LogCheck = extern "C" fn(*mut c_void, c_int) -> c_int;
type LogLine = extern "C" fn(c_int, *const c_char);
type Append = extern "C" fn(*mut c_void, usize, *const c_void, usize) -> c_int;
type SetCollector = extern "C" fn(*mut c_void, Collect, c_long) -> c_int;

/// The plugin and the C part of the host.
struct Loaded {
    helper: Library,
    plugin: Library,
}

/// A symbol of a library, of the type that the caller knows it has.
fn symbol<F: Copy>(library: &Library, name: &str) -> F {
    // SAFETY: every caller names a function with its type, and the libraries are never unloaded.
    unsafe {
        *library
            .get::<F>(name.as_bytes())
            .unwrap_or_else(|error| panic!("{name}: {error}"))
    }
}

fn loaded() -> &'static Loaded {
    static LOADED: OnceLock<Loaded> = OnceLock::new();
    LOADED.get_or_init(|| {
        // SAFETY: loading either library runs no code.
        #[cfg(unix)]
        let (helper, plugin) = unsafe {
            let helper =
                Library::open(Some(helper_file()), RTLD_NOW | RTLD_GLOBAL).expect("helper");
            let plugin = Library::open(Some(plugin_file()), RTLD_NOW).expect("plugin");
            (helper, plugin)
        };
        // SAFETY: loading either library runs no code.
        #[cfg(windows)]
        let (helper, plugin) = unsafe {
            let helper = Library::new(helper_file()).expect("helper");
            (helper, Library::new(plugin_file()).expect("plugin"))
        };
        let connect: unsafe extern "C" fn(GetProperty, LogCheck, LogLine, Append, SetCollector) =
            symbol(&helper, "host_connect");
        // SAFETY: the functions have the types that it expects.
        unsafe { connect(get_property, log_check, log_line, append, set_collector) };
        Loaded { helper, plugin }
    })
}

/// Builds the plugin as documented, without optimisation if this test has none either.
pub fn plugin_file() -> PathBuf {
    if let Some(file) = std::env::var_os("FLUENT_BIT_PLUGIN") {
        return file.into();
    }
    let output = Command::new(env!("CARGO"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(["rustc", "--locked", "--lib", "--features", "fluent-bit"])
        .args((!cfg!(debug_assertions)).then_some("--release"))
        .args(["--crate-type", "cdylib", "--message-format", "json"])
        .output()
        .expect("cargo");
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}{text}");
    let artifacts = text
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok());
    let files = artifacts
        .filter(|artifact: &serde_json::Value| artifact["target"]["name"] == "qlik_sense_events")
        .flat_map(|artifact| {
            artifact["filenames"]
                .as_array()
                .cloned()
                .unwrap_or_default()
        });
    let mut files = files.filter_map(|file| Some(PathBuf::from(file.as_str()?)));
    files
        .find(|file| {
            file.extension()
                .is_some_and(|it| it == "so" || it == "dylib")
        })
        .unwrap_or_else(|| panic!("no library among the artifacts of {errors}"))
}

/// Builds the C part of the host. If that is impossible here, as under Wine, `FLUENT_BIT_HOST` is its path.
fn helper_file() -> PathBuf {
    if let Some(file) = std::env::var_os("FLUENT_BIT_HOST") {
        return file.into();
    }
    let exports = crate::EXPORTS;
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let file = folder.join(format!(
        "fluent_bit_host_{exports}_{}.so",
        std::process::id()
    ));
    let mut compile = Command::new("cc");
    compile.args([
        "-shared", "-fPIC", "-std=c11", "-Wall", "-Wextra", "-Werror", "-o",
    ]);
    compile.arg(&file);
    if exports {
        compile.arg("-DEXPORTS");
    }
    compile.arg(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/fluent_bit/host.c"
    ));
    let status = compile
        .status()
        .expect("a C compiler, which Rust links with too");
    assert!(status.success(), "{compile:?}");
    file
}

/// Everything that the plugin has handed over.
#[derive(Default)]
struct HandedOver {
    bytes: Vec<u8>,
    /// The number of records according to the plugin, which a host trusts.
    count: usize,
}

/// What the host knows about an instance.
#[derive(Default)]
pub struct State {
    properties: BTreeMap<CString, CString>,
    handed_over: Mutex<HandedOver>,
    log: Mutex<Vec<(c_int, String)>>,
    log_level: c_int,
    /// Its buffer is full.
    pub refuses: AtomicBool,
    /// Its buffer is full with the next records, and it pauses the plugin before the call returns.
    pub pauses_within: AtomicBool,
    collect: Mutex<Option<(Collect, c_long)>>,
}

fn state<'a>(instance: *mut c_void) -> &'a State {
    // SAFETY: the instance is the `State` that it was started with, which outlives it.
    unsafe { &*instance.cast::<State>() }
}

thread_local! {
    /// The instance of the current thread.
    static CURRENT: std::cell::Cell<*const State> = const { std::cell::Cell::new(ptr::null()) };
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("no test panics with this")
}

extern "C" fn get_property(key: *const c_char, instance: *mut c_void) -> *const c_char {
    // SAFETY: the plugin passes text.
    let key = unsafe { CStr::from_ptr(key) };
    let value = state(instance).properties.get(key);
    value.map_or(ptr::null(), |value| value.as_ptr())
}

extern "C" fn log_check(instance: *mut c_void, level: c_int) -> c_int {
    (level <= state(instance).log_level).into()
}

extern "C" fn log_line(level: c_int, line: *const c_char) {
    let current = CURRENT.get();
    assert!(
        !current.is_null(),
        "only an instance's own thread writes to the log"
    );
    // SAFETY: the instance's state lives as long as its thread, and the line is text.
    let (state, line) = unsafe { (&*current, CStr::from_ptr(line)) };
    let line = line.to_str().expect("UTF-8").to_owned();
    lock(&state.log).push((level, line));
}

extern "C" fn append(
    instance: *mut c_void,
    count: usize,
    records: *const c_void,
    length: usize,
) -> c_int {
    assert_eq!(
        CURRENT.get().cast(),
        instance.cast_const(),
        "on its own thread"
    );
    let state = state(instance);
    if state.refuses.load(Ordering::SeqCst) {
        return -1;
    }
    // SAFETY: the plugin passes records of this length.
    let records = unsafe { std::slice::from_raw_parts(records.cast::<u8>(), length) };
    {
        let mut handed_over = lock(&state.handed_over);
        handed_over.bytes.extend_from_slice(records);
        handed_over.count += count;
    }
    if state.pauses_within.swap(false, Ordering::SeqCst) {
        let pause: extern "C" fn() = symbol(&loaded().plugin, "FLBPluginInputPause");
        pause();
    }
    0
}

extern "C" fn set_collector(instance: *mut c_void, collect: Collect, nanoseconds: c_long) -> c_int {
    *lock(&state(instance).collect) = Some((collect, nanoseconds));
    1
}

/// A record: its time, and its fields as JSON.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    pub seconds: u32,
    pub nanoseconds: u32,
    pub fields: serde_json::Value,
}

fn decode(mut bytes: &[u8]) -> Vec<Record> {
    let mut records = Vec::new();
    while !bytes.is_empty() {
        let record = rmpv::decode::read_value(&mut bytes).expect("MessagePack");
        let Value::Array(parts) = &record else {
            panic!("{record}");
        };
        let [Value::Array(head), fields] = &parts[..] else {
            panic!("{record}");
        };
        let [Value::Ext(0, time), Value::Map(metadata)] = &head[..] else {
            panic!("{record}");
        };
        assert!(metadata.is_empty(), "{record}");
        let time: [u8; 8] = time[..].try_into().expect("8 bytes");
        let (seconds, nanoseconds) = time.split_at(4);
        records.push(Record {
            seconds: u32::from_be_bytes(seconds.try_into().expect("4 bytes")),
            nanoseconds: u32::from_be_bytes(nanoseconds.try_into().expect("4 bytes")),
            fields: json(fields),
        });
    }
    records
}

fn json(value: &Value) -> serde_json::Value {
    match value {
        Value::Boolean(value) => (*value).into(),
        Value::Integer(value) => value.as_i64().expect("a small number").into(),
        Value::F64(number) => (*number).into(),
        Value::String(text) => text.as_str().expect("UTF-8").into(),
        Value::Array(values) => values.iter().map(json).collect(),
        Value::Map(entries) => {
            let name = |name: &Value| name.as_str().expect("a name").to_owned();
            let mut map = serde_json::Map::new();
            for (key, value) in entries {
                assert!(map.insert(name(key), json(value)).is_none(), "{key} twice");
            }
            map.into()
        }
        other => panic!("{other}"),
    }
}

/// Registers the plugin like a version of the host, and returns its name.
pub fn register(version: Version, hot_reloading: bool) -> String {
    let Loaded { helper, plugin } = loaded();
    let pre: extern "C" fn(c_int) -> c_int = symbol(plugin, "FLBPluginPreRegister");
    assert_eq!(pre(hot_reloading.into()), 0);
    type Register = unsafe extern "C" fn(*mut c_void) -> c_int;
    let host_register: unsafe extern "C" fn(Version, Register, *mut c_char, usize) -> c_int =
        symbol(helper, "host_register");
    let register: Register = symbol(plugin, "FLBPluginRegister");
    let mut name = [0_u8; 64];
    // SAFETY: this is the plugin's function, with space for its name.
    let wrong = unsafe { host_register(version, register, name.as_mut_ptr().cast(), name.len()) };
    assert_eq!(wrong, 0, "{version:?}: see host_register in host.c");
    let name = CStr::from_bytes_until_nul(&name).expect("a name");
    name.to_str().expect("UTF-8").to_owned()
}

enum Call {
    Collect,
    Tick,
    Pause,
    Resume,
    PreExit(bool),
    Exit,
}

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

impl State {
    /// The events that were handed over.
    pub fn records(&self) -> Vec<Record> {
        let mut records = self.all_records();
        records.retain(|record| record.fields["event"] != "plugin");
        records
    }

    /// The counters that were handed over.
    pub fn counters(&self) -> Vec<Record> {
        let mut records = self.all_records();
        records.retain(|record| record.fields["event"] == "plugin");
        records
    }

    fn all_records(&self) -> Vec<Record> {
        let handed_over = lock(&self.handed_over);
        let records = decode(&handed_over.bytes);
        assert_eq!(
            records.len(),
            handed_over.count,
            "as many as the plugin says"
        );
        records
    }

    pub fn record_bytes(&self) -> usize {
        lock(&self.handed_over).bytes.len()
    }

    pub fn log(&self) -> Vec<String> {
        let log = lock(&self.log);
        log.iter()
            .map(|(level, line)| format!("{level} {line}"))
            .collect()
    }
}

/// Runs the thread of an instance.
fn life(
    version: Version,
    state: &Arc<State>,
    ready: &mpsc::Sender<c_int>,
    calls: &mpsc::Receiver<(Call, mpsc::Sender<c_int>)>,
) {
    let Loaded { helper, plugin } = loaded();
    CURRENT.set(Arc::as_ptr(state));
    let instance = Arc::as_ptr(state).cast_mut().cast::<c_void>();
    let host_begin: unsafe extern "C" fn(Version, *mut c_void) -> *mut c_void =
        symbol(helper, "host_begin");
    let host_plugin: unsafe extern "C" fn(*mut c_void) -> *mut c_void =
        symbol(helper, "host_plugin");
    let host_end: unsafe extern "C" fn(*mut c_void) -> c_int = symbol(helper, "host_end");
    let init: unsafe extern "C" fn(*mut c_void) -> c_int = symbol(plugin, "FLBPluginInit");
    let nothing: [extern "C" fn(); 2] = [
        symbol(plugin, "FLBPluginInputPause"),
        symbol(plugin, "FLBPluginInputResume"),
    ];
    let pre_exit: extern "C" fn(c_int) = symbol(plugin, "FLBPluginInputPreExit");
    let exit: extern "C" fn() -> c_int = symbol(plugin, "FLBPluginExit");
    // SAFETY: what begins here ends below, after the plugin's last call.
    let beginning = unsafe { host_begin(version, instance) };
    // SAFETY: `beginning` comes from this host.
    let status = unsafe { init(host_plugin(beginning)) };
    ready.send(status).expect("the test waits");
    if status == 1 {
        for (call, answer) in calls {
            let status = match call {
                Call::Collect => match *lock(&state.collect) {
                    // SAFETY: this is the plugin's callback, which ignores its arguments.
                    Some((collect, _)) => unsafe {
                        collect(instance, ptr::null_mut(), ptr::null_mut())
                    },
                    None => panic!("the plugin has set no collector"),
                },
                Call::Tick => tick(version, plugin, state),
                Call::Pause => {
                    nothing[0]();
                    0
                }
                Call::Resume => {
                    nothing[1]();
                    0
                }
                Call::PreExit(hot_reloading) => {
                    pre_exit(hot_reloading.into());
                    0
                }
                Call::Exit => exit(),
            };
            answer.send(status).expect("the test waits");
        }
    }
    // SAFETY: this `beginning` has not ended.
    let wrong = unsafe { host_end(beginning) };
    assert_eq!(
        wrong, 0,
        "something of the host's own was written: see host_end in host.c"
    );
}

/// Takes the records that the plugin returns at the end of a call, copies them, and gives them back.
fn tick(version: Version, plugin: &Library, state: &State) -> c_int {
    type Take = unsafe extern "C" fn(*mut *mut c_void, *mut usize) -> c_int;
    type TakeCtx = unsafe extern "C" fn(*mut c_void, *mut *mut c_void, *mut usize) -> c_int;
    type Clean = unsafe extern "C" fn(*mut c_void) -> c_int;
    type CleanCtx = unsafe extern "C" fn(*mut c_void, *mut c_void) -> c_int;
    let (mut data, mut length) = (ptr::null_mut(), 0);
    // A newer host keeps an uninitialised pointer for the plugin.
    let context = ptr::without_provenance_mut(0xA5A5);
    // SAFETY: these are the plugin's functions, with space for what they return.
    let status = unsafe {
        match version {
            Version::V4_0 => {
                symbol::<Take>(plugin, "FLBPluginInputCallback")(&raw mut data, &raw mut length)
            }
            Version::V5_1 => symbol::<TakeCtx>(plugin, "FLBPluginInputCallbackCtx")(
                context,
                &raw mut data,
                &raw mut length,
            ),
        }
    };
    if length == 0 {
        assert!(
            data.is_null(),
            "a host does not give back what has no length"
        );
        return status;
    }
    // SAFETY: the plugin returned this many bytes, and gets them back once.
    unsafe {
        let records = std::slice::from_raw_parts(data.cast::<u8>(), length);
        let mut handed_over = lock(&state.handed_over);
        handed_over.bytes.extend_from_slice(records);
        // Nothing tells the number of these records.
        handed_over.count += decode(records).len();
        drop(handed_over);
        let cleaned = match version {
            Version::V4_0 => symbol::<Clean>(plugin, "FLBPluginInputCleanupCallback")(data),
            Version::V5_1 => {
                symbol::<CleanCtx>(plugin, "FLBPluginInputCleanupCallbackCtx")(context, data)
            }
        };
        assert_eq!(cleaned, 0);
    }
    status
}

/// Waits until a condition holds.
pub fn await_that(what: &str, mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < end, "waited in vain for {what}");
        thread::sleep(Duration::from_millis(2));
    }
}

/// Waits until the plugin has received everything that was sent to it.
pub fn await_received(instance: &Instance) {
    for address in instance.addresses() {
        let port = format!(":{:04X} ", address.port());
        await_that("datagrams to be received", || {
            let sockets = fs::read_to_string("/proc/net/udp").expect("sockets");
            let mut lines = sockets.lines();
            let line = lines.find(|line| {
                line.split_whitespace()
                    .nth(1)
                    .is_some_and(|local| format!("{local} ").ends_with(&port))
            });
            let waiting = line.and_then(|line| line.split_whitespace().nth(4)?.split(':').nth(1));
            waiting == Some("00000000")
        });
    }
}

/// A configuration file with this content.
pub fn config_file(name: &str, content: &str) -> String {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let file = folder.join(format!("{name}_{}.toml", std::process::id()));
    fs::write(&file, content).expect("written");
    file.to_str().expect("UTF-8").to_owned()
}
