//! What every host runs, from its start to its end, so that two hosts do the same with a datagram.

pub mod frames;
pub mod listener;
pub mod queue;
pub mod refresh;
pub mod secrets;
pub mod start;
pub mod state_file;
pub mod supervisor;
pub mod threads;
pub mod watched;
pub mod worker;
