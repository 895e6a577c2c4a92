//! The runtime that all hosts share, so that every host treats a datagram the same. [`Runtime::start`] starts it, and
//! [`shutdown`] describes the order in which it ends.
//!
//! | file | what it does |
//! |---|---|
//! | `start.rs` | opens the sockets for a configuration |
//! | `handle.rs` | the host's handle: starts the runtime, stops it, requests a reload |
//! | `workers.rs`, `worker.rs` | the receiving threads, and what each does with its socket |
//! | `control.rs` | the handle to a worker: its counts and its controls |
//! | `listener.rs` | an address and the counts of its workers |
//! | `frames.rs`, `queue.rs`, `frame_bytes.rs` | what waits for the host, what is dropped, and the buffers for both |
//! | `queues.rs` | the queues of several connections together |
//! | `queue/writing.rs` | what a writer thread takes out of the queue |
//! | `supervisor.rs` | the thread that supervises the workers: counters, session state, panics |
//! | `drops.rs`, `turned_away.rs`, `clocks.rs`, `every.rs`, `state_file.rs`, `state_lock.rs`, `secrets.rs` | parts of that |
//! | `refresh.rs`, `watched.rs` | the thread that reloads the files of transforms |
//! | `shutdown.rs` | the order of shutdown |
//! | `threads.rs` | panics and locks |

mod clocks;
pub mod control;
mod drops;
mod every;
mod frame_bytes;
pub mod frames;
mod gather;
mod handle;
pub mod listener;
pub mod queue;
pub mod queues;
pub mod refresh;
pub mod secrets;
pub mod shutdown;
pub mod start;
mod state_file;
mod state_lock;
pub mod supervisor;
#[cfg(test)]
mod tests;
pub mod threads;
mod turned_away;
pub mod watched;
#[cfg(not(feature = "qrs"))]
mod without_qrs;
pub mod worker;
mod workers;

pub use self::{
    handle::{Concluded, Edge, PATIENCE, Runtime},
    state_file::link_target,
};
