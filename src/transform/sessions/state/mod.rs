//! The state of the tracker as text, to be kept across restarts.
//!
//! One JSON object per line: the format and the time of saving, the users, each browser before the first user who has
//! it, and at the end the number of users and a checksum of all lines before. Times of the tracker's clock are ages,
//! so that downtime counts.

mod lines;
mod read;
mod write;

use std::io::{self, BufRead};

pub(super) use self::{read::StateReader, write::StateWriter};

/// The name of the format, in the first line.
const FORMAT: &str = "qlik_sense_sessions";

/// The version of the format. Other versions are not read.
const VERSION: u32 = 1;

/// Whether a text may be a session state, complete or cut off, as far as its beginning tells. It takes nothing from the
/// text.
///
/// # Errors
///
/// When the text cannot be read.
pub fn begins_as_state(text: &mut impl BufRead) -> io::Result<bool> {
    let begin = format!("{{\"format\":\"{FORMAT}\"");
    let found = text.fill_buf()?;
    let length = found.len().min(begin.len());
    Ok(found[..length] == begin.as_bytes()[..length])
}

/// A state cannot be read. The error names no user.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StateError {
    /// The text cannot be read.
    #[error("{0}")]
    Read(#[from] io::Error),
    /// It is the state of another version of the program.
    #[error("line 1: expected version {VERSION} of the format, found version {found}")]
    Version {
        /// The version found.
        found: u32,
    },
    /// A line is invalid.
    #[error("line {line}: expected {expected}")]
    Damaged {
        /// The line, from 1.
        line: usize,
        /// What was expected.
        expected: &'static str,
    },
    /// The text is not what was saved.
    #[error("the checksum in the last line does not match the lines before it")]
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
