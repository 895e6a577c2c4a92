//! Plays a day in real time: sends its datagrams at their times.

use std::{
    io,
    net::UdpSocket,
    ops::{ControlFlow, Range},
    thread,
    time::{Duration, Instant},
};

use chrono::{DateTime, Utc};

use super::{Day, Stay};
use crate::simulate::{
    burst::Burst,
    datagram::Tally,
    sender::{PROGRESS_INTERVAL, Played, await_answer},
};

impl Day {
    /// Plays the day over `socket`, which must be connected, from the time `from` of the day to its end. Each datagram
    /// is sent when it arrives on that day. The times in the datagrams are right if the day began `from` ago.
    /// `progress` is called about ten times a second and once after the end; it can stop the playback.
    ///
    /// The returned events are [what happened](Self::tally) meanwhile, whether or not it was lost.
    ///
    /// # Errors
    /// When the socket cannot send at all; see [`play`](crate::simulate::play).
    pub fn play(
        &self,
        socket: &UdpSocket,
        from: Duration,
        mut progress: impl FnMut(&Played) -> ControlFlow<()>,
    ) -> io::Result<Played> {
        let start = Instant::now();
        let first = self.deliveries.partition_point(|one| one.arrival < from);
        let mut left = &self.deliveries[first..];
        let mut played = Played::default();
        let mut burst = Burst::default();
        let mut is_broken_off = false;
        while !is_broken_off {
            let now = from + start.elapsed();
            let due = left.partition_point(|one| one.arrival <= now);
            let taken = burst.take(&left[..due]);
            burst.send(socket, &mut played)?;
            left = &left[taken..];
            played.elapsed = start.elapsed();
            if taken < due {
                continue;
            }
            if left.is_empty() && now >= self.end {
                break;
            }
            is_broken_off = progress(&played).is_break();
            let next = left.first().map_or(self.end, |one| one.arrival);
            let pause = next.saturating_sub(from + start.elapsed());
            if !is_broken_off {
                thread::sleep(pause.min(PROGRESS_INTERVAL));
            }
        }
        played.tally = self.tally(from..from + played.elapsed);
        let played = await_answer(socket, played)?;
        if !is_broken_off {
            // The playback is over in either case.
            let _ = progress(&played);
        }
        Ok(played)
    }

    /// What happened in a part of the day.
    #[must_use]
    pub fn tally(&self, part: Range<Duration>) -> Tally {
        let within = |time: DateTime<Utc>| {
            (time - self.begin)
                .to_std()
                .is_ok_and(|time| part.contains(&time))
        };
        let mut tally = Tally::default();
        let mut stays = |stays: &[Stay],
                         starts: fn(&mut Tally) -> &mut u64,
                         ends: fn(&mut Tally) -> &mut u64| {
            for stay in stays {
                for (time, count) in [(stay.start, starts), (stay.end, ends)] {
                    if part.contains(&time) {
                        *count(&mut tally) += 1;
                        tally.service_account += u64::from(stay.user.starts_with("internal\\sa_"));
                        tally.anonymous += u64::from(stay.user.starts_with("none\\anonymous"));
                    }
                }
            }
        };
        stays(
            &self.sessions,
            |it| &mut it.session_start,
            |it| &mut it.session_stop,
        );
        stays(
            &self.connections,
            |it| &mut it.connection_open,
            |it| &mut it.connection_close,
        );
        for event in self.logs.iter().filter(|event| within(event.time)) {
            *tally.logs_of(event.level) += 1;
        }
        for event in self.tasks.iter().filter(|event| within(event.time)) {
            *tally.tasks_of(event.action) += 1;
        }
        let requests = self.requests.iter();
        tally.performance = requests.filter(|request| within(request.time)).collect();
        tally
    }
}
