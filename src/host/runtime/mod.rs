//! The runtime that all hosts share, so that every host treats a datagram the same: [`Runtime::start`] starts it, and
//! [`shutdown`] has the order in which it ends.
//!
//! | file | what it does |
//! |---|---|
//! | `start.rs` | from a configuration to sockets that are bound |
//! | `handle.rs` | what a host holds: the start, and what it may ask for |
//! | `workers.rs`, `worker.rs` | the threads that receive; what each does with its socket |
//! | `listener.rs` | an address, and what its workers have counted |
//! | `frames.rs`, `queue.rs`, `frame_bytes.rs` | what waits for the host, and what is dropped; the buffers it waits in |
//! | `queue/writing.rs` | what a thread that writes takes out of the queue |
//! | `supervisor.rs` | the thread that looks after the workers: counters, the state of sessions, panics |
//! | `drops.rs`, `clocks.rs`, `every.rs`, `state_file.rs`, `secrets.rs` | parts of that |
//! | `refresh.rs`, `watched.rs` | the thread that reads files of transforms again |
//! | `shutdown.rs` | the order of the end |
//! | `threads.rs` | panics and locks |

mod clocks;
mod drops;
mod every;
mod frame_bytes;
pub mod frames;
mod gather;
mod handle;
pub mod listener;
pub mod queue;
pub mod refresh;
pub mod secrets;
pub mod shutdown;
pub mod start;
mod state_file;
pub mod supervisor;
#[cfg(test)]
mod tests;
pub mod threads;
pub mod watched;
pub mod worker;
mod workers;

pub use self::handle::{Edge, PATIENCE, Runtime};
