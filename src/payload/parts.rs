//! The parts of a row between `;`, for rows that have more parts than fields.

use smallvec::SmallVec;

use super::split::SEPARATOR;

/// The parts of a text between `;`.
pub(super) struct Parts<'a> {
    text: &'a str,
    /// Where each part starts, and where the one after the last would.
    starts: SmallVec<[usize; 64]>,
}

impl<'a> Parts<'a> {
    pub(super) fn of(text: &'a str) -> Self {
        let behind = memchr::memchr_iter(SEPARATOR, text.as_bytes()).map(|place| place + 1);
        let starts = std::iter::once(0).chain(behind).chain([text.len() + 1]);
        Self {
            text,
            starts: starts.collect(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.starts.len() - 1
    }

    /// A part.
    pub(super) fn one(&self, part: usize) -> &'a str {
        self.joined(part, part + 1)
    }

    /// Parts with the `;` between them; nothing if there are none.
    pub(super) fn joined(&self, from: usize, to: usize) -> &'a str {
        if from >= to {
            return "";
        }
        &self.text[self.starts[from]..self.starts[to] - 1]
    }
}
