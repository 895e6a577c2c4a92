//! Properties of any datagram, checked by oracles that are slow and obvious.

mod blacklist;
mod datagrams;
mod decoding;
mod oracle;
mod rows;
mod tasks;
