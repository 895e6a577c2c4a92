//! A monotonic clock, made from one that may be set back.

use std::num::NonZeroU64;

use chrono::{DateTime, Utc};

/// The start value of the clock, in milliseconds: about a thousand years, so that moments of an earlier run fit
/// before it.
const PAST: u64 = 1 << 45;

/// A point in the tracker's time, to the millisecond. The default is before all others. Never zero, so that an optional
/// one takes no more space.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Moment(NonZeroU64);

impl Default for Moment {
    fn default() -> Self {
        Self(NonZeroU64::MIN)
    }
}

impl Moment {
    const START: Self = Self(NonZeroU64::MIN.saturating_add(PAST));

    pub(super) fn before(self, milliseconds: u64) -> Self {
        NonZeroU64::new(self.0.get().saturating_sub(milliseconds)).map_or_else(Self::default, Self)
    }

    pub(super) const fn after(self, milliseconds: u64) -> Self {
        Self(self.0.saturating_add(milliseconds))
    }

    /// Milliseconds, without the bits that only change after weeks.
    pub(super) const fn last_bits(self) -> u32 {
        self.0.get() as u32
    }

    /// Milliseconds from `earlier` to this; 0 if `earlier` is later.
    pub(super) const fn since(self, earlier: Self) -> u64 {
        self.0.get().saturating_sub(earlier.0.get())
    }
}

/// Counts how much the system clock advances. If that is set back, counting continues from there.
#[derive(Debug, Clone)]
pub(super) struct Clock {
    seen: Option<DateTime<Utc>>,
    moment: Moment,
}

impl Clock {
    pub(super) const fn new() -> Self {
        Self {
            seen: None,
            moment: Moment::START,
        }
    }

    /// The last reading of the system clock; `None` before the first.
    pub(super) const fn seen(&self) -> Option<DateTime<Utc>> {
        self.seen
    }

    pub(super) const fn moment(&self) -> Moment {
        self.moment
    }

    pub(super) fn advance(&mut self, now: DateTime<Utc>) -> Moment {
        let passed = self.seen.map_or(0, |seen| milliseconds(seen, now));
        self.moment = self.moment.after(u64::try_from(passed).unwrap_or(0));
        // Fractions of a millisecond are counted later.
        if passed != 0 || self.seen.is_none_or(|seen| seen > now) {
            self.seen = Some(now);
        }
        self.moment
    }
}

/// The time from one to the other. Both are nearly always on the same day, and then no days need to be counted.
fn milliseconds(from: DateTime<Utc>, to: DateTime<Utc>) -> i64 {
    let [first, last] = [from, to].map(|time| time.naive_utc());
    let passed = if first.date() == last.date() {
        last.time() - first.time()
    } else {
        last - first
    };
    passed.num_milliseconds()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_advances_with_the_system_and_never_goes_back() {
        let mut clock = Clock::new();
        let at = |milliseconds| DateTime::from_timestamp_millis(milliseconds).expect("a time");
        let rows = [
            (10_000, 0),
            (10_001, 1),
            (10_500, 500),
            (2_000, 500),
            (2_100, 600),
            (2_000_000, 1_998_500),
        ];
        for (now, moment) in rows {
            assert_eq!(clock.advance(at(now)), Moment::START.after(moment), "{now}");
        }
        let part = at(2_000_000) + chrono::TimeDelta::microseconds(600);
        assert_eq!(clock.advance(part), Moment::START.after(1_998_500));
        assert_eq!(
            clock.advance(part + chrono::TimeDelta::microseconds(600)),
            Moment::START.after(1_998_501)
        );
    }

    #[test]
    fn it_advances_over_midnight_and_over_years() {
        const DAY: i64 = 86_400_000;
        let mut clock = Clock::new();
        let at = |milliseconds| DateTime::from_timestamp_millis(milliseconds).expect("a time");
        for (now, moment) in [
            (DAY - 100, 0),
            (DAY + 150, 250),
            (DAY + 50, 250),
            (800 * DAY, 799 * DAY + 200),
        ] {
            let expected = Moment::START.after(u64::try_from(moment).expect("not negative"));
            assert_eq!(clock.advance(at(now)), expected, "{now}");
        }
    }
}
