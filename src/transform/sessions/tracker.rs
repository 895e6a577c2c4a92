//! All users, found by name and by deadline.

mod listed;

use std::io::BufRead;

use chrono::{DateTime, Utc};
use foldhash::quality::RandomState;
use hashbrown::HashTable;

use self::listed::Lists;
use super::{
    SessionsConfig,
    actions::{DerivedEvents, Scope},
    activity::Activity,
    clock::{Clock, Moment},
    deadlines::Deadlines,
    intern::{HomeRef, Interned},
    name::{Name, NameHash},
    state::{StateError, StateReader, StateWriter},
    statistics::{Counted, Presence, SessionStatistics},
    user::{Timeouts, User},
};
use crate::event::{ConnectionAction, EventKind, SessionAction};

/// The longest combined name of node, directory and user, in bytes. Those of Active Directory are never longer.
const MAX_NAME: usize = 512;

/// The most sessions and connections to follow, for each user.
const SESSIONS_A_USER: usize = 2;
const CONNECTIONS_A_USER: usize = 4;

/// The number of users processed in one tick, so that the work of a large site is spread out.
const USERS_A_TICK: usize = 2_000;

/// The state machine: user events and a clock in, derived events out.
#[derive(Debug)]
pub(super) struct Tracker {
    config: SessionsConfig,
    timeouts: Timeouts,
    max_users: usize,
    snapshot_interval: i64,
    clock: Clock,
    users: Vec<Option<Box<User>>>,
    free: Vec<u32>,
    by_name: HashTable<u32>,
    hasher: RandomState,
    deadlines: Deadlines,
    interned: Interned,
    counted: Counted,
    present: Presence,
    snapshots: Snapshots,
    lists: Lists,
    /// When a user last started or opened something at each node, by node index.
    shown: Vec<Moment>,
}

/// The progress of the snapshots of all sessions.
#[derive(Debug, Clone, Default)]
struct Snapshots {
    /// The interval of the wall clock that the last ones belong to.
    interval: Option<i64>,
    /// The next user to process.
    next: Option<u32>,
}

impl Tracker {
    pub(super) fn new(config: &SessionsConfig) -> Self {
        Self {
            config: config.clone(),
            timeouts: Timeouts {
                idle: config.idle_timeout_secs.saturating_mul(1_000),
                inactivity: config.inactivity_timeout_secs.saturating_mul(1_000),
                connection: config.connection_timeout_secs.saturating_mul(1_000),
            },
            max_users: config.max_users.clamp(1, u32::MAX as usize),
            snapshot_interval: i64::try_from(config.snapshot_interval_secs).unwrap_or(i64::MAX),
            clock: Clock::new(),
            users: Vec::new(),
            free: Vec::new(),
            by_name: HashTable::new(),
            hasher: RandomState::default(),
            deadlines: Deadlines::default(),
            interned: Interned::new(),
            counted: Counted::new(),
            present: Presence::default(),
            snapshots: Snapshots::default(),
            lists: Lists::default(),
            shown: Vec::new(),
        }
    }

    pub(super) const fn statistics(&self) -> &SessionStatistics {
        self.counted.statistics()
    }

    pub(super) fn follow(&mut self, mut activity: Activity<'_>, derived: &mut DerivedEvents) {
        let (now, kind) = (activity.arrival, activity.kind);
        let moment = self.clock.advance(now);
        let (host, directory) = (activity.host, activity.user_directory);
        let Some(id) = activity.user_id else {
            self.count_unfollowed(&activity);
            return;
        };
        let name = Name {
            host: host.unwrap_or_default(),
            directory: directory.unwrap_or_default(),
            id,
        };
        if name.len() > MAX_NAME {
            self.count_unfollowed(&activity);
            return;
        }
        activity.bound();
        let slot = self.slot(HomeRef { host, directory }, &name);
        let Some(user) = self.users[slot as usize].as_deref_mut() else {
            return;
        };
        let place = user.home.place;
        self.counted.event(place, kind);
        if user.repeats(&activity, moment) {
            self.counted.repeated();
            return;
        }
        if let EventKind::Session(SessionAction::Start)
        | EventKind::Connection(ConnectionAction::Open) = kind
        {
            self.show(place, moment);
        }
        let timeouts = self.timeouts;
        self.with_user(slot, now, moment, derived, |user, scope| {
            if user.deadline <= moment {
                user.expire(timeouts, scope);
            }
            match kind {
                EventKind::Session(SessionAction::Start) => user.start(&activity, scope),
                EventKind::Session(SessionAction::Stop) => user.stop(&activity, timeouts, scope),
                EventKind::Connection(ConnectionAction::Open) => user.open(&activity, scope),
                EventKind::Connection(ConnectionAction::Close) => user.close(&activity, scope),
                _ => {}
            }
        });
        self.make_room(now, moment, derived);
    }

    /// Notes that a user has started or opened something at a node.
    fn show(&mut self, place: u8, moment: Moment) {
        let place = usize::from(place);
        if self.shown.len() <= place {
            self.shown.resize(place + 1, Moment::default());
        }
        self.shown[place] = moment;
    }

    /// Lets time pass: what has been without a sign of life for too long ends, proxies' lists are compared, and
    /// snapshots are taken when they are due.
    pub(super) fn tick(&mut self, now: DateTime<Utc>, derived: &mut DerivedEvents) {
        let moment = self.clock.advance(now);
        let timeouts = self.timeouts;
        for _ in 0..USERS_A_TICK {
            let Some(slot) = self.deadlines.due(moment) else {
                break;
            };
            self.with_user(slot, now, moment, derived, |user, scope| {
                user.expire(timeouts, scope);
            });
        }
        self.compare_lists(now, moment, derived);
        self.take_snapshots(now, moment, derived);
    }

    fn take_snapshots(&mut self, now: DateTime<Utc>, moment: Moment, derived: &mut DerivedEvents) {
        if self.snapshot_interval == 0 {
            return;
        }
        let interval = now.timestamp().div_euclid(self.snapshot_interval);
        if self
            .snapshots
            .interval
            .replace(interval)
            .is_some_and(|last| last != interval)
        {
            self.snapshots.next = Some(0);
        }
        let Some(first) = self.snapshots.next else {
            return;
        };
        let first = first as usize;
        let end = self.users.len().min(first + USERS_A_TICK);
        let mut scope = Scope {
            now,
            moment,
            interned: &mut self.interned,
            derived,
        };
        for user in self.users.get(first..end).into_iter().flatten().flatten() {
            user.snapshot(&mut scope);
        }
        self.snapshots.next = (end < self.users.len()).then_some(end as u32);
    }

    /// Reports every open session.
    pub(super) fn open_sessions(&mut self, now: DateTime<Utc>, open: &mut DerivedEvents) {
        let moment = self.clock.advance(now);
        let mut scope = Scope {
            now,
            moment,
            interned: &mut self.interned,
            derived: open,
        };
        for user in self.users.iter().flatten() {
            user.snapshot(&mut scope);
        }
    }

    pub(super) fn begin_state(&self, text: &mut Vec<u8>) -> StateWriter {
        let now = self.clock.seen().unwrap_or_default();
        StateWriter::begin(self.clock.moment(), now, text)
    }

    /// Writes some users from a slot on. Returns the slot to continue from; `None` when the end is written.
    pub(super) fn write_state(
        &self,
        first: usize,
        writer: &mut StateWriter,
        text: &mut Vec<u8>,
    ) -> Option<usize> {
        let end = self.users.len().min(first + USERS_A_TICK);
        for user in self.users.get(first..end).into_iter().flatten().flatten() {
            writer.user(user, text);
        }
        if end < self.users.len() {
            return Some(end);
        }
        writer.end(text);
        None
    }

    pub(super) fn restore(
        &mut self,
        text: &mut impl BufRead,
        now: DateTime<Utc>,
    ) -> Result<u64, StateError> {
        let read = self.read(text, now);
        if read.is_err() {
            self.reset();
        }
        read
    }

    /// Forgets all users, as at the start.
    pub(super) fn reset(&mut self) {
        *self = Self::new(&self.config);
    }

    fn read(&mut self, text: &mut impl BufRead, now: DateTime<Utc>) -> Result<u64, StateError> {
        self.reset();
        let moment = self.clock.advance(now);
        let mut reader = StateReader::begin(text, now, moment)?;
        loop {
            let counted = &mut self.counted;
            match reader.next(&mut self.interned, |host| counted.place(host))? {
                Some(user) => self.restore_user(user),
                None => return Ok(reader.users()),
            }
        }
    }

    /// Follows a user who was followed before.
    fn restore_user(&mut self, mut user: User) {
        let Some(deadline) = user.next_deadline(self.timeouts) else {
            return;
        };
        let hash = user.name().hash(&self.hasher);
        user.deadline = deadline;
        let (place, presence) = (user.home.place, user.presence());
        self.counted.moved(place, Presence::default(), presence);
        self.present.moved(Presence::default(), presence);
        let slot = self.insert(user, hash);
        self.deadlines.insert(deadline, slot);
    }

    /// Counts an event whose user cannot be followed.
    fn count_unfollowed(&mut self, activity: &Activity<'_>) {
        self.counted.unfollowed();
        let host = activity.host.filter(|host| host.len() <= MAX_NAME);
        let place = self.counted.place(host);
        self.counted.event(place, activity.kind);
    }

    /// The slot of a user; a new one if the user is unknown.
    fn slot(&mut self, home: HomeRef<'_>, name: &Name<'_>) -> u32 {
        let hash = name.hash(&self.hasher);
        let users = &self.users;
        let is_it = |slot: &u32| {
            let user = users[*slot as usize].as_deref();
            user.is_some_and(|user| user.hash == hash && user.name().is(name))
        };
        if let Some(slot) = self.by_name.find(hash.whole(), is_it) {
            return *slot;
        }
        let counted = &mut self.counted;
        let home = self.interned.home(home, || counted.place(home.host));
        self.insert(User::new(home, name.id.into()), hash)
    }

    /// Gives a new user a slot. The deadline comes with the first event.
    fn insert(&mut self, mut user: User, hash: NameHash) -> u32 {
        user.hash = hash;
        let user = Some(Box::new(user));
        let slot = match self.free.pop() {
            Some(slot) => {
                self.users[slot as usize] = user;
                slot
            }
            None => {
                self.users.push(user);
                (self.users.len() - 1) as u32
            }
        };
        let users = &self.users;
        self.by_name.insert_unique(hash.whole(), slot, |slot| {
            let user = users[*slot as usize].as_deref();
            user.map_or(0, |user| user.hash.whole())
        });
        slot
    }

    /// Applies a change to a user, and updates counts and deadlines.
    fn with_user(
        &mut self,
        slot: u32,
        now: DateTime<Utc>,
        moment: Moment,
        derived: &mut DerivedEvents,
        act: impl FnOnce(&mut User, &mut Scope<'_>),
    ) {
        let Some(user) = self.users[slot as usize].as_deref_mut() else {
            return;
        };
        let (before, first) = (user.presence(), derived.len());
        let mut scope = Scope {
            now,
            moment,
            interned: &mut self.interned,
            derived,
        };
        act(user, &mut scope);
        let after = user.presence();
        let place = user.home.place;
        for derived in &derived[first..] {
            self.counted.derived(place, derived);
        }
        self.counted.moved(place, before, after);
        self.present.moved(before, after);

        let queued = user.deadline;
        match user.next_deadline(self.timeouts) {
            // An early entry is checked again when it is due.
            Some(deadline)
                if queued != Moment::default() && queued <= deadline && queued > moment => {}
            Some(deadline) => {
                user.deadline = deadline;
                if queued != Moment::default() {
                    self.deadlines.remove(queued, slot);
                }
                self.deadlines.insert(deadline, slot);
            }
            None => {
                self.deadlines.remove(queued, slot);
                self.remove(slot);
            }
        }
    }

    fn remove(&mut self, slot: u32) {
        let Some(user) = self.users[slot as usize].take() else {
            return;
        };
        let hash = user.hash.whole();
        if let Ok(entry) = self.by_name.find_entry(hash, |other| *other == slot) {
            entry.remove();
        }
        self.free.push(slot);
    }

    /// Evicts the users that would expire first while there are too many.
    fn make_room(&mut self, now: DateTime<Utc>, moment: Moment, derived: &mut DerivedEvents) {
        while self.by_name.len() > self.max_users
            || self.present.sessions > (self.max_users * SESSIONS_A_USER) as u64
            || self.present.connections > (self.max_users * CONNECTIONS_A_USER) as u64
        {
            let Some((queued, slot)) = self.deadlines.first() else {
                return;
            };
            let Some(user) = self.users[slot as usize].as_deref_mut() else {
                return;
            };
            let deadline = user.next_deadline(self.timeouts).unwrap_or(queued);
            if deadline > queued {
                // The entry was early.
                user.deadline = deadline;
                self.deadlines.remove(queued, slot);
                self.deadlines.insert(deadline, slot);
                continue;
            }
            self.counted.evicted();
            self.with_user(slot, now, moment, derived, |user, scope| user.evict(scope));
        }
    }
}
