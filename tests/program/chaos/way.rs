//! What happens to datagrams on the way: they are lost, duplicated, late, reordered or damaged.
//!
//! This is not done by `tc netem`, which is missing in the kernels of many machines. So it works everywhere and depends
//! only on the seed, and damaged datagrams reach the decoder, whereas those that netem damages fail UDP's checksum.

use std::{
    cmp::Reverse,
    collections::BinaryHeap,
    fmt,
    time::{Duration, Instant},
};

use fastrand::Rng;

/// How often each thing happens, per thousand datagrams.
#[derive(Debug, Clone)]
pub struct Conditions {
    lost: u32,
    doubled: u32,
    late: u32,
    damaged: u32,
    /// The longest delay in milliseconds. Datagrams that are not late overtake those that are.
    delay: u64,
}

impl Conditions {
    pub fn of(rng: &mut Rng) -> Self {
        let mut sometimes = |most| if rng.bool() { rng.u32(1..=most) } else { 0 };
        Self {
            lost: sometimes(50),
            doubled: sometimes(50),
            late: sometimes(1_000),
            damaged: sometimes(50),
            delay: rng.u64(1..200),
        }
    }
}

impl fmt::Display for Conditions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            lost,
            doubled,
            late,
            damaged,
            delay,
        } = self;
        write!(
            f,
            "of a thousand {lost} lost, {doubled} doubled, {late} late by up to {delay} ms, {damaged} damaged"
        )
    }
}

/// A datagram that is under way. The first one to arrive is the greatest.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Late {
    due: Reverse<Instant>,
    number: Reverse<u64>,
    datagram: Vec<u8>,
}

/// The datagrams that are under way.
pub struct Way {
    rng: Rng,
    late: BinaryHeap<Late>,
    number: u64,
}

impl Way {
    pub fn new(rng: Rng) -> Self {
        Self {
            rng,
            late: BinaryHeap::new(),
            number: 0,
        }
    }

    /// Sends a datagram.
    pub fn take(&mut self, now: Instant, mut datagram: Vec<u8>, conditions: &Conditions) {
        // All random numbers are drawn, whatever happens.
        let rng = &mut self.rng;
        let mut happens = |thousandths| rng.u32(0..1_000) < thousandths;
        let (lost, doubled) = (happens(conditions.lost), happens(conditions.doubled));
        let (late, damaged) = (happens(conditions.late), happens(conditions.damaged));
        let mut fork = rng.fork();
        if lost {
            return;
        }
        if damaged {
            damage(&mut datagram, &mut fork);
        }
        for _ in 0..=u32::from(doubled) {
            let delay = if late {
                fork.u64(0..conditions.delay)
            } else {
                0
            };
            self.number += 1;
            self.late.push(Late {
                due: Reverse(now + Duration::from_millis(delay)),
                number: Reverse(self.number),
                datagram: datagram.clone(),
            });
        }
    }

    /// The next datagram that has arrived by then.
    pub fn arrived(&mut self, now: Instant) -> Option<Vec<u8>> {
        let is_due = self.late.peek()?.due.0 <= now;
        is_due.then(|| self.late.pop())?.map(|late| late.datagram)
    }

    pub fn is_empty(&self) -> bool {
        self.late.is_empty()
    }
}

/// Damages a datagram. It stays one event: a line end before a type token would make it two.
fn damage(datagram: &mut Vec<u8>, rng: &mut Rng) {
    if rng.bool() {
        datagram.truncate(rng.usize(0..=datagram.len()));
    }
    for _ in 0..rng.u32(0..4) {
        if let Some(byte) = rng.choice(&mut *datagram) {
            *byte = rng.u8(..).max(b'\x0E');
        }
    }
}
