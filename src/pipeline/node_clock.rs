//! The distance of a Qlik node's clock from this machine's.

use chrono::TimeDelta;

/// The shortest time that a measurement is kept, in milliseconds; the longest is twice this.
const INTERVAL: i64 = 60_000;

/// The distance of a node's clock, from the times in its events and the times of their arrival.
///
/// The transit time only makes an event seem later, so the smallest of many distances is closest to the truth. The
/// second smallest is used, so that a single wrong time has no effect.
#[derive(Debug, Clone, Copy)]
pub(super) struct NodeClock {
    /// In milliseconds since 1970, like all times here: comparing chrono's times takes several times as long.
    began: i64,
    current: Least,
    /// The smallest distances of the previous interval.
    previous: Least,
}

/// The two smallest of several distances, in milliseconds.
#[derive(Debug, Clone, Copy)]
struct Least {
    first: i64,
    second: i64,
}

impl Least {
    /// No distances yet.
    const NONE: Self = Self {
        first: i64::MAX,
        second: i64::MAX,
    };

    const fn add(&mut self, distance: i64) {
        if distance < self.first {
            self.second = self.first;
            self.first = distance;
        } else if distance < self.second {
            self.second = distance;
        }
    }
}

impl NodeClock {
    /// A clock about which nothing is known.
    pub(super) const UNKNOWN: Self = Self {
        began: i64::MIN,
        current: Least::NONE,
        previous: Least::NONE,
    };

    /// Takes an event that was sent at `sent` by the node's clock, and arrived at `arrival`.
    pub(super) const fn event(&mut self, sent: i64, arrival: i64) {
        let passed = arrival.saturating_sub(self.began);
        // This machine's clock may have been set back.
        if passed >= INTERVAL || passed < 0 {
            self.previous = self.current;
            self.current = Least::NONE;
            self.began = arrival;
        }
        self.current.add(arrival.saturating_sub(sent));
    }

    /// Arrival minus the node's time. It is positive if the node's clock is behind this machine's, or if every event
    /// takes that long to arrive. It needs at least two events in the last interval that had events and the one before
    /// it.
    pub(super) fn distance(&self) -> Option<TimeDelta> {
        let least = self.current.second.min(self.previous.second);
        (least != i64::MAX)
            .then(|| TimeDelta::try_milliseconds(least))
            .flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The arrival, and how far the node's time is behind it, in milliseconds.
    type Event = (i64, i64);

    fn after(events: &[Event]) -> Option<i64> {
        let mut clock = NodeClock::UNKNOWN;
        for &(arrival, distance) in events {
            clock.event(arrival - distance, arrival);
        }
        clock.distance().map(|it| it.num_milliseconds())
    }

    #[test]
    fn delays_and_a_single_wrong_time_do_not_change_the_distance() {
        let rows: [(&[Event], Option<i64>); 8] = [
            (&[], None),
            (&[(0, 20)], None),
            (&[(0, 20), (1, 30)], Some(30)),
            (&[(0, 9_000), (1, 30), (2, 31), (3, 5_000)], Some(31)),
            // This clock is ahead.
            (&[(0, -7_000), (1, -6_990), (2, 1_000)], Some(-6_990)),
            // One event is from the year 2262.
            (&[(0, 20), (1, -7_400_000_000_000), (2, 21)], Some(20)),
            // The clock has been corrected. That is known at once if it was behind, and after two intervals if it was
            // ahead.
            (&[(0, 9_000), (1, 9_001), (2, 20), (3, 21)], Some(21)),
            (
                &[(0, -9_000), (1, -9_001), (60_000, 20), (60_001, 21)],
                Some(-9_000),
            ),
        ];
        for (events, expected) in rows {
            assert_eq!(after(events), expected, "{events:?}");
        }
        let ahead = [(0, -9_000), (1, -9_001), (60_000, 20), (60_001, 21)];
        let later = [(120_001, 22), (120_002, 23)];
        assert_eq!(after(&[&ahead[..], &later].concat()), Some(21));
    }

    #[test]
    fn any_times_and_a_clock_that_is_set_back_are_accepted() {
        let mut clock = NodeClock::UNKNOWN;
        let (first, last) = (i64::MIN, i64::MAX);
        for (sent, arrival) in [(first, last), (last, first), (first, first), (last, last)] {
            clock.event(sent, arrival);
            let _ = clock.distance();
        }
        assert_eq!(after(&[(100, 20), (101, 20), (0, 40), (1, 40)]), Some(20));
    }
}
