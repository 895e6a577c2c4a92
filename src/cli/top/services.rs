//! What services report: the cost of users' requests, errors, and failed tasks.

use std::{
    collections::{HashMap, VecDeque, hash_map::RandomState},
    hash::{BuildHasher, Hash, Hasher},
};

use chrono::{DateTime, Utc};

use super::{
    recent::Recent,
    screen::{Cost, MINUTES, Screen},
    told::{News, Told},
};

/// The minutes over which costs are added up, including the current one.
const COST_MINUTES: i64 = 5;

/// The most sessions and users whose costs are kept, so that made-up ones take a bounded amount of memory.
const MAX_COSTS: usize = 10_000;

/// The most failed runs of tasks to remember.
const MAX_FAILED_RUNS: usize = 4_096;

/// A session to which costs can belong.
#[derive(Debug, Clone, Copy)]
pub struct Row<'a> {
    pub session_id: Option<&'a str>,
    pub user_directory: Option<&'a str>,
    pub user_id: &'a str,
}

/// What the services have reported.
#[derive(Debug)]
pub struct Services {
    /// Hashes the names, which only need to be recognised.
    hasher: RandomState,
    costs: HashMap<Key, Costs>,
    /// The minute in which old costs were last removed.
    swept: i64,
    has_costs: bool,
    errors: Recent,
    has_log: bool,
    /// Failed runs with their minutes, the oldest first.
    failed_runs: VecDeque<(i64, Option<u64>)>,
    has_tasks: bool,
}

/// To whom costs belong: a user, and the session if it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Key {
    session: Option<u64>,
    user: u64,
}

/// Costs in each of the last minutes, by the number of the minute.
#[derive(Debug, Clone, Copy, Default)]
struct Costs([(i64, Cost); COST_MINUTES as usize]);

impl Costs {
    fn add(&mut self, minute: i64, cost: Cost) {
        let place = &mut self.0[minute.rem_euclid(COST_MINUTES) as usize];
        if place.0 < minute {
            *place = (minute, Cost::default());
        }
        // A cost that arrives after its minute was replaced is not counted.
        if place.0 == minute {
            place.1.add(cost);
        }
    }

    /// The sum up to a minute; `None` without any request.
    fn until(&self, minute: i64) -> Option<Cost> {
        let places = self.0.iter().filter(|(of, cost)| {
            (minute - COST_MINUTES + 1..=minute).contains(of) && cost.requests > 0
        });
        places.map(|(_, cost)| *cost).reduce(|mut all, cost| {
            all.add(cost);
            all
        })
    }
}

impl Default for Services {
    fn default() -> Self {
        Self {
            hasher: RandomState::new(),
            costs: HashMap::new(),
            swept: i64::MIN,
            has_costs: false,
            errors: Recent::new(MINUTES),
            has_log: false,
            failed_runs: VecDeque::new(),
            has_tasks: false,
        }
    }
}

impl Services {
    /// Takes a report.
    pub fn hear(&mut self, told: &Told<'_>) {
        let minute = told.arrival.timestamp().div_euclid(60);
        match told.news {
            News::Requests(requester, cost) => {
                self.has_costs = true;
                if let Some(user_id) = requester.user_id {
                    let key = Key {
                        session: requester.session_id.map(|id| self.hasher.hash_one(id)),
                        user: self.user(requester.user_directory, user_id),
                    };
                    self.add(key, minute, cost);
                }
            }
            News::Log { is_error } => {
                self.has_log = true;
                if is_error {
                    self.errors.count(minute);
                }
            }
            News::Task {
                has_failed,
                execution_id,
            } => {
                self.has_tasks = true;
                if has_failed {
                    self.run_failed(minute, execution_id);
                }
            }
        }
    }

    /// The hash of a user, ignoring case, as Windows does.
    fn user(&self, directory: Option<&str>, id: &str) -> u64 {
        let mut hasher = self.hasher.build_hasher();
        for part in [directory.unwrap_or_default(), id] {
            for character in part.chars().flat_map(char::to_lowercase) {
                character.hash(&mut hasher);
            }
            '\\'.hash(&mut hasher);
        }
        hasher.finish()
    }

    fn add(&mut self, key: Key, minute: i64, cost: Cost) {
        if self.costs.len() >= MAX_COSTS && !self.costs.contains_key(&key) {
            if self.swept >= minute {
                return;
            }
            self.swept = minute;
            self.costs.retain(|_, costs| costs.until(minute).is_some());
            if self.costs.len() >= MAX_COSTS {
                return;
            }
        }
        self.costs.entry(key).or_default().add(minute, cost);
    }

    /// Counts a run once, because two appenders may report it.
    fn run_failed(&mut self, minute: i64, execution_id: Option<&str>) {
        let run = execution_id.map(|id| self.hasher.hash_one(id.to_lowercase()));
        let is_known = run.is_some() && self.failed_runs.iter().any(|(_, known)| *known == run);
        if is_known {
            return;
        }
        if self.failed_runs.len() == MAX_FAILED_RUNS {
            self.failed_runs.pop_front();
        }
        self.failed_runs.push_back((minute, run));
    }

    /// Fills in the screen for a point in time; `rows` are its sessions.
    ///
    /// Costs belong to the session with their id. If the costs or the session have no id, they belong to the user on
    /// any node, because the engine of another node may have served the request; the user's latest session shows them.
    pub fn show(&mut self, now: DateTime<Utc>, rows: &[Row<'_>], screen: &mut Screen) {
        let minute = now.timestamp().div_euclid(60);
        screen.has_costs = self.has_costs;
        let errors = self.errors.until(minute).sum();
        screen.errors = self.has_log.then_some(errors);
        let in_last_hour = |of: i64| of > minute - MINUTES as i64;
        while self
            .failed_runs
            .pop_front_if(|(of, _)| !in_last_hour(*of))
            .is_some()
        {}
        let failed = self.failed_runs.len() as u64;
        screen.failed_tasks = self.has_tasks.then_some(failed);

        let mut of_session = HashMap::new();
        let mut of_user: HashMap<u64, usize> = HashMap::new();
        let mut of_user_without_id: HashMap<u64, usize> = HashMap::new();
        for (place, row) in rows.iter().enumerate() {
            let user = self.user(row.user_directory, row.user_id);
            let is_later =
                |other: &usize| screen.sessions[place].since > screen.sessions[*other].since;
            let offer = |places: &mut HashMap<u64, usize>| {
                if places.get(&user).is_none_or(is_later) {
                    places.insert(user, place);
                }
            };
            offer(&mut of_user);
            match row.session_id {
                Some(id) => {
                    of_session.insert(self.hasher.hash_one(id), place);
                }
                None => offer(&mut of_user_without_id),
            }
        }
        for (key, costs) in &self.costs {
            let place = match &key.session {
                Some(session) => of_session
                    .get(session)
                    .or_else(|| of_user_without_id.get(&key.user)),
                None => of_user.get(&key.user),
            };
            if let (Some(place), Some(cost)) = (place, costs.until(minute)) {
                let shown = &mut screen.sessions[*place].cost;
                shown.get_or_insert_default().add(cost);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use chrono::TimeDelta;

    use super::{
        super::{screen::Session, told::Requester},
        *,
    };

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_769_850_000 + seconds, 0).expect("a time")
    }

    fn cost(requests: u64, seconds: u64, peak_ram: u64) -> Cost {
        Cost {
            requests,
            process: Duration::from_secs(seconds),
            peak_ram,
        }
    }

    fn requests<'a>(
        seconds: i64,
        session_id: Option<&'a str>,
        (user_directory, user_id): (&'a str, &'a str),
        cost: Cost,
    ) -> Told<'a> {
        let requester = Requester {
            session_id,
            user_directory: Some(user_directory),
            user_id: Some(user_id),
        };
        Told {
            arrival: at(seconds),
            news: News::Requests(requester, cost),
        }
    }

    /// The costs that these sessions show. Each has an id and a user of the directory LAB, and began later than the one
    /// before it.
    fn shown(services: &mut Services, seconds: i64, rows: &[(Option<&str>, &str)]) -> Vec<Cost> {
        let session = |place| Session {
            since: at(-1_000 + place),
            ..Session::default()
        };
        let mut screen = Screen {
            sessions: (0..rows.len() as i64).map(session).collect(),
            ..Screen::default()
        };
        let row = |&(session_id, user_id)| Row {
            session_id,
            user_directory: Some("LAB"),
            user_id,
        };
        let rows: Vec<Row<'_>> = rows.iter().map(row).collect();
        services.show(at(seconds), &rows, &mut screen);
        let sessions = screen.sessions.iter();
        sessions
            .map(|session| session.cost.unwrap_or_default())
            .collect()
    }

    #[test]
    fn costs_belong_to_the_session_with_their_id() {
        let mut services = Services::default();
        for told in [
            requests(0, Some("a"), ("LAB", "goran"), cost(1, 2, 30)),
            requests(1, Some("a"), ("LAB", "goran"), cost(1, 5, 20)),
            requests(1, Some("b"), ("LAB", "goran"), cost(1, 1, 90)),
            requests(1, Some("gone"), ("LAB", "goran"), cost(1, 1, 99)),
        ] {
            services.hear(&told);
        }
        let rows = [(Some("b"), "goran"), (Some("a"), "goran")];
        assert_eq!(
            shown(&mut services, 2, &rows),
            [cost(1, 1, 90), cost(2, 7, 30)]
        );
        assert_eq!(
            shown(&mut services, 2, &[(Some("other"), "anna")]),
            [Cost::default()]
        );
    }

    #[test]
    fn without_an_id_they_belong_to_the_last_session_of_the_user() {
        let mut services = Services::default();
        for told in [
            requests(0, Some("a"), ("LAB", "goran"), cost(1, 2, 30)),
            requests(0, Some("b"), ("lab", "GORAN"), cost(1, 3, 40)),
            requests(0, Some("c"), ("CORP", "goran"), cost(1, 99, 99)),
        ] {
            services.hear(&told);
        }
        let rows = [(None, "goran"), (None, "Goran"), (None, "anna")];
        let none = Cost::default();
        assert_eq!(shown(&mut services, 1, &rows), [none, cost(2, 5, 40), none]);
        // A summary covers all sessions of the user.
        let mut services = Services::default();
        services.hear(&requests(0, None, ("LAB", "goran"), cost(70, 2, 30)));
        let rows = [(Some("a"), "goran"), (Some("b"), "goran")];
        assert_eq!(shown(&mut services, 1, &rows), [none, cost(70, 2, 30)]);
    }

    #[test]
    fn costs_are_those_of_the_last_five_minutes() {
        let mut services = Services::default();
        let start = at(0).timestamp().rem_euclid(60);
        for minute in 0..8 {
            let cost = cost(1 << minute, 0, 100 - minute);
            let seconds = minute as i64 * 60 - start;
            services.hear(&requests(seconds, None, ("LAB", "goran"), cost));
        }
        // This one is too late.
        services.hear(&requests(0, None, ("LAB", "goran"), cost(1_000, 0, 1_000)));
        let mut shown =
            |minute: i64| shown(&mut services, minute * 60 - start, &[(None, "goran")])[0];
        assert_eq!(shown(7), cost(0b1111_1000, 0, 97));
        assert_eq!(shown(9), cost(0b1110_0000, 0, 95));
        assert_eq!(shown(12), Cost::default());
    }

    #[test]
    fn made_up_users_take_no_more_memory() {
        let mut services = Services::default();
        let mut hear = |seconds, number: usize| {
            let id = number.to_string();
            services.hear(&requests(seconds, Some(&id), ("LAB", &id), cost(1, 1, 1)));
            services.costs.len()
        };
        for number in 0..MAX_COSTS + 100 {
            assert!(hear(0, number) <= MAX_COSTS);
        }
        // Old costs make room.
        assert_eq!(hear(600, MAX_COSTS + 100), 1);
    }

    #[test]
    fn errors_and_failed_tasks_are_those_of_the_last_hour() {
        let mut services = Services::default();
        let mut hear = |minutes: i64, news| {
            let arrival = at(0) + TimeDelta::minutes(minutes);
            services.hear(&Told { arrival, news });
            let mut screen = Screen::default();
            services.show(arrival, &[], &mut screen);
            (screen.errors, screen.failed_tasks)
        };
        let requester = Requester {
            session_id: None,
            user_directory: None,
            user_id: None,
        };
        let nobody = News::Requests(requester, Cost::default());
        assert_eq!(hear(0, nobody), (None, None));
        let log = |is_error| News::Log { is_error };
        assert_eq!(hear(0, log(false)), (Some(0), None));
        assert_eq!(hear(0, log(true)), (Some(1), None));
        let task = |has_failed, execution_id| News::Task {
            has_failed,
            execution_id,
        };
        assert_eq!(hear(1, task(false, Some("a"))), (Some(1), Some(0)));
        assert_eq!(hear(1, task(true, Some("a"))), (Some(1), Some(1)));
        assert_eq!(hear(2, task(true, Some("A"))), (Some(1), Some(1)));
        assert_eq!(hear(2, task(true, None)), (Some(1), Some(2)));
        assert_eq!(hear(2, task(true, None)), (Some(1), Some(3)));
        assert_eq!(hear(59, nobody), (Some(1), Some(3)));
        assert_eq!(hear(60, nobody), (Some(0), Some(3)));
        assert_eq!(hear(61, nobody), (Some(0), Some(2)));
        assert_eq!(hear(62, nobody), (Some(0), Some(0)));
    }
}
