//! At high rates, lets datagrams gather in the socket, so that one wake-up reads many of them.

use std::time::{Duration, Instant};

/// The least that a datagram takes of the receive buffer beyond its bytes: the kernel counts its own record too.
const OVERHEAD_BYTES: u64 = 1_024;

/// Shorter pauses are skipped: sleeping and waking up would take longer.
const SHORTEST: Duration = Duration::from_micros(20);

/// Decides how long to wait before the socket is read again. A single datagram is never delayed: there is a pause only
/// if the last datagrams came so fast that at least one more can be expected meanwhile.
#[derive(Debug)]
pub(super) struct Gather {
    longest: Duration,
    /// How much may gather, in bytes of the receive buffer.
    most_bytes: u64,
    last: Instant,
}

impl Gather {
    /// Pauses of at most `longest`, and only for as long as it takes to fill a quarter of the receive buffer.
    pub(super) fn new(longest: Duration, receive_buffer_bytes: usize, now: Instant) -> Self {
        Self {
            longest,
            most_bytes: receive_buffer_bytes as u64 / 4,
            last: now,
        }
    }

    /// The pause after a batch of this many datagrams, with this many bytes in total. `has_more` says that the socket
    /// may hold more than fitted into the batch; those are read at once.
    pub(super) fn pause(
        &mut self,
        datagrams: u64,
        bytes: u64,
        has_more: bool,
        now: Instant,
    ) -> Option<Duration> {
        let elapsed = now.duration_since(std::mem::replace(&mut self.last, now));
        let is_fast = elapsed < self.longest.saturating_mul(u32::try_from(datagrams).ok()?);
        if !is_fast || has_more {
            return None;
        }
        let taken = (bytes + datagrams * OVERHEAD_BYTES).max(1);
        let until_full = elapsed.as_nanos() as u64 * self.most_bytes / taken;
        let pause = self.longest.min(Duration::from_nanos(until_full));
        (pause >= SHORTEST).then_some(pause)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONGEST: Duration = Duration::from_micros(200);
    const BUFFER: usize = 16 << 20;

    /// The pauses after batches, given as the microseconds since the previous one and the number of datagrams of 300
    /// bytes.
    fn pauses(buffer: usize, batches: &[(u64, u64)]) -> Vec<Option<u128>> {
        let mut now = Instant::now();
        let mut gather = Gather::new(LONGEST, buffer, now);
        let pauses = batches.iter().map(|(micros, datagrams)| {
            now += Duration::from_micros(*micros);
            let pause = gather.pause(*datagrams, datagrams * 300, *datagrams == 64, now);
            pause.map(|pause| pause.as_micros())
        });
        pauses.collect()
    }

    #[test]
    fn single_datagrams_do_not_wait() {
        assert_eq!(
            pauses(BUFFER, &[(1_000, 1), (1_000, 1), (201, 1), (5_000, 8)]),
            [None; 4]
        );
    }

    #[test]
    fn fast_datagrams_gather() {
        let all = Some(LONGEST.as_micros());
        assert_eq!(pauses(BUFFER, &[(50, 1), (250, 5), (250, 30)]), [all; 3]);
        assert_eq!(pauses(BUFFER, &[(50, 64), (250, 64)]), [None; 2]);
    }

    #[test]
    fn no_more_gathers_than_a_quarter_of_the_buffer_holds() {
        let fast = [(30, 60), (30, 60)];
        assert_eq!(pauses(BUFFER, &fast), [Some(200); 2]);
        // A quarter of this buffer is 26,624 bytes, which 20 datagrams fill in 10 microseconds.
        assert_eq!(pauses(106_496, &fast), [None; 2]);
        let [Some(pause), _] = pauses(425_984, &fast)[..] else {
            panic!("a pause");
        };
        assert!((20..50).contains(&pause), "{pause}");
    }

    #[test]
    fn without_gathering_there_is_no_pause() {
        let now = Instant::now();
        let mut gather = Gather::new(Duration::ZERO, BUFFER, now);
        assert_eq!(gather.pause(5, 1_500, false, now), None);
    }
}
