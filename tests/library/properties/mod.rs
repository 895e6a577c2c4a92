//! What holds for any datagram: oracles that are slow and obvious beside the code that is fast.

mod blacklist;
mod datagrams;
mod decoding;
mod oracle;
mod rows;
mod tasks;
