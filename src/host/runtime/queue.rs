//! The queue between the workers, which must not wait, and the output, which may.

use std::{
    collections::VecDeque,
    fmt,
    sync::{Condvar, Mutex, MutexGuard},
    task::{Context, Poll, Waker},
};

use super::{
    frame_bytes::{FrameBytes, Piece},
    threads::{lock, wait},
};
use crate::{
    config::{QueueConfig, WhenFull},
    encoding::Encoder,
};

/// Frames on their way to the output, bounded in events and bytes: bytes to be written, or whatever else a host
/// takes.
///
/// A frame is one write and is kept or dropped whole. Every dropped event is counted for its worker; so are events
/// that a broken output did not take.
#[derive(Debug)]
pub struct Queue<C = FrameBytes> {
    max_events: u64,
    max_bytes: usize,
    when_full: WhenFull,
    state: Mutex<State<C>>,
    news: Condvar,
}

/// What the frames of a queue are.
pub trait Contents: Default {
    /// Drops the frame that has waited longest, which has this number of bytes.
    fn drop_first(&mut self, bytes: usize);
}

impl<F> Contents for VecDeque<F> {
    fn drop_first(&mut self, _: usize) {
        self.pop_front();
    }
}

#[derive(Debug)]
struct State<C> {
    frames: VecDeque<Frame>,
    contents: C,
    events: u64,
    bytes: usize,
    /// The rest of a frame that the output has taken in part: nothing may come before it.
    rest: Option<(Piece, Frame)>,
    /// What was taken out last: while it is being written, it is neither here nor there.
    taken: Vec<Frame>,
    /// Whether the output is busy with what was taken out last.
    is_writing: bool,
    /// Metrics are few and never dropped: while a set of them waits, only the last one of all is taken.
    metrics: Vec<u8>,
    /// How many records the metrics are.
    metrics_records: u64,
    /// Dropped events of each worker.
    dropped: Vec<u64>,
    /// The number of them dropped because there was no room.
    overflowed: u64,
    full: Full,
    /// Threads that wait for frames.
    threads: usize,
    /// A task that waits for frames, if it is not a thread.
    task: Option<Waker>,
    /// Nothing more will be added.
    is_closed: bool,
    /// Nothing more will be taken out.
    is_broken: bool,
}

/// Which limit the queue had reached when it last dropped something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Full {
    /// It has never dropped anything.
    #[default]
    Never,
    /// `queue.max_events`.
    Events(u64),
    /// `queue.max_bytes`, in bytes, and how many events reach it.
    Bytes(usize, u64),
}

impl fmt::Display for Full {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Never => f.write_str("it was never full"),
            Self::Events(events) => write!(f, "queue.max_events ({events}) is reached"),
            Self::Bytes(bytes, events) => write!(
                f,
                "queue.max_bytes ({bytes}) is reached, with {events} events"
            ),
        }
    }
}

/// What is known of a frame.
#[derive(Debug, Clone, Copy)]
struct Frame {
    bytes: usize,
    events: u64,
    worker: usize,
}

/// Frames taken out of the queue to be written, one after the other in one piece.
#[derive(Debug, Default)]
pub struct Taken {
    piece: Piece,
    /// How many events they hold.
    pub events: u64,
    /// How many records they are: events, or metrics.
    pub records: u64,
}

impl Taken {
    /// The frames' bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.piece.bytes()
    }

    /// Forgets the frames, which have been delivered.
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

impl<C: Contents> Queue<C> {
    /// An empty queue for the frames of `workers` workers.
    #[must_use]
    pub fn new(config: QueueConfig, workers: usize) -> Self {
        Self {
            max_events: config.max_events as u64,
            max_bytes: config.max_bytes,
            when_full: config.when_full,
            state: Mutex::new(State {
                frames: VecDeque::new(),
                contents: C::default(),
                events: 0,
                bytes: 0,
                rest: None,
                taken: Vec::new(),
                is_writing: false,
                metrics: Vec::new(),
                metrics_records: 0,
                dropped: vec![0; workers],
                overflowed: 0,
                full: Full::Never,
                threads: 0,
                task: None,
                is_closed: false,
                is_broken: false,
            }),
            news: Condvar::new(),
        }
    }

    /// Adds a frame of the given size with the events of a worker by `add`, or drops what the policy says. Never waits
    /// for the output; when that is broken, the frame is dropped.
    pub fn push_frame(&self, worker: usize, bytes: usize, events: u64, add: impl FnOnce(&mut C)) {
        let mut state = self.lock();
        if state.is_broken {
            state.dropped[worker] += events;
            return;
        }
        // A frame that is larger than the whole queue may still be the only one in it.
        if !state.frames.is_empty()
            && let Some(full) = self.full(&state, bytes, events)
        {
            state.full = full;
            if self.when_full == WhenFull::DropNewest {
                state.dropped[worker] += events;
                state.overflowed += events;
                return;
            }
            let before = state.events;
            while self.full(&state, bytes, events).is_some() && state.drop_oldest() {}
            state.overflowed += before - state.events;
        }
        state.events += events;
        state.bytes += bytes;
        state.frames.push_back(Frame {
            bytes,
            events,
            worker,
        });
        add(&mut state.contents);
        self.wake_after(state);
    }

    /// Wakes the consumer.
    pub fn wake(&self) {
        self.wake_after(self.lock());
    }

    /// Wakes the consumer once the lock is free. Only if it is waiting, because waking takes a system call.
    fn wake_after(&self, mut state: MutexGuard<'_, State<C>>) {
        let (threads, task) = (state.threads, state.task.take());
        drop(state);
        if threads > 0 {
            self.news.notify_all();
        }
        if let Some(task) = task {
            task.wake();
        }
    }

    /// Offers a frame of metrics, with its number of records. False while an earlier one still waits, unless this
    /// `is_last`: then both wait.
    pub fn offer_metrics(&self, frame: &[u8], records: u64, is_last: bool) -> bool {
        let mut state = self.lock();
        let has_room = is_last || state.metrics.is_empty();
        if has_room {
            state.metrics.extend_from_slice(frame);
            state.metrics_records += records;
        }
        self.wake_after(state);
        has_room
    }

    /// Closes the queue to new frames; the frames in it are still taken out.
    pub fn close(&self) {
        let mut state = self.lock();
        state.is_closed = true;
        self.wake_after(state);
    }

    /// Reports that the output broke after this many bytes of what was taken last. Everything that was not written,
    /// is waiting or comes later is dropped; a partly written frame counts as dropped too.
    pub fn break_off(&self, written_bytes: usize) {
        let mut state = self.lock();
        state.is_broken = true;
        if let Some((_, frame)) = state.rest.take() {
            state.dropped[frame.worker] += frame.events;
        }
        let mut end = 0;
        for frame in std::mem::take(&mut state.taken) {
            end += frame.bytes;
            if end > written_bytes {
                state.dropped[frame.worker] += frame.events;
            }
        }
        while state.drop_oldest() {}
    }

    /// Events that wait.
    #[must_use]
    pub fn events(&self) -> u64 {
        self.lock().events
    }

    /// Events of a worker that were dropped.
    #[must_use]
    pub fn dropped(&self, worker: usize) -> u64 {
        self.lock().dropped.get(worker).copied().unwrap_or(0)
    }

    /// Events of all workers that were dropped.
    #[must_use]
    pub fn all_dropped(&self) -> u64 {
        self.lock().dropped.iter().sum()
    }

    /// Those of them that were dropped because there was no room, and not because the output broke or ended.
    #[must_use]
    pub fn overflowed(&self) -> u64 {
        self.lock().overflowed
    }

    /// Which limit it had reached when it last dropped something because there was no room.
    #[must_use]
    pub fn last_full(&self) -> Full {
        self.lock().full
    }

    /// Whether there is no room for this much more.
    fn full(&self, state: &State<C>, bytes: usize, events: u64) -> Option<Full> {
        if state.events + events > self.max_events {
            Some(Full::Events(self.max_events))
        } else if state.bytes + bytes > self.max_bytes {
            Some(Full::Bytes(self.max_bytes, state.events))
        } else {
            None
        }
    }

    fn lock(&self) -> MutexGuard<'_, State<C>> {
        lock(&self.state)
    }
}

impl<F> Queue<VecDeque<F>> {
    /// The frames that have waited longest, with at most `max_events` events unless the first one has more. A task
    /// waits for the next frame if there is none. Ready without a frame if there is none and none will come.
    pub fn poll_take(&self, context: &Context<'_>, max_events: u64) -> Poll<Option<Vec<F>>> {
        let mut state = self.lock();
        let (mut taken, mut events) = (Vec::new(), 0);
        while let Some(next) = state.frames.front()
            && (taken.is_empty() || events + next.events <= max_events)
            && let Some(frame) = state.pop()
        {
            events += frame.events;
            taken.extend(state.contents.pop_front());
        }
        if !taken.is_empty() {
            return Poll::Ready(Some(taken));
        }
        if state.is_closed || state.is_broken {
            return Poll::Ready(None);
        }
        state.task = Some(context.waker().clone());
        Poll::Pending
    }
}

impl Queue {
    /// Like [`push_frame`](Self::push_frame), for the frame in an encoder. Afterwards the encoder may not be empty.
    ///
    /// If nothing waits and nothing is being written, the frame is first offered to `write`, which must not wait and
    /// returns the number of bytes that the output has taken. That saves waking the writing thread, which takes the
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

    /// Waits for frames and takes enough for an efficient write. Those taken before count as written. False when
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

    /// Like [`take`](Self::take), without waiting. False when there are none.
    pub fn take_waiting(&self, taken: &mut Taken) -> bool {
        let mut state = self.lock();
        state.written();
        state.take(taken)
    }
}

impl<C: Contents> State<C> {
    /// Removes the frame that has waited longest from the counts.
    fn pop(&mut self) -> Option<Frame> {
        let frame = self.frames.pop_front()?;
        self.events -= frame.events;
        self.bytes -= frame.bytes;
        Some(frame)
    }

    fn drop_oldest(&mut self) -> bool {
        let Some(frame) = self.pop() else {
            return false;
        };
        self.contents.drop_first(frame.bytes);
        self.dropped[frame.worker] += frame.events;
        true
    }
}

impl State<FrameBytes> {
    fn has_frames(&self) -> bool {
        self.rest.is_some() || !self.frames.is_empty() || !self.metrics.is_empty()
    }

    /// Whether a frame that comes now would be first.
    fn is_idle(&self) -> bool {
        !self.has_frames() && !self.is_writing && !self.is_broken
    }

    /// What was taken has been delivered.
    fn written(&mut self) {
        self.taken.clear();
        self.is_writing = false;
    }

    /// Takes the rest of a frame, the metrics, or enough frames for an efficient write. False when there is nothing.
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
    use std::{
        sync::{
            Arc,
            atomic::{AtomicU32, Ordering},
        },
        task::Wake,
    };

    use super::*;
    use crate::{
        encoding::Codec,
        schema::{Details, Layout, PluginEvent, Timestamp},
    };

    fn queue(max_events: usize, when_full: WhenFull) -> Queue {
        let config = QueueConfig {
            max_events,
            max_bytes: 1_000,
            when_full,
        };
        Queue::new(config, 2)
    }

    impl Queue {
        fn push_copy(&self, worker: usize, frame: &[u8], events: u64) {
            self.push_frame(worker, frame.len(), events, |contents| {
                contents.push_copy(frame);
            });
        }
    }

    fn take(queue: &Queue) -> Vec<u8> {
        let mut taken = Taken::default();
        queue.take(&mut taken);
        taken.bytes().to_vec()
    }

    #[test]
    fn what_was_queued_comes_out_in_order() {
        let queue = queue(10, WhenFull::DropNewest);
        queue.push_copy(0, b"a", 1);
        queue.push_copy(1, b"b", 2);
        assert_eq!(queue.events(), 3);
        assert_eq!(take(&queue), b"ab");
        assert_eq!(queue.events(), 0);
    }

    #[test]
    fn a_full_queue_drops_by_its_policy_and_counts() {
        for (when_full, expected, dropped) in [
            (WhenFull::DropNewest, b"aabb", [0, 3]),
            (WhenFull::DropOldest, b"bbcc", [2, 0]),
        ] {
            let queue = queue(5, when_full);
            for (worker, frame, events) in [(0, b"aa", 2), (0, b"bb", 2), (1, b"cc", 3)] {
                queue.push_copy(worker, frame, events);
            }
            assert_eq!(take(&queue), expected, "{when_full:?}");
            assert_eq!(
                [queue.dropped(0), queue.dropped(1)],
                dropped,
                "{when_full:?}"
            );
        }
    }

    #[test]
    fn bytes_are_bounded_too() {
        let queue = queue(usize::MAX, WhenFull::DropNewest);
        for _ in 0..10 {
            queue.push_copy(0, &[0; 251], 1);
        }
        assert_eq!((queue.events(), queue.dropped(0)), (3, 7));
        assert_eq!(queue.last_full(), Full::Bytes(1_000, 3));
    }

    #[test]
    fn a_frame_beyond_the_bounds_passes_alone() {
        for when_full in [WhenFull::DropNewest, WhenFull::DropOldest] {
            let queue = queue(1, when_full);
            queue.push_copy(0, b"abc", 3);
            assert_eq!(take(&queue), b"abc", "{when_full:?}");
        }
    }

    #[test]
    fn a_closed_queue_gives_what_it_has_and_then_nothing() {
        let queue = queue(10, WhenFull::DropNewest);
        queue.push_copy(0, b"a", 1);
        queue.close();
        assert_eq!(take(&queue), b"a");
        assert!(!queue.take(&mut Taken::default()));
    }

    #[test]
    fn metrics_that_wait_are_followed_by_the_last_ones_only() {
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
    fn what_a_broken_output_did_not_take_is_dropped() {
        let queue = queue(10, WhenFull::DropNewest);
        for (worker, frame, events) in [(0, b"aa", 1), (1, b"bb", 2), (0, b"cc", 3)] {
            queue.push_copy(worker, frame, events);
        }
        let mut taken = Taken::default();
        assert!(queue.take(&mut taken));
        queue.push_copy(1, b"waits", 1);
        // The first frame is out, the second one half.
        queue.break_off(3);
        queue.push_copy(0, b"late", 1);
        assert_eq!([queue.dropped(0), queue.dropped(1)], [4, 3]);
        assert_eq!(queue.events(), 0);
    }

    struct Woken(AtomicU32);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    #[test]
    fn a_task_that_waits_is_woken_by_a_frame_and_by_the_end() {
        let config = QueueConfig::default();
        let queue = Queue::<VecDeque<&str>>::new(config, 1);
        let woken = Arc::new(Woken(AtomicU32::new(0)));
        let waker = Arc::clone(&woken).into();
        let context = Context::from_waker(&waker);
        let times = || woken.0.load(Ordering::SeqCst);

        let take = || queue.poll_take(&context, 3);
        assert_eq!(take(), Poll::Pending);
        queue.push_frame(0, 1, 4, |frames| frames.push_back("a"));
        queue.push_frame(0, 1, 1, |frames| frames.push_back("b"));
        queue.push_frame(0, 1, 2, |frames| frames.push_back("c"));
        queue.push_frame(0, 1, 1, |frames| frames.push_back("d"));
        assert_eq!(times(), 1);
        for frames in [vec!["a"], vec!["b", "c"], vec!["d"]] {
            assert_eq!(take(), Poll::Ready(Some(frames)));
        }
        assert_eq!(take(), Poll::Pending);
        queue.close();
        assert_eq!(times(), 2);
        assert_eq!(take(), Poll::Ready(None));
    }

    /// An event of a worker, and the frame that it makes.
    fn frame(message: &str) -> (Encoder, Vec<u8>) {
        let mut encoder = Encoder::new(Codec::Json, &Layout::default());
        let event = PluginEvent {
            timestamp: Timestamp(chrono::DateTime::UNIX_EPOCH),
            level: "info",
            message: message.to_owned(),
            details: Details::default(),
        };
        encoder.push(&event).expect("a time that there is");
        let frame = encoder.frame().to_vec();
        (encoder, frame)
    }

    /// Adds a frame, of which the output takes this many bytes at once if asked.
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
    fn a_frame_is_offered_to_the_output_while_nothing_comes_before_it() {
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
        queue.break_off(0);
        assert!(!offer(&queue, "too late", 0).0);
        assert_eq!(queue.dropped(0), 2);
    }

    #[test]
    fn the_rest_of_a_frame_comes_before_all_others_and_is_not_dropped_for_them() {
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
        queue.break_off(0);
        assert_eq!(queue.dropped(0), 1);

        let queue = self::queue(10, WhenFull::DropNewest);
        let (_, frame) = offer(&queue, "is being written", 10);
        assert_eq!(take(&queue), frame[10..]);
        queue.break_off(frame.len() - 11);
        assert_eq!(queue.dropped(0), 1);
    }

    #[test]
    fn what_was_taken_before_is_out() {
        let queue = queue(10, WhenFull::DropNewest);
        for frame in [b"a", b"b"] {
            queue.push_copy(0, frame, 1);
            assert_eq!(take(&queue), frame);
        }
        queue.break_off(0);
        assert_eq!(queue.dropped(0), 1);
    }
}
