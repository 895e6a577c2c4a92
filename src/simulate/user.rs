//! The users of the site: people, service accounts and anonymous visitors.

use fastrand::Rng;

use super::agent::{self, Browser};
use super::chance::{Popularity, guid, happens, index, push_guid};
use super::datagram::UserKind;

const DIRECTORIES: [&str; 4] = ["LAB", "CORP", "EMEA", "PARTNERS"];

const SERVICE_ACCOUNTS: [&str; 5] = [
    "sa_engine",
    "sa_repository",
    "sa_scheduler",
    "sa_proxy",
    "sa_api",
];

const GIVEN_NAMES: [&str; 36] = [
    "goran", "anna", "peter", "jörgen", "mehmet", "olivia", "priya", "José", "ingrid", "wei",
    "noah", "fatima", "Chloé", "maja", "hiroshi", "elin", "carlos", "søren", "sofia", "amara",
    "liam", "Łukasz", "zuzana", "karin", "dmitri", "leila", "henk", "李娜", "tomas", "bridget",
    "Andrea", "victor", "åsa", "nadia", "samuel", "ruth",
];

const FAMILY_NAMES: [&str; 24] = [
    "lindqvist",
    "o'brien",
    "garcia",
    "müller",
    "svensson",
    "okafor",
    "van dijk",
    "kowalska",
    "rossi",
    "tanaka",
    "novak",
    "d'angelo",
    "hansen",
    "yilmaz",
    "smith",
    "dubois",
    "nair",
    "silva",
    "berg",
    "petrov",
    "jensen",
    "khan",
    "moreau",
    "weiß",
];

/// The most sessions that Qlik Sense allows one user at the same time.
const PARALLEL_SESSIONS: u8 = 5;

/// A user who has logged in, for the duration of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Visitor {
    /// A person; `respelled` if the id has its other spelling this time.
    Person { number: usize, respelled: bool },
    /// A service account.
    Service { number: usize },
    /// An anonymous user, by guid.
    Anonymous { guid: u128 },
}

/// All who can log in to the site, with the number of their sessions.
#[derive(Debug)]
pub(super) struct Population {
    people: Vec<Person>,
    popularity: Popularity,
    service_sessions: [u8; SERVICE_ACCOUNTS.len()],
}

#[derive(Debug)]
struct Person {
    directory: &'static str,
    id: String,
    /// The id with its first letter in the other case, for people whose logins vary. Active Directory accepts both for
    /// the same user.
    respelled: Option<String>,
    browser: Browser,
    sessions: u8,
}

impl Visitor {
    /// The kind of user.
    pub(super) fn kind(self) -> UserKind {
        match self {
            Self::Person { .. } => UserKind::Person,
            Self::Service { .. } => UserKind::ServiceAccount,
            Self::Anonymous { .. } => UserKind::Anonymous,
        }
    }
}

impl Population {
    /// A population of `people` people, at least one, and the service accounts.
    pub(super) fn new(people: usize, rng: &mut Rng) -> Self {
        let people: Vec<Person> = (0..people.max(1))
            .map(|number| Person::new(number, rng))
            .collect();
        Self {
            popularity: Popularity::new(people.len()),
            people,
            service_sessions: [0; SERVICE_ACCOUNTS.len()],
        }
    }

    /// A random user logs in, unless the user already has the most sessions that are allowed.
    pub(super) fn log_in(&mut self, rng: &mut Rng) -> Option<Visitor> {
        let (visitor, sessions) = match rng.u32(0..100) {
            0..8 => {
                let number = index(rng, SERVICE_ACCOUNTS.len());
                let sessions = &mut self.service_sessions[number];
                (Visitor::Service { number }, sessions)
            }
            8..13 => return Some(Visitor::Anonymous { guid: guid(rng) }),
            _ => {
                let number = self.popularity.draw(rng);
                let person = &mut self.people[number];
                let respelled = person.respelled.is_some() && happens(rng, 1, 3);
                let visitor = Visitor::Person { number, respelled };
                (visitor, &mut person.sessions)
            }
        };
        if *sessions >= PARALLEL_SESSIONS {
            return None;
        }
        *sessions += 1;
        Some(visitor)
    }

    /// One of the people, who may or may not be logged in.
    pub(super) fn anyone(&self, rng: &mut Rng) -> (&'static str, &str) {
        let person = &self.people[self.popularity.draw(rng)];
        (person.directory, &person.id)
    }

    /// A session of `visitor` has ended.
    pub(super) fn log_out(&mut self, visitor: Visitor) {
        match visitor {
            Visitor::Person { number, .. } => self.people[number].sessions -= 1,
            Visitor::Service { number } => self.service_sessions[number] -= 1,
            Visitor::Anonymous { .. } => {}
        }
    }

    /// The user agent of a new session: usually the one that the person prefers.
    pub(super) fn user_agent(&self, visitor: Visitor, rng: &mut Rng) -> &'static str {
        match visitor {
            Visitor::Person { number, .. } if happens(rng, 9, 10) => {
                agent::text(self.people[number].browser)
            }
            Visitor::Service { .. } => agent::program(rng),
            _ => agent::text(agent::draw(rng)),
        }
    }

    /// The directory and the id of `visitor`; `id_buffer` is used for an id that has to be assembled.
    pub(super) fn names<'a>(
        &'a self,
        visitor: Visitor,
        id_buffer: &'a mut String,
    ) -> (&'static str, &'a str) {
        match visitor {
            Visitor::Person { number, respelled } => {
                let person = &self.people[number];
                let id = match &person.respelled {
                    Some(other) if respelled => other,
                    _ => &person.id,
                };
                (person.directory, id)
            }
            Visitor::Service { number } => ("INTERNAL", SERVICE_ACCOUNTS[number]),
            Visitor::Anonymous { guid } => {
                id_buffer.clear();
                id_buffer.push_str("anonymous");
                push_guid(id_buffer, guid);
                ("NONE", id_buffer)
            }
        }
    }
}

impl Person {
    fn new(number: usize, rng: &mut Rng) -> Self {
        let id = id(number);
        let directory = match (number, rng.u32(0..10)) {
            (0, _) | (_, 0..4) => DIRECTORIES[0],
            (_, 4..7) => DIRECTORIES[1],
            (_, 7..9) => DIRECTORIES[2],
            _ => DIRECTORIES[3],
        };
        Self {
            respelled: number.is_multiple_of(4).then(|| respell(&id)),
            directory,
            id,
            browser: agent::draw(rng),
            sessions: 0,
        }
    }
}

/// The id of a person. No two numbers have the same id, even ignoring case.
fn id(number: usize) -> String {
    let Some(number) = number.checked_sub(GIVEN_NAMES.len()) else {
        return GIVEN_NAMES[number].to_owned();
    };
    let place = number % GIVEN_NAMES.len();
    let number = number / GIVEN_NAMES.len();
    let family = FAMILY_NAMES[(number + place) % FAMILY_NAMES.len()];
    let namesake = number / FAMILY_NAMES.len();

    let separator = if place.is_multiple_of(5) { ' ' } else { '.' };
    let mut id = format!("{}{separator}{family}", GIVEN_NAMES[place]);
    if namesake > 0 {
        id.push_str(&(namesake + 1).to_string());
    }
    id
}

/// `id` with its first letter in the other case.
fn respell(id: &str) -> String {
    let mut letters = id.chars();
    let Some(first) = letters.next() else {
        return String::new();
    };
    let mut respelled: String = if first.is_lowercase() {
        first.to_uppercase().collect()
    } else {
        first.to_lowercase().collect()
    };
    respelled.push_str(letters.as_str());
    respelled
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn ids_differ_even_ignoring_case_and_fit_into_a_field() {
        let ids: HashSet<String> = (0..5_000).map(|number| id(number).to_lowercase()).collect();
        assert_eq!(ids.len(), 5_000);
        assert!(ids.iter().all(|id| !id.contains([';', '\n', '\r', '\0'])));
    }

    #[test]
    fn ids_are_as_varied_as_in_reality() {
        let ids: Vec<String> = (0..200).map(id).collect();
        assert_eq!(ids[0], "goran");
        assert!(ids.iter().any(|id| id.contains(' ')));
        assert!(ids.iter().any(|id| id.contains('\'')));
        assert!(ids.iter().any(|id| id == "jörgen"));
        assert!(ids.iter().any(|id| id == "José"));
        assert_eq!(respell("goran"), "Goran");
        assert_eq!(respell("José"), "josé");
    }

    #[test]
    fn no_user_has_more_sessions_than_allowed() {
        let mut rng = Rng::with_seed(1);
        let mut population = Population::new(1, &mut rng);
        let visitors: Vec<Visitor> = (0..1_000)
            .filter_map(|_| population.log_in(&mut rng))
            .collect();
        let persons = visitors
            .iter()
            .filter(|visitor| visitor.kind() == UserKind::Person)
            .count();
        assert_eq!(persons, usize::from(PARALLEL_SESSIONS));

        for visitor in visitors {
            population.log_out(visitor);
        }
        assert_eq!(population.people[0].sessions, 0);
    }
}
