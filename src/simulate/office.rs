//! What the services log on a day: about users, scheduled reloads, and nodes in trouble.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use fastrand::Rng;

use super::{
    catalogue::Catalogue,
    chance::index,
    context::{Context, Document},
    day::Visit,
    entry::{Actor, Entry},
    families::Families,
    reload::{Place, Tasks},
    requests::Client,
    trouble::{self, Present},
    user::Population,
};

const SECOND: u64 = 1_000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;

/// The most selections during a connection.
const SELECTIONS: u32 = 12;

/// A connection, in milliseconds of the day.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tab {
    /// The index of its visit.
    pub(super) visit: usize,
    pub(super) context: Context,
    pub(super) opened: u64,
    pub(super) closed: u64,
}

/// The site on a day.
pub(super) struct Office<'a> {
    pub(super) begin: DateTime<Utc>,
    pub(super) hours: u64,
    pub(super) families: Families,
    pub(super) hosts: &'a [Arc<str>],
    pub(super) apps: &'a Catalogue,
    pub(super) population: &'a Population,
    pub(super) visits: &'a [Visit],
    pub(super) tabs: &'a [Tab],
}

impl Office<'_> {
    /// Everything that the services log on the day, in chronological order.
    pub(super) fn entries(&self, rng: &mut Rng) -> Vec<Entry> {
        let mut entries = Vec::new();
        // Each part has random numbers of its own, so that none depends on the others.
        let mut lots = rng.fork();
        if self.families.performance {
            self.use_apps(&mut lots, &mut entries);
        }
        self.run_tasks(&mut rng.fork(), &mut entries);
        if self.families.log {
            self.get_into_trouble(&mut rng.fork(), &mut entries);
        }
        entries.retain(|entry| entry.is_of(self.families));
        entries.sort_by_key(Entry::time);
        entries
    }

    pub(super) fn at(&self, milliseconds: u64) -> DateTime<Utc> {
        self.begin + TimeDelta::milliseconds(milliseconds.cast_signed())
    }

    pub(super) fn actor(&self, tab: &Tab) -> Actor {
        let visit = &self.visits[tab.visit];
        let mut id_buffer = String::new();
        let (directory, user_id) = self.population.names(visit.visitor, &mut id_buffer);
        Actor {
            node: visit.node,
            host: Arc::clone(&self.hosts[visit.node]),
            session_id: Some(Arc::from(&*visit.session_id)),
            directory: directory.into(),
            user_id: user_id.into(),
        }
    }

    /// A user who opens an app looks at a sheet and makes selections until the tab is closed.
    fn use_apps(&self, rng: &mut Rng, entries: &mut Vec<Entry>) {
        for tab in self.tabs {
            let document = tab.context.document();
            let closed = self.at(tab.closed);
            let mut client = Client::new(self.actor(tab), self.at(tab.opened), rng);
            client.open(self.apps, document, rng);
            for _ in 0..SELECTIONS {
                client.wait(TimeDelta::milliseconds(rng.i64(15_000..480_000)));
                if client.time() >= closed {
                    break;
                }
                client.go_on(self.apps, document, rng);
            }
            let served = client.into_entries().into_iter();
            entries.extend(served.take_while(|entry| entry.time() <= closed));
        }
    }

    /// Tasks run at every full hour, and now and then in between.
    fn run_tasks(&self, rng: &mut Rng, entries: &mut Vec<Entry>) {
        let tasks = Tasks::new(self.apps, rng);
        let place = Place {
            hosts: self.hosts,
            catalogue: self.apps,
            population: self.population,
        };
        for hour in 0..self.hours {
            for (runs, spread) in [(rng.u32(4..9), 90 * SECOND), (rng.u32(2..6), HOUR)] {
                for _ in 0..runs {
                    let start = self.at(hour * HOUR + rng.u64(0..spread));
                    entries.extend(tasks.run(place, start, rng));
                }
            }
        }
    }

    /// There are warnings all day, and about once an hour a node is in trouble.
    fn get_into_trouble(&self, rng: &mut Rng, entries: &mut Vec<Entry>) {
        for hour in 0..self.hours {
            for _ in 0..rng.u32(100..300) {
                let node = index(rng, self.hosts.len());
                let time = self.at(hour * HOUR + rng.u64(0..HOUR));
                let somebody = self.population.anyone(rng);
                let host = (node, &self.hosts[node]);
                entries.push(trouble::mishap(host, somebody, time, rng));
            }
            for _ in 0..rng.u32(0..3) {
                let node = index(rng, self.hosts.len());
                let at = hour * HOUR + rng.u64(0..HOUR);
                let present = self.present(at);
                let host = (node, &self.hosts[node]);
                entries.extend(trouble::strike(host, &present, self.at(at), rng));
            }
        }
    }

    /// The users who have an app open at this time.
    fn present(&self, at: u64) -> Vec<Present> {
        let open = |tab: &&Tab| tab.opened <= at && at < tab.closed;
        let present = |tab: &Tab| Present {
            actor: self.actor(tab),
            app_id: match tab.context.document() {
                Document::App { app, .. } => Some(Arc::clone(&self.apps.app(app).id)),
                Document::SessionApp { .. } | Document::Nothing => None,
            },
        };
        self.tabs.iter().filter(open).map(present).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::context::Apps;

    #[test]
    fn no_request_follows_the_end_of_a_connection() {
        let mut rng = Rng::with_seed(1);
        let mut population = Population::new(1, &mut rng);
        let apps = Apps::new(&mut rng);
        let visits = [Visit {
            visitor: population.log_in(&mut rng).expect("the first session"),
            node: 0,
            prefix: "",
            user_agent: "",
            session_id: String::new(),
        }];
        let mut connection = || loop {
            let context = apps.draw_connection_context("", &mut rng);
            if matches!(context.document(), Document::App { .. }) {
                return context;
            }
        };
        // This includes connections that are hardly open, and one of ten hours.
        let asked = (0..=25).map(|power| {
            let tab = Tab {
                visit: 0,
                context: connection(),
                opened: 500,
                closed: 500 + (1 << power),
            };
            let mut rng = Rng::with_seed(1);
            let catalogue = Catalogue::new(&apps, &mut rng);
            let office = Office {
                begin: DateTime::UNIX_EPOCH,
                hours: 1,
                families: Families::ALL,
                hosts: &["pro2-win1".into()],
                apps: &catalogue,
                population: &population,
                visits: &visits,
                tabs: &[tab],
            };
            let mut entries = Vec::new();
            office.use_apps(&mut rng, &mut entries);
            let (opened, closed) = (office.at(tab.opened), office.at(tab.closed));
            for entry in &entries {
                assert!(opened <= entry.time() && entry.time() <= closed);
            }
            entries.len()
        });
        let asked: Vec<usize> = asked.collect();
        assert!(asked[0] < 3, "{asked:?}");
        assert!(asked[25] > 12 * 10, "{asked:?}");
    }
}
