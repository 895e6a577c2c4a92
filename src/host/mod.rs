//! The edges: where datagrams come from and events go to. Thin, and the only part with a clock,
//! sockets and threads.

pub mod exec;
pub mod reload;
pub mod terminal;
pub mod worker;
