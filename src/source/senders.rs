//! Who may send, and how much.

use std::{fmt, net::IpAddr, num::NonZeroU32, str::FromStr, sync::Arc};

use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use quick_cache::unsync::Cache;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// The number of senders whose rate is remembered. If there are more, those that send least often are forgotten and
/// start over, so that made-up addresses cost a fixed amount of memory.
const MAX_SENDERS: usize = 4_096;

/// An address or a range of addresses from which datagrams are accepted.
///
/// Written as `10.1.2.3`, `10.1.0.0/16`, `fd00::/8`; an IPv4-mapped address such as `::ffff:10.1.2.3`
/// means the IPv4 address. Names are refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SenderRange(IpNet);

/// A text is no address or range of addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SenderRangeError {
    /// Neither an address nor a range.
    #[error(
        "expected an IP address or a range such as \"10.1.0.0/16\" or \"fd00::/8\"; names are not accepted"
    )]
    NoRange,
    /// An address with the interface behind which it is.
    #[error(
        "expected an IP address or a range without an interface; remove the `%` and what follows it"
    )]
    Interface,
    /// The address has bits that its prefix leaves out, so one of the two is a slip.
    #[error("the address has bits beyond its prefix; did you mean \"{0}\"?")]
    StrayBits(SenderRange),
}

impl SenderRange {
    /// All senders: `0.0.0.0/0` and `::/0`.
    #[must_use]
    pub fn all() -> Vec<Self> {
        vec![
            Self(Ipv4Net::default().into()),
            Self(Ipv6Net::default().into()),
        ]
    }

    /// The network that an address is in: /24 of IPv4, /64 of IPv6.
    pub(super) fn network_of(address: IpAddr) -> Self {
        let address = address.to_canonical();
        let prefix = if address.is_ipv4() { 24 } else { 64 };
        let network = IpNet::new(address, prefix).map(|network| network.trunc());
        Self(network.unwrap_or(address.into()))
    }

    /// Whether an address is in the range.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        self.0.contains(&address.to_canonical())
    }
}

impl FromStr for SenderRange {
    type Err = SenderRangeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Ok(address) = text.parse::<IpAddr>() {
            return Ok(Self(address.to_canonical().into()));
        }
        let range: IpNet = text.parse().map_err(|_| match text.split_once('%') {
            Some((address, _)) if address.parse::<IpAddr>().is_ok() => SenderRangeError::Interface,
            _ => SenderRangeError::NoRange,
        })?;
        let range = without_mapping(range);
        if range != range.trunc() {
            return Err(SenderRangeError::StrayBits(Self(range.trunc())));
        }
        Ok(Self(range))
    }
}

/// `::ffff:10.1.0.0/112` is `10.1.0.0/16`.
fn without_mapping(range: IpNet) -> IpNet {
    let IpNet::V6(v6) = range else { return range };
    let prefix = v6.prefix_len().checked_sub(96);
    match (v6.addr().to_ipv4_mapped(), prefix) {
        (Some(address), Some(prefix)) => Ipv4Net::new(address, prefix).map_or(range, IpNet::from),
        _ => range,
    }
}

impl fmt::Display for SenderRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.prefix_len() == self.0.max_prefix_len() {
            self.0.addr().fmt(f)
        } else {
            self.0.fmt(f)
        }
    }
}

impl Serialize for SenderRange {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for SenderRange {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Checked when it is read, so that the error has its place in the file.
        deserializer.deserialize_str(RangeVisitor)
    }
}

struct RangeVisitor;

impl de::Visitor<'_> for RangeVisitor {
    type Value = SenderRange;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an IP address or a range of addresses")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
        text.parse().map_err(E::custom)
    }
}

/// `[source.rate_limit]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RateLimitConfig {
    /// Events a second that each sender may send, in the long run. Default: 0, no limit.
    pub events_per_sec: u32,
    /// Events that a sender may send at once after a pause, from 1. Default: 10,000.
    pub burst: u32,
}

impl Default for RateLimitConfig {
    fn default() -> Self {
        Self {
            events_per_sec: 0,
            burst: 10_000,
        }
    }
}

impl RateLimitConfig {
    /// The limit, if there is one.
    #[must_use]
    pub(crate) fn quota(self) -> Option<Quota> {
        let rate = NonZeroU32::new(self.events_per_sec)?;
        let burst = NonZeroU32::new(self.burst).unwrap_or(NonZeroU32::MIN);
        Some(Quota::per_second(rate).allow_burst(burst))
    }
}

/// What becomes of a datagram, by its sender.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It passes.
    Accepted,
    /// Its sender is on no list.
    Refused,
    /// Its sender has sent more than it may.
    OverRate,
}

/// Decides by the sender whether a datagram passes.
pub struct Senders {
    allowed: Allowed,
    rate: Option<Rate>,
}

#[derive(Debug)]
enum Allowed {
    Everyone,
    /// Nobody, if there are none.
    Ranges(Arc<[SenderRange]>),
}

struct Rate {
    quota: Quota,
    senders: Cache<IpAddr, Arc<DefaultDirectRateLimiter>>,
}

impl Senders {
    /// Accepts what comes from `allowed`, up to the configured rate. An empty list accepts nothing.
    #[must_use]
    pub fn new(allowed: &[SenderRange], rate: RateLimitConfig) -> Self {
        let everyone = SenderRange::all().iter().all(|all| allowed.contains(all));
        Self {
            allowed: if everyone {
                Allowed::Everyone
            } else {
                Allowed::Ranges(allowed.into())
            },
            rate: rate.quota().map(|quota| Rate {
                quota,
                senders: Cache::new(MAX_SENDERS),
            }),
        }
    }

    /// Whether a datagram with this many events passes.
    pub fn admit(&mut self, sender: IpAddr, events: impl FnOnce() -> u32) -> Verdict {
        let sender = sender.to_canonical();
        if let Allowed::Ranges(ranges) = &self.allowed
            && !ranges.iter().any(|range| range.contains(sender))
        {
            return Verdict::Refused;
        }
        if let Some(rate) = &mut self.rate
            && !rate.admits(sender, events())
        {
            return Verdict::OverRate;
        }
        Verdict::Accepted
    }
}

impl Rate {
    fn admits(&mut self, sender: IpAddr, events: u32) -> bool {
        let known = self.senders.get(&sender).cloned();
        let limiter = known.unwrap_or_else(|| {
            let limiter = Arc::new(RateLimiter::direct(self.quota));
            self.senders.insert(sender, Arc::clone(&limiter));
            limiter
        });
        let events = NonZeroU32::new(events).unwrap_or(NonZeroU32::MIN);
        // More at once than the burst is never admitted.
        matches!(limiter.check_n(events), Ok(Ok(())))
    }
}

impl fmt::Debug for Senders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Senders")
            .field("allowed", &self.allowed)
            .field("rate", &self.rate.as_ref().map(|rate| rate.quota))
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ranges(texts: &[&str]) -> Vec<SenderRange> {
        texts.iter().map(|text| text.parse().expect(text)).collect()
    }

    fn senders(texts: &[&str]) -> Senders {
        Senders::new(&ranges(texts), RateLimitConfig::default())
    }

    fn admits(senders: &mut Senders, sender: &str) -> bool {
        senders.admit(sender.parse().expect(sender), || 1) == Verdict::Accepted
    }

    #[test]
    fn table() {
        let rows = [
            (&["10.1.2.3"][..], "10.1.2.3", true),
            (&["10.1.2.3"], "10.1.2.4", false),
            (&["10.1.2.3"], "::ffff:10.1.2.3", true),
            (&["::ffff:10.1.2.3"], "10.1.2.3", true),
            (&["::ffff:10.1.0.0/112"], "10.1.255.1", true),
            (&["::ffff:10.1.0.0/112"], "10.2.0.1", false),
            (&["10.1.0.0/16"], "10.1.0.0", true),
            (&["10.1.0.0/16"], "10.1.255.255", true),
            (&["10.1.0.0/16"], "10.2.0.0", false),
            (&["10.1.0.0/16"], "::a01:203", false),
            (&["fd00::/8"], "fdff::1", true),
            (&["fd00::/8"], "fe80::1", false),
            (&["10.0.0.0/8", "fd00::/8"], "fd00::1", true),
            (&["0.0.0.0/0"], "192.0.2.1", true),
            (&["0.0.0.0/0"], "2001:db8::1", false),
            (&["0.0.0.0/0", "::/0"], "2001:db8::1", true),
            (&[], "127.0.0.1", false),
            (&[], "::1", false),
        ];
        for (allowed, sender, expected) in rows {
            assert_eq!(
                admits(&mut senders(allowed), sender),
                expected,
                "{allowed:?} {sender}"
            );
        }
        assert_eq!(rows.len(), 18);
    }

    #[test]
    fn likely_mistakes_are_refused() {
        for text in [
            "",
            "localhost",
            "qlik.example.com",
            "10.1",
            "10.1.2.3/33",
            "fd00::/129",
            "*",
        ] {
            assert_eq!(
                text.parse::<SenderRange>(),
                Err(SenderRangeError::NoRange),
                "{text}"
            );
        }
        let error = "10.1.2.3/16"
            .parse::<SenderRange>()
            .expect_err("stray bits");
        assert!(error.to_string().contains("\"10.1.0.0/16\""), "{error}");
    }

    #[test]
    fn each_sender_has_its_own_burst() {
        let rate = RateLimitConfig {
            events_per_sec: 1,
            burst: 3,
        };
        let mut senders = Senders::new(&SenderRange::all(), rate);
        let mut admit =
            |sender: &str, events| senders.admit(sender.parse().expect(sender), || events);
        assert_eq!(admit("192.0.2.1", 1), Verdict::Accepted);
        assert_eq!(admit("192.0.2.1", 2), Verdict::Accepted);
        assert_eq!(admit("192.0.2.1", 1), Verdict::OverRate);
        assert_eq!(admit("192.0.2.2", 4), Verdict::OverRate);
        assert_eq!(admit("192.0.2.2", 3), Verdict::Accepted);
    }

    #[test]
    fn made_up_senders_take_no_more_memory() {
        let rate = RateLimitConfig {
            events_per_sec: 1,
            burst: 1,
        };
        let mut senders = Senders::new(&SenderRange::all(), rate);
        for number in 0..4 * MAX_SENDERS as u32 {
            senders.admit(std::net::Ipv4Addr::from_bits(number).into(), || 1);
        }
        let known = senders.rate.expect("a rate").senders.len();
        assert!(known <= MAX_SENDERS, "{known}");
    }
}
