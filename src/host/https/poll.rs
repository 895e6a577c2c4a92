//! A thread that makes requests periodically, and never blocks its host.

use std::{
    io,
    sync::{
        Arc, Mutex,
        mpsc::{self, RecvTimeoutError, TryRecvError},
    },
    thread,
    time::Duration,
};

use ureq::Agent;

use super::Client;
use crate::host::runtime::threads::lock;

/// The pause after a first failure.
const FIRST_PAUSE: Duration = Duration::from_secs(5);

/// How long to wait, on shutdown, for a request that is being aborted.
const END: Duration = Duration::from_secs(1);

/// Whether the client should make a request.
pub type MayAsk<'a> = &'a dyn Fn(&Client) -> bool;

/// A periodic request.
pub trait Ask: Send + 'static {
    /// Its result.
    type Answer: Send;
    /// Its error.
    type Error: From<Panicked> + Send;

    /// Makes one request. Before each connection, `may_ask` is called with the client and decides whether to go on; if
    /// not, the result is `None`.
    fn ask(&self, may_ask: MayAsk<'_>) -> Option<Result<Self::Answer, Self::Error>>;
}

/// The requesting thread has panicked.
#[derive(Debug, Clone, Copy)]
pub struct Panicked;

/// Makes requests periodically, on a thread of its own. Dropping it aborts the current one.
#[derive(Debug)]
pub struct Poll<A: Ask> {
    news: mpsc::Receiver<Result<A::Answer, A::Error>>,
    request: Arc<Mutex<Request>>,
    /// Ends the thread's pause: a message for another request, and dropping it for none. One message can wait.
    pause: Option<mpsc::SyncSender<()>>,
    /// Nothing is ever sent here: it disconnects when the thread ends.
    ended: mpsc::Receiver<()>,
    has_reported_panic: bool,
}

#[derive(Debug)]
enum Request {
    /// None has been made yet.
    None,
    /// The latest one, which may still be under way.
    Open(Agent),
    /// No more requests are wanted.
    Over,
}

impl<A: Ask> Poll<A> {
    /// Starts the thread, named `name`.
    ///
    /// # Errors
    ///
    /// When the system cannot start a thread.
    pub fn start(name: &str, ask: A, interval: Duration) -> io::Result<Self> {
        let (pause, resume) = mpsc::sync_channel(1);
        let (sender, news) = mpsc::channel();
        let (end, ended) = mpsc::channel();
        let request = Arc::new(Mutex::new(Request::None));
        let asker = Asker {
            ask,
            interval,
            request: Arc::clone(&request),
            resume,
            news: sender,
        };
        thread::Builder::new().name(name.into()).spawn(move || {
            let _end: mpsc::Sender<()> = end;
            asker.run();
        })?;
        Ok(Self {
            news,
            request,
            pause: Some(pause),
            ended,
            has_reported_panic: false,
        })
    }

    /// Makes the next request now, or after the current one, in place of waiting for the interval.
    pub fn ask_now(&self) {
        if let Some(pause) = &self.pause {
            // It may be full, and then the next request is already on its way.
            let _ = pause.try_send(());
        }
    }

    /// The outcome of the next finished request, if there is one.
    pub fn news(&mut self) -> Option<Result<A::Answer, A::Error>> {
        match self.news.try_recv() {
            Ok(outcome) => Some(outcome),
            Err(TryRecvError::Empty) => None,
            // While this exists, only a panic ends the thread.
            Err(TryRecvError::Disconnected) if self.has_reported_panic => None,
            Err(TryRecvError::Disconnected) => {
                self.has_reported_panic = true;
                Some(Err(Panicked.into()))
            }
        }
    }
}

impl<A: Ask> Drop for Poll<A> {
    fn drop(&mut self) {
        let request = std::mem::replace(&mut *lock(&self.request), Request::Over);
        if let Request::Open(agent) = request {
            agent.shutdown();
        }
        self.pause = None;
        // A name lookup cannot be aborted.
        let _ = self.ended.recv_timeout(END);
    }
}

/// The thread's side of a [`Poll`].
struct Asker<A: Ask> {
    ask: A,
    interval: Duration,
    request: Arc<Mutex<Request>>,
    resume: mpsc::Receiver<()>,
    news: mpsc::Sender<Result<A::Answer, A::Error>>,
}

impl<A: Ask> Asker<A> {
    fn run(self) {
        let mut failures = 0;
        loop {
            let Some(outcome) = self.ask.ask(&|client| self.open(client.agent())) else {
                return;
            };
            failures = if outcome.is_ok() { 0 } else { failures + 1 };
            if self.news.send(outcome).is_err() {
                return;
            }
            let pause = spread(pause(self.interval, failures));
            if self.resume.recv_timeout(pause) == Err(RecvTimeoutError::Disconnected) {
                return;
            }
        }
    }

    /// Registers a request that is about to start, unless no more are wanted.
    fn open(&self, agent: Agent) -> bool {
        let mut request = lock(&self.request);
        let is_wanted = !matches!(*request, Request::Over);
        if is_wanted {
            *request = Request::Open(agent);
        }
        is_wanted
    }
}

/// The interval, or, after failures, a shorter pause that doubles each time up to the interval.
fn pause(interval: Duration, failures: u32) -> Duration {
    match failures.checked_sub(1) {
        None => interval,
        Some(before) => FIRST_PAUSE
            .saturating_mul(1 << before.min(16))
            .min(interval),
    }
}

/// ±10 %, so that the machines of a site do not all make their requests at once.
fn spread(pause: Duration) -> Duration {
    pause.mul_f64(0.9 + 0.2 * fastrand::f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_up_to_the_interval() {
        let secs = |interval, failures| pause(Duration::from_secs(interval), failures).as_secs();
        let pauses: Vec<u64> = (0..9).map(|failures| secs(300, failures)).collect();
        assert_eq!(pauses, [300, 5, 10, 20, 40, 80, 160, 300, 300]);
        assert_eq!(secs(300, u32::MAX), 300);
        assert_eq!(secs(2, 1), 2);
        for _ in 0..1_000 {
            let spread = spread(Duration::from_secs(100)).as_secs_f64();
            assert!((90.0..=110.0).contains(&spread), "{spread}");
        }
    }
}
