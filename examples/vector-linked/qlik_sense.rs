//! The source: turns datagrams of Qlik Sense into Vector's log events.

use async_trait::async_trait;
use chrono::Utc;
use qlik_sense_events::{
    config::{Config, LinkedConfig},
    host::linked::{self, Batch, Batches},
    schema::Role,
};
use tokio::task::{JoinHandle, spawn_blocking};
use tracing::Instrument;
use uuid::Uuid;
use vector::{
    SourceSender,
    config::{DataType, Resource, SourceConfig, SourceContext, SourceOutput},
    event::{EventMetadata, LogEvent},
    internal_events::{SocketBindError, SocketMode, StreamClosedError},
    schema::Definition,
    shutdown::ShutdownSignal,
};
use vector_lib::{
    EstimatedJsonEncodedSizeOf,
    config::LogNamespace,
    configurable::configurable_component,
    emit, impl_generate_config_from_default,
    internal_event::{
        ByteSize, BytesReceived, ComponentEventsDropped, Count, CountByteSize, EventsReceived,
        INTENTIONAL, InternalEventHandle, Protocol, Registered,
    },
    lookup::{OwnedValuePath, lookup_v2::OwnedSegment},
    register,
    schema::meaning,
    source::Source,
    vrl::value::{Kind, kind::Collection},
};

use super::{Log, Options, VectorValue, record};

/// The number of events from which a batch is full: more were waiting, or nearly so, since a batch of the queue ends
/// where the next datagrams would be too many.
const FULL: usize = 900;

/// Configuration for the `qlik_sense` source.
#[configurable_component(source(
    "qlik_sense",
    "Receive the events of Qlik Sense Enterprise on Windows over UDP."
))]
#[derive(Clone, Debug, Default)]
pub struct QlikSenseConfig {
    #[configurable(derived)]
    #[serde(flatten)]
    options: Options<LinkedConfig>,

    /// The namespace to use for logs. This overrides the global setting.
    #[configurable(metadata(docs::hidden))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    log_namespace: Option<bool>,
}

impl_generate_config_from_default!(QlikSenseConfig);

#[async_trait]
#[typetag::serde(name = "qlik_sense")]
impl SourceConfig for QlikSenseConfig {
    async fn build(&self, cx: SourceContext) -> vector::Result<Source> {
        let config = self.options.0.config().clone();
        // A mistake in a file should be reported whether or not the port is free.
        config.pipeline().build()?;
        let namespace = cx.log_namespace(self.log_namespace);
        let out = Outlet::new(cx.out, namespace);
        Ok(Box::pin(run(config, out, cx.shutdown)))
    }

    fn outputs(&self, global_log_namespace: LogNamespace) -> Vec<SourceOutput> {
        let namespace = global_log_namespace.merge(self.log_namespace);
        let schema = self.options.0.config().output.schema;
        let anything = Kind::object(Collection::any());
        let mut definition = Definition::new_with_default_metadata(anything, [namespace])
            .with_standard_vector_source_metadata();
        for (role, kind, meaning) in [
            (Role::Timestamp, Kind::timestamp(), meaning::TIMESTAMP),
            (Role::Host, Kind::bytes(), meaning::HOST),
            (Role::Message, Kind::bytes(), meaning::MESSAGE),
        ] {
            if let Some(field) = schema.field_of(role) {
                definition = definition.optional_field(&path(field), kind, Some(meaning));
            }
        }
        vec![SourceOutput::new_maybe_logs(DataType::Log, definition)]
    }

    fn resources(&self) -> Vec<Resource> {
        let addresses = &self.options.0.config().source.address;
        addresses.iter().copied().map(Resource::udp).collect()
    }

    fn can_acknowledge(&self) -> bool {
        false
    }
}

fn path(field: &str) -> OwnedValuePath {
    let segments = field.split('.').map(OwnedSegment::field).collect();
    OwnedValuePath { segments }
}

/// Receives until Vector shuts the source down or changes it.
///
/// The crate's own threads receive, count and save, and never wait for the rest of the topology: events wait in a
/// queue, which a separate task empties. The source does not wait for that task when it ends: in a reload, Vector starts
/// the next source only then, and nobody listens meanwhile.
async fn run(config: Config, out: Outlet, shutdown: ShutdownSignal) -> Result<(), ()> {
    let log = Log::default();
    let start = move || linked::start(&config, log.clone(), move |metrics| record(&log, metrics));
    let started = blocking(start).await?;
    let (running, batches) = started.map_err(|error| {
        emit!(SocketBindError {
            mode: SocketMode::Udp,
            error,
        });
    })?;
    let forwarded = tokio::spawn(forward(batches, out).in_current_span());
    tokio::select! {
        forwarded = forwarded => forwarded.unwrap_or(Err(())),
        // Vector considers the port free when the token is dropped.
        _token = shutdown => blocking(move || running.stop()).await,
    }
}

/// Runs work that may wait for a file on a thread that may block.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, ()> {
    spawn_blocking(work)
        .await
        .map_err(|error| error!(message = "A thread has failed.", %error))
}

/// Passes on what is received, until nothing more will arrive.
///
/// Building events and handing them over take about as long as each other. While full batches wait, each has a task, so
/// that two cores share the work; at other times a second task would only have to be woken.
async fn forward(mut batches: Batches<VectorValue>, out: Outlet) -> Result<(), ()> {
    let builder = Builder::default();
    let mut sending = Sending::Idle(out);
    while let Some(batch) = batches.next().await {
        let is_full = batch.len() >= FULL;
        let built = builder.build(batch)?;
        // In order: the previous batch first.
        let mut out = sending.ended().await?;
        sending = if is_full {
            let send = async move { out.send(built).await.map(|()| out) };
            Sending::Busy(tokio::spawn(send.in_current_span()))
        } else {
            out.send(built).await?;
            Sending::Idle(out)
        };
    }
    sending.ended().await?;
    let ended = blocking(|| batches.conclude()).await?;
    ended.map_err(|error| error!(message = "The source has failed.", %error))
}

/// Whether a task hands over a batch.
enum Sending {
    Idle(Outlet),
    Busy(JoinHandle<Result<Outlet, ()>>),
}

impl Sending {
    /// Waits until the batch has been handed over.
    async fn ended(self) -> Result<Outlet, ()> {
        match self {
            Self::Idle(out) => Ok(out),
            Self::Busy(task) => task.await.unwrap_or(Err(())),
        }
    }
}

/// Builds Vector's events.
#[derive(Default)]
struct Builder {
    /// The initial metadata of every event: Vector's default, whose schema takes as long to create as several fields.
    metadata: EventMetadata,
}

/// Events, and the counts of the batch that they were built from.
struct Built {
    bytes: u64,
    dropped: u64,
    events: Vec<LogEvent>,
}

impl Builder {
    /// The metadata of an event, with an id of its own.
    fn metadata(&self) -> EventMetadata {
        self.metadata
            .clone()
            .with_source_event_id(Some(Uuid::new_v4()))
    }

    fn build(&self, batch: Batch<VectorValue>) -> Result<Built, ()> {
        let mut events = Vec::with_capacity(batch.len());
        for value in batch.values() {
            let VectorValue(value) = value
                .map_err(|error| error!(message = "An event has no form in Vector.", %error))?;
            events.push(LogEvent::from_parts(value, self.metadata()));
        }
        Ok(Built {
            bytes: batch.bytes,
            dropped: batch.dropped,
            events,
        })
    }
}

/// The way to the rest of the topology, and what Vector needs to know about it.
struct Outlet {
    out: SourceSender,
    namespace: LogNamespace,
    bytes_received: Registered<BytesReceived>,
    events_received: Registered<EventsReceived>,
    dropped: Registered<ComponentEventsDropped<'static, INTENTIONAL>>,
}

impl Outlet {
    fn new(out: SourceSender, namespace: LogNamespace) -> Self {
        Self {
            out,
            namespace,
            bytes_received: register!(BytesReceived::from(Protocol::UDP)),
            events_received: register!(EventsReceived),
            dropped: register!(ComponentEventsDropped::<INTENTIONAL>::from(
                "The options exclude it."
            )),
        }
    }

    async fn send(&mut self, batch: Built) -> Result<(), ()> {
        self.bytes_received.emit(ByteSize(batch.bytes as usize));
        if batch.dropped > 0 {
            self.dropped.emit(Count(batch.dropped as usize));
        }
        let mut events = batch.events;
        if events.is_empty() {
            return Ok(());
        }
        let (count, size) = (events.len(), events.estimated_json_encoded_size_of());
        self.events_received.emit(CountByteSize(count, size));
        let now = Utc::now();
        for event in &mut events {
            self.namespace.insert_standard_vector_source_metadata(
                event,
                QlikSenseConfig::NAME,
                now,
            );
        }
        self.out.send_batch(events).await.map_err(|_| {
            emit!(StreamClosedError { count });
        })
    }
}
