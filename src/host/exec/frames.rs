//! Events to frames to standard output.

use std::io;

use super::Output;
use crate::{
    config::OutputConfig,
    encoding::{EncodeError, Encoder},
    host::worker::Sink,
    schema::Schema,
    transform::OutputBuffer,
};

/// Writes the events of a batch as one frame: as many as arrived together, never waiting for more.
#[derive(Debug)]
pub struct Frames {
    output: Output,
    encoder: Encoder,
    schema: Schema,
}

impl Frames {
    /// Frames in the configured codec and schema.
    #[must_use]
    pub fn new(output: Output, config: OutputConfig) -> Self {
        Self {
            output,
            encoder: Encoder::new(config.codec),
            schema: config.schema,
        }
    }

    fn write(&mut self) -> io::Result<()> {
        if self.encoder.is_empty() {
            return Ok(());
        }
        let written = self.output.write(self.encoder.frame());
        self.encoder.clear();
        written
    }
}

impl Sink for Frames {
    fn take(&mut self, events: &mut OutputBuffer) -> io::Result<()> {
        for event in events.drain() {
            // Only a clock outside of 1677 to 2262 makes an event that no codec can write.
            self.encoder
                .push(&self.schema.view(&event))
                .map_err(|error: EncodeError| io::Error::new(io::ErrorKind::InvalidData, error))?;
            if self.encoder.len() >= Encoder::FULL_BYTES {
                self.write()?;
            }
        }
        self.write()
    }
}
