//! Compares ways to handle the same datagrams: they take turns, so that each round times them in the same seconds.

use std::{
    env,
    time::{Duration, Instant},
};

/// The number of rounds, of which the best counts: nothing makes work faster than it is, but much makes it slower.
const ROUNDS: u32 = 40;

/// How long one way is timed in a round, at least.
const TURN: Duration = Duration::from_millis(20);

/// A way to handle all datagrams once.
pub struct Way<'a> {
    name: String,
    handle_all: Box<dyn FnMut() + 'a>,
}

impl<'a> Way<'a> {
    pub fn new(name: impl Into<String>, handle_all: impl FnMut() + 'a) -> Self {
        Self {
            name: name.into(),
            handle_all: Box::new(handle_all),
        }
    }

    /// The time for all datagrams, in nanoseconds.
    fn time(&mut self) -> f64 {
        let start = Instant::now();
        let mut times = 0.0;
        while start.elapsed() < TURN {
            (self.handle_all)();
            times += 1.0;
        }
        start.elapsed().as_nanos() as f64 / times
    }
}

/// Prints the time of each way per datagram, and as a multiple of the first way's time. With a word on the command line,
/// only the first way and those whose name has the word.
pub fn compare(datagrams: usize, mut ways: Vec<Way>) {
    if let Some(word) = env::args().skip(1).find(|word| !word.starts_with('-')) {
        let mut is_first = true;
        ways.retain(|way| std::mem::take(&mut is_first) || way.name.contains(&word));
    }
    let mut best = vec![f64::MAX; ways.len()];
    for _ in 0..ROUNDS {
        for (way, best) in ways.iter_mut().zip(&mut best) {
            *best = best.min(way.time());
        }
    }
    println!("{:<60}{:>8}{:>10}", "", "ns", "multiple");
    for (way, time) in ways.iter().zip(&best) {
        println!(
            "{:<60}{:>8.0}{:>10.2}",
            way.name,
            time / datagrams as f64,
            time / best[0],
        );
    }
}
