//! The host of those who build their own Vector: a source and a transform that are linked into it.
//!
//! Workers receive on threads of their own and pass on batches of values of vrl; there is no queue and no
//! format. What Vector's own types make of that is in `examples/vector-linked`.

mod batch;
mod codec;
mod exclude;

use std::{io, sync::Arc};

use self::batch::Batches;
pub use self::{
    batch::Batch,
    codec::Codec,
    exclude::{ExcludeUsers, ExcludeUsersConfig},
};
use crate::{
    config::Config,
    encoding::Metric,
    host::{
        diagnostics::Report,
        metrics::Telemetry,
        runtime::{
            Edge, PATIENCE, Runtime,
            queue::Queue,
            refresh::Refresh,
            start::{self, StartError},
            supervisor::OnPanic,
            threads::Failure,
        },
    },
};

/// Opens the sockets of a configuration and starts their workers. Each passes its batches to a clone of
/// `pass_on`, which may wait: meanwhile the socket's buffer holds what arrives. Threads of its own look after
/// them: once a second they give `record` what was counted, as metrics; see docs/vector.md for their names.
///
/// When `pass_on` fails, or workers panic again and again, everything ends, the sockets are closed, and `failed` is
/// told why. When the workers have ended, all clones of `pass_on` have been dropped.
///
/// # Errors
///
/// [`StartError`] when an address cannot be listened on, or something that the configuration names
/// cannot be used.
///
/// ```
/// use std::{net::UdpSocket, sync::mpsc};
///
/// use qlik_sense_events::{
///     config::LinkedConfig,
///     host::{diagnostics::{Diagnostic, Report}, linked},
/// };
///
/// /// Keeps the address that is listened on.
/// #[derive(Clone)]
/// struct Log(mpsc::Sender<String>);
///
/// impl Report for Log {
///     fn write(&mut self, diagnostic: &Diagnostic<'_>) {
///         let mut line = String::new();
///         diagnostic.line(&mut line).expect("text");
///         // Nobody may read any more.
///         let _ = self.0.send(line);
///     }
/// }
///
/// let options: LinkedConfig = serde_json::from_str(r#"{"address": "127.0.0.1:0"}"#)?;
/// let (log, lines) = mpsc::channel();
/// let (sender, batches) = mpsc::channel();
/// let pass_on = move |batch| sender.send(batch).map_err(std::io::Error::other);
/// let running = linked::start(options.config(), Log(log), |_| {}, |_| {}, pass_on)?;
///
/// let line = lines.recv()?;
/// let address = line.split(' ').find_map(|word| word.strip_prefix("address=")).expect("an address");
/// UdpSocket::bind("127.0.0.1:0")?
///     .send_to(b"/proxy-session/;n1;Stop session;LAB;goran;;;", address)?;
/// let batch = batches.recv()?;
/// assert_eq!(batch.bytes, 44);
/// assert_eq!(batch.events[0].as_object().unwrap()["user_id"], "goran".into());
///
/// running.stop();
/// running.conclude();
/// assert!(batches.iter().all(|batch| batch.events.is_empty()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn start(
    config: &Config,
    diagnostics: impl Report + Clone + Send + 'static,
    record: impl FnMut(Vec<Metric>) + Send + 'static,
    failed: impl Fn(Failure) + Send + 'static,
    pass_on: impl FnMut(Batch) -> io::Result<()> + Clone + Send + 'static,
) -> Result<Running, StartError> {
    let layout = config.output.layout()?;
    let refresh = Refresh::new(config)?;
    let undecoded = config.source.undecoded;
    let sink = move |_| Batches::new(&layout, undecoded, pass_on.clone());
    let opened = start::open_with(config, Vec::new())?;
    let mut config = config.clone();
    config.telemetry.interval_secs = RECORD_SECS;
    let edge = Edge {
        // The host has its own; nothing is ever put in here.
        queue: Arc::new(Queue::new(config.queue, opened.workers())),
        telemetry: Telemetry::given(record),
        on_panic: OnPanic::Restart,
        failed: Box::new(failed),
        diagnostics,
    };
    Runtime::start(&config, refresh, opened, sink, edge).map(Running)
}

/// How often the host gets metrics, in seconds.
const RECORD_SECS: u64 = 1;

/// Workers that are running. Dropped, they end as after [`stop`](Self::stop) and [`conclude`](Self::conclude).
#[derive(Debug)]
pub struct Running(Runtime);

impl Running {
    /// Tells the workers to pass on what their sockets hold now and to end. When they have, the state of sessions
    /// is saved and the last metrics are recorded.
    pub fn stop(&self) {
        self.0.stop();
    }

    /// Waits for that, at most for some seconds, and has what was counted in all reported.
    pub fn conclude(self) {
        self.0.await_end(PATIENCE);
        self.0.conclude(PATIENCE);
    }
}
