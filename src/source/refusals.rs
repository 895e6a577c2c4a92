//! Who was refused, by range of addresses.

use std::{collections::BTreeMap, net::IpAddr};

use super::SenderRange;

/// Ranges that are counted by themselves. The rest is counted together, so that made-up addresses
/// cost a fixed amount of memory.
const MAX_RANGES: usize = 64;

/// Counts refused datagrams by the network of their sender: /24 of IPv4, /64 of IPv6.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Refusals {
    ranges: BTreeMap<SenderRange, u64>,
    others: u64,
}

impl Refusals {
    /// Counts a refused datagram.
    pub fn count(&mut self, sender: IpAddr) {
        self.add_range(SenderRange::network_of(sender), 1);
    }

    /// Adds counts from elsewhere.
    pub fn add(&mut self, more: &Self) {
        for (range, count) in &more.ranges {
            self.add_range(*range, *count);
        }
        self.others += more.others;
    }

    /// The count of a range, or, without a range, of what was counted together.
    #[must_use]
    pub fn of(&self, range: Option<SenderRange>) -> u64 {
        range.map_or(self.others, |range| {
            self.ranges.get(&range).copied().unwrap_or(0)
        })
    }

    fn add_range(&mut self, range: SenderRange, more: u64) {
        if let Some(count) = self.ranges.get_mut(&range) {
            *count += more;
        } else if self.ranges.len() < MAX_RANGES {
            self.ranges.insert(range, more);
        } else {
            self.others += more;
        }
    }

    /// Refused datagrams in all.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.ranges.values().sum::<u64>() + self.others
    }

    /// Each range with its count; the last one, without a range, is what was counted together.
    pub fn iter(&self) -> impl Iterator<Item = (Option<SenderRange>, u64)> {
        let ranges = self
            .ranges
            .iter()
            .map(|(range, count)| (Some(*range), *count));
        let others = (self.others > 0).then_some((None, self.others));
        ranges.chain(others)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_networks_and_bounded() {
        let mut refusals = Refusals::default();
        for sender in [
            "192.0.2.1",
            "192.0.2.200",
            "::ffff:192.0.2.3",
            "2001:db8::1",
            "2001:db8::2",
        ] {
            refusals.count(sender.parse().expect(sender));
        }
        let counted: Vec<_> = refusals
            .iter()
            .map(|(range, count)| (range.map(|range| range.to_string()), count))
            .collect();
        let expected = [("192.0.2.0/24", 3), ("2001:db8::/64", 2)];
        assert_eq!(
            counted,
            expected.map(|(range, count)| (Some(range.to_owned()), count))
        );

        for number in 0..100_000_u32 {
            refusals.count(std::net::Ipv4Addr::from_bits(number << 8).into());
        }
        assert_eq!(refusals.total(), 100_005);
        assert_eq!(refusals.iter().count(), MAX_RANGES + 1);
    }
}
