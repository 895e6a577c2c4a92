//! Plays a site over UDP: evenly, at a rate that does not drift, counting what is sent.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::ops::ControlFlow;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use super::burst::Burst;
use super::datagram::Tally;
use super::day::Day;
use super::site::Site;
use super::transmit::{self, BATCH};

/// Time between two reports of progress.
pub(super) const PROGRESS_INTERVAL: Duration = Duration::from_millis(100);

/// How long to wait after the last datagram for the report of a missing listener.
const ANSWER: Duration = Duration::from_millis(100);

/// How fast to play, and how much.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pace {
    /// Datagrams per second; 0, the default, is as fast as possible.
    pub rate: u32,
    /// The total number of datagrams; `None`, the default, is endless.
    pub count: Option<u64>,
}

/// What has been played so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Played {
    /// Datagrams that were passed to the network.
    pub datagrams: u64,
    /// The bytes of their payloads, without any headers.
    pub bytes: u64,
    /// Their contents.
    pub tally: Tally,
    /// The number of network errors, such as a missing listener. After each one the datagram is tried again.
    pub send_errors: u64,
    /// The number of errors that report a missing listener, each an answer (ICMP) to an earlier datagram. One answer
    /// may stand for many datagrams, so at least this many did not arrive.
    pub refused: u64,
    /// Datagrams that were given up after ten errors. They count towards [`Pace::count`] but nowhere else.
    pub given_up: u64,
    /// The time since the start.
    pub elapsed: Duration,
}

/// Plays sites to one destination.
#[derive(Debug)]
pub struct Sender {
    socket: UdpSocket,
}

impl Sender {
    /// A sender to `destination`, from any local address. It sends nothing yet and needs no listener.
    ///
    /// # Errors
    /// When the system cannot provide such a socket, or has no route to the destination.
    pub fn connect(destination: SocketAddr) -> io::Result<Self> {
        let any: SocketAddr = match destination {
            SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
            SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
        };
        let socket = UdpSocket::bind(any)?;
        socket.connect(destination)?;
        Ok(Self { socket })
    }

    /// Plays `site` at `pace`; see [`play`].
    ///
    /// # Errors
    /// As [`play`].
    pub fn play(
        &self,
        site: &mut Site,
        pace: Pace,
        progress: impl FnMut(&Played) -> ControlFlow<()>,
    ) -> io::Result<Played> {
        play(site, &self.socket, pace, progress)
    }

    /// Plays `day` in real time, starting at the time `from` of the day; see [`Day::play`].
    ///
    /// # Errors
    /// As [`play`].
    pub fn play_day(
        &self,
        day: &Day,
        from: Duration,
        progress: impl FnMut(&Played) -> ControlFlow<()>,
    ) -> io::Result<Played> {
        day.play(&self.socket, from, progress)
    }
}

/// Plays `site` over `socket`, which must be connected, at `pace`. The time on the site is that of the system's clock.
///
/// With a rate, datagrams are sent in bursts of at most a millisecond's worth, on a schedule that starts with the call:
/// a sender that falls behind catches up. `progress` is called about ten times a second and once after the end; it can
/// stop the playback. In that case up to 64 datagrams may have been taken from `site` without being sent.
///
/// # Errors
/// When the socket cannot send at all. A missing listener, full buffers or an unavailable network are no such errors;
/// they are counted in [`Played::send_errors`].
pub fn play(
    site: &mut Site,
    socket: &UdpSocket,
    pace: Pace,
    mut progress: impl FnMut(&Played) -> ControlFlow<()>,
) -> io::Result<Played> {
    let start = Instant::now();
    let mut next_report = PROGRESS_INTERVAL;
    let mut played = Played::default();
    let mut burst = Burst::default();
    loop {
        let done = played.datagrams + played.given_up;
        let left = pace.count.map_or(u64::MAX, |count| count - done);
        let slot = pace.slot(done);
        site.set_time((SystemTime::now() + slot.saturating_sub(start.elapsed())).into());
        burst.fill(site, pace.burst().min(left));
        if burst.is_empty() {
            break;
        }

        loop {
            played.elapsed = start.elapsed();
            if played.elapsed >= next_report {
                next_report = played.elapsed + PROGRESS_INTERVAL;
                if progress(&played).is_break() {
                    return await_answer(socket, played);
                }
            }
            if played.elapsed >= slot {
                break;
            }
            thread::sleep(slot.min(next_report).saturating_sub(played.elapsed));
        }

        burst.send(socket, &mut played)?;
    }
    played.elapsed = start.elapsed();
    let played = await_answer(socket, played)?;
    // The playback is over in either case.
    let _ = progress(&played);
    Ok(played)
}

/// Waits for the report that the last datagrams had no listener. An existing receiver does not answer.
pub(super) fn await_answer(socket: &UdpSocket, mut played: Played) -> io::Result<Played> {
    if played.datagrams > 0 {
        let timeout = socket.read_timeout()?;
        socket.set_read_timeout(Some(ANSWER))?;
        if let Err(error) = socket.recv(&mut [0])
            && transmit::is_refusal(&error)
        {
            played.send_errors += 1;
            played.refused += 1;
        }
        socket.set_read_timeout(timeout)?;
    }
    Ok(played)
}

impl Pace {
    /// The number of datagrams that are sent together: a millisecond's worth, at least one.
    fn burst(self) -> u64 {
        match self.rate {
            0 => BATCH as u64,
            rate => u64::from(rate / 1_000).clamp(1, BATCH as u64),
        }
    }

    /// When the datagram after the first `done` ones is due, since the start.
    fn slot(self, done: u64) -> Duration {
        let rate = u64::from(self.rate);
        if rate == 0 {
            return Duration::ZERO;
        }
        let nanoseconds = done % rate * 1_000_000_000 / rate;
        Duration::from_secs(done / rate) + Duration::from_nanos(nanoseconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::SiteOptions;

    fn site() -> Site {
        Site::new(SiteOptions {
            odd_per_mille: 200,
            ..SiteOptions::default()
        })
    }

    fn listener(address: &str) -> io::Result<(UdpSocket, SocketAddr)> {
        let socket = UdpSocket::bind(address)?;
        socket.set_read_timeout(Some(Duration::from_secs(10)))?;
        let address = socket.local_addr()?;
        Ok((socket, address))
    }

    #[test]
    fn every_datagram_arrives_unchanged() -> io::Result<()> {
        let (listener, address) = listener("127.0.0.1:0")?;
        let sender = Sender::connect(address)?;
        let (mut played_site, mut expected_site) = (site(), site());
        let mut expected = Vec::new();
        let mut received = vec![0; 65_536];

        // Each round fits into the smallest receive buffer.
        for _ in 0..20 {
            let pace = Pace {
                rate: 0,
                count: Some(80),
            };
            let played = sender.play(&mut played_site, pace, |_| ControlFlow::Continue(()))?;

            let (mut bytes, mut tally) = (0, Tally::default());
            for _ in 0..80 {
                tally += expected_site.next_datagram(&mut expected).tally();
                let length = listener.recv(&mut received)?;
                assert_eq!(received[..length], expected);
                bytes += length as u64;
            }
            assert_eq!((played.datagrams, played.bytes), (80, bytes));
            assert_eq!(played.tally, tally);
            assert_eq!(
                (played.send_errors, played.given_up, played.refused),
                (0, 0, 0)
            );
        }
        Ok(())
    }

    #[test]
    fn a_rate_is_kept() -> io::Result<()> {
        let (_listener, address) = listener("127.0.0.1:0")?;
        let pace = Pace {
            rate: 2_000,
            count: Some(301),
        };
        let mut reports = 0;
        let played = Sender::connect(address)?.play(&mut site(), pace, |_| {
            reports += 1;
            ControlFlow::Continue(())
        })?;

        assert_eq!(played.datagrams, 301);
        assert!(played.elapsed >= Duration::from_millis(149));
        assert!(reports >= 2);
        Ok(())
    }

    #[test]
    fn progress_can_stop_an_endless_playback() -> io::Result<()> {
        let (_listener, address) = listener("127.0.0.1:0")?;
        let pace = Pace {
            rate: 1,
            count: None,
        };
        let mut reports = 0;
        let played = Sender::connect(address)?.play(&mut site(), pace, |_| {
            reports += 1;
            ControlFlow::Break(())
        })?;

        assert_eq!((reports, played.datagrams), (1, 1));
        Ok(())
    }

    #[test]
    fn a_count_of_zero_plays_nothing() -> io::Result<()> {
        let (_listener, address) = listener("127.0.0.1:0")?;
        let pace = Pace {
            rate: 0,
            count: Some(0),
        };
        let mut reports = 0;
        let played = Sender::connect(address)?.play(&mut site(), pace, |_| {
            reports += 1;
            ControlFlow::Continue(())
        })?;

        assert_eq!((reports, played.datagrams), (1, 0));
        Ok(())
    }

    #[test]
    fn a_missing_listener_does_not_end_sending() -> io::Result<()> {
        let (listener, address) = listener("127.0.0.1:0")?;
        drop(listener);
        let pace = Pace {
            rate: 0,
            count: Some(200),
        };
        let played =
            Sender::connect(address)?.play(&mut site(), pace, |_| ControlFlow::Continue(()))?;

        assert_eq!(played.datagrams + played.given_up, 200);
        assert!(played.refused > 0);
        Ok(())
    }

    #[test]
    fn slots_do_not_drift() {
        let pace = Pace {
            rate: 3,
            count: None,
        };
        assert_eq!(pace.slot(0), Duration::ZERO);
        assert_eq!(pace.slot(1), Duration::from_nanos(333_333_333));
        assert_eq!(pace.slot(3_000_000_000), Duration::from_secs(1_000_000_000));
    }
}
