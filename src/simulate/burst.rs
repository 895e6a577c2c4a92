//! A handful of datagrams that are sent together.

use std::io;
use std::net::UdpSocket;
use std::thread;
use std::time::Duration;

use super::datagram::Tally;
use super::day::Delivery;
use super::sender::Played;
use super::site::Site;
use super::transmit::{self, BATCH};

/// How often sending a datagram is tried before it is given up.
const ATTEMPTS: u32 = 10;

/// How long to wait for a network that is not ready.
const RETRY_DELAY: Duration = Duration::from_millis(1);

/// Datagrams that are sent together, in buffers that are reused.
#[derive(Debug, Default)]
pub(super) struct Burst {
    datagrams: Vec<Vec<u8>>,
    truths: Vec<Tally>,
}

impl Burst {
    /// Whether there is nothing to send.
    pub(super) fn is_empty(&self) -> bool {
        self.truths.is_empty()
    }

    /// Replaces the contents with the next `length` datagrams of `site`.
    pub(super) fn fill(&mut self, site: &mut Site, length: u64) {
        self.truths.clear();
        for place in 0..length.min(BATCH as u64) as usize {
            if place == self.datagrams.len() {
                self.datagrams.push(Vec::with_capacity(512));
            }
            self.truths
                .push(site.next_datagram(&mut self.datagrams[place]).tally());
        }
    }

    /// Replaces the contents with as many of the `deliveries` as fit, and returns their number. What they contain is
    /// counted by their day.
    pub(super) fn take(&mut self, deliveries: &[Delivery]) -> usize {
        let length = deliveries.len().min(BATCH);
        self.truths.clear();
        self.truths.resize(length, Tally::default());
        self.datagrams.clear();
        let datagrams = deliveries[..length].iter();
        self.datagrams
            .extend(datagrams.map(|delivery| delivery.datagram.clone()));
        length
    }

    /// Sends all datagrams, and counts them.
    pub(super) fn send(&self, socket: &UdpSocket, played: &mut Played) -> io::Result<()> {
        let length = self.truths.len();
        let mut next = 0;
        let mut failures = 0;
        while next < length {
            match transmit::send(socket, &self.datagrams[next..length]) {
                Ok(sent) => {
                    for place in next..next + sent {
                        played.datagrams += 1;
                        played.bytes += self.datagrams[place].len() as u64;
                        played.tally += self.truths[place];
                    }
                    next += sent;
                    failures = 0;
                    if next < length {
                        played.send_errors += 1;
                    }
                }
                Err(error) if transmit::may_pass(&error) => {
                    let is_refusal = transmit::is_refusal(&error);
                    played.send_errors += 1;
                    played.refused += u64::from(is_refusal);
                    failures += 1;
                    if failures == ATTEMPTS {
                        played.given_up += 1;
                        next += 1;
                        failures = 0;
                    }
                    // A refusal concerns an earlier datagram, so this one can be sent at once.
                    if !is_refusal {
                        thread::sleep(RETRY_DELAY);
                    }
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}
