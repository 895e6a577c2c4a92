//! How many events of a lifelike site the queue holds.

use std::{
    io,
    time::{Duration, SystemTime},
};

use qlik_sense_events::{
    config::{Config, QueueConfig},
    encoding::Encoder,
    event::Arrival,
    host::runtime::{
        frames::{FrameWriter, Frames},
        worker::Sink,
    },
    pipeline::PipelineConfig,
    simulate::{Site, SiteOptions},
    transform::OutputBuffer,
};

/// How many events the queue holds, if all are for the same connection.
pub fn events(config: &Config) -> u64 {
    let QueueConfig {
        max_events,
        max_bytes,
        ..
    } = config.queue;
    let room = (max_events as u64).min(max_bytes as u64 / event_bytes(config));
    room / config.output.connections().get() as u64
}

/// Which limit of the queue is reached first.
pub fn limit(config: &Config) -> String {
    let event_bytes = event_bytes(config);
    let QueueConfig {
        max_events,
        max_bytes,
        ..
    } = config.queue;
    let room = max_bytes as u64 / event_bytes;
    let first = if room < max_events as u64 {
        format!("about {room} events of {event_bytes} bytes; queue.max_bytes is the limit")
    } else {
        format!("{max_events} events of about {event_bytes} bytes; queue.max_events is the limit")
    };
    let connections = match config.output.connections().get() {
        1 => String::new(),
        connections => format!("; each of {connections} connections has its share of that"),
    };
    format!("the queue holds {first}{connections}\n")
}

/// The average size of an event of a lifelike site, in bytes, at least 1.
fn event_bytes(config: &Config) -> u64 {
    let Ok(layout) = config.output.layout() else {
        return 1;
    };
    let mut frames = Frames::new(Size::default(), Encoder::new(config.output.codec, &layout));
    let Ok(mut pipeline) = PipelineConfig::default().build() else {
        return 1;
    };
    let (mut site, mut datagram) = (Site::new(SiteOptions::default()), Vec::new());
    let (arrival, mut events) = (
        // Always the same, because the size of a time varies in `native`.
        Arrival::local((SystemTime::UNIX_EPOCH + Duration::from_nanos(NOON)).into()),
        OutputBuffer::default(),
    );
    for _ in 0..SAMPLE {
        site.next_datagram(&mut datagram);
        pipeline.datagram(&datagram, arrival, &mut events);
    }
    // It has no output that could fail.
    let _ = frames.take(&mut events);
    let Size { bytes, events } = *frames.writer();
    (bytes / events.max(1)).max(1)
}

/// A time with all digits, in nanoseconds since 1970.
const NOON: u64 = 1_800_014_400_123_456_789;

/// The number of datagrams for measuring the size of events.
const SAMPLE: u32 = 1_000;

/// Measures instead of writing.
#[derive(Debug, Default, Clone, Copy)]
struct Size {
    bytes: u64,
    events: u64,
}

impl FrameWriter for Size {
    fn write(&mut self, encoder: &mut Encoder, events: u64) -> io::Result<()> {
        self.bytes += encoder.len() as u64;
        self.events += events;
        Ok(())
    }
}
