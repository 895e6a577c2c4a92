//! What requests cost: counts and sums that are exact, and peaks that are never summed.

use std::{iter::Sum, ops::AddAssign, time::Duration};

use super::truth::Request;

/// What requests cost together. Costs add up; a maximum is that of the most expensive one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cost {
    /// The number of values.
    pub requests: u64,
    /// Time to serve them. One whose time cannot be read adds nothing here.
    pub process: Spent,
    /// Time of work.
    pub work: Spent,
    /// Time of waiting for locks.
    pub lock: Spent,
    /// Time of validation.
    pub validate: Spent,
    /// Time of the inference engine.
    pub traverse: Spent,
    /// Memory that they left behind, in bytes, added up.
    pub net_ram_bytes: u64,
    /// The most memory that one of them left behind.
    pub max_net_ram_bytes: u64,
    /// The most memory that one of them took meanwhile. One whose peak cannot be read does not count.
    pub max_peak_ram_bytes: u64,
}

/// Times, added up, and the longest of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Spent {
    /// The sum; whole microseconds, since that is how precise Qlik writes them.
    pub sum: Duration,
    /// The longest.
    pub max: Duration,
}

impl From<Duration> for Spent {
    fn from(time: Duration) -> Self {
        Self {
            sum: time,
            max: time,
        }
    }
}

impl From<&Request> for Cost {
    fn from(request: &Request) -> Self {
        Self {
            requests: 1,
            process: request.process.map(Spent::from).unwrap_or_default(),
            work: request.work.into(),
            lock: request.lock.into(),
            validate: request.validate.into(),
            traverse: request.traverse.into(),
            net_ram_bytes: request.net_ram_bytes,
            max_net_ram_bytes: request.net_ram_bytes,
            max_peak_ram_bytes: request.peak_ram_bytes.unwrap_or(0),
        }
    }
}

impl AddAssign for Spent {
    fn add_assign(&mut self, other: Self) {
        self.sum += other.sum;
        self.max = self.max.max(other.max);
    }
}

impl AddAssign for Cost {
    fn add_assign(&mut self, other: Self) {
        self.requests += other.requests;
        self.process += other.process;
        self.work += other.work;
        self.lock += other.lock;
        self.validate += other.validate;
        self.traverse += other.traverse;
        self.net_ram_bytes += other.net_ram_bytes;
        self.max_net_ram_bytes = self.max_net_ram_bytes.max(other.max_net_ram_bytes);
        self.max_peak_ram_bytes = self.max_peak_ram_bytes.max(other.max_peak_ram_bytes);
    }
}

impl Sum for Cost {
    fn sum<I: Iterator<Item = Self>>(costs: I) -> Self {
        costs.fold(Self::default(), |mut sum, cost| {
            sum += cost;
            sum
        })
    }
}

impl<'a> FromIterator<&'a Request> for Cost {
    fn from_iter<I: IntoIterator<Item = &'a Request>>(requests: I) -> Self {
        requests.into_iter().map(Self::from).sum()
    }
}
