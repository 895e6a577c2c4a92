//! The side of the queue that writes bytes: a writer thread takes frames out, or a worker writes a frame at once if
//! nothing waits.

use super::{Frame, Queue, State};
use crate::{
    encoding::Encoder,
    host::runtime::{
        frame_bytes::{FrameBytes, Piece},
        threads::wait,
    },
};

/// Frames taken out of the queue to be written, joined in one piece.
#[derive(Debug, Default)]
pub struct Taken {
    piece: Piece,
    /// The number of events in them.
    pub events: u64,
    /// The number of records in them: events or metrics.
    pub records: u64,
}

impl Taken {
    /// The frames' bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.piece.bytes()
    }

    /// Discards the frames, which have been delivered.
    pub fn clear(&mut self) {
        self.piece.clear();
        (self.events, self.records) = (0, 0);
    }

    /// Appends frames.
    pub fn append(&mut self, other: &Self) {
        self.piece.append(other.bytes());
        self.events += other.events;
        self.records += other.records;
    }
}

impl Queue {
    /// Like [`push_frame`](Self::push_frame), for the frame in an encoder. It may leave the encoder's contents in
    /// place.
    ///
    /// If nothing waits and nothing is being written, the frame is first offered to `write`, which must not block and
    /// returns the number of bytes that the output has taken. This saves waking the writer thread, which only gets the
    /// rest.
    pub fn push(
        &self,
        worker: usize,
        encoder: &mut Encoder,
        events: u64,
        write: impl FnOnce(&[u8]) -> usize,
    ) {
        let bytes = encoder.frame().len();
        let mut state = self.lock();
        if state.is_idle() {
            let written = write(encoder.frame());
            if written >= bytes {
                return;
            }
            if written > 0 {
                let piece = Piece::copy_of(&encoder.frame()[written..]);
                let frame = Frame {
                    bytes: bytes - written,
                    events,
                    worker,
                };
                state.rest = Some((piece, frame));
                self.wake_after(state);
                return;
            }
        }
        drop(state);
        self.push_frame(worker, bytes, events, |contents| contents.push(encoder));
    }

    /// Waits for frames and takes enough for an efficient write. Those taken before count as written. Returns false if
    /// there are none and none will come.
    pub fn take(&self, taken: &mut Taken) -> bool {
        let mut state = self.lock();
        state.written();
        while !state.has_frames() && !state.is_closed {
            state.threads += 1;
            state = wait(&self.news, state);
            state.threads -= 1;
        }
        state.take(taken)
    }

    /// Like [`take`](Self::take), but does not wait. Returns false if there are none.
    pub fn take_waiting(&self, taken: &mut Taken) -> bool {
        let mut state = self.lock();
        state.written();
        state.take(taken)
    }
}

impl State<FrameBytes> {
    fn has_frames(&self) -> bool {
        self.rest.is_some() || !self.frames.is_empty() || !self.metrics.is_empty()
    }

    /// Whether a frame that arrives now would be written next.
    fn is_idle(&self) -> bool {
        !self.has_frames() && !self.is_writing && !self.is_broken
    }

    /// Notes that the frames that were taken last have been delivered.
    fn written(&mut self) {
        self.taken.clear();
        self.is_writing = false;
    }

    /// Takes the rest of a frame, the metrics, or enough frames for an efficient write. Returns false if there is
    /// nothing.
    fn take(&mut self, taken: &mut Taken) -> bool {
        taken.clear();
        if let Some((piece, frame)) = self.rest.take() {
            *taken = Taken {
                piece,
                events: frame.events,
                records: frame.events,
            };
            self.taken.push(frame);
        } else if !self.metrics.is_empty() {
            taken.piece.append(&self.metrics);
            self.metrics.clear();
            taken.records = std::mem::take(&mut self.metrics_records);
        } else if self.contents.take(&mut taken.piece) {
            self.count_off(taken);
        }
        self.is_writing = !taken.bytes().is_empty();
        self.is_writing
    }

    /// Removes the frames that were taken from the counts.
    fn count_off(&mut self, taken: &mut Taken) {
        let mut rest = taken.bytes().len();
        while rest > 0
            && let Some(frame) = self.pop()
        {
            rest -= frame.bytes;
            taken.events += frame.events;
            taken.records += frame.events;
            self.taken.push(frame);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::tests::{queue, take},
        *,
    };
    use crate::{
        config::WhenFull,
        encoding::Codec,
        schema::{Details, Layout, PluginEvent, Timestamp},
    };

    #[test]
    fn while_metrics_wait_only_the_final_ones_are_accepted() {
        let queue = queue(1, WhenFull::DropNewest);
        assert!(queue.offer_metrics(b"first ", 1, false));
        assert!(!queue.offer_metrics(b"second ", 1, false));
        assert!(queue.offer_metrics(b"last ", 1, true));
        queue.push_copy(0, b"event", 1);
        assert_eq!(take(&queue), b"first last ");
        assert_eq!(take(&queue), b"event");
        assert!(queue.offer_metrics(b"third", 1, false));
    }

    #[test]
    fn frames_that_a_broken_output_did_not_take_are_dropped() {
        let queue = queue(10, WhenFull::DropNewest);
        for (worker, frame, events) in [(0, b"aa", 1), (1, b"bb", 2), (0, b"cc", 3)] {
            queue.push_copy(worker, frame, events);
        }
        let mut taken = Taken::default();
        assert!(queue.take(&mut taken));
        queue.push_copy(1, b"waits", 1);
        // The first frame has been written, and half of the second.
        queue.break_off(3, "this is a test");
        queue.push_copy(0, b"late", 1);
        assert_eq!([queue.dropped(0), queue.dropped(1)], [4, 3]);
        assert_eq!(queue.events(), 0);
    }

    /// A frame with one event, and its bytes.
    fn frame(message: &str) -> (Encoder, Vec<u8>) {
        let mut encoder = Encoder::new(Codec::Json, &Layout::default());
        let event = PluginEvent {
            timestamp: Timestamp(chrono::DateTime::UNIX_EPOCH),
            level: "info",
            message: message.to_owned(),
            details: Details::default(),
        };
        encoder.push(&event).expect("a valid time");
        let frame = encoder.frame().to_vec();
        (encoder, frame)
    }

    /// Pushes a frame, of which the output accepts this many bytes if it is asked. Returns whether it was asked.
    fn offer(queue: &Queue, message: &str, takes: usize) -> (bool, Vec<u8>) {
        let (mut encoder, frame) = frame(message);
        let mut is_offered = false;
        queue.push(0, &mut encoder, 1, |offered| {
            assert_eq!(offered, frame);
            is_offered = true;
            takes.min(offered.len())
        });
        (is_offered, frame)
    }

    #[test]
    fn a_frame_is_offered_to_the_output_if_none_comes_before_it() {
        let queue = queue(10, WhenFull::DropNewest);
        let mut taken = Taken::default();
        let (is_offered, _) = offer(&queue, "whole", usize::MAX);
        assert!(is_offered && !queue.take_waiting(&mut taken));
        let (is_offered, waits) = offer(&queue, "none of it", 0);
        assert!(is_offered);
        let (is_offered, behind) = offer(&queue, "behind it", 0);
        assert!(!is_offered, "a frame waits");
        assert!(queue.take_waiting(&mut taken));
        assert_eq!(taken.bytes(), [waits, behind].concat());
        let (is_offered, later) = offer(&queue, "later", 0);
        assert!(!is_offered, "a frame is being written");
        assert!(queue.take_waiting(&mut taken));
        assert_eq!(taken.bytes(), later);
        assert!(!queue.take_waiting(&mut taken));
        assert!(queue.offer_metrics(b"metrics", 1, false));
        assert!(!offer(&queue, "behind metrics", 0).0);
        queue.break_off(0, "this is a test");
        assert!(!offer(&queue, "too late", 0).0);
        assert_eq!(queue.dropped(0), 2);
    }

    #[test]
    fn the_rest_of_a_frame_is_written_next_and_never_dropped_for_others() {
        let queue = queue(2, WhenFull::DropOldest);
        let (_, first) = offer(&queue, "first", 10);
        assert!(queue.offer_metrics(b"metrics", 1, false));
        for message in ["second", "third", "fourth"] {
            assert!(!offer(&queue, message, 10).0, "{message}");
        }
        assert_eq!(queue.dropped(0), 1);
        let rest = [
            first[10..].to_vec(),
            b"metrics".to_vec(),
            [frame("third").1, frame("fourth").1].concat(),
        ];
        for rest in rest {
            assert_eq!(take(&queue), rest);
        }
    }

    #[test]
    fn the_rest_of_a_frame_that_a_broken_output_did_not_take_is_dropped() {
        let queue = queue(10, WhenFull::DropNewest);
        offer(&queue, "waits", 10);
        queue.break_off(0, "this is a test");
        assert_eq!(queue.dropped(0), 1);

        let queue = self::queue(10, WhenFull::DropNewest);
        let (_, frame) = offer(&queue, "is being written", 10);
        assert_eq!(take(&queue), frame[10..]);
        queue.break_off(frame.len() - 11, "this is a test");
        assert_eq!(queue.dropped(0), 1);
    }

    #[test]
    fn frames_taken_before_the_last_ones_count_as_written() {
        let queue = queue(10, WhenFull::DropNewest);
        for frame in [b"a", b"b"] {
            queue.push_copy(0, frame, 1);
            assert_eq!(take(&queue), frame);
        }
        queue.break_off(0, "this is a test");
        assert_eq!(queue.dropped(0), 1);
    }
}
