//! Counts of what was received, sent on and left out, by reason.

use std::iter::Sum;

use crate::{
    event::{Event, EventKind, TaskAction},
    payload::ErrorCode,
    schema::Details,
    transform::OutputBuffer,
};

/// Counts since a pipeline was built. Every datagram and every event is in exactly one of them: a decoded event was
/// sent on, excluded, or made part of a summary; the others are undecoded. Derived events are counted in addition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counters {
    /// Datagrams received.
    pub datagrams: u64,
    /// Their length in bytes.
    pub bytes: u64,
    /// Events excluded by the blacklist.
    pub excluded: u64,
    /// Performance events that became part of a summary; `None` if summarizing is off.
    pub summarized: Option<u64>,
    /// Missing rows, according to the row numbers that many payloads have; `None` until a row number has arrived. This
    /// includes rows that were refused or rate-limited before they reached the pipeline.
    pub row_gaps: Option<u64>,
    /// Decoded and derived events, by kind.
    events: [u64; EventKind::ALL.len()],
    undecoded: [u64; ErrorCode::ALL.len()],
    /// Actions of task runs, each counted once.
    tasks: [u64; TaskAction::ALL.len()],
}

impl Counters {
    pub(super) const fn event(&mut self, kind: EventKind) {
        self.events[kind.index()] += 1;
    }

    /// Counts the derived events in `output`, starting at an index.
    pub(super) fn derived(&mut self, output: &OutputBuffer, from: usize) {
        let derived = output.iter().as_slice().get(from..).unwrap_or_default();
        let kinds = derived.iter().map(Event::kind);
        kinds
            .filter(|kind| kind.is_derived())
            .for_each(|kind| self.event(kind));
    }

    pub(super) const fn undecoded(&mut self, code: ErrorCode) {
        self.undecoded[code as usize] += 1;
    }

    pub(super) const fn task(&mut self, action: TaskAction) {
        self.tasks[action as usize] += 1;
    }

    /// Task runs with this action. Events that report the same action of the same run within ten minutes count once; an
    /// event without an execution id always counts. If there are more than 4,096 runs in that time, the oldest may
    /// count again.
    #[must_use]
    pub const fn tasks_of(&self, action: TaskAction) -> u64 {
        self.tasks[action as usize]
    }

    /// Events of a kind that were sent on.
    #[must_use]
    pub const fn events_of(&self, kind: EventKind) -> u64 {
        self.events[kind.index()]
    }

    /// Events of all kinds that were sent on, except undecoded ones.
    #[must_use]
    pub fn events(&self) -> u64 {
        self.sum_of(|kind| !kind.is_derived())
    }

    /// Derived events of all kinds. [`Counters::events`] does not include them, because they do not come from a
    /// datagram.
    #[must_use]
    pub fn derived_events(&self) -> u64 {
        self.sum_of(EventKind::is_derived)
    }

    fn sum_of(&self, is_wanted: impl Fn(EventKind) -> bool) -> u64 {
        let kinds = EventKind::ALL.iter().zip(self.events);
        kinds
            .filter(|(kind, _)| is_wanted(**kind))
            .map(|(_, count)| count)
            .sum()
    }

    /// Payloads that could not be decoded, by the reason.
    #[must_use]
    pub const fn undecoded_by(&self, code: ErrorCode) -> u64 {
        self.undecoded[code as usize]
    }

    /// Payloads that could not be decoded, whatever the reason.
    #[must_use]
    pub fn undecoded_events(&self) -> u64 {
        self.undecoded.iter().sum()
    }
}

impl Sum for Counters {
    fn sum<I: Iterator<Item = Self>>(counters: I) -> Self {
        counters.fold(Self::default(), |mut total, more| {
            total.datagrams += more.datagrams;
            total.bytes += more.bytes;
            total.excluded += more.excluded;
            if let Some(summarized) = more.summarized {
                *total.summarized.get_or_insert(0) += summarized;
            }
            if let Some(gaps) = more.row_gaps {
                *total.row_gaps.get_or_insert(0) += gaps;
            }
            for (total, more) in total.events.iter_mut().zip(more.events) {
                *total += more;
            }
            for (total, more) in total.tasks.iter_mut().zip(more.tasks) {
                *total += more;
            }
            for (total, more) in total.undecoded.iter_mut().zip(more.undecoded) {
                *total += more;
            }
            total
        })
    }
}

impl From<&Counters> for Details {
    fn from(counters: &Counters) -> Self {
        let mut details = Self::default();
        details.add("datagrams", counters.datagrams);
        details.add("bytes", counters.bytes);
        details.add("events", counters.events());
        let derived = counters.derived_events();
        details.add_any("derived", (derived > 0).then_some(derived));
        details.add("excluded", counters.excluded);
        details.add_any("summarized", counters.summarized);
        details.add("undecoded", counters.undecoded_events());
        details.add_any("row_gaps", counters.row_gaps);
        details
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_have_places_of_their_own() {
        let mut counters = Counters::default();
        for (index, code) in ErrorCode::ALL.iter().copied().enumerate() {
            assert_eq!(code as usize, index);
            counters.undecoded(code);
        }
        assert_eq!(counters.undecoded, [1; ErrorCode::ALL.len()]);
    }
}
