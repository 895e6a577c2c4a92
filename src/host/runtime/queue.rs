//! The queue between the workers, which must not wait, and the output, which may.

mod writing;

use std::{
    collections::VecDeque,
    fmt,
    num::NonZeroUsize,
    sync::{Condvar, Mutex, MutexGuard},
    task::{Context, Poll, Waker},
};

pub use self::writing::Taken;
use super::{
    frame_bytes::{FrameBytes, Piece},
    threads::lock,
};
use crate::config::{QueueConfig, WhenFull};

/// Frames that wait for the output, bounded in events and bytes. Their contents are bytes to be written, or whatever
/// else a host takes.
///
/// A frame is written, kept or dropped as a whole. Every dropped event is counted for its worker, including those that
/// a broken output did not take.
#[derive(Debug)]
pub struct Queue<C = FrameBytes> {
    max_events: u64,
    max_bytes: usize,
    /// Each has a queue with the same share of the room.
    connections: NonZeroUsize,
    when_full: WhenFull,
    state: Mutex<State<C>>,
    news: Condvar,
}

/// The contents of the frames in a queue.
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
    /// The rest of a frame of which the output has taken a part. It has to be written next.
    rest: Option<(Piece, Frame)>,
    /// The frames that were taken out last: those being written are neither in the queue nor in the output.
    taken: Vec<Frame>,
    /// Whether the output is busy with the frames that were taken out last.
    is_writing: bool,
    /// Metrics are few and are never dropped: while one set waits, no other is accepted, except for the final one.
    metrics: Vec<u8>,
    /// The number of records in the metrics.
    metrics_records: u64,
    /// Dropped events by worker.
    dropped: Vec<u64>,
    /// How many of them were dropped because there was no room.
    overflowed: u64,
    full: Full,
    /// Threads that wait for frames.
    threads: usize,
    /// The task that waits for frames, if the consumer is not a thread.
    task: Option<Waker>,
    /// Nothing more will be added.
    is_closed: bool,
    /// Nothing more will be taken out.
    is_broken: bool,
    /// Why that is so.
    broken_because: Option<String>,
}

/// Which limit the queue had reached when it last dropped something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Full {
    /// It has never dropped anything.
    #[default]
    Never,
    /// A connection's share of `queue.max_events`, and the number of connections.
    Events(u64, NonZeroUsize),
    /// A connection's share of `queue.max_bytes`, in bytes, the number of connections, and the number of events that
    /// reached it.
    Bytes(usize, NonZeroUsize, u64),
}

impl fmt::Display for Full {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Never => f.write_str("it was never full"),
            &Self::Events(events, connections) => write!(
                f,
                "queue.max_events ({events}{}) is reached",
                for_each(connections)
            ),
            &Self::Bytes(bytes, connections, events) => write!(
                f,
                "queue.max_bytes ({bytes}{}) is reached, with {events} events",
                for_each(connections)
            ),
        }
    }
}

fn for_each(connections: NonZeroUsize) -> String {
    match connections.get() {
        1 => String::new(),
        connections => format!(" for each of {connections} connections"),
    }
}

/// The counts of a frame.
#[derive(Debug, Clone, Copy)]
struct Frame {
    bytes: usize,
    events: u64,
    worker: usize,
}

impl<C: Contents> Queue<C> {
    /// An empty queue for the frames of `workers` workers.
    #[must_use]
    pub fn new(config: QueueConfig, workers: usize) -> Self {
        Self::share(config, workers, NonZeroUsize::MIN)
    }

    /// An empty queue for one of several connections, which holds as many times less.
    #[must_use]
    pub fn share(config: QueueConfig, workers: usize, connections: NonZeroUsize) -> Self {
        Self {
            max_events: config.max_events.div_ceil(connections.get()) as u64,
            max_bytes: config.max_bytes.div_ceil(connections.get()),
            connections,
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
                broken_because: None,
            }),
            news: Condvar::new(),
        }
    }

    /// Uses `add` to add a frame of the given size that holds a worker's events, or drops frames according to the
    /// policy. Never waits for the output; if that is broken, the frame is dropped.
    pub fn push_frame(&self, worker: usize, bytes: usize, events: u64, add: impl FnOnce(&mut C)) {
        let mut state = self.lock();
        if state.is_broken {
            state.dropped[worker] += events;
            return;
        }
        // A frame larger than the whole queue may still be the only one in it.
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

    /// Releases the lock and wakes the consumer, but only if it is waiting, because waking takes a system call.
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

    /// Offers a set of metrics, with its number of records. Returns false if an earlier set still waits, unless this
    /// one `is_last`: then both wait.
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

    /// Closes the queue to new frames. Those in it can still be taken out.
    pub fn close(&self) {
        let mut state = self.lock();
        state.is_closed = true;
        self.wake_after(state);
    }

    /// Reports that the output broke after it had written this many bytes of the frames that were taken last. The rest
    /// of these, everything that waits and everything that is pushed later is dropped; a partly written frame counts as
    /// dropped too. `because` is the reason, as it stands after "because"; the first one counts.
    pub fn break_off(&self, written_bytes: usize, because: impl Into<String>) {
        let mut state = self.lock();
        state.is_broken = true;
        state.broken_because.get_or_insert_with(|| because.into());
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

    /// Why the output broke, if it did.
    #[must_use]
    pub fn broken_because(&self) -> Option<String> {
        self.lock().broken_because.clone()
    }

    /// The number of waiting events.
    #[must_use]
    pub fn events(&self) -> u64 {
        self.lock().events
    }

    /// The number of events of a worker that were dropped.
    #[must_use]
    pub fn dropped(&self, worker: usize) -> u64 {
        self.lock().dropped.get(worker).copied().unwrap_or(0)
    }

    /// The number of events of all workers that were dropped.
    #[must_use]
    pub fn all_dropped(&self) -> u64 {
        self.lock().dropped.iter().sum()
    }

    /// How many of these were dropped because there was no room, rather than because the output broke or ended.
    #[must_use]
    pub fn overflowed(&self) -> u64 {
        self.lock().overflowed
    }

    /// The limit that was reached when the queue last dropped something because there was no room.
    #[must_use]
    pub fn last_full(&self) -> Full {
        self.lock().full
    }

    /// The limit that this frame would exceed.
    fn full(&self, state: &State<C>, bytes: usize, events: u64) -> Option<Full> {
        if state.events + events > self.max_events {
            Some(Full::Events(self.max_events, self.connections))
        } else if state.bytes + bytes > self.max_bytes {
            Some(Full::Bytes(self.max_bytes, self.connections, state.events))
        } else {
            None
        }
    }

    fn lock(&self) -> MutexGuard<'_, State<C>> {
        lock(&self.state)
    }
}

impl<F> Queue<VecDeque<F>> {
    /// Takes the frames that have waited longest, with at most `max_events` events unless the first one has more. If
    /// there is none, the task is woken by the next frame. Ready with `None` if there is none and none will come.
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

    pub(super) fn queue(max_events: usize, when_full: WhenFull) -> Queue {
        let config = QueueConfig {
            max_events,
            max_bytes: 1_000,
            when_full,
        };
        Queue::new(config, 2)
    }

    impl Queue {
        pub(super) fn push_copy(&self, worker: usize, frame: &[u8], events: u64) {
            self.push_frame(worker, frame.len(), events, |contents| {
                contents.push_copy(frame);
            });
        }
    }

    pub(super) fn take(queue: &Queue) -> Vec<u8> {
        let mut taken = Taken::default();
        queue.take(&mut taken);
        taken.bytes().to_vec()
    }

    #[test]
    fn frames_come_out_in_order() {
        let queue = queue(10, WhenFull::DropNewest);
        queue.push_copy(0, b"a", 1);
        queue.push_copy(1, b"b", 2);
        assert_eq!(queue.events(), 3);
        assert_eq!(take(&queue), b"ab");
        assert_eq!(queue.events(), 0);
    }

    #[test]
    fn a_full_queue_drops_according_to_its_policy_and_counts() {
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
        assert_eq!(queue.last_full(), Full::Bytes(1_000, NonZeroUsize::MIN, 3));
    }

    #[test]
    fn a_frame_beyond_the_bounds_passes_if_it_is_alone() {
        for when_full in [WhenFull::DropNewest, WhenFull::DropOldest] {
            let queue = queue(1, when_full);
            queue.push_copy(0, b"abc", 3);
            assert_eq!(take(&queue), b"abc", "{when_full:?}");
        }
    }

    #[test]
    fn a_closed_queue_still_hands_out_its_frames() {
        let queue = queue(10, WhenFull::DropNewest);
        queue.push_copy(0, b"a", 1);
        queue.close();
        assert_eq!(take(&queue), b"a");
        assert!(!queue.take(&mut Taken::default()));
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
}
