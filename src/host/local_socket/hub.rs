//! Passes events from the workers to the readers, with a bounded queue for each reader.

use std::{
    collections::VecDeque,
    io::{self, Write},
    sync::{
        Arc, Condvar, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, SystemTime},
};

use crate::{
    encoding::{Codec, Encoder},
    host::{
        diagnostics::Level,
        runtime::threads::{lock, wait},
    },
    schema::{Details, Layout, PluginEvent, Timestamp},
};

/// The most readers at the same time.
pub const MAX_READERS: usize = 16;

/// The most that may wait for a reader, in bytes.
pub const MAX_READER_BYTES: usize = 1 << 20;

/// How long readers may take to read the last events when the program ends.
const FAREWELL: Duration = Duration::from_secs(1);

/// Passes events to the readers. Only a reader's own thread ever waits for the reader.
#[derive(Debug, Default)]
pub struct Hub {
    /// The number of readers, which can be checked without a lock.
    readers: AtomicUsize,
    queues: Mutex<Queues>,
    gone: Condvar,
}

#[derive(Debug, Default)]
struct Queues {
    all: Vec<Arc<ReaderQueue>>,
    is_closed: bool,
}

/// The events that wait for a reader.
#[derive(Debug, Default)]
struct ReaderQueue {
    state: Mutex<Waiting>,
    news: Condvar,
}

#[derive(Debug, Default)]
struct Waiting {
    chunks: VecDeque<Arc<[u8]>>,
    bytes: usize,
    /// Events for which there was no room after these.
    dropped: u64,
    is_closed: bool,
}

impl Hub {
    /// Whether any reader is connected.
    #[must_use]
    pub fn has_readers(&self) -> bool {
        self.readers.load(Ordering::Relaxed) > 0
    }

    /// Offers events to all readers. They are encoded only if at least one reader has room for them.
    pub fn send(&self, events: u64, encode: impl FnOnce() -> Arc<[u8]>) {
        if !self.has_readers() {
            return;
        }
        let mut encode = Some(encode);
        let mut chunk: Option<Arc<[u8]>> = None;
        for queue in &lock(&self.queues).all {
            let mut waiting = lock(&queue.state);
            if waiting.bytes >= MAX_READER_BYTES {
                waiting.dropped += events;
                continue;
            }
            if let Some(encode) = encode.take() {
                chunk = Some(encode());
            }
            if let Some(chunk) = &chunk {
                waiting.bytes += chunk.len();
                waiting.chunks.push_back(Arc::clone(chunk));
                queue.news.notify_one();
            }
        }
    }

    /// Writes events to a reader until it goes away or the hub is closed. Call this on a separate thread.
    ///
    /// # Errors
    ///
    /// When the reader is gone, or when there are already [`MAX_READERS`].
    pub fn serve(&self, reader: impl Write) -> io::Result<()> {
        let queue = Arc::new(ReaderQueue::default());
        {
            let mut queues = lock(&self.queues);
            if queues.all.len() == MAX_READERS || queues.is_closed {
                return Err(io::Error::other("too many readers"));
            }
            queues.all.push(Arc::clone(&queue));
            self.readers.store(queues.all.len(), Ordering::Relaxed);
        }
        let served = queue.write_to(reader);
        let mut queues = lock(&self.queues);
        queues.all.retain(|other| !Arc::ptr_eq(other, &queue));
        self.readers.store(queues.all.len(), Ordering::Relaxed);
        drop(queues);
        self.gone.notify_all();
        served
    }

    /// Accepts no more events, and lets readers read those that wait for them, for a second at most.
    pub fn close(&self) {
        let mut queues = lock(&self.queues);
        queues.is_closed = true;
        for queue in &queues.all {
            lock(&queue.state).is_closed = true;
            queue.news.notify_one();
        }
        let all_gone = |queues: &mut Queues| !queues.all.is_empty();
        let _ = self.gone.wait_timeout_while(queues, FAREWELL, all_gone);
    }
}

impl ReaderQueue {
    fn write_to(&self, mut reader: impl Write) -> io::Result<()> {
        loop {
            let mut waiting = lock(&self.state);
            while waiting.chunks.is_empty() && waiting.dropped == 0 && !waiting.is_closed {
                waiting = wait(&self.news, waiting);
            }
            // Chunks that are being written still count in `bytes`.
            let chunks = std::mem::take(&mut waiting.chunks);
            let dropped = std::mem::take(&mut waiting.dropped);
            let is_last = waiting.is_closed;
            drop(waiting);
            for chunk in chunks {
                reader.write_all(&chunk)?;
                lock(&self.state).bytes -= chunk.len();
            }
            if dropped > 0 {
                reader.write_all(&line_of_dropped(dropped))?;
            }
            if is_last {
                return reader.flush();
            }
        }
    }
}

/// The message to a reader that is too slow.
fn line_of_dropped(dropped: u64) -> Vec<u8> {
    let mut details = Details::default();
    details.add("dropped", dropped);
    let event = PluginEvent {
        timestamp: Timestamp(SystemTime::now().into()),
        level: Level::Warn.as_str(),
        message: "this reader is too slow; some events were dropped".to_owned(),
        details,
    };
    let mut encoder = Encoder::new(Codec::Json, &Layout::default());
    // An event cannot be written only if the clock is outside of the years 1677 to 2262.
    let _ = encoder.push(&event);
    encoder.frame().to_vec()
}

#[cfg(test)]
mod tests {
    use std::{sync::mpsc, thread};

    use super::*;

    /// A reader that accepts a write only when it is told to.
    struct Gated {
        gate: mpsc::Receiver<()>,
        written: mpsc::Sender<Vec<u8>>,
    }

    impl Write for Gated {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let gone = |_| io::Error::from(io::ErrorKind::BrokenPipe);
            self.gate.recv().map_err(gone)?;
            self.written
                .send(bytes.to_vec())
                .map_err(|_| io::ErrorKind::BrokenPipe)?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn reader(hub: &Arc<Hub>) -> (mpsc::Sender<()>, mpsc::Receiver<Vec<u8>>) {
        let ((open, gate), (written, read)) = (mpsc::channel(), mpsc::channel());
        let (hub, before) = (Arc::clone(hub), hub.readers.load(Ordering::Relaxed));
        let counted = Arc::clone(&hub);
        thread::spawn(move || hub.serve(Gated { gate, written }));
        while counted.readers.load(Ordering::Relaxed) == before {
            thread::yield_now();
        }
        (open, read)
    }

    #[test]
    fn nothing_is_encoded_without_readers() {
        Hub::default().send(1, || panic!("nobody reads"));
    }

    #[test]
    fn a_slow_reader_loses_events_and_learns_how_many() {
        let hub = Arc::new(Hub::default());
        let (slow_gate, slow) = reader(&hub);
        let (fast_gate, fast) = reader(&hub);
        let chunk: Arc<[u8]> = vec![b'x'; MAX_READER_BYTES / 4].into();
        for _ in 0..10 {
            hub.send(3, || Arc::clone(&chunk));
            fast_gate.send(()).expect("a reader");
            assert_eq!(fast.recv().expect("a chunk").len(), chunk.len());
            // The last write may not have been subtracted yet.
            while hub.queues.lock().unwrap().all[1]
                .state
                .lock()
                .unwrap()
                .bytes
                > 0
            {
                thread::yield_now();
            }
        }
        for _ in 0..20 {
            let _ = slow_gate.send(());
        }
        for _ in 0..4 {
            assert_eq!(slow.recv().expect("a chunk").len(), chunk.len());
        }
        // This may be one line or several, depending on the reader's thread.
        let mut dropped = 0;
        while dropped < 18 {
            let line = slow.recv().expect("a line");
            let line: serde_json::Value = serde_json::from_slice(&line).expect("JSON");
            assert_eq!(line["event"], "plugin");
            dropped += line["dropped"].as_u64().expect("a number");
        }
        assert_eq!(dropped, 18);
        hub.send(3, || Arc::clone(&chunk));
        assert_eq!(slow.recv().expect("it goes on").len(), chunk.len());
    }

    #[test]
    fn the_number_of_readers_is_limited() {
        let hub = Arc::new(Hub::default());
        let readers: Vec<_> = (0..MAX_READERS).map(|_| reader(&hub)).collect();
        assert!(hub.serve(io::sink()).is_err());
        drop(readers);
        hub.send(1, || [b'x'].as_slice().into());
        while hub.has_readers() {
            thread::yield_now();
        }
        hub.close();
        assert!(hub.serve(io::sink()).is_err(), "a closed hub takes nobody");
    }

    #[test]
    fn readers_get_the_last_events() {
        let hub = Arc::new(Hub::default());
        let (gate, read) = reader(&hub);
        hub.send(1, || b"last\n".as_slice().into());
        gate.send(()).expect("a reader");
        hub.close();
        assert_eq!(read.recv().expect("a chunk"), b"last\n");
        assert!(!hub.has_readers());
    }
}
