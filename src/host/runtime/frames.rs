//! Collects events in frames and passes these to a host's output.

use std::{io, sync::Arc};

use super::{queue::Queue, worker::Sink};
use crate::{encoding::Encoder, event::Event, transform::OutputBuffer};

/// A destination for whole frames.
pub trait FrameWriter {
    /// Writes the frame in the encoder, which has this number of events. It may leave the encoder's contents in place.
    ///
    /// # Errors
    ///
    /// When neither this frame nor any other can be written.
    fn write(&mut self, encoder: &mut Encoder, events: u64) -> io::Result<()>;
}

/// An output that accepts only as much as it has room for, so that no thread ever waits for it.
pub trait Immediate {
    /// Offers a frame, and returns how many bytes of it were accepted.
    fn take(&mut self, frame: &[u8]) -> usize;
}

/// Accepts nothing: another thread writes the frames.
#[derive(Debug, Clone, Copy)]
pub struct Never;

impl Immediate for Never {
    fn take(&mut self, _: &[u8]) -> usize {
        0
    }
}

/// Writes a worker's frames to the output at once if possible, and otherwise adds them to the queue.
#[derive(Debug)]
pub struct QueueWriter<I = Never> {
    queue: Arc<Queue>,
    worker: usize,
    immediate: I,
}

impl<I: Immediate> QueueWriter<I> {
    /// A writer for the frames of the worker with this number.
    #[must_use]
    pub const fn new(queue: Arc<Queue>, worker: usize, immediate: I) -> Self {
        Self {
            queue,
            worker,
            immediate,
        }
    }
}

impl<I: Immediate> FrameWriter for QueueWriter<I> {
    fn write(&mut self, encoder: &mut Encoder, events: u64) -> io::Result<()> {
        let immediate = |frame: &[u8]| self.immediate.take(frame);
        self.queue.push(self.worker, encoder, events, immediate);
        Ok(())
    }
}

/// Writes the events of a batch as one frame. It never waits for more events.
#[derive(Debug)]
pub struct Frames<W> {
    writer: W,
    encoder: Encoder,
    /// The number of events in the encoder.
    events: u64,
}

impl<W: FrameWriter> Frames<W> {
    /// Frames that this encoder encodes.
    #[must_use]
    pub const fn new(writer: W, encoder: Encoder) -> Self {
        Self {
            writer,
            encoder,
            events: 0,
        }
    }

    /// Where the frames go.
    #[must_use]
    pub const fn writer(&self) -> &W {
        &self.writer
    }

    /// Encodes an event. A frame that is full is written.
    ///
    /// # Errors
    ///
    /// When the event's time is out of range, or the frame cannot be written.
    pub fn add(&mut self, event: &Event) -> io::Result<()> {
        // An event cannot be written only if the clock is outside of the years 1677 to 2262.
        self.encoder
            .push(event)
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        self.events += 1;
        if self.encoder.len() >= Encoder::FULL_BYTES {
            self.write()?;
        }
        Ok(())
    }

    /// Writes the events that were added, if there are any.
    ///
    /// # Errors
    ///
    /// Those of the writer.
    pub fn write(&mut self) -> io::Result<()> {
        if self.encoder.is_empty() {
            return Ok(());
        }
        let events = std::mem::take(&mut self.events);
        let written = self.writer.write(&mut self.encoder, events);
        self.encoder.clear();
        written
    }
}

impl<W: FrameWriter> Sink for Frames<W> {
    fn take(&mut self, events: &mut OutputBuffer) -> io::Result<()> {
        // Events are large, so they are encoded where they are and not moved.
        let taken = events.iter().try_for_each(|event| self.add(event));
        events.clear();
        taken?;
        self.write()
    }
}
