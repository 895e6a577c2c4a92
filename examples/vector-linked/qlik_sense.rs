//! The source: datagrams of Qlik Sense to Vector's log events.

use std::io;

use async_trait::async_trait;
use bytes::Bytes;
use chrono::Utc;
use qlik_sense_events::{
    config::{Config, LinkedConfig},
    decoding,
    host::linked::{self, Batch, Codec},
    schema::Role,
};
use smallvec::SmallVec;
use tokio::sync::mpsc;
use tracing::Span;
use vector::{
    SourceSender,
    config::{DataType, Resource, SourceConfig, SourceContext, SourceOutput},
    event::{Event, LogEvent},
    internal_events::{SocketBindError, SocketMode, StreamClosedError},
    schema::Definition,
    shutdown::ShutdownSignal,
};
use vector_lib::{
    EstimatedJsonEncodedSizeOf,
    codecs::{
        BytesDecoder, Decoder,
        decoding::{Deserializer, Framer, format},
    },
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

use super::{Log, Options, record};

/// Batches that wait for the rest of the topology. What arrives then waits in the socket's buffer.
const BATCHES: usize = 16;

/// Configuration for the `qlik_sense` source.
#[configurable_component(source(
    "qlik_sense",
    "Receive the session and connection events of Qlik Sense Enterprise on Windows over UDP."
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
        // A slip in a file is to be seen whether or not the port is free.
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

/// Passes on what arrives until Vector shuts down, then what has arrived before.
async fn run(config: Config, mut out: Outlet, mut shutdown: ShutdownSignal) -> Result<(), ()> {
    let (sender, mut batches) = mpsc::channel(BATCHES);
    let pass_on = move |batch| sender.blocking_send(batch).map_err(io::Error::other);
    let (failed, mut failures) = mpsc::unbounded_channel();
    let failed = move |failure| {
        // The source may have ended.
        let _ = failed.send(failure);
    };
    // Metrics are told apart by the span of their component.
    let span = Span::current();
    let record = move |metrics| span.in_scope(|| record(metrics));
    let running = linked::start(&config, Log, record, failed, pass_on).map_err(|error| {
        emit!(SocketBindError {
            mode: SocketMode::Udp,
            error,
        });
    })?;
    let mut is_ending = false;
    loop {
        tokio::select! {
            _ = &mut shutdown, if !is_ending => {
                is_ending = true;
                running.stop();
            }
            batch = batches.recv() => match batch {
                Some(batch) => out.send(batch).await?,
                None => break,
            },
            Some(failure) = failures.recv() => {
                error!(message = "Nothing is received any more.", ?failure);
                return Err(());
            }
        }
    }
    running.conclude();
    Ok(())
}

/// The way to the rest of the topology, with what Vector wants to know of it.
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

    async fn send(&mut self, batch: Batch) -> Result<(), ()> {
        self.bytes_received.emit(ByteSize(batch.bytes as usize));
        if batch.dropped > 0 {
            self.dropped.emit(Count(batch.dropped as usize));
        }
        if batch.events.is_empty() {
            return Ok(());
        }
        let mut events: Vec<_> = batch.events.into_iter().map(LogEvent::from).collect();
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

/// The decoder as a codec of Vector's, for a source of your own: [`QlikSenseCodec::decoder`].
#[derive(Clone, Debug, Default)]
pub struct QlikSenseCodec(Codec);

impl QlikSenseCodec {
    /// Vector's decoder for datagrams, one a frame.
    pub fn decoder(self, namespace: LogNamespace) -> Decoder {
        let framer = Framer::Bytes(BytesDecoder::new());
        Decoder::new(framer, Deserializer::Boxed(Box::new(self))).with_log_namespace(namespace)
    }
}

impl format::Deserializer for QlikSenseCodec {
    fn parse(
        &self,
        bytes: Bytes,
        namespace: LogNamespace,
    ) -> vector_lib::Result<SmallVec<[Event; 1]>> {
        let namespace = match namespace {
            LogNamespace::Legacy => decoding::LogNamespace::Legacy,
            LogNamespace::Vector => decoding::LogNamespace::Vector,
        };
        let events = self.0.parse(bytes, namespace)?.into_iter();
        Ok(events.map(|event| LogEvent::from(event).into()).collect())
    }
}
