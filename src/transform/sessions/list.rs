//! Who has sessions, as a proxy says, and what that means for a user.

use chrono::{DateTime, Utc};
use smallvec::SmallVec;

use super::{
    actions::Scope,
    clock::Moment,
    user::{MAX_SESSIONS, Session, User},
};
use crate::event::{EndReason, Pairing};

/// How long after an answer was asked for it is compared with what events say, in milliseconds: the events that
/// belong to it are on their way for so long at most.
pub(super) const GRACE: u64 = 5_000;

/// Who has sessions on a Qlik node, as its proxy says: the truth at the time when it was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionList {
    /// The Qlik node, as its events name it. Its case does not matter.
    pub host: Box<str>,
    /// When the proxy was asked.
    pub asked: DateTime<Utc>,
    /// The users, in any order. The sessions of one who stands there several times, in whatever case, add up.
    pub users: Vec<ListedUser>,
}

/// What a user's sessions are compared with.
#[derive(Debug, Clone, Copy)]
pub(super) struct Listed {
    /// How many the proxy lists.
    pub(super) sessions: u32,
    /// When it was asked.
    pub(super) asked: DateTime<Utc>,
    pub(super) asked_at: Moment,
    /// For how many more there is room.
    pub(super) room: usize,
}

/// A user who has sessions, as a proxy says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedUser {
    /// The user's directory.
    pub user_directory: Option<Box<str>>,
    /// The user's id in the directory.
    pub user_id: Box<str>,
    /// How many sessions, at least 1.
    pub sessions: u32,
}

impl User {
    /// Compares the user's sessions with what the proxy lists, and ends and begins what differs.
    ///
    /// Sessions that began about when it was asked, or later, need not be on its list. Those that are missing on two
    /// lists in a row have ended; which of several that is, is chosen as by a stop that was lost.
    pub(super) fn compare(&mut self, listed: Listed, scope: &mut Scope<'_>) {
        let Listed {
            sessions,
            asked,
            asked_at,
            room,
        } = listed;
        let about_then = asked_at.before(GRACE);
        let is_settled = |session: &&Session| session.since <= about_then;
        let settled = self.sessions.iter().filter(is_settled).count();
        let listed = sessions as usize;
        let unlisted = settled.saturating_sub(listed);
        let ends = unlisted.min(self.unlisted.into());
        for _ in 0..ends {
            self.end_unlisted(about_then, scope);
        }
        // A user has a handful of sessions.
        self.unlisted = u8::try_from(unlisted - ends).unwrap_or(u8::MAX);
        if listed == 0 {
            return;
        }
        self.listed = asked_at;
        self.touch_listed(asked);
        let stops_may_be_of_listed = self.stopped.is_some_and(|stopped| stopped > about_then);
        if !stops_may_be_of_listed {
            let missing = self.sessions.len()..listed.min(MAX_SESSIONS);
            for _ in missing.take(room) {
                self.begin_listed(asked, asked_at);
            }
        }
    }

    /// Ends the session that has been idle longest, of those that began before a moment.
    fn end_unlisted(&mut self, before: Moment, scope: &mut Scope<'_>) {
        let settled = self.sessions.iter().enumerate();
        let settled = settled.filter(|(_, session)| session.since <= before);
        let idlest = settled.min_by_key(|(_, session)| self.idleness(session));
        if let Some((place, last)) = idlest.map(|(place, session)| (place, session.last)) {
            self.end(place, last, EndReason::NotListed, Pairing::Single, scope);
        }
    }

    /// The list is a sign of all sessions but those that are not on it.
    fn touch_listed(&mut self, asked: DateTime<Utc>) {
        let mut idlest_first: SmallVec<[usize; MAX_SESSIONS]> = (0..self.sessions.len()).collect();
        idlest_first.sort_by_key(|&place| self.idleness(&self.sessions[place]));
        for place in idlest_first.into_iter().skip(self.unlisted.into()) {
            let session = &mut self.sessions[place];
            session.last = session.last.max(asked);
        }
    }

    /// What orders sessions from the one that has most likely ended to the one that has not.
    fn idleness(&self, session: &Session) -> (bool, Moment) {
        (self.has_open(session.number), session.seen)
    }

    /// A session that no event showed.
    fn begin_listed(&mut self, asked: DateTime<Utc>, asked_at: Moment) {
        self.sessions.push(Session {
            number: self.free_number(),
            start_seen: false,
            event_seen: false,
            is_ambiguous: false,
            connections: 0,
            id: None,
            endpoint: None,
            start: asked,
            last: asked,
            since: asked_at,
            seen: asked_at,
            apps: SmallVec::new(),
        });
    }
}
