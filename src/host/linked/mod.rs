//! The host for your own build of Vector: a source and a transform that are linked into it.
//!
//! Its threads receive, count and save, and never wait for Vector: events wait in a queue. Vector takes batches out of
//! the queue, whose events become Vector's own values; `examples/vector-linked` contains Vector's side.

mod batch;
mod deserializer;
mod exclude;

use std::sync::{Arc, Mutex};

use self::batch::{BatchSink, Received};
pub use self::{
    batch::{Batch, Batches},
    deserializer::ValueDeserializer,
    exclude::{ExcludeUsers, ExcludeUsersConfig},
};
use crate::{
    config::Config,
    encoding::{HostValue, Metric},
    host::{
        diagnostics::Report,
        metrics::Telemetry,
        runtime::{
            Edge, PATIENCE, Runtime,
            queue::Queue,
            refresh::Refresh,
            start::{self, StartError},
            supervisor::OnPanic,
            threads::{Failure, lock},
        },
    },
};

/// How often the host receives metrics, in seconds.
const RECORD_SECS: u64 = 1;

/// Opens the sockets of a configuration and starts the receiving threads. Their events come out of [`Batches`], as
/// values of the host. The `queue` options limit how many wait there; dropped events are counted.
///
/// Once a second and at the end, `record` receives the counts since the last call as metrics; docs/fields.md lists
/// their names. The Qlik Sense node is their tag `node` instead of `host`, which Vector's `internal_metrics` sets to
/// its own machine. `record` is called on a thread that may block, and so is `diagnostics`.
///
/// # Errors
///
/// [`StartError`] when an address cannot be listened on, or something in the configuration cannot be used. Everything
/// that had started is then undone.
///
/// ```
/// use std::{net::UdpSocket, sync::mpsc};
///
/// use qlik_sense_events::{
///     config::LinkedConfig,
///     encoding::OwnedValue,
///     host::{diagnostics::{Diagnostic, Report}, linked::{self, Batches}},
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
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let options: LinkedConfig = serde_json::from_str(r#"{"address": "127.0.0.1:0"}"#)?;
/// let (log, lines) = mpsc::channel();
/// let (running, mut batches): (_, Batches) = linked::start(options.config(), Log(log), |_| {})?;
///
/// let line = lines.recv()?;
/// let address = line.split(' ').find_map(|word| word.strip_prefix("address=")).expect("an address");
/// UdpSocket::bind("127.0.0.1:0")?
///     .send_to(b"/proxy-session/;n1;Stop session;LAB;goran;;;", address)?;
/// let batch = batches.next().await.expect("a batch");
/// assert_eq!(batch.bytes, 44);
/// let event = batch.values().next().expect("an event")?;
/// assert_eq!(event.get("user_id"), Some(&OwnedValue::Text("goran".into())));
///
/// running.stop();
/// assert!(batches.next().await.is_none());
/// batches.conclude()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn start<V: HostValue>(
    config: &Config,
    diagnostics: impl Report + Clone + Send + 'static,
    mut record: impl FnMut(Vec<Metric>) + Send + 'static,
) -> Result<(Running, Batches<V>), StartError> {
    let layout = config.output.layout()?;
    let refresh = Refresh::new(config)?;
    let opened = start::open_with(config, Vec::new())?;
    let queue = Arc::new(Queue::new(config.queue, opened.workers()));
    let received = Arc::<Received>::default();
    let sink = {
        let (queue, received) = (Arc::clone(&queue), Arc::clone(&received));
        let undecoded = config.source.undecoded;
        move |number| BatchSink::new(Arc::clone(&queue), number, Arc::clone(&received), undecoded)
    };
    let life = Arc::<Life>::default();
    let failed = {
        let life = Arc::clone(&life);
        Box::new(move |failure| *lock(&life.failure) = Some(failure))
    };
    let edge = Edge {
        queues: Arc::clone(&queue).into(),
        telemetry: Telemetry::callback(move |mut metrics| {
            name_nodes(&mut metrics);
            record(metrics);
        }),
        on_panic: OnPanic::Restart,
        hands_sockets_on: false,
        failed,
        diagnostics,
    };
    let mut config = config.clone();
    config.telemetry.interval_secs = RECORD_SECS;
    *lock(&life.runtime) = Some(Runtime::start(&config, refresh, opened, sink, edge)?);
    let running = Running(Arc::clone(&life));
    Ok((running, Batches::new(queue, received, &layout, life)))
}

/// Renames the tag `host`, which Vector would overwrite: metrics of all nodes would become one.
fn name_nodes(metrics: &mut [Metric]) {
    for (name, _) in metrics.iter_mut().flat_map(|metric| &mut metric.tags) {
        if *name == "host" {
            *name = "node";
        }
    }
}

/// A running source. Dropping it ends the source like [`stop`](Self::stop), but without waiting.
#[derive(Debug)]
pub struct Running(Arc<Life>);

impl Running {
    /// Stops the source, and waits until nothing more will be received, for a few seconds at most. Then [`Batches`]
    /// contains what the sockets held, the addresses are free, the session state is saved, and the last metrics have
    /// been recorded.
    pub fn stop(&self) {
        if let Some(runtime) = &*lock(&self.0.runtime) {
            runtime.stop();
            runtime.await_end(PATIENCE);
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(runtime) = &*lock(&self.0.runtime) {
            runtime.stop();
        }
    }
}

/// State shared by both sides of a source.
#[derive(Debug, Default)]
struct Life {
    /// `None` once it is over.
    runtime: Mutex<Option<Runtime>>,
    failure: Mutex<Option<Failure>>,
}

impl Life {
    /// Reports the final counts, once the source has ended and everything that waited has been taken or dropped.
    fn conclude(&self) -> Result<(), LinkedError> {
        if let Some(runtime) = lock(&self.runtime).take() {
            runtime.stop();
            runtime.await_end(PATIENCE);
            runtime.conclude(PATIENCE);
        }
        let failure = lock(&self.failure).take();
        failure.map_or(Ok(()), |failure| Err(failure.into()))
    }
}

/// Why a source has ended by itself. It no longer receives, and its addresses are free.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LinkedError {
    /// A socket or a thread has failed.
    #[error("stopped receiving: {0}")]
    Failed(#[source] std::io::Error),
    /// Threads panicked repeatedly.
    #[error("stopped receiving: threads panicked repeatedly, as reported")]
    Panicked,
}

impl From<Failure> for LinkedError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Failed(error) => Self::Failed(error),
            Failure::Panicked => Self::Panicked,
        }
    }
}
