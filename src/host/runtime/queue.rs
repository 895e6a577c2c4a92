//! What stands between the workers, which must not wait, and the output, which may.

use std::{
    collections::VecDeque,
    fmt,
    sync::{Condvar, Mutex, MutexGuard},
    task::{Context, Poll, Waker},
};

use super::threads::{lock, wait};
use crate::config::{QueueConfig, WhenFull};

/// Bytes that are handed to the output at once.
const WRITE_BYTES: usize = 1 << 20;

/// Frames on their way to the output, bounded in events and bytes: bytes to be written, or what else a host takes.
///
/// A frame is one write and is kept or dropped whole. Every drop is counted, by the worker whose
/// events it held; so is what an output that breaks did not take.
#[derive(Debug)]
pub struct Queue<F = Box<[u8]>> {
    max_events: u64,
    max_bytes: usize,
    when_full: WhenFull,
    state: Mutex<State<F>>,
    news: Condvar,
}

#[derive(Debug)]
struct State<F> {
    frames: VecDeque<Frame<F>>,
    events: u64,
    bytes: usize,
    /// What was taken out last: while it is being written, it is neither here nor there.
    taken: Vec<Written>,
    /// Metrics are few and never dropped: while a set of them waits, only the last one of all is taken.
    metrics: Vec<u8>,
    /// Dropped events of each worker.
    dropped: Vec<u64>,
    /// How many of them for want of room.
    overflowed: u64,
    full: Full,
    /// A task that waits for frames, where it is no thread.
    task: Option<Waker>,
    /// Nothing more will be added.
    is_closed: bool,
    /// Nothing more will be taken out.
    is_broken: bool,
}

/// How full the queue was when it last dropped something, and which bound that was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Full {
    /// It has dropped nothing.
    #[default]
    Never,
    /// As many events as there may be.
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

#[derive(Debug)]
struct Frame<F> {
    content: F,
    bytes: usize,
    events: u64,
    worker: usize,
}

/// A frame that was taken out, and where it ends in what is written.
#[derive(Debug)]
struct Written {
    end: usize,
    events: u64,
    worker: usize,
}

/// Frames taken out of the queue to be written, one after the other in one piece.
#[derive(Debug, Default)]
pub struct Taken {
    /// The frames' bytes.
    pub bytes: Vec<u8>,
    /// How many events they hold.
    pub events: u64,
}

impl<F> Queue<F> {
    /// An empty queue for the frames of `workers` workers.
    #[must_use]
    pub fn new(config: QueueConfig, workers: usize) -> Self {
        Self {
            max_events: config.max_events as u64,
            max_bytes: config.max_bytes,
            when_full: config.when_full,
            state: Mutex::new(State {
                frames: VecDeque::new(),
                events: 0,
                bytes: 0,
                taken: Vec::new(),
                metrics: Vec::new(),
                dropped: vec![0; workers],
                overflowed: 0,
                full: Full::Never,
                task: None,
                is_closed: false,
                is_broken: false,
            }),
            news: Condvar::new(),
        }
    }

    /// Adds a frame of the given size with the events of a worker, or drops what the policy says. Never waits for
    /// the output; when that is broken, the frame is dropped.
    pub fn push_frame(
        &self,
        worker: usize,
        bytes: usize,
        events: u64,
        content: impl FnOnce() -> F,
    ) {
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
            content: content(),
            bytes,
            events,
            worker,
        });
        drop(state);
        self.wake();
    }

    /// Wakes who waits for frames.
    pub fn wake(&self) {
        let task = self.lock().task.take();
        self.news.notify_all();
        if let Some(task) = task {
            task.wake();
        }
    }

    /// The frames that have waited longest, with at most so many events unless the first one has more, for a task that
    /// waits for the next one when there is none. Ready without a frame when there is none and none will come.
    pub fn poll_take(&self, context: &Context<'_>, max_events: u64) -> Poll<Option<Vec<F>>> {
        let mut state = self.lock();
        let (mut taken, mut events) = (Vec::new(), 0);
        while let Some(next) = state.frames.front()
            && (taken.is_empty() || events + next.events <= max_events)
            && let Some(frame) = state.pop()
        {
            events += frame.events;
            taken.push(frame.content);
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

    /// Offers a frame of metrics. False while an earlier one still waits, unless this `is_last`: then
    /// it waits beside the other.
    pub fn offer_metrics(&self, frame: &[u8], is_last: bool) -> bool {
        let mut state = self.lock();
        let has_room = is_last || state.metrics.is_empty();
        if has_room {
            state.metrics.extend_from_slice(frame);
        }
        drop(state);
        self.wake();
        has_room
    }

    /// Says that nothing more will be added; what is there is still taken out.
    pub fn close(&self) {
        self.lock().is_closed = true;
        self.wake();
    }

    /// Says that the output is broken, after so many bytes of what was taken last. Whatever was not written,
    /// waits or comes later is dropped; a frame that was written in part counts as dropped too.
    pub fn break_off(&self, written_bytes: usize) {
        let mut state = self.lock();
        state.is_broken = true;
        for frame in std::mem::take(&mut state.taken) {
            if frame.end > written_bytes {
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

    /// Those of them that were dropped for want of room, and not because the output broke or ended.
    #[must_use]
    pub fn overflowed(&self) -> u64 {
        self.lock().overflowed
    }

    /// How full it was when it last dropped something for want of room.
    #[must_use]
    pub fn last_full(&self) -> Full {
        self.lock().full
    }

    /// Whether there is no room for so much more.
    fn full(&self, state: &State<F>, bytes: usize, events: u64) -> Option<Full> {
        if state.events + events > self.max_events {
            Some(Full::Events(self.max_events))
        } else if state.bytes + bytes > self.max_bytes {
            Some(Full::Bytes(self.max_bytes, state.events))
        } else {
            None
        }
    }

    fn lock(&self) -> MutexGuard<'_, State<F>> {
        lock(&self.state)
    }
}

impl Queue {
    /// As [`push_frame`](Self::push_frame), for bytes.
    pub fn push(&self, worker: usize, frame: &[u8], events: u64) {
        self.push_frame(worker, frame.len(), events, || frame.into());
    }

    /// Waits for frames and takes as many as make a good write. Those that were taken before count as
    /// written. False when there are none and none will come.
    pub fn take(&self, taken: &mut Taken) -> bool {
        let mut state = self.lock();
        state.taken.clear();
        while state.frames.is_empty() && state.metrics.is_empty() && !state.is_closed {
            state = wait(&self.news, state);
        }
        state.take(taken)
    }

    /// As [`take`](Self::take), without waiting. False when there are none.
    pub fn take_waiting(&self, taken: &mut Taken) -> bool {
        let mut state = self.lock();
        state.taken.clear();
        state.take(taken)
    }
}

impl<F> State<F> {
    /// Takes the frame that has waited longest.
    fn pop(&mut self) -> Option<Frame<F>> {
        let frame = self.frames.pop_front()?;
        self.events -= frame.events;
        self.bytes -= frame.bytes;
        Some(frame)
    }

    fn drop_oldest(&mut self) -> bool {
        let Some(frame) = self.pop() else {
            return false;
        };
        self.dropped[frame.worker] += frame.events;
        true
    }
}

impl State<Box<[u8]>> {
    /// Takes as many frames as make a good write. False when there are none.
    fn take(&mut self, taken: &mut Taken) -> bool {
        taken.bytes.clear();
        taken.bytes.append(&mut self.metrics);
        taken.events = 0;
        while self.frames.front().is_some_and(|frame| {
            taken.bytes.is_empty() || taken.bytes.len() + frame.bytes <= WRITE_BYTES
        }) && let Some(frame) = self.pop()
        {
            taken.bytes.extend_from_slice(&frame.content);
            taken.events += frame.events;
            self.taken.push(Written {
                end: taken.bytes.len(),
                events: frame.events,
                worker: frame.worker,
            });
        }
        !taken.bytes.is_empty()
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

    fn queue(max_events: usize, when_full: WhenFull) -> Queue {
        let config = QueueConfig {
            max_events,
            max_bytes: 1_000,
            when_full,
        };
        Queue::new(config, 2)
    }

    fn take(queue: &Queue) -> Vec<u8> {
        let mut taken = Taken::default();
        queue.take(&mut taken);
        taken.bytes
    }

    #[test]
    fn what_was_queued_comes_out_in_order() {
        let queue = queue(10, WhenFull::DropNewest);
        queue.push(0, b"a", 1);
        queue.push(1, b"b", 2);
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
                queue.push(worker, frame, events);
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
            queue.push(0, &[0; 251], 1);
        }
        assert_eq!((queue.events(), queue.dropped(0)), (3, 7));
        assert_eq!(queue.last_full(), Full::Bytes(1_000, 3));
    }

    #[test]
    fn a_frame_beyond_the_bounds_passes_alone() {
        for when_full in [WhenFull::DropNewest, WhenFull::DropOldest] {
            let queue = queue(1, when_full);
            queue.push(0, b"abc", 3);
            assert_eq!(take(&queue), b"abc", "{when_full:?}");
        }
    }

    #[test]
    fn a_closed_queue_gives_what_it_has_and_then_nothing() {
        let queue = queue(10, WhenFull::DropNewest);
        queue.push(0, b"a", 1);
        queue.close();
        assert_eq!(take(&queue), b"a");
        assert!(!queue.take(&mut Taken::default()));
    }

    #[test]
    fn metrics_that_wait_are_followed_by_the_last_ones_only() {
        let queue = queue(1, WhenFull::DropNewest);
        assert!(queue.offer_metrics(b"first ", false));
        assert!(!queue.offer_metrics(b"second ", false));
        assert!(queue.offer_metrics(b"last ", true));
        queue.push(0, b"event", 1);
        assert_eq!(take(&queue), b"first last event");
        assert!(queue.offer_metrics(b"third", false));
    }

    #[test]
    fn what_a_broken_output_did_not_take_is_dropped() {
        let queue = queue(10, WhenFull::DropNewest);
        for (worker, frame, events) in [(0, b"aa", 1), (1, b"bb", 2), (0, b"cc", 3)] {
            queue.push(worker, frame, events);
        }
        let mut taken = Taken::default();
        assert!(queue.take(&mut taken));
        queue.push(1, b"waits", 1);
        // The first frame is out, the second one half.
        queue.break_off(3);
        queue.push(0, b"late", 1);
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
        let queue = Queue::<&str>::new(config, 1);
        let woken = Arc::new(Woken(AtomicU32::new(0)));
        let waker = Arc::clone(&woken).into();
        let context = Context::from_waker(&waker);
        let times = || woken.0.load(Ordering::SeqCst);

        let take = || queue.poll_take(&context, 3);
        assert_eq!(take(), Poll::Pending);
        queue.push_frame(0, 1, 4, || "a");
        queue.push_frame(0, 1, 1, || "b");
        queue.push_frame(0, 1, 2, || "c");
        queue.push_frame(0, 1, 1, || "d");
        assert_eq!(times(), 1);
        for frames in [vec!["a"], vec!["b", "c"], vec!["d"]] {
            assert_eq!(take(), Poll::Ready(Some(frames)));
        }
        assert_eq!(take(), Poll::Pending);
        queue.close();
        assert_eq!(times(), 2);
        assert_eq!(take(), Poll::Ready(None));
    }

    #[test]
    fn what_was_taken_before_is_out() {
        let queue = queue(10, WhenFull::DropNewest);
        for frame in [b"a", b"b"] {
            queue.push(0, frame, 1);
            assert_eq!(take(&queue), frame);
        }
        queue.break_off(0);
        assert_eq!(queue.dropped(0), 1);
    }
}
