//! Turns events into datagrams, and delivers these over the network.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use fastrand::Rng;

use super::chance::happens;
use super::day::{Delivery, Happening, Network, Visit};
use super::extended::{Extension, Rows};
use super::life::OPEN;
use super::payload::Payload;

/// The appenders of all nodes: on each, one for sessions and one for connections.
pub(super) struct Appender {
    begin: DateTime<Utc>,
    is_extended: bool,
    rows: Rows,
}

impl Appender {
    pub(super) fn new(begin: DateTime<Utc>, is_extended: bool, nodes: usize) -> Self {
        Self {
            begin,
            is_extended,
            rows: Rows::new(nodes),
        }
    }

    /// Writes the datagram for an event of a user on a node.
    pub(super) fn write(
        &mut self,
        happening: &Happening,
        visit: &Visit,
        (host, (directory, user_id)): (&str, (&str, &str)),
        context: &str,
    ) -> Vec<u8> {
        let action = happening.action;
        let extension = self.is_extended.then(|| Extension {
            time: self.begin + TimeDelta::milliseconds(happening.at.cast_signed()),
            row: self.rows.take(visit.node, action),
            session_id: &visit.session_id,
            result: "0",
        });
        let type_token = match extension {
            Some(_) => action.extended_type_token(),
            None => action.type_token(),
        };
        let mut datagram = Vec::new();
        Payload {
            type_token,
            host,
            extension,
            command: action.command(),
            directory,
            user_id,
            origin: action.origin(),
            context,
            message: action.message(),
            note: "",
            user_agent: (action == OPEN).then_some(visit.user_agent),
            exception: "",
        }
        .write(&mut datagram);
        datagram
    }
}

/// The network between the nodes and the receiver.
pub(super) struct Path {
    network: Network,
    rng: Rng,
    sent: u64,
    deliveries: Vec<Delivery>,
}

impl Path {
    pub(super) fn new(network: Network, rng: Rng) -> Self {
        Self {
            network,
            rng,
            sent: 0,
            deliveries: Vec::new(),
        }
    }

    /// Sends a datagram at a time in milliseconds.
    pub(super) fn send(&mut self, at: u64, datagram: Vec<u8>) {
        const OF: u32 = 1_000_000;
        self.sent += 1;
        // All random numbers are drawn for every datagram, so that days differ only in their losses.
        let rng = &mut self.rng;
        let lost = happens(rng, self.network.lost, OF);
        let doubled = happens(rng, self.network.doubled, OF);
        let late = happens(rng, self.network.late, OF);
        let (delay, again) = (rng.u64(1_000..50_000), rng.u64(100..20_000));
        let microseconds = at * 1_000 + 200 + if late { delay } else { 0 };
        if lost {
            return;
        }
        let arrival = Duration::from_micros(microseconds);
        if doubled {
            self.deliveries.push(Delivery {
                arrival: Duration::from_micros(microseconds + again),
                datagram: datagram.clone(),
            });
        }
        self.deliveries.push(Delivery { arrival, datagram });
    }

    /// The number of datagrams that were sent.
    pub(super) fn sent(&self) -> u64 {
        self.sent
    }

    /// All datagrams that arrived, in the order of arrival.
    pub(super) fn deliveries(mut self) -> Vec<Delivery> {
        // The sort is stable: datagrams that arrive at the same time keep the order in which they were sent.
        self.deliveries.sort_by_key(|delivery| delivery.arrival);
        self.deliveries
    }
}
