//! Builds Vector's events from batches, and passes them on in order.

use std::{collections::VecDeque, num::NonZeroUsize, sync::Arc, thread::available_parallelism};

use chrono::Utc;
use qlik_sense_events::host::linked::{Batch, Batches};
use tokio::task::JoinHandle;
use tracing::Instrument;
use uuid::Uuid;
use vector::{
    SourceSender,
    event::{EventMetadata, LogEvent},
    internal_events::StreamClosedError,
};
use vector_lib::{
    EstimatedJsonEncodedSizeOf,
    config::LogNamespace,
    emit,
    internal_event::{
        ByteSize, BytesReceived, ComponentEventsDropped, Count, CountByteSize, EventsReceived,
        INTENTIONAL, InternalEventHandle, Protocol, Registered,
    },
    register,
};

use super::{VectorValue, qlik_sense::blocking};

/// The number of events from which a batch is full: more were waiting, or nearly so, since a batch of the queue ends
/// where the next datagrams would be too many.
const FULL: usize = 900;

/// Passes on what is received, until nothing more will arrive.
///
/// Building events takes longer than handing them over. While full batches wait, each core builds one; at other times
/// other tasks would only have to be woken.
pub(super) async fn forward(mut batches: Batches<VectorValue>, mut out: Outlet) -> Result<(), ()> {
    let cores = available_parallelism().map_or(1, NonZeroUsize::get);
    let mut building = Building::default();
    loop {
        tokio::select! {
            biased;
            batch = batches.next(), if building.tasks() < cores => {
                let Some(batch) = batch else { break };
                if building.tasks() > 0 || batch.len() >= FULL {
                    building.start(out.builder(), batch);
                } else {
                    let built = out.builder().build(&batch)?;
                    out.send(built, building.events()).await?;
                }
            }
            built = building.next(), if building.tasks() > 0 => {
                out.send(built?, building.events()).await?;
            },
        }
    }
    while building.tasks() > 0 {
        let built = building.next().await?;
        out.send(built, building.events()).await?;
    }
    let ended = blocking(|| batches.conclude()).await?;
    ended.map_err(|error| error!(message = "The source has failed.", %error))
}

/// The batches that tasks are building, in order.
#[derive(Default)]
struct Building(VecDeque<Task>);

struct Task {
    events: usize,
    built: JoinHandle<Result<Built, ()>>,
}

impl Building {
    fn tasks(&self) -> usize {
        self.0.len()
    }

    /// The number of events in them.
    fn events(&self) -> usize {
        self.0.iter().map(|task| task.events).sum()
    }

    fn start(&mut self, builder: &Arc<Builder>, batch: Batch<VectorValue>) {
        let (events, builder) = (batch.len(), Arc::clone(builder));
        let build = async move { builder.build(&batch) };
        let built = tokio::spawn(build.in_current_span());
        self.0.push_back(Task { events, built });
    }

    /// Waits for the first one. It stays if the caller stops waiting.
    async fn next(&mut self) -> Result<Built, ()> {
        let Some(first) = self.0.front_mut() else {
            return Err(());
        };
        let built = (&mut first.built).await;
        self.0.pop_front();
        built.unwrap_or(Err(()))
    }
}

/// Builds Vector's events.
struct Builder {
    /// The initial metadata of every event: Vector's default, whose schema takes as long to create as several fields.
    metadata: EventMetadata,
    namespace: LogNamespace,
    source: &'static str,
}

/// Events, and the counts of the batch that they were built from.
struct Built {
    received: ByteSize,
    dropped: Count,
    events: Vec<LogEvent>,
    size: CountByteSize,
}

impl Builder {
    /// The metadata of an event, with an id of its own.
    fn metadata(&self) -> EventMetadata {
        self.metadata
            .clone()
            .with_source_event_id(Some(Uuid::new_v4()))
    }

    fn build(&self, batch: &Batch<VectorValue>) -> Result<Built, ()> {
        let now = Utc::now();
        let mut events = Vec::with_capacity(batch.len());
        for value in batch.values() {
            let VectorValue(value) = value
                .map_err(|error| error!(message = "An event has no form in Vector.", %error))?;
            let mut event = LogEvent::from_parts(value, self.metadata());
            self.namespace
                .insert_standard_vector_source_metadata(&mut event, self.source, now);
            events.push(event);
        }
        // Events keep their size until they change, and Vector asks for it again.
        let size = CountByteSize(events.len(), events.estimated_json_encoded_size_of());
        Ok(Built {
            received: ByteSize(batch.bytes as usize),
            dropped: Count(batch.dropped as usize),
            events,
            size,
        })
    }
}

/// The way to the rest of the topology, and what Vector needs to know about it.
pub(super) struct Outlet {
    out: SourceSender,
    builder: Arc<Builder>,
    bytes_received: Registered<BytesReceived>,
    events_received: Registered<EventsReceived>,
    dropped: Registered<ComponentEventsDropped<'static, INTENTIONAL>>,
}

impl Outlet {
    pub(super) fn new(out: SourceSender, namespace: LogNamespace, source: &'static str) -> Self {
        Self {
            out,
            builder: Arc::new(Builder {
                metadata: EventMetadata::default(),
                namespace,
                source,
            }),
            bytes_received: register!(BytesReceived::from(Protocol::UDP)),
            events_received: register!(EventsReceived),
            dropped: register!(ComponentEventsDropped::<INTENTIONAL>::from(
                "The options exclude it."
            )),
        }
    }

    const fn builder(&self) -> &Arc<Builder> {
        &self.builder
    }

    /// Hands over a batch. `behind` is the number of events that follow it, which are lost with it if nobody takes it.
    async fn send(&mut self, batch: Built, behind: usize) -> Result<(), ()> {
        self.bytes_received.emit(batch.received);
        if batch.dropped.0 > 0 {
            self.dropped.emit(batch.dropped);
        }
        let count = batch.events.len();
        if count == 0 {
            return Ok(());
        }
        self.events_received.emit(batch.size);
        self.out.send_batch(batch.events).await.map_err(|_| {
            let count = count + behind;
            emit!(StreamClosedError { count });
        })
    }
}
