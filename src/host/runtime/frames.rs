//! Events to frames to wherever a host writes them.

use std::{io, sync::Arc};

use super::{queue::Queue, worker::Sink};
use crate::{encoding::Encoder, event::Event, transform::OutputBuffer};

/// A destination for whole frames.
pub trait FrameWriter {
    /// Writes the frame in the encoder, which holds this number of events. Afterwards the encoder may not be empty.
    ///
    /// # Errors
    ///
    /// When neither this frame nor any other can be written.
    fn write(&mut self, encoder: &mut Encoder, events: u64) -> io::Result<()>;
}

/// An output that takes as much as it has room for, so that nothing waits for it.
pub trait Immediate {
    /// The number of bytes of a frame that it has taken.
    fn take(&mut self, frame: &[u8]) -> usize;
}

/// Takes nothing: frames are for another thread.
#[derive(Debug, Clone, Copy)]
pub struct Never;

impl Immediate for Never {
    fn take(&mut self, _: &[u8]) -> usize {
        0
    }
}

/// Writes the frames of a worker at once where that is possible, and else into the queue.
#[derive(Debug)]
pub struct QueueWriter<I = Never> {
    queue: Arc<Queue>,
    worker: usize,
    immediate: I,
}

impl<I: Immediate> QueueWriter<I> {
    /// For the frames of the worker with this number.
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

/// Writes the events of a batch as one frame: as many as arrived together, never waiting for more.
#[derive(Debug)]
pub struct Frames<W> {
    writer: W,
    encoder: Encoder,
    /// Events in the encoder.
    events: u64,
}

impl<W: FrameWriter> Frames<W> {
    /// Frames of this encoder.
    #[must_use]
    pub const fn new(writer: W, encoder: Encoder) -> Self {
        Self {
            writer,
            encoder,
            events: 0,
        }
    }

    /// Where they go.
    #[must_use]
    pub const fn writer(&self) -> &W {
        &self.writer
    }

    fn add(&mut self, event: &Event) -> io::Result<()> {
        // Only a clock outside of 1677 to 2262 makes an event that no codec can write.
        self.encoder
            .push(event)
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        self.events += 1;
        if self.encoder.len() >= Encoder::FULL_BYTES {
            self.write()?;
        }
        Ok(())
    }

    fn write(&mut self) -> io::Result<()> {
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
        // In place, because events are large to move.
        let taken = events.iter().try_for_each(|event| self.add(event));
        events.clear();
        taken?;
        self.write()
    }
}
