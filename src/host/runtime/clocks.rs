//! Reports Qlik nodes whose clocks are far from this machine's: when that is first noticed, when the distance changes
//! much, and when the clock is right again.

use std::collections::BTreeMap;

use chrono::TimeDelta;

use crate::host::diagnostics::Level;

/// The distance up to which nothing is reported. With larger ones, events appear in the wrong order to people too.
const TOLERANCE: TimeDelta = TimeDelta::seconds(5);

/// How close the clock must come again, so that one at the edge is not reported repeatedly.
const NEAR: TimeDelta = TimeDelta::seconds(3);

/// The clocks that were reported as far off, with the reported distance. At most one per node.
#[derive(Debug, Default)]
pub(super) struct Clocks(BTreeMap<Box<str>, TimeDelta>);

/// A report about a node's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Said {
    /// It is this far from this machine's.
    Far(TimeDelta),
    /// It was far off and no longer is.
    Near(TimeDelta),
}

impl Clocks {
    /// The current distance of the node's clock.
    pub(super) fn update(&mut self, host: &str, distance: TimeDelta) -> Option<Said> {
        let said = self.0.get(host).copied();
        let is_new = match said {
            None => distance.abs() > TOLERANCE,
            Some(_) if distance.abs() < NEAR => {
                self.0.remove(host);
                return Some(Said::Near(distance));
            }
            // By more than the tolerance, and by more than half of the reported distance.
            Some(said) => (distance - said).abs() > TOLERANCE.max(said.abs() / 2),
        };
        is_new.then(|| {
            self.0.insert(host.into(), distance);
            Said::Far(distance)
        })
    }
}

impl Said {
    /// Of the node with this name.
    pub(super) fn of_node(self, host: &str) -> (Level, String) {
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
            let said = clocks.update(host, TimeDelta::seconds(seconds));
            said.map(|said| match said {
                Said::Far(distance) => ("far", distance.num_seconds()),
                Said::Near(distance) => ("near", distance.num_seconds()),
            })
        };
        assert_eq!(update("a", 5), None);
        assert_eq!(update("a", 6), Some(("far", 6)));
        assert_eq!(update("a", 8), None);
        assert_eq!(update("b", -40), Some(("far", -40)));
        assert_eq!(update("b", -59), None);
        assert_eq!(update("b", -61), Some(("far", -61)));
        assert_eq!(update("a", 4), None, "not near enough");
        assert_eq!(update("a", 12), Some(("far", 12)));
        assert_eq!(update("a", -2), Some(("near", -2)));
        assert_eq!(update("a", -2), None);
        assert_eq!(update("a", -12), Some(("far", -12)));
        // From far behind to far ahead.
        assert_eq!(update("b", 61), Some(("far", 61)));
    }

    #[test]
    fn the_direction_is_that_of_the_node_clock() {
        let (level, message) = Said::Far(TimeDelta::milliseconds(7_450)).of_node("n1");
        assert_eq!(level, Level::Warn);
        assert!(message.starts_with("the clock of the Qlik node n1 is 7.5 s behind this"));
        let (_, message) = Said::Far(TimeDelta::seconds(-7)).of_node("n1");
        assert!(message.contains(" is 7.0 s ahead of this "), "{message}");
    }
}
