//! The fields that only the extended appender sends: time, row number, session id and result.

use chrono::{DateTime, Utc};
use fastrand::Rng;

use super::{
    chance,
    clock::{COMPACT, digits, local, offset},
    payload::Action,
};

/// The last row number before an appender's counter wraps, as in `%rownum{9999}`.
const LAST_ROW: u16 = 9_999;

/// The fields, in order.
#[derive(Debug, Clone, Copy)]
pub(super) struct Extension<'a> {
    pub(super) time: DateTime<Utc>,
    pub(super) row: u16,
    pub(super) session_id: &'a str,
    pub(super) result: &'a str,
}

impl Extension<'_> {
    /// Appends the fields, each followed by `;`.
    pub(super) fn write(&self, datagram: &mut Vec<u8>) {
        let time = local(self.time);
        let (digits, offset) = (digits(time, COMPACT), offset(time, ""));
        let Self {
            row,
            session_id,
            result,
            ..
        } = self;
        let fields = format!("{digits}{offset};{row};{session_id};{result};");
        datagram.extend_from_slice(fields.as_bytes());
    }
}

/// The next row number of each appender on each node.
#[derive(Debug)]
pub(super) struct Rows(Vec<[u16; 2]>);

impl Rows {
    pub(super) fn new(nodes: usize) -> Self {
        Self(vec![[1; 2]; nodes])
    }

    /// The row number for the next event from the appender that sends this kind on a node.
    pub(super) fn take(&mut self, node: usize, action: Action) -> u16 {
        let next = &mut self.0[node][usize::from(matches!(action, Action::Connection(_)))];
        let row = *next;
        *next = if row == LAST_ROW { 1 } else { row + 1 };
        row
    }
}

/// Converts an id to the form of newer releases, which log a salted hash that starts with `c0de`.
pub(super) fn hash(id: &mut String) {
    id.replace_range(..4, "c0de");
}

/// Writes the id of the site's session with this number: the same for all its events, and a different one for every
/// other session.
pub(super) fn session_id(seed: u64, session: u64, text: &mut String) {
    // The ids are independent of what happens on the site, which is the same whether or not ids are sent.
    let mut rng = Rng::with_seed(seed.rotate_left(32) ^ session);
    text.clear();
    chance::push_guid(text, chance::guid(&mut rng));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::life::{OPEN, START};

    #[test]
    fn the_fields_are_in_qliks_format() {
        let mut datagram = Vec::new();
        Extension {
            time: DateTime::from_timestamp(1_769_849_999, 987_000_000).expect("a time"),
            row: 17,
            session_id: "f8ba1ee3",
            result: "0",
        }
        .write(&mut datagram);
        assert_eq!(
            String::from_utf8_lossy(&datagram),
            "20260131T095959.987+0100;17;f8ba1ee3;0;"
        );
    }

    #[test]
    fn row_numbers_start_again_after_the_last_one() {
        let mut rows = Rows::new(2);
        for row in (1..=LAST_ROW).chain(1..3) {
            assert_eq!(rows.take(1, START), row);
        }
        assert_eq!(rows.take(1, OPEN), 1);
        assert_eq!(rows.take(0, START), 1);
    }
}
