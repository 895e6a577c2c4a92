//! A second copy of the events for readers on this machine: a Unix socket, or a named pipe on Windows, that never
//! slows the pipeline.
//!
//! A reader that connects gets a JSON line for each event from then on, in the schema `default` and with every field.
//! A slow reader loses events and is told how many; nothing waits for it. It costs nothing while no reader is
//! connected.

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
    host::runtime::worker::{Sink, WorkerCounters},
    schema::Layout,
    transform::OutputBuffer,
};

/// Shows events to the readers of a hub before the sink takes them.
#[derive(Debug)]
pub struct Tee<S> {
    sink: S,
    hub: Option<Arc<Hub>>,
    encoder: Encoder,
}

impl<S: Sink> Tee<S> {
    /// A sink whose events the readers of a hub get as well, if there is one.
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
                    // An event that no codec can write is reported by the sink.
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
