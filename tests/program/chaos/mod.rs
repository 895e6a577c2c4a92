//! The program in a bad world: a network that loses, doubles, reorders and damages, and a schedule of faults. Whatever
//! comes, every datagram that the system has handed to the program is in one place, memory stays flat, no thread is
//! lost, and the sessions that were followed are what they were.
//!
//! It needs root and iproute2, and moves the clock where libfaketime is installed.
//!
//! ```sh
//! cargo test --test program chaos -- --ignored --nocapture
//! CHAOS_SECS=1800 cargo test --release --test program chaos -- --ignored --nocapture
//! CHAOS_SEED=7 cargo test --test program chaos -- --ignored --nocapture      # the same faults once more
//! ```

mod faults;
mod network;
mod program;
mod reader;
mod site;
mod way;

use std::{
    fmt, thread,
    time::{Duration, Instant, SystemTime},
};

use fastrand::Rng;

use faults::World;

/// What takes this long has failed. A busy machine never comes near it.
const DEADLINE: Duration = Duration::from_secs(60);

/// Waits for something that can only be polled.
fn until<W: fmt::Display>(what: impl Fn() -> W, holds: impl Fn() -> bool) {
    let end = Instant::now() + DEADLINE;
    while !holds() {
        assert!(Instant::now() < end, "never: {}", what());
        thread::sleep(Duration::from_millis(5));
    }
}

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(
        text.parse()
            .unwrap_or_else(|_| panic!("{variable}: expected a number, found {text}")),
    )
}

/// Says how to repeat a run that has failed.
struct Seed(u64);

impl Drop for Seed {
    fn drop(&mut self) {
        if thread::panicking() {
            println!("this run is repeated by CHAOS_SEED={}", self.0);
        }
    }
}

#[test]
#[ignore = "needs root and iproute2, and runs for a minute; see the commands above"]
fn every_datagram_is_in_one_place_whatever_happens() {
    let length = Duration::from_secs(number("CHAOS_SECS").unwrap_or(60));
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let seed = Seed(number("CHAOS_SEED").unwrap_or_else(|| now.expect("a time").as_secs()));
    println!("CHAOS_SEED={} for {} s", seed.0, length.as_secs());
    let mut rng = Rng::with_seed(seed.0);
    let mut world = World::new(seed.0);
    let start = Instant::now();
    while start.elapsed() < length {
        world.round(&mut rng);
    }
    world.end();
}
