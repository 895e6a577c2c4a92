//! Divides events among the connections to the output.

use std::{hash::BuildHasher, io};

use foldhash::fast::RandomState;

use crate::{
    event::Event,
    host::runtime::{
        frames::{FrameWriter, Frames},
        worker::Sink,
    },
    transform::{
        OutputBuffer,
        case::{Key, fold_into},
    },
};

/// Frames for each connection. All events of a user go the same way, in order, and so do those of a node that name no
/// user.
#[derive(Debug)]
pub(super) struct Divided<W> {
    connections: Vec<Frames<W>>,
    /// The same for all workers, which may receive events of the same user.
    hash: RandomState,
}

impl<W: FrameWriter> Divided<W> {
    pub(super) const fn new(connections: Vec<Frames<W>>, hash: RandomState) -> Self {
        Self { connections, hash }
    }

    fn connection_of(&self, event: &Event) -> usize {
        let connections = self.connections.len();
        if connections == 1 {
            return 0;
        }
        let parts = match (event.user_directory(), event.user_id()) {
            (None, None) => [event.host(), None],
            (directory, id) => [directory, id],
        };
        let mut key = Key::new();
        for part in parts.into_iter().flatten() {
            fold_into(&mut key, part);
        }
        (self.hash.hash_one(key) % connections as u64) as usize
    }
}

impl<W: FrameWriter> Sink for Divided<W> {
    fn take(&mut self, events: &mut OutputBuffer) -> io::Result<()> {
        // Events are large, so they are encoded where they are and not moved.
        let taken = events.iter().try_for_each(|event| {
            let connection = self.connection_of(event);
            self.connections[connection].add(event)
        });
        events.clear();
        taken?;
        self.connections.iter_mut().try_for_each(Frames::write)
    }
}
