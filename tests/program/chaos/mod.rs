//! The program in a hostile world: a network that loses, duplicates, reorders and damages datagrams, and a schedule of
//! faults. Whatever happens, every datagram that the system has handed to the program is counted in exactly one place,
//! memory does not grow, no thread is lost, and the sessions that were followed continue.
//!
//! It requires root and iproute2, and moves the clock if libfaketime is installed.
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

/// Whatever takes this long has failed; even a busy machine is far from it.
const DEADLINE: Duration = Duration::from_secs(60);

/// Waits for a condition that can only be polled.
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

/// Prints how to repeat a run that has failed.
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
