//! Which session or connection an event belongs to, if its session id does not say.
//!
//! - **Open**: the session with the same agent and virtual proxy; else one whose agent and virtual proxy are unknown;
//!   else one of the same browser, first one with the same virtual proxy; else one that was left after a choice among
//!   several and may have another browser; each time the one that was last active. Otherwise the browser belongs to no
//!   known session, so it shows a session whose start was not seen. Two agents are the same browser if name and system
//!   are the same or unknown: versions change, and a tablet may request the desktop site.
//! - **Close**: the connection to the same app; among several one whose session has stopped, then the one that was
//!   opened first.
//! - **Stop**: the user's session; among several the one that has been idle longest, if it has nothing open and has been
//!   idle for at least Qlik Sense's time-out. Otherwise the user has logged out, and it is the one that was last active.
//!
//! A choice among several is ambiguous, and so are the sessions and connections left after it.

use super::{
    activity::Activity,
    clock::Moment,
    user::{Connection, Session},
};

/// A start that arrives up to this long after the first sign of its session, in milliseconds, was overtaken in
/// transit: sessions and connections have separate appenders.
const OVERTAKEN: u64 = 5_000;

/// The index of the choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Choice {
    /// There are no candidates.
    Nothing,
    /// It has the event's session id.
    Exact(usize),
    /// It is the only candidate.
    Single(usize),
    /// It is one of several candidates.
    Ambiguous(usize),
}

impl Choice {
    /// The best candidate by a key; `choices` of them are equally good.
    fn of(best: Option<usize>, choices: usize) -> Self {
        match best {
            None => Self::Nothing,
            Some(place) if choices > 1 => Self::Ambiguous(place),
            Some(place) => Self::Single(place),
        }
    }
}

/// Whether the ids may belong to the same session.
pub(super) fn may_be(session_id: Option<&str>, activity: &Activity<'_>) -> bool {
    match (session_id, activity.session_id) {
        (Some(known), Some(said)) => known == said,
        _ => true,
    }
}

fn by_id(sessions: &[Session], activity: &Activity<'_>) -> Option<usize> {
    let id = activity.session_id?;
    sessions
        .iter()
        .position(|session| session.id.as_deref() == Some(id))
}

fn candidates<'s>(
    sessions: &'s [Session],
    activity: &'s Activity<'_>,
) -> impl Iterator<Item = (usize, &'s Session)> + Clone {
    let all = sessions.iter().enumerate();
    all.filter(|(_, session)| may_be(session.id.as_deref(), activity))
}

/// The session that a `Start session` belongs to, if another event of it came first.
pub(super) fn of_start(
    sessions: &[Session],
    activity: &Activity<'_>,
    now: Moment,
) -> Option<usize> {
    by_id(sessions, activity).or_else(|| {
        candidates(sessions, activity)
            .filter(|(_, session)| !session.start_seen && now.since(session.since) <= OVERTAKEN)
            .max_by_key(|(_, session)| session.since)
            .map(|(place, _)| place)
    })
}

/// The session that `Open connection` belongs to.
pub(super) fn of_open(sessions: &[Session], activity: &Activity<'_>) -> Choice {
    if let Some(place) = by_id(sessions, activity) {
        return Choice::Exact(place);
    }
    let ranked = candidates(sessions, activity).filter_map(|(place, session)| {
        let rank = match &session.endpoint {
            Some(endpoint) if activity.comes_from(endpoint) => Rank::Agent,
            None => Rank::Unknown,
            Some(endpoint)
                if activity.is_of_browser(endpoint) && activity.is_of_proxy(endpoint) =>
            {
                Rank::Browser
            }
            Some(endpoint) if activity.is_of_browser(endpoint) => Rank::BrowserElsewhere,
            Some(_) if session.is_ambiguous => Rank::Left,
            Some(_) => return None,
        };
        Some((rank, session.seen, place))
    });
    // Nearly all users have one session, and nothing to rank.
    if let [_] = sessions {
        let only = ranked.clone().next();
        return only.map_or(Choice::Nothing, |(_, _, place)| Choice::Single(place));
    }
    let Some((rank, _, place)) = ranked.clone().max() else {
        return Choice::Nothing;
    };
    // A browser may have been updated, or it may be the first event that shows where another session is used.
    let may_be = |other| other == rank || (rank, other) == (Rank::Unknown, Rank::Browser);
    let choices = ranked.filter(|(other, ..)| may_be(*other)).count();
    Choice::of(Some(place), choices)
}

/// How well a session fits an `Open connection`, from the least to the best.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    /// It is from another browser, unless that was a wrong choice.
    Left,
    /// The browser fits, and the virtual proxy does not.
    BrowserElsewhere,
    /// The browser and the virtual proxy fit.
    Browser,
    /// Its browser and virtual proxy are unknown.
    Unknown,
    /// The agent and the virtual proxy are the same.
    Agent,
}

/// The session that `Stop session` ends.
pub(super) fn of_stop(
    sessions: &[Session],
    activity: &Activity<'_>,
    timed_out: impl Fn(&Session) -> bool,
) -> Choice {
    if let Some(place) = by_id(sessions, activity) {
        return Choice::Exact(place);
    }
    let best = candidates(sessions, activity)
        .filter(|(_, session)| timed_out(session))
        .min_by_key(|(_, session)| session.seen)
        .or_else(|| candidates(sessions, activity).max_by_key(|(_, session)| session.seen));
    let choices = candidates(sessions, activity).count();
    Choice::of(best.map(|(place, _)| place), choices)
}

/// The connection that `Close connection` ends.
pub(super) fn of_close<'s>(
    connections: &'s [Connection],
    activity: &'s Activity<'_>,
    session_id: impl Fn(&'s Connection) -> Option<&'s str> + Copy,
) -> Choice {
    let matching = connections.iter().enumerate().filter(|(_, connection)| {
        // The session is only looked for where the event names one.
        activity.is_about(&connection.app)
            && (activity.session_id.is_none() || may_be(session_id(connection), activity))
    });
    let best = matching
        .clone()
        .min_by_key(|(_, connection)| (connection.stopped.is_none(), connection.opened));
    match Choice::of(best.map(|(place, _)| place), matching.count()) {
        Choice::Single(place)
            if activity.session_id.is_some()
                && session_id(&connections[place]) == activity.session_id =>
        {
            Choice::Exact(place)
        }
        choice => choice,
    }
}
