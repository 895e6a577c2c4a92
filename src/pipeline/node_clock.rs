//! How far the clock of a Qlik node is from this machine's.

use chrono::TimeDelta;

/// How many milliseconds a measurement counts at least; at most twice as long.
const INTERVAL: i64 = 60_000;

/// The distance of a node's clock, from the times that its events have and those of their arrival.
///
/// What an event takes on its way only makes it seem later, so the least distance of many is nearest to the truth. It
/// is the second least that counts, so that a single time that is wrong moves nothing.
#[derive(Debug, Clone, Copy)]
pub(super) struct NodeClock {
    /// In milliseconds since 1970, as all times here: comparing those of chrono takes several times as long.
    began: i64,
    current: Least,
    /// Those of the interval before.
    previous: Least,
}

/// The two least of several distances, in milliseconds.
#[derive(Debug, Clone, Copy)]
struct Least {
    first: i64,
    second: i64,
}

impl Least {
    /// Of no distance.
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
    /// Of which nothing is known.
    pub(super) const UNKNOWN: Self = Self {
        began: i64::MIN,
        current: Least::NONE,
        previous: Least::NONE,
    };

    /// An event with the time `sent`, by the node's clock, came at `arrival`.
    pub(super) const fn event(&mut self, sent: i64, arrival: i64) {
        let passed = arrival.saturating_sub(self.began);
        // This machine's clock may be set back.
        if passed >= INTERVAL || passed < 0 {
            self.previous = self.current;
            self.current = Least::NONE;
            self.began = arrival;
        }
        self.current.add(arrival.saturating_sub(sent));
    }

    /// Arrival minus the node's time: positive where the node's clock is behind this machine's, or where every event
    /// takes so long. Of two events at least, that came within the last interval in which any came or the one before.
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

    /// Its arrival, and how far the node's time is behind, in milliseconds.
    type Event = (i64, i64);

    fn after(events: &[Event]) -> Option<i64> {
        let mut clock = NodeClock::UNKNOWN;
        for &(arrival, distance) in events {
            clock.event(arrival - distance, arrival);
        }
        clock.distance().map(|it| it.num_milliseconds())
    }

    #[test]
    fn delay_and_a_single_time_that_is_wrong_move_nothing() {
        let rows: [(&[Event], Option<i64>); 8] = [
            (&[], None),
            (&[(0, 20)], None),
            (&[(0, 20), (1, 30)], Some(30)),
            (&[(0, 9_000), (1, 30), (2, 31), (3, 5_000)], Some(31)),
            // A clock that is ahead.
            (&[(0, -7_000), (1, -6_990), (2, 1_000)], Some(-6_990)),
            // An event of the year 2262.
            (&[(0, 20), (1, -7_400_000_000_000), (2, 21)], Some(20)),
            // It has been set right: known at once where it was behind, after two intervals where it was ahead.
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
    fn any_times_and_a_clock_that_is_set_back_are_taken() {
        let mut clock = NodeClock::UNKNOWN;
        let (first, last) = (i64::MIN, i64::MAX);
        for (sent, arrival) in [(first, last), (last, first), (first, first), (last, last)] {
            clock.event(sent, arrival);
            let _ = clock.distance();
        }
        assert_eq!(after(&[(100, 20), (101, 20), (0, 40), (1, 40)]), Some(20));
    }
}
