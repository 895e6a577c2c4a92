//! The cost of requests: exact counts and sums, and maxima, which are never added up.

use std::{iter::Sum, ops::AddAssign, time::Duration};

use super::truth::Request;

/// The total cost of requests. Costs can be added; a maximum is that of the most expensive request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cost {
    /// The number of requests.
    pub requests: u64,
    /// The time to serve them. A request whose time cannot be read adds nothing here.
    pub process: Spent,
    /// The time of work.
    pub work: Spent,
    /// The time of waiting for locks.
    pub lock: Spent,
    /// The time of validation.
    pub validate: Spent,
    /// The time of the inference engine.
    pub traverse: Spent,
    /// The memory that they left allocated, in bytes, added up.
    pub net_ram_bytes: u64,
    /// The most memory that one of them left allocated, in bytes.
    pub max_net_ram_bytes: u64,
    /// The highest memory peak of one of them, in bytes. A request whose peak cannot be read does not count.
    pub max_peak_ram_bytes: u64,
}

/// The sum and the maximum of times.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Spent {
    /// The sum, in whole microseconds, the precision of Qlik.
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
