//! The order of shutdown, which is the same in every host, whether it is requested, follows a panic, or happens because
//! a host drops its runtime:
//!
//! 1. **Receiving stops.** Workers are told first, and this depends on nothing else.
//!    ([`Runtime::stop`](super::Runtime::stop) tells them, or [`stop_now`](super::Runtime::stop_now) if the output has no
//!    reader for what the sockets still hold.)
//! 2. **Sockets are drained**: each worker reads what its socket held when it was told to stop, for at most eight
//!    seconds; the rest is counted as dropped.
//! 3. **Sessions are concluded**: each worker tells its pipeline the time once more, so that expired sessions end,
//!    while the others continue in the next run; missing rows count as lost.
//! 4. **The session state is saved** and its lock given free, before anything that waits for the host, which may not
//!    wait for it.
//! 5. **The last metrics** follow the last events.
//! 6. **The sockets are closed**, unless they are kept for the next receiver, which gets them at the end.
//! 7. **The output is closed**: nothing more is added, and the host takes what waits or says that it will not.
//! 8. **The counts are reported**, which only now are final.

use std::{sync::mpsc, time::Duration};

use super::{
    control::DRAIN,
    handle::Concluded,
    queue::Contents,
    supervisor::{News, Supervisor},
    threads::Failure,
    worker::Sink,
};
use crate::{
    host::diagnostics::{Level, Report, counted},
    source::Bound,
};

/// How long workers may take to end after they were told to: they drain their sockets, and then pass on events that
/// result, such as summaries. They never wait for an output of this crate, but the sink of another host may block them.
const END: Duration = DRAIN.saturating_add(Duration::from_secs(1));

impl<S: Sink + Send + 'static, D: Report, C: Contents> Supervisor<S, D, C> {
    /// Supervises the workers until they end, and then shuts down. `failed` is called if they end by themselves, and
    /// `output_closed` is dropped after step 7.
    pub(super) fn run(
        mut self,
        failed: &dyn Fn(Failure),
        output_closed: mpsc::Sender<()>,
    ) -> Concluded {
        let supervised = self.supervise();
        if supervised.is_err() {
            self.workers.stop_now();
        }
        let ended = supervised.and(self.shut_down());
        if ended.is_err() || !self.hands_sockets_on {
            // A program that holds a port but receives nothing would be worse than one that does not hold it.
            self.workers.close();
        }
        self.queues.close();
        if let Err(failure) = ended {
            failed(failure);
        }
        drop(output_closed);
        self.await_output();
        self.conclude()
    }
}

impl<S, D: Report, C: Contents> Supervisor<S, D, C> {
    /// Steps 2 to 5, after workers have been told to stop.
    fn shut_down(&mut self) -> Result<(), Failure> {
        let told = self.workers.controls().filter_map(|it| it.stopped_at());
        let waited = told.min().map_or(Duration::ZERO, |at| at.elapsed());
        self.is_stuck = !self.workers.join(END.saturating_sub(waited));
        if self.is_stuck {
            self.diagnostics.report(Level::Error, STUCK);
        }
        let mut ended = Ok(());
        for news in self.news.try_iter() {
            match news {
                News::Ended(_, worker) => ended = ended.and(worker),
                News::Conclude => self.is_output_done = true,
                News::Fault | News::Stop => {}
            }
        }
        self.save_state();
        // The next program may have it, while this one waits for the host.
        self.state = None;
        self.emit_metrics(true);
        ended
    }

    /// Step 8.
    fn conclude(mut self) -> Concluded {
        // The supervisor has already reported earlier drops.
        let known = self.reported.queue.known();
        let dropped = self.queues.all_dropped().saturating_sub(known);
        if dropped > 0 {
            let message = format!(
                "dropped {} at shutdown, because {}; docs/reliability.md, section Shutdown, says how to keep events \
                 across a restart",
                counted(dropped, "event", "events"),
                self.queues
                    .broken_because()
                    .as_deref()
                    .unwrap_or("the queue was full")
            );
            self.diagnostics.report(Level::Warn, &message);
        }
        let workers = self.workers.controls();
        let not_drained = workers.map(|it| it.counters().not_drained).sum();
        if not_drained > 0 {
            let message = format!(
                "dropped {} at shutdown, because decoding what the receive buffers held took longer than {} s; look \
                 for options that make it slow, such as a blacklist of many patterns",
                counted(not_drained, "datagram", "datagrams"),
                DRAIN.as_secs()
            );
            self.diagnostics.report(Level::Warn, &message);
        }
        self.report_turned_away();
        self.report_evictions();
        self.report_totals("stopped", |_, _| true);
        let listeners = self.workers.into_listeners().into_iter();
        let bound = listeners.map(|listener| {
            let sockets = listener.workers.iter().filter_map(|worker| worker.socket());
            Bound {
                address: listener.address,
                sockets: sockets
                    .filter_map(|socket| socket.try_clone().ok())
                    .collect(),
            }
        });
        Concluded {
            sockets: bound.collect(),
            is_drained: not_drained == 0 && !self.is_stuck,
            is_state_saved: self.is_state_saved,
        }
    }

    /// Waits until the output has taken everything it will take, or the host is gone.
    fn await_output(&self) {
        while !self.is_output_done && !matches!(self.news.recv(), Ok(News::Conclude) | Err(_)) {}
    }
}

const STUCK: &str = "a receiving thread did not stop in time, because a datagram takes long to decode or the host does \
not take its events; the events it holds are lost and not counted";
