//! The services behind the proxies: what they log while users are on the site.

use std::{collections::VecDeque, sync::Arc};

use chrono::{DateTime, SubsecRound as _, Utc};
use fastrand::Rng;

use super::{
    catalogue::Catalogue,
    chance::{happens, index},
    context::{Context, Document},
    datagram::{Datagram, Tally},
    entry::{Actor, Entry, EntryRows},
    extended,
    families::Families,
    layout::Style,
    life::{CLOSE, Event, Life, OPEN},
    odd_entry::OddEntry,
    reload::{Place, Tasks},
    requests::Client,
    trouble::{self, Present},
};

/// The approximate number of activities that run at the same time.
const CONCURRENT: usize = 24;

/// How many connections are remembered, so that errors can concern their users.
const REMEMBERED: usize = 64;

/// The services of all nodes.
#[derive(Debug)]
pub(super) struct Services {
    /// Independent of what users do, which is the same whether or not services log.
    rng: Rng,
    seed: u64,
    families: Families,
    odd_per_mille: u32,
    rows: EntryRows,
    hosts: Vec<Arc<str>>,
    catalogue: Catalogue,
    tasks: Tasks,
    running: Vec<Running>,
    present: VecDeque<Present>,
}

/// An activity that has more to log.
#[derive(Debug)]
struct Running {
    /// The connection with which it ends, if it belongs to one.
    connection: Option<(u64, Context)>,
    entries: VecDeque<Entry>,
}

impl Services {
    pub(super) fn new(
        seed: u64,
        families: Families,
        odd_per_mille: u32,
        hosts: &[String],
        life: &Life,
    ) -> Self {
        let mut rng = Rng::with_seed(seed.rotate_left(17) ^ 0x5e7f_1ce5);
        let catalogue = Catalogue::new(life.apps(), &mut rng);
        Self {
            seed,
            families,
            odd_per_mille,
            rows: EntryRows::new(hosts.len()),
            hosts: hosts.iter().map(|host| Arc::from(&**host)).collect(),
            tasks: Tasks::new(&catalogue, &mut rng),
            catalogue,
            running: Vec::new(),
            present: VecDeque::new(),
            rng,
        }
    }

    /// Writes the next datagram of the services, unless it is the users' turn.
    pub(super) fn next_datagram(
        &mut self,
        time: DateTime<Utc>,
        datagram: &mut Vec<u8>,
    ) -> Option<Datagram> {
        // The more activities run, the less often it is the users' turn.
        if index(&mut self.rng, CONCURRENT) >= self.running.len() {
            return None;
        }
        if !happens(&mut self.rng, self.odd_per_mille, 1_000) {
            return self.write(None, time, datagram);
        }
        let odd = OddEntry::draw(&mut self.rng);
        if odd != OddEntry::Relay {
            return self.write(Some(odd), time, datagram);
        }
        let mut tally = Tally::default();
        for _ in 0..self.rng.u32(2..6) {
            if let Some(truth) = self.write(None, time, datagram) {
                tally += truth.tally();
                datagram.extend_from_slice(b"\r\n");
            }
        }
        Some(Datagram::Relay(Box::new(tally)))
    }

    /// Appends the next row of a running activity, if there is one.
    fn write(
        &mut self,
        odd: Option<OddEntry>,
        time: DateTime<Utc>,
        datagram: &mut Vec<u8>,
    ) -> Option<Datagram> {
        let mut entry = self.next_entry()?;
        entry.set_time(time.trunc_subsecs(3));
        Some(match odd {
            Some(odd) => odd.write(entry, &mut self.rows, &mut self.rng, datagram),
            None => {
                entry.take_row(&mut self.rows);
                let type_token = entry.event.type_token();
                entry.event.write(type_token, Style::USUAL, datagram);
                entry.event.into()
            }
        })
    }

    /// The next row of a running activity, if there is one.
    fn next_entry(&mut self) -> Option<Entry> {
        let place = index(&mut self.rng, self.running.len());
        let entries = &mut self.running.get_mut(place)?.entries;
        let entry = entries.pop_front();
        if entries.is_empty() {
            self.running.swap_remove(place);
        }
        entry
    }

    /// Reacts to an event of a user that involves the services, or starts another activity.
    pub(super) fn follow(&mut self, event: Event, life: &Life, time: DateTime<Utc>) {
        match event.action {
            OPEN => self.open(event, life, time),
            CLOSE => {
                let closed = Some((event.visit.session, event.context));
                let place = self.running.iter().position(|one| one.connection == closed);
                if let Some(place) = place {
                    self.running.swap_remove(place);
                }
            }
            _ => {}
        }
        let node = index(&mut self.rng, self.hosts.len());
        let host = (node, &self.hosts[node]);
        let somebody = life.population().anyone(&mut self.rng);
        let entries = match self.rng.u32(0..240) {
            0..4 => {
                let place = Place {
                    hosts: &self.hosts,
                    catalogue: &self.catalogue,
                    population: life.population(),
                };
                self.tasks.run(place, time, &mut self.rng)
            }
            4 | 5 => {
                let present = self.present.make_contiguous();
                trouble::strike(host, present, time, &mut self.rng)
            }
            6..26 => vec![trouble::mishap(host, somebody, time, &mut self.rng)],
            _ => Vec::new(),
        };
        self.run(None, entries);
    }

    /// A connection opens: the engine serves the client's requests, and a few selections.
    fn open(&mut self, event: Event, life: &Life, time: DateTime<Utc>) {
        let visit = event.visit;
        let (mut session_id, mut id_buffer) = (String::new(), String::new());
        extended::session_id(self.seed, visit.session, &mut session_id);
        extended::hash(&mut session_id);
        let (directory, user_id) = life.population().names(visit.visitor, &mut id_buffer);
        let actor = Actor {
            node: visit.node,
            host: Arc::clone(&self.hosts[visit.node]),
            session_id: Some(session_id.into()),
            directory: directory.into(),
            user_id: user_id.into(),
        };
        let app = match event.context.document() {
            Document::App { app, .. } => Some(Arc::clone(&self.catalogue.app(app).id)),
            _ => None,
        };
        if self.present.len() == REMEMBERED {
            self.present.pop_front();
        }
        self.present.push_back(Present {
            actor: actor.clone(),
            app_id: app,
        });
        if !self.families.performance {
            return;
        }
        let rng = &mut self.rng;
        let mut client = Client::new(actor, time, rng);
        client.open(&self.catalogue, event.context.document(), rng);
        for _ in 0..rng.u32(0..6) {
            client.go_on(&self.catalogue, event.context.document(), rng);
        }
        let entries = client.into_entries();
        self.run(Some((visit.session, event.context)), entries);
    }

    /// Starts an activity that logs these entries.
    fn run(&mut self, connection: Option<(u64, Context)>, entries: Vec<Entry>) {
        let families = self.families;
        let entries: VecDeque<Entry> = entries
            .into_iter()
            .filter(|entry| entry.is_of(families))
            .collect();
        if !entries.is_empty() {
            self.running.push(Running {
                connection,
                entries,
            });
        }
    }
}

#[cfg(test)]
mod tests;
