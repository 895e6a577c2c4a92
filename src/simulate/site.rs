//! The site: turns what happens there into datagrams.

use chrono::{DateTime, Utc};
use fastrand::Rng;

use super::chance::happens;
use super::datagram::{Datagram, Tally};
use super::extended::{self, Extension, Rows, session_id};
use super::families::Families;
use super::life::{Event, Life, OPEN};
use super::odd::Odd;
use super::payload::{Action, Payload};
use super::services::Services;

/// What the simulated site looks like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SiteOptions {
    /// The seed of the sequence of datagrams; another seed gives another sequence. Any number; default 1.
    pub seed: u64,
    /// The number of people who use the site, some far more than others, in addition to service accounts and anonymous
    /// users. At least 1; default 200.
    pub users: usize,
    /// The number of proxy nodes, which are called `pro2-win1` and so on. At least 1; default 3.
    pub nodes: usize,
    /// How many of a thousand datagrams are odd, with equal shares of all kinds. 0 to 1000; default 10. With 0 all
    /// datagrams are well-formed.
    pub odd_per_mille: u16,
    /// Whether events come from the extended appenders, with time, row number, session id and result. Default: no.
    pub extended: bool,
    /// Which events the site sends. Default: only user events. These are the same whatever else is sent, except for the
    /// session ids of the extended appenders, which then have the form of newer releases, `c0de…`.
    pub families: Families,
}

impl Default for SiteOptions {
    fn default() -> Self {
        Self {
            seed: 1,
            users: 200,
            nodes: 3,
            odd_per_mille: 10,
            extended: false,
            families: Families::USER,
        }
    }
}

/// A simulated site: an endless sequence of datagrams.
///
/// It is deterministic: the same options give the same datagrams on every platform. Another version of this program may
/// give others.
#[derive(Debug)]
pub struct Site {
    life: Life,
    /// For the odd payloads. It is independent of what happens on the site, which is the same however many of them
    /// there are.
    rng: Rng,
    odd_per_mille: u32,
    extended: bool,
    has_user: bool,
    /// `None` if only user events are sent.
    services: Option<Services>,
    seed: u64,
    time: DateTime<Utc>,
    rows: Rows,
    hosts: Vec<String>,
    context_buffer: String,
    id_buffer: String,
    session_id_buffer: String,
}

impl Site {
    /// A new site without any sessions. Options out of range are clamped.
    pub fn new(options: SiteOptions) -> Self {
        let mut rng = Rng::with_seed(options.seed);
        let nodes = options.nodes.max(1);
        let life = Life::new(options.users, nodes, rng.fork());
        let hosts: Vec<String> = (1..=nodes)
            .map(|number| format!("pro2-win{number}"))
            .collect();
        let odd_per_mille = u32::from(options.odd_per_mille);
        let families = options.families;
        let services = families
            .beyond_user()
            .then(|| Services::new(options.seed, families, odd_per_mille, &hosts, &life));
        Self {
            life,
            rng,
            odd_per_mille,
            extended: options.extended,
            has_user: families.has_user(),
            services,
            seed: options.seed,
            time: DateTime::UNIX_EPOCH,
            rows: Rows::new(nodes),
            hosts,
            context_buffer: String::new(),
            id_buffer: String::new(),
            session_id_buffer: String::new(),
        }
    }

    /// Sets the time on the site. From now on the extended appender and the services write it into every datagram;
    /// before the first call it is the start of 1970.
    pub const fn set_time(&mut self, time: DateTime<Utc>) {
        self.time = time;
    }

    /// Replaces `datagram` with the next datagram, and returns its content.
    ///
    /// A datagram may be empty, and never has more than 65,507 bytes, the most that UDP can carry.
    pub fn next_datagram(&mut self, datagram: &mut Vec<u8>) -> Datagram {
        loop {
            datagram.clear();
            if let Some(services) = &mut self.services
                && let Some(truth) = services.next_datagram(self.time, datagram)
            {
                return truth;
            }
            let truth = self.next_user_datagram(datagram);
            if self.has_user {
                return truth;
            }
        }
    }

    fn next_user_datagram(&mut self, datagram: &mut Vec<u8>) -> Datagram {
        if !happens(&mut self.rng, self.odd_per_mille, 1_000) {
            let event = self.life.next_event();
            return self.write(event, None, datagram);
        }
        let odd = Odd::draw(&mut self.rng);
        self.write_odd(odd, datagram)
    }

    fn write_odd(&mut self, odd: Odd, datagram: &mut Vec<u8>) -> Datagram {
        if odd == Odd::Relay {
            return Datagram::Relay(Box::new(self.write_relay(datagram)));
        }
        let event = self.life.next_event();
        if odd.is_extra() {
            self.life.repeat(event);
        }
        self.write(event, Some(odd), datagram)
    }

    fn write_relay(&mut self, datagram: &mut Vec<u8>) -> Tally {
        let newline: &[u8] = if self.rng.bool() { b"\n" } else { b"\r\n" };
        let mut tally = Tally::default();
        for line in 0..self.rng.u32(2..6) {
            if line > 0 {
                datagram.extend_from_slice(newline);
            }
            let event = self.life.next_event();
            tally += self.write(event, None, datagram).tally();
        }
        tally
    }

    /// Appends an event to `datagram`.
    fn write(&mut self, event: Event, odd: Option<Odd>, datagram: &mut Vec<u8>) -> Datagram {
        let Event {
            visit,
            action,
            context,
        } = event;
        if let Some(services) = &mut self.services
            && !odd.is_some_and(Odd::is_extra)
        {
            services.follow(event, &self.life, self.time);
        }
        self.life.apps().write(context, &mut self.context_buffer);
        let (directory, user_id) = self
            .life
            .population()
            .names(visit.visitor, &mut self.id_buffer);
        let (type_token, extension) = if self.extended {
            session_id(self.seed, visit.session, &mut self.session_id_buffer);
            if self.services.is_some() {
                extended::hash(&mut self.session_id_buffer);
            }
            let row = match odd {
                Some(odd) if !odd.has_row() => 0,
                _ => self.rows.take(visit.node, action),
            };
            let extension = Extension {
                time: self.time,
                row,
                session_id: &self.session_id_buffer,
                result: "0",
            };
            (action.extended_type_token(), Some(extension))
        } else {
            (action.type_token(), None)
        };
        let payload = Payload {
            type_token,
            extension,
            host: &self.hosts[visit.node],
            command: action.command(),
            directory,
            user_id,
            origin: action.origin(),
            context: &self.context_buffer,
            message: action.message(),
            note: "",
            user_agent: (action == OPEN).then_some(visit.user_agent),
            exception: "",
        };
        let user = visit.visitor.kind();
        let truth = match action {
            Action::Session(action) => Datagram::Session { action, user },
            Action::Connection(action) => Datagram::Connection { action, user },
        };
        match odd {
            Some(odd) => odd.write(payload, truth, action, &mut self.rng, datagram),
            None => {
                payload.write(datagram);
                truth
            }
        }
    }
}

#[cfg(test)]
mod tests;
