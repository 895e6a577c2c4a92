//! Reports Qlik nodes whose clocks differ from this machine's: when a difference is first noticed, when it changes
//! much, and when the clock is right again.

use std::collections::BTreeMap;

use chrono::TimeDelta;

use crate::host::diagnostics::Level;

/// Differences up to this are not reported. With larger ones, people too see events in the wrong order.
const TOLERANCE: TimeDelta = TimeDelta::seconds(5);

/// A clock counts as right again below this, so that one at the edge of the tolerance is not reported repeatedly.
const NEAR: TimeDelta = TimeDelta::seconds(3);

/// The clocks that were reported as wrong, with the reported distance. At most one per node.
#[derive(Debug, Default)]
pub(super) struct Clocks(BTreeMap<Box<str>, TimeDelta>);

/// A report about a node's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ClockReport {
    /// The clock is off by this distance.
    Far(TimeDelta),
    /// The clock was off and is now within this distance.
    Near(TimeDelta),
}

impl Clocks {
    /// Updates the distance of the node's clock.
    pub(super) fn update(&mut self, host: &str, distance: TimeDelta) -> Option<ClockReport> {
        let reported = self.0.get(host).copied();
        let is_new = match reported {
            None => distance.abs() > TOLERANCE,
            Some(_) if distance.abs() < NEAR => {
                self.0.remove(host);
                return Some(ClockReport::Near(distance));
            }
            // The distance has changed by more than the tolerance, and by more than half of what was reported.
            Some(reported) => (distance - reported).abs() > TOLERANCE.max(reported.abs() / 2),
        };
        is_new.then(|| {
            self.0.insert(host.into(), distance);
            ClockReport::Far(distance)
        })
    }
}

impl ClockReport {
    /// The message about the node with this name.
    pub(super) fn message(self, host: &str) -> (Level, String) {
        match self {
            Self::Far(distance) => {
                let seconds = distance.abs().as_seconds_f64();
                let direction = if distance > TimeDelta::zero() {
                    "behind"
                } else {
                    "ahead of"
                };
                (
                    Level::Warn,
                    format!(
                        "the clock of the Qlik node {host} is {seconds:.1} s {direction} this machine's; log and \
                         performance events carry the node's time and user events the time of arrival, so the two do not line up; synchronise both clocks with the same time server"
                    ),
                )
            }
            Self::Near(distance) => {
                let seconds = distance.abs().as_seconds_f64();
                (
                    Level::Info,
                    format!(
                        "the clock of the Qlik node {host} agrees with this machine's again, to within {seconds:.1} s"
                    ),
                )
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_is_reported_when_its_state_changes() {
        let mut clocks = Clocks::default();
        let mut update = |host: &str, seconds| {
            let report = clocks.update(host, TimeDelta::seconds(seconds));
            report.map(|report| match report {
                ClockReport::Far(distance) => ("far", distance.num_seconds()),
                ClockReport::Near(distance) => ("near", distance.num_seconds()),
            })
        };
        assert_eq!(update("a", 5), None);
        assert_eq!(update("a", 6), Some(("far", 6)));
        assert_eq!(update("a", 8), None);
        assert_eq!(update("b", -40), Some(("far", -40)));
        assert_eq!(update("b", -59), None);
        assert_eq!(update("b", -61), Some(("far", -61)));
        assert_eq!(update("a", 4), None, "still too far off");
        assert_eq!(update("a", 12), Some(("far", 12)));
        assert_eq!(update("a", -2), Some(("near", -2)));
        assert_eq!(update("a", -2), None);
        assert_eq!(update("a", -12), Some(("far", -12)));
        // The clock jumps from far behind to far ahead.
        assert_eq!(update("b", 61), Some(("far", 61)));
    }

    #[test]
    fn the_direction_is_that_of_the_node_clock() {
        let (level, message) = ClockReport::Far(TimeDelta::milliseconds(7_450)).message("n1");
        assert_eq!(level, Level::Warn);
        assert!(message.starts_with("the clock of the Qlik node n1 is 7.5 s behind this"));
        let (_, message) = ClockReport::Far(TimeDelta::seconds(-7)).message("n1");
        assert!(message.contains(" is 7.0 s ahead of this "), "{message}");
    }
}
