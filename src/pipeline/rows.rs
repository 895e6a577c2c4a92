//! The row numbers of one appender: how many rows are missing among those that arrived.

/// The last row number before Qlik's counter wraps, as the extended appender configures it (`%rownum{9999}`). Higher
/// numbers come from an appender that does not wrap.
const LAST_ROW: u32 = 9_999;

/// How many rows behind the newest one a late row may be.
const WINDOW: u32 = u64::BITS;

/// How long a datagram may arrive after later ones, in milliseconds. A proxy takes longer to restart.
const PATIENCE: i64 = 5_000;

/// The most rows that can be missing across a wrap of the counter. If there are more, the proxy has been restarted.
const MOST_LOST_AT_END: u32 = 1_000;

/// The newest rows of one appender on one node.
///
/// Late and repeated rows are not losses. A row is lost when [`WINDOW`] newer ones have arrived, or if it is still
/// missing when a row arrives more than [`PATIENCE`] after it was skipped.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rows {
    newest: u32,
    /// Which of the newest rows have arrived; the newest one is the lowest bit.
    seen: u64,
    /// In milliseconds since 1970, like all times here.
    last_arrival: i64,
    last_hole: i64,
}

impl Rows {
    /// Starts with the first known row. Rows before it do not count as missing.
    pub(super) const fn new(row: u32, now: i64) -> Self {
        Self {
            newest: row,
            seen: u64::MAX,
            last_arrival: now,
            last_hole: now,
        }
    }

    /// Takes a row that arrived, and returns how many more rows are now known to be lost.
    pub(super) fn arrived(&mut self, row: u32, now: i64) -> u64 {
        let mut lost = 0;
        if now.saturating_sub(self.last_hole) > PATIENCE {
            lost += self.give_up();
        }
        let after_pause = now.saturating_sub(self.last_arrival) > PATIENCE;
        self.last_arrival = now;
        match self.place(row, after_pause) {
            Place::Behind(rows) => self.seen |= 1 << rows,
            Place::Ahead(rows) => lost += self.advance(row, rows, now),
            Place::Anew => {
                lost += self.give_up();
                *self = Self::new(row, now);
            }
        }
        lost
    }

    /// Counts the missing rows as lost, and returns their number.
    pub(super) fn give_up(&mut self) -> u64 {
        let missing = self.seen.count_zeros().into();
        self.seen = u64::MAX;
        missing
    }

    /// The place of a row. Row 0 and the last row share one, because it is not documented whether the counter wraps to
    /// 0 or to 1.
    const fn place(&self, row: u32, after_pause: bool) -> Place {
        let newest = self.newest;
        let behind = if row <= newest {
            newest - row
        } else if row <= LAST_ROW {
            newest + LAST_ROW - row
        } else {
            WINDOW
        };
        let begins_again = row < newest;
        if behind < WINDOW && !(after_pause && begins_again) {
            return Place::Behind(behind);
        }
        if !begins_again {
            // After a restart, the row would not be ahead.
            return match row - newest {
                ahead @ ..=LAST_ROW => Place::Ahead(ahead),
                _ => Place::Anew,
            };
        }
        if newest > LAST_ROW {
            return Place::Anew;
        }
        match row + LAST_ROW - newest {
            0 => Place::Behind(0),
            1 => Place::Ahead(1),
            ..=MOST_LOST_AT_END if after_pause => Place::Anew,
            // The first rows of a counter mean that the proxy has just started.
            ahead @ ..=MOST_LOST_AT_END if row > 1 || ahead < WINDOW => Place::Ahead(ahead),
            _ => Place::Anew,
        }
    }

    /// Advances by `rows`, and returns how many rows left the window without having arrived.
    fn advance(&mut self, row: u32, rows: u32, now: i64) -> u64 {
        self.newest = row;
        if rows > 1 {
            self.last_hole = now;
        }
        if rows < WINDOW {
            let left = self.seen >> (WINDOW - rows);
            self.seen = self.seen << rows | 1;
            u64::from(rows - left.count_ones())
        } else {
            let lost = u64::from(rows - WINDOW) + self.give_up();
            self.seen = 1;
            lost
        }
    }
}

/// The place of a row relative to the newest one.
enum Place {
    /// This many rows behind, less than [`WINDOW`]: late, or repeated.
    Behind(u32),
    /// This many rows ahead, at least one.
    Ahead(u32),
    /// The proxy has been restarted, so there is no relation.
    Anew,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The number of rows that are lost if these arrive a millisecond apart.
    fn lost(rows: impl IntoIterator<Item = u32>) -> u64 {
        lost_at(rows.into_iter().zip(0..))
    }

    /// The number of rows that are lost if these arrive at these milliseconds.
    fn lost_at(rows: impl IntoIterator<Item = (u32, i64)>) -> u64 {
        let mut known: Option<Rows> = None;
        let mut lost = 0;
        for (row, milliseconds) in rows {
            match &mut known {
                Some(known) => lost += known.arrived(row, milliseconds),
                None => known = Some(Rows::new(row, milliseconds)),
            }
        }
        lost + known.map_or(0, |mut known| known.give_up())
    }

    #[test]
    fn rows_are_lost_if_they_are_skipped_and_do_not_come_late() {
        let rows: [(&[u32], u64); 24] = [
            (&[], 0),
            (&[7], 0),
            (&[7, 8, 9], 0),
            (&[7, 9], 1),
            (&[7, 9, 8], 0),
            (&[7, 9, 9, 8, 8, 7], 0),
            (&[9, 7, 8], 0),
            (&[1, 500], 498),
            (&[1, 500, 470], 497),
            (&[1, 9_999], 0),
            (&[100, 9_900], 9_799),
            // The counter wraps to 1 or to 0.
            (&[9_998, 9_999, 1, 2], 0),
            (&[9_998, 9_999, 0, 1, 2], 0),
            (&[9_998, 1], 1),
            (&[9_998, 1, 9_999], 0),
            (&[9_990, 5], 13),
            (&[9_500, 400], 898),
            // This counter does not wrap.
            (&[9_998, 9_999, 10_000, 10_002], 1),
            (&[u32::MAX - 1, u32::MAX, 1], 0),
            // The proxy is restarted.
            (&[500, 1, 2, 3], 0),
            (&[9_500, 1, 2], 0),
            (&[5_000, 5_002, 1, 2], 1),
            (&[20_000, 1, 2], 0),
            (&[5, 4_000_000_000, 4_000_000_001], 0),
        ];
        for (rows, expected) in rows {
            assert_eq!(lost(rows.iter().copied()), expected, "{rows:?}");
        }
        assert_eq!(rows.len(), 24);
    }

    #[test]
    fn a_row_is_lost_after_too_many_rows_or_too_much_time() {
        let mut rows = Rows::new(1, 0);
        assert_eq!(rows.arrived(3, 1), 0);
        assert_eq!((4..=65).map(|row| rows.arrived(row, 2)).sum::<u64>(), 0);
        assert_eq!(rows.arrived(66, 2), 1);
        // This row is too late.
        assert_eq!(rows.arrived(2, 2), 0);

        let mut rows = Rows::new(1, 0);
        assert_eq!(rows.arrived(3, 1), 0);
        assert_eq!(rows.arrived(4, 5_001), 0);
        assert_eq!(rows.arrived(5, 5_002), 1);
    }

    #[test]
    fn after_a_pause_the_first_rows_mean_that_the_proxy_was_restarted() {
        assert_eq!(lost_at([(40, 0), (1, 6_000), (2, 6_001), (4, 6_002)]), 1);
        assert_eq!(lost_at([(9_990, 0), (3, 6_000), (4, 6_001)]), 0);
        // The result is the same if the row before the restart was the last one of the counter.
        assert_eq!(lost_at([(9_999, 0), (1, 6_000), (3, 6_001)]), 1);
        // This is only a pause: the rows continue.
        assert_eq!(lost_at([(40, 0), (41, 60_000), (43, 120_000)]), 1);
        assert_eq!(lost_at([(40, 0), (40, 60_000), (41, 60_001)]), 0);
    }

    #[test]
    fn no_row_is_lost_if_the_clock_is_set_back() {
        assert_eq!(lost_at([(1, 10_000), (2, 0), (3, 1), (5, 2), (4, 3)]), 0);
    }

    proptest! {
        /// Rows are dropped at random, arrive late by less than the window, and arrive twice.
        #[test]
        fn exactly_the_dropped_rows_are_lost(
            first in 1_u32..=LAST_ROW,
            fates in prop::collection::vec((0_u8..100, 0_usize..30), 2..1_500),
        ) {
            let last = fates.len() - 1;
            let mut dropped = 0;
            let mut sent: Vec<(usize, u32)> = Vec::new();
            for (place, (fate, delay)) in fates.iter().enumerate() {
                let row = (first - 1 + place as u32) % LAST_ROW + 1;
                let is_end = place == 0 || place == last;
                match fate {
                    0..5 if !is_end => dropped += 1,
                    5..15 if !is_end => sent.push((place + delay, row)),
                    15..20 => sent.extend([(place, row), (place + delay, row)]),
                    _ => sent.push((place, row)),
                }
            }
            // The sort is stable: rows that are not delayed stay in order. The first row stays first.
            sent[1..].sort_by_key(|(place, _)| *place);
            prop_assert_eq!(lost(sent.into_iter().map(|(_, row)| row)), dropped);
        }

        #[test]
        fn any_rows_at_any_times_are_accepted(
            rows in prop::collection::vec((any::<u32>(), -10_000_i64..10_000), 0..50),
            near in prop::collection::vec((9_900_u32..10_100, -10_000_i64..10_000), 0..50),
        ) {
            let _ = lost_at(rows);
            let _ = lost_at(near);
        }
    }
}
