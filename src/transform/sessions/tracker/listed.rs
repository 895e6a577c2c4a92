//! Compares proxies' lists with the events: some users at a time, so that the work of a large site is spread out.

use std::collections::VecDeque;

use chrono::{DateTime, Utc};
use hashbrown::HashTable;

use super::{
    super::{
        actions::DerivedEvents,
        clock::Moment,
        intern::HomeRef,
        list::{GRACE, Listed, ListedUser, SessionList},
        name::{Name, NameHash, same},
    },
    MAX_NAME, SESSIONS_A_USER, Tracker, USERS_A_TICK,
};

/// The age, in milliseconds, above which a list is ignored: users who have stopped since its request are remembered for
/// a minute.
const MAX_AGE: u64 = 45_000;

/// If users have come within this time, in milliseconds, their proxy must list somebody.
const LATELY: u64 = 120_000;

/// The most nodes whose proxies are known.
const MAX_PROXIES: usize = 256;

/// The most lists of a node that wait: the oldest, and the newest, which replaces any between them.
const MAX_OF_NODE: usize = 2;

/// The most lists that wait.
const MAX_WAITING: usize = MAX_PROXIES * MAX_OF_NODE;

/// The lists of proxies.
#[derive(Debug, Default)]
pub(super) struct Lists {
    waiting: VecDeque<SessionList>,
    under_way: Option<UnderWay>,
    proxies: Vec<Proxy>,
}

/// The state of a node's proxy.
#[derive(Debug)]
struct Proxy {
    host: Box<str>,
    /// When the last compared list was requested.
    asked_at: Moment,
    /// It has listed somebody.
    has_listed: bool,
}

/// A list that is being compared.
#[derive(Debug)]
struct UnderWay {
    host: Box<str>,
    asked: DateTime<Utc>,
    asked_at: Moment,
    /// The users not compared yet, by the hash of the name.
    users: HashTable<(NameHash, ListedUser)>,
    /// The next slot of the followed users; `None` when all have been compared.
    next: Option<usize>,
}

impl Tracker {
    /// Takes a list. It does not replace the one of the same node that has waited longest: if proxies are asked again
    /// and again, none would ever have waited long enough.
    pub(in super::super) fn take_list(&mut self, list: SessionList) {
        let waiting = &mut self.lists.waiting;
        let mut of_node = 0;
        waiting.retain(|other| {
            let is_of_node = same(&other.host, &list.host);
            of_node += usize::from(is_of_node);
            !is_of_node || of_node < MAX_OF_NODE
        });
        if waiting.len() >= MAX_WAITING {
            waiting.pop_front();
        }
        waiting.push_back(list);
    }

    /// Continues comparing, if a list is due.
    pub(super) fn compare_lists(
        &mut self,
        now: DateTime<Utc>,
        moment: Moment,
        derived: &mut DerivedEvents,
    ) {
        let under_way = self.lists.under_way.take();
        let Some(mut list) = under_way.or_else(|| self.next_list(now, moment)) else {
            return;
        };
        if let Some(first) = list.next {
            let end = self.users.len().min(first + USERS_A_TICK);
            self.compare_followed(first..end, &mut list, now, moment, derived);
            list.next = (end < self.users.len()).then_some(end);
        }
        if list.next.is_none() {
            self.compare_rest(&mut list, now, moment, derived);
        }
        let is_done = list.next.is_none() && list.users.is_empty();
        self.lists.under_way = (!is_done).then_some(list);
    }

    /// The next list that is to be compared now.
    fn next_list(&mut self, now: DateTime<Utc>, moment: Moment) -> Option<UnderWay> {
        loop {
            let list = self.lists.waiting.front()?;
            let age = (now - list.asked).num_milliseconds();
            // If the clock was set back, the age counts as 0.
            let age = u64::try_from(age).unwrap_or(0);
            if age <= GRACE {
                return None;
            }
            let list = self.lists.waiting.pop_front()?;
            let asked_at = moment.before(age);
            if age <= MAX_AGE && self.is_credible(&list, asked_at) {
                return Some(self.begin(list, asked_at));
            }
        }
    }

    /// Whether a list is plausible. An empty list is not while users come, nor if users have come and the proxy has
    /// never listed any: the proxy may just be starting, or the request may have named another virtual proxy.
    fn is_credible(&mut self, list: &SessionList, asked_at: Moment) -> bool {
        let shown = self.shown_at(&list.host);
        let proxies = &mut self.lists.proxies;
        let place = proxies.iter().position(|it| same(&it.host, &list.host));
        let proxy = if let Some(place) = place {
            &mut proxies[place]
        } else {
            if proxies.len() >= MAX_PROXIES {
                proxies.remove(0);
            }
            proxies.push(Proxy {
                host: list.host.clone(),
                asked_at: Moment::default(),
                has_listed: false,
            });
            let last = proxies.len() - 1;
            &mut proxies[last]
        };
        let before = std::mem::replace(&mut proxy.asked_at, asked_at);
        if !list.users.is_empty() {
            proxy.has_listed = true;
            return true;
        }
        let comes_lately = shown > before.max(asked_at.before(LATELY));
        !comes_lately && (proxy.has_listed || shown == Moment::default())
    }

    /// When a user last came to a node, as events of this run show; the start of time if nobody did.
    fn shown_at(&mut self, host: &str) -> Moment {
        let place = usize::from(self.counted.place(Some(host)));
        self.shown.get(place).copied().unwrap_or_default()
    }

    fn begin(&self, list: SessionList, asked_at: Moment) -> UnderWay {
        let mut users = HashTable::with_capacity(list.users.len());
        for user in list.users {
            let name = name(&list.host, &user);
            if name.len() > MAX_NAME || user.sessions == 0 {
                continue;
            }
            let hash = name.hash(&self.hasher);
            let is_it = |(of, other): &(NameHash, ListedUser)| {
                *of == hash && self::name(&list.host, other).is(&name)
            };
            if let Some((_, known)) = users.find_mut(hash.whole(), is_it) {
                known.sessions = known.sessions.saturating_add(user.sessions);
            } else {
                users.insert_unique(hash.whole(), (hash, user), |(hash, _)| hash.whole());
            }
        }
        UnderWay {
            host: list.host,
            asked: list.asked,
            asked_at,
            users,
            next: Some(0),
        }
    }

    /// Compares the followed users.
    fn compare_followed(
        &mut self,
        slots: std::ops::Range<usize>,
        list: &mut UnderWay,
        now: DateTime<Utc>,
        moment: Moment,
        derived: &mut DerivedEvents,
    ) {
        for slot in slots {
            let Some(user) = self.users[slot].as_deref() else {
                continue;
            };
            if !same(user.home.host.as_deref().unwrap_or_default(), &list.host) {
                continue;
            }
            let followed = user.name();
            let is_it = |(of, other): &(NameHash, ListedUser)| {
                *of == user.hash && name(&list.host, other).is(&followed)
            };
            let sessions = match list.users.find_entry(user.hash.whole(), is_it) {
                Ok(entry) => entry.remove().0.1.sessions,
                Err(_) => 0,
            };
            let listed = self.listed(sessions, list);
            self.with_user(slot as u32, now, moment, derived, |user, scope| {
                user.compare(listed, scope);
            });
        }
    }

    /// Compares some of the listed users who are not followed yet, as long as there is room for them: a list evicts
    /// nobody.
    fn compare_rest(
        &mut self,
        list: &mut UnderWay,
        now: DateTime<Utc>,
        moment: Moment,
        derived: &mut DerivedEvents,
    ) {
        let mut taken = Vec::new();
        let mut rest = list.users.extract_if(|_| true);
        taken.extend(rest.by_ref().take(USERS_A_TICK));
        drop(rest);
        for (_, listed) in taken {
            let compared = self.listed(listed.sessions, list);
            if compared.room == 0 || self.by_name.len() >= self.max_users {
                list.users.clear();
                return;
            }
            let home = HomeRef {
                host: Some(&*list.host).filter(|host| !host.is_empty()),
                directory: listed.user_directory.as_deref(),
            };
            let slot = self.slot(home, &name(&list.host, &listed));
            self.with_user(slot, now, moment, derived, |user, scope| {
                user.compare(compared, scope);
            });
        }
    }

    fn listed(&self, sessions: u32, list: &UnderWay) -> Listed {
        let most = (self.max_users * SESSIONS_A_USER) as u64;
        let room = most.saturating_sub(self.present.sessions);
        Listed {
            sessions,
            asked: list.asked,
            asked_at: list.asked_at,
            room: usize::try_from(room).unwrap_or(usize::MAX),
        }
    }
}

fn name<'n>(host: &'n str, user: &'n ListedUser) -> Name<'n> {
    Name {
        host,
        directory: user.user_directory.as_deref().unwrap_or_default(),
        id: &user.user_id,
    }
}
