//! A second copy of the events for readers on this machine, through a Unix socket, or a named pipe on Windows. It never
//! slows the pipeline.
//!
//! Once connected, a reader gets a JSON line for each event, in the schema `default` and with every field. A slow
//! reader loses events and is told how many; nothing waits for it. Without readers this costs nothing.

#[cfg_attr(unix, path = "unix.rs")]
#[cfg_attr(windows, path = "windows.rs")]
mod endpoint;
mod hub;
mod socket;

use std::{io, sync::Arc};

pub use self::{
    endpoint::connect,
    hub::{Hub, MAX_READER_BYTES, MAX_READERS},
    socket::{LocalSocket, LocalSocketError},
};
use crate::{
    encoding::{Codec, Encoder},
    host::runtime::{control::WorkerCounters, worker::Sink},
    schema::Layout,
    transform::OutputBuffer,
};

/// Passes events to the readers of a hub before the sink takes them.
#[derive(Debug)]
pub struct Tee<S> {
    sink: S,
    hub: Option<Arc<Hub>>,
    encoder: Encoder,
}

impl<S: Sink> Tee<S> {
    /// A sink whose events also go to the readers of a hub, if there is one.
    #[must_use]
    pub fn new(sink: S, hub: Option<Arc<Hub>>) -> Self {
        Self {
            sink,
            hub,
            encoder: Encoder::new(Codec::Json, &Layout::default()),
        }
    }
}

impl<S: Sink> Sink for Tee<S> {
    fn take(&mut self, events: &mut OutputBuffer) -> io::Result<()> {
        if let Some(hub) = &self.hub
            && !events.is_empty()
        {
            let encoder = &mut self.encoder;
            hub.send(events.len() as u64, || {
                encoder.clear();
                for event in &*events {
                    // The sink reports an event that no codec can write.
                    let _ = encoder.push(event);
                }
                encoder.frame().into()
            });
        }
        self.sink.take(events)
    }

    fn counted(&mut self, counters: &WorkerCounters) {
        self.sink.counted(counters);
    }
}
