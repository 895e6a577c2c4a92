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

/// How long shutdown waits for a request that is aborted.
const END: Duration = Duration::from_secs(1);

/// Whether the client should make a request.
pub type MayAsk<'a> = &'a dyn Fn(&Client) -> bool;

/// A periodic request.
pub trait Ask: Send + 'static {
    /// Its result.
    type Answer: Send;
    /// Its error.
    type Error: From<Panicked> + Send;

    /// Makes one request. `may_ask` gets the client before each request and decides whether to make it; if not, there
    /// is no result.
    fn ask(&self, may_ask: MayAsk<'_>) -> Option<Result<Self::Answer, Self::Error>>;
}

/// The requesting thread has panicked.
#[derive(Debug, Clone, Copy)]
pub struct Panicked;

/// Requests at intervals, on a thread of their own. Dropping it aborts the current one.
#[derive(Debug)]
pub struct Poll<A: Ask> {
    news: mpsc::Receiver<Result<A::Answer, A::Error>>,
    request: Arc<Mutex<Request>>,
    /// Nothing is ever sent: its end ends the thread's pause.
    pause: Option<mpsc::Sender<()>>,
    /// Nothing is ever sent: it ends with the thread.
    ended: mpsc::Receiver<()>,
    is_told: bool,
}

#[derive(Debug)]
enum Request {
    /// There was none yet.
    None,
    /// The last one, which may be under way.
    Open(Agent),
    /// There will be none.
    Over,
}

impl<A: Ask> Poll<A> {
    /// Starts the thread, which has a name.
    ///
    /// # Errors
    ///
    /// When the system gives none.
    pub fn start(name: &str, ask: A, interval: Duration) -> io::Result<Self> {
        let (pause, resume) = mpsc::channel();
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
            is_told: false,
        })
    }

    /// The outcome of a request, one at a time in their order, if there is a new one.
    pub fn news(&mut self) -> Option<Result<A::Answer, A::Error>> {
        match self.news.try_recv() {
            Ok(outcome) => Some(outcome),
            Err(TryRecvError::Empty) => None,
            // Only a panic ends the thread while this exists.
            Err(TryRecvError::Disconnected) if self.is_told => None,
            Err(TryRecvError::Disconnected) => {
                self.is_told = true;
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

/// The thread's side.
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
            if !matches!(
                self.resume.recv_timeout(pause),
                Err(RecvTimeoutError::Timeout)
            ) {
                return;
            }
        }
    }

    /// Notes a request that is about to start, unless there should be none.
    fn open(&self, agent: Agent) -> bool {
        let mut request = lock(&self.request);
        let is_wanted = !matches!(*request, Request::Over);
        if is_wanted {
            *request = Request::Open(agent);
        }
        is_wanted
    }
}

/// After a failure sooner than the interval, then twice as long each time, up to the interval.
fn pause(interval: Duration, failures: u32) -> Duration {
    match failures.checked_sub(1) {
        None => interval,
        Some(before) => FIRST_PAUSE
            .saturating_mul(1 << before.min(16))
            .min(interval),
    }
}

/// ±10 %, so that the machines of a site do not all make requests at once.
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
