//! The state of the tracker as text, to be kept from one run to the next.
//!
//! A JSON object a line: what it is and when it was saved, the users, each browser before the first
//! user who has it, and how many users there are with a checksum of all before. Times of the
//! tracker's clock are ages, so that the time away counts.

mod lines;
mod read;
mod write;

use std::io;

pub(super) use self::{read::StateReader, write::StateWriter};

/// What the first line says that the file is.
const FORMAT: &str = "qlik_sense_sessions";

/// The version of the format. Another one is not read.
const VERSION: u32 = 1;

/// A state cannot be read. It names no user.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StateError {
    /// The text cannot be read.
    #[error("{0}")]
    Read(#[from] io::Error),
    /// It is the state of another version of the program.
    #[error("line 1: expected version {VERSION} of the format, found version {found}")]
    Version {
        /// The version that it says.
        found: u32,
    },
    /// A line is not what it should be.
    #[error("line {line}: expected {expected}")]
    Damaged {
        /// The line, from 1.
        line: usize,
        /// What should be there.
        expected: &'static str,
    },
    /// The text is not what was saved.
    #[error("the checksum in the last line is not that of the lines before it")]
    Checksum,
}

/// The sum of the lines up to here: FNV-1a, which is the same on every platform.
#[derive(Debug, Clone, Copy)]
struct Checksum(u64);

impl Checksum {
    const fn new() -> Self {
        Self(0xCBF2_9CE4_8422_2325)
    }

    fn add(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3);
        }
    }
}
