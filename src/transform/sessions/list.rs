//! A proxy's list of sessions, and what it means for a user.

use chrono::{DateTime, Utc};
use smallvec::SmallVec;

use super::{
    actions::Scope,
    clock::Moment,
    user::{MAX_SESSIONS, Session, User},
};
use crate::event::{EndReason, Pairing};

/// How long after the request a list is compared with the events, in milliseconds. Related events arrive within that
/// time.
pub(super) const GRACE: u64 = 5_000;

/// The users with sessions on a Qlik node, from its proxy: the truth at the time of the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionList {
    /// The Qlik node, as its events name it. Its case does not matter.
    pub host: Box<str>,
    /// When the proxy was asked.
    pub asked: DateTime<Utc>,
    /// The users, in any order. The sessions of a user listed several times, in any case, add up.
    pub users: Vec<ListedUser>,
}

/// The data to compare a user's sessions with.
#[derive(Debug, Clone, Copy)]
pub(super) struct Listed {
    /// The number of sessions that the proxy lists.
    pub(super) sessions: u32,
    /// When it was asked.
    pub(super) asked: DateTime<Utc>,
    pub(super) asked_at: Moment,
    /// The number of sessions that can still be added.
    pub(super) room: usize,
}

/// A user with sessions, from a proxy's list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedUser {
    /// The user's directory.
    pub user_directory: Option<Box<str>>,
    /// The user's id in the directory.
    pub user_id: Box<str>,
    /// The number of sessions, at least 1.
    pub sessions: u32,
}

impl User {
    /// Compares the user's sessions with the proxy's list, and ends or starts sessions that differ.
    ///
    /// Sessions that started around the time of the request, or later, need not be on the list. Those missing from two
    /// lists in a row have ended; if there are several, the choice is the same as for a lost stop.
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

    /// Ends the session that has been idle longest, of those that started before a moment.
    fn end_unlisted(&mut self, before: Moment, scope: &mut Scope<'_>) {
        let settled = self.sessions.iter().enumerate();
        let settled = settled.filter(|(_, session)| session.since <= before);
        let idlest = settled.min_by_key(|(_, session)| self.idleness(session));
        if let Some((place, last)) = idlest.map(|(place, session)| (place, session.last)) {
            self.end(place, last, EndReason::NotListed, Pairing::Single, scope);
        }
    }

    /// The list is a sign of life for all sessions on it.
    fn touch_listed(&mut self, asked: DateTime<Utc>) {
        let mut idlest_first: SmallVec<[usize; MAX_SESSIONS]> = (0..self.sessions.len()).collect();
        idlest_first.sort_by_key(|&place| self.idleness(&self.sessions[place]));
        for place in idlest_first.into_iter().skip(self.unlisted.into()) {
            let session = &mut self.sessions[place];
            session.last = session.last.max(asked);
        }
    }

    /// The order of sessions from the one that has most likely ended to the least likely.
    fn idleness(&self, session: &Session) -> (bool, Moment) {
        (self.has_open(session.number), session.seen)
    }

    /// Starts a session that no event has shown.
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
