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
            queue::Queue,
            refresh::Refresh,
            start::{self, StartError},
            supervisor::Supervisor,
        },
    },
};

/// Opens the sockets of a configuration and starts their workers. Each passes its batches to a clone of
/// `pass_on`, which may wait: meanwhile the socket's buffer holds what arrives.
///
/// When `pass_on` fails, its worker ends. When the workers have ended, all clones have been dropped.
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
/// struct Log(mpsc::Sender<String>);
///
/// impl Report for Log {
///     fn write(&mut self, diagnostic: &Diagnostic<'_>) {
///         let mut line = String::new();
///         diagnostic.line(&mut line).expect("text");
///         self.0.send(line).expect("somebody reads");
///     }
/// }
///
/// let options: LinkedConfig = serde_json::from_str(r#"{"address": "127.0.0.1:0"}"#)?;
/// let (log, lines) = mpsc::channel();
/// let (sender, batches) = mpsc::channel();
/// let pass_on = move |batch| sender.send(batch).map_err(std::io::Error::other);
/// let mut running = linked::start(options.config(), Log(log), pass_on)?;
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
/// assert!(batches.recv().is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn start<D: Report>(
    config: &Config,
    mut diagnostics: D,
    pass_on: impl FnMut(Batch) -> io::Result<()> + Clone + Send + 'static,
) -> Result<Running<D>, StartError> {
    let layout = config.output.layout()?;
    let refresh = Refresh::new(config)?;
    let undecoded = config.source.undecoded;
    let sink = |_| Batches::new(layout.clone(), undecoded, pass_on.clone());
    let (listeners, workers) = start::listen(config, start::open_with(config, Vec::new())?, sink)?;
    for listener in &listeners {
        diagnostics.listening(listener, config.source.receive_buffer_bytes);
    }
    // The host has its own queue, and asks for metrics when it wants them.
    let mut config = config.clone();
    config.telemetry.interval_secs = 0;
    let queue = Arc::new(Queue::new(config.queue, workers.len()));
    let workers = (listeners, workers);
    let telemetry = Telemetry::metrics(config.output.codec, workers.0.len());
    let supervisor = Supervisor::start(
        &config,
        refresh,
        workers,
        queue,
        telemetry,
        diagnostics,
        |_| {},
    )?;
    Ok(Running(supervisor))
}

/// Workers that are running. They are stopped when this is dropped.
#[derive(Debug)]
pub struct Running<D: Report>(Supervisor<D>);

impl<D: Report> Running<D> {
    /// Looks after the workers: files that change, errors of sockets, counters. To be called every
    /// [`TICK`](crate::host::runtime::supervisor::TICK).
    pub fn look_around(&mut self) {
        self.0.look_around();
    }

    /// What was counted since this was last asked, as metrics; see docs/vector.md for their names.
    pub fn take_metrics(&mut self) -> Vec<Metric> {
        self.0.take_metrics()
    }

    /// Tells the workers to pass on what their sockets hold now and to end.
    pub fn stop(&self) {
        self.0.stop();
    }

    /// Reports what was counted in all.
    pub fn conclude(&mut self) {
        self.0.conclude();
    }
}

impl<D: Report> Drop for Running<D> {
    fn drop(&mut self) {
        self.0.stop();
    }
}
