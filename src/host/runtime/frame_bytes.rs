//! Frames that wait to be written, in buffers that circulate between encoders and the output.

use std::{collections::VecDeque, ops::Range};

use super::queue::Contents;
use crate::encoding::Encoder;

/// The most bytes that are handed to the output at once, unless a single frame has more.
pub(super) const WRITE_BYTES: usize = 1 << 20;

/// The number of buffers that are kept for encoders. More were only needed for a backlog that is over.
const MAX_SPARES: usize = 4;

/// The bytes of frames, one after the other.
///
/// While the output keeps up, a frame stays in the buffer in which it was encoded. A frame behind others is copied, so
/// that small frames take no more memory than their bytes and go out in large writes.
#[derive(Debug, Default)]
pub struct FrameBytes {
    pieces: VecDeque<Piece>,
    spares: Vec<Vec<u8>>,
}

/// Frames that are written at once, in a buffer that may be larger.
#[derive(Debug, Default)]
pub(super) struct Piece {
    memory: Vec<u8>,
    range: Range<usize>,
}

impl FrameBytes {
    /// Moves the frame in an encoder to the end, and leaves the encoder empty.
    pub(super) fn push(&mut self, encoder: &mut Encoder) {
        if self.append(encoder.frame()) {
            encoder.clear();
        } else {
            self.begin(|memory| encoder.exchange(memory));
        }
    }

    /// Takes frames for one efficient write. The buffer of those taken before is reused.
    pub(super) fn take(&mut self, taken: &mut Piece) -> bool {
        let Some(first) = self.pieces.pop_front() else {
            return false;
        };
        let memory = std::mem::replace(taken, first).memory;
        if self.spares.len() < MAX_SPARES && memory.capacity() <= WRITE_BYTES {
            self.spares.push(memory);
        }
        true
    }

    /// Copies a frame to the end of the last piece. Returns false if there is none, or if it would be too large for one
    /// write.
    fn append(&mut self, frame: &[u8]) -> bool {
        let last = self.pieces.back_mut();
        match last.filter(|last| last.range.len() + frame.len() <= WRITE_BYTES) {
            Some(last) => {
                last.append(frame);
                true
            }
            None => false,
        }
    }

    /// Adds a frame in a buffer of its own. `fill` receives a buffer whose contents do not matter, replaces it with the
    /// frame's, and returns where in it the frame is.
    fn begin(&mut self, fill: impl FnOnce(&mut Vec<u8>) -> Range<usize>) {
        let mut memory = self.spares.pop().unwrap_or_default();
        let range = fill(&mut memory);
        self.pieces.push_back(Piece { memory, range });
    }

    /// Adds a copy of a frame, without an encoder.
    #[cfg(test)]
    pub(super) fn push_copy(&mut self, frame: &[u8]) {
        if !self.append(frame) {
            self.begin(|memory| {
                *memory = frame.into();
                0..frame.len()
            });
        }
    }
}

impl Contents for FrameBytes {
    fn drop_first(&mut self, bytes: usize) {
        let Some(first) = self.pieces.front_mut() else {
            return;
        };
        first.range.start += bytes;
        if first.range.is_empty() {
            self.pieces.pop_front();
        }
    }
}

impl Piece {
    pub(super) fn copy_of(bytes: &[u8]) -> Self {
        Self {
            memory: bytes.into(),
            range: 0..bytes.len(),
        }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        self.memory.get(self.range.clone()).unwrap_or_default()
    }

    /// Empties it, but keeps the buffer.
    pub(super) fn clear(&mut self) {
        self.range = 0..0;
    }

    pub(super) fn append(&mut self, bytes: &[u8]) {
        let end = self.range.end;
        if let Some(room) = self.memory.get_mut(end..end + bytes.len()) {
            room.copy_from_slice(bytes);
        } else {
            self.memory.truncate(end);
            if self.memory.capacity() < end + bytes.len() {
                let wanted = (2 * self.memory.capacity())
                    .clamp(end + bytes.len(), WRITE_BYTES.max(end + bytes.len()));
                self.memory.reserve_exact(wanted - end);
            }
            self.memory.extend_from_slice(bytes);
        }
        self.range.end += bytes.len();
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::{
        encoding::Codec,
        schema::{Details, Layout, PluginEvent, Timestamp},
    };

    fn encoded(encoder: &mut Encoder, message: &str) -> Vec<u8> {
        let event = PluginEvent {
            timestamp: Timestamp(chrono::DateTime::UNIX_EPOCH),
            level: "info",
            message: message.to_owned(),
            details: Details::default(),
        };
        encoder.push(&event).expect("a time of today");
        encoder.frame().to_vec()
    }

    #[test]
    fn a_frame_stays_in_its_buffer_and_one_behind_it_is_copied() {
        for codec in Codec::ALL {
            let mut encoder = Encoder::new(*codec, &Layout::default());
            let (mut waiting, mut taken) = (FrameBytes::default(), Piece::default());
            let mut places = BTreeSet::new();
            for round in 0..20 {
                let first = encoded(&mut encoder, "first");
                let place = encoder.frame().as_ptr();
                waiting.push(&mut encoder);
                assert!(encoder.is_empty(), "{codec}");
                let second = encoded(&mut encoder, "second");
                waiting.push(&mut encoder);
                assert!(encoder.is_empty(), "{codec}");
                assert!(waiting.take(&mut taken), "{codec}");
                assert_eq!(taken.bytes(), [first, second].concat(), "{codec}");
                assert!(!waiting.take(&mut taken), "{codec}");

                let alone = encoded(&mut encoder, "alone");
                // The buffers grow during the first rounds.
                if round >= 10 {
                    places.extend([place, encoder.frame().as_ptr()]);
                }
                let place = encoder.frame().as_ptr();
                waiting.push(&mut encoder);
                assert!(waiting.take(&mut taken), "{codec}");
                assert_eq!(taken.bytes(), alone, "{codec}");
                assert_eq!(taken.bytes().as_ptr(), place, "{codec}");
            }
            assert!(
                places.len() < 5,
                "{codec}: the buffers go round, {places:?}"
            );
        }
    }

    #[test]
    fn small_frames_take_no_more_memory_than_their_bytes() {
        let mut waiting = FrameBytes::default();
        for _ in 0..30_000 {
            waiting.push_copy(&[b'x'; 100]);
        }
        let capacity: usize = waiting
            .pieces
            .iter()
            .map(|piece| piece.memory.capacity())
            .sum();
        assert!(capacity <= 3 * WRITE_BYTES, "{capacity}");
    }

    #[test]
    fn frames_are_dropped_from_the_front_again_and_again() {
        let (mut waiting, mut taken) = (FrameBytes::default(), Piece::default());
        for frame in [b"aa".as_slice(), b"bbb", b"c"] {
            waiting.push_copy(frame);
        }
        waiting.drop_first(2);
        waiting.drop_first(3);
        waiting.push_copy(b"dd");
        assert!(waiting.take(&mut taken));
        assert_eq!(taken.bytes(), b"cdd");
        waiting.push_copy(b"e");
        waiting.drop_first(1);
        assert!(!waiting.take(&mut taken));
    }
}
