//! Life on the site: sessions start, open and close connections, and stop.

use fastrand::Rng;

use super::chance::{happens, index};
use super::context::{self, Apps, Context};
use super::datagram::UserKind;
use super::payload::Action;
use super::user::{Population, Visitor};
use crate::event::{ConnectionAction, SessionAction};

pub(super) const START: Action = Action::Session(SessionAction::Start);
pub(super) const STOP: Action = Action::Session(SessionAction::Stop);
pub(super) const OPEN: Action = Action::Connection(ConnectionAction::Open);
pub(super) const CLOSE: Action = Action::Connection(ConnectionAction::Close);

/// The life on the site, event by event.
#[derive(Debug)]
pub(super) struct Life {
    rng: Rng,
    nodes: usize,
    population: Population,
    apps: Apps,
    sessions: Vec<Session>,
    /// The number of sessions that have started so far.
    begun: u64,
    most_sessions: usize,
    /// Events that happen before anything else does, in reverse order.
    upcoming: Vec<Event>,
}

/// What all events of a session have in common.
#[derive(Debug, Clone, Copy)]
pub(super) struct Visit {
    pub(super) visitor: Visitor,
    /// The number of the session, from 0 in the order of their starts.
    pub(super) session: u64,
    /// The index of the node.
    pub(super) node: usize,
    pub(super) prefix: &'static str,
    pub(super) user_agent: &'static str,
}

#[derive(Debug)]
struct Session {
    visit: Visit,
    open: Vec<Context>,
    still_to_open: u8,
    stopped: bool,
}

/// An event before it is written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Event {
    pub(super) visit: Visit,
    pub(super) action: Action,
    pub(super) context: Context,
}

impl Life {
    /// A site with this many users and nodes, without any sessions.
    pub(super) fn new(people: usize, nodes: usize, mut rng: Rng) -> Self {
        Self {
            nodes,
            population: Population::new(people, &mut rng),
            apps: Apps::new(&mut rng),
            sessions: Vec::new(),
            begun: 0,
            most_sessions: people / 2 + 5,
            upcoming: Vec::new(),
            rng,
        }
    }

    pub(super) fn population(&self) -> &Population {
        &self.population
    }

    pub(super) fn apps(&self) -> &Apps {
        &self.apps
    }

    /// Puts an event back, so that it happens once more.
    pub(super) fn repeat(&mut self, event: Event) {
        self.upcoming.push(event);
    }

    /// Makes the next event happen.
    pub(super) fn next_event(&mut self) -> Event {
        loop {
            if let Some(event) = self.upcoming.pop() {
                return event;
            }
            // The fuller the site, the fewer users log in, so that the number of sessions settles a little below the
            // maximum.
            let event = if index(&mut self.rng, self.most_sessions) >= self.sessions.len() {
                self.log_in()
            } else {
                let number = index(&mut self.rng, self.sessions.len());
                self.go_on(number)
            };
            if let Some(event) = event {
                return event;
            }
        }
    }

    /// A user logs in. It is not seen if the user has too many sessions, or if the start was lost.
    fn log_in(&mut self) -> Option<Event> {
        let rng = &mut self.rng;
        let visitor = self.population.log_in(rng)?;
        let visit = Visit {
            visitor,
            session: self.begun,
            node: index(rng, self.nodes),
            prefix: match visitor {
                Visitor::Person { .. } => context::draw_prefix(rng),
                Visitor::Service { .. } => "",
                Visitor::Anonymous { .. } => context::draw_anonymous_prefix(rng),
            },
            user_agent: self.population.user_agent(visitor, rng),
        };
        let mut session = Session {
            visit,
            open: Vec::new(),
            still_to_open: rng.u8(0..4) + rng.u8(0..4),
            stopped: false,
        };
        let start = Event {
            visit,
            action: START,
            context: self.apps.draw_session_context(visit.prefix, rng),
        };
        // A link to an app opens the app at login.
        if session.still_to_open > 0 && happens(rng, 3, 10) {
            let open = open_app(&mut session, &self.apps, rng);
            self.upcoming.push(open);
        }
        self.sessions.push(session);
        self.begun += 1;
        (!happens(&mut self.rng, 1, 50)).then_some(start)
    }

    /// Continues the session with this index. Nothing is sent if it ends unnoticed.
    fn go_on(&mut self, number: usize) -> Option<Event> {
        let rng = &mut self.rng;
        let session = &mut self.sessions[number];
        let visit = session.visit;
        let event = |action, context| Event {
            visit,
            action,
            context,
        };

        if !session.stopped && session.still_to_open > 0 {
            if session.open.is_empty() || rng.bool() {
                return Some(open_app(session, &self.apps, rng));
            }
        } else if session.open.is_empty() {
            return self.end(number);
        }

        let tab = index(rng, session.open.len());
        let context = session.open[tab];
        match rng.u32(0..100) {
            // A refresh: the tab's connection closes and opens again at once.
            0..15 if !session.stopped => self.upcoming.push(event(OPEN, context)),
            // The session stops while a tab is open, whose close comes late.
            15..19 if !session.stopped => {
                session.stopped = true;
                let context = self.apps.draw_session_context(visit.prefix, rng);
                return Some(event(STOP, context));
            }
            _ => {
                session.open.swap_remove(tab);
            }
        }
        Some(event(CLOSE, context))
    }

    /// Ends a session. Its stop is seen, unless it was sent earlier or the proxy crashed.
    fn end(&mut self, number: usize) -> Option<Event> {
        let Session { visit, stopped, .. } = self.sessions.swap_remove(number);
        self.population.log_out(visit.visitor);
        let rng = &mut self.rng;
        let context = self.apps.draw_session_context(visit.prefix, rng);
        (!stopped && !happens(rng, 1, 50)).then_some(Event {
            visit,
            action: STOP,
            context,
        })
    }
}

/// Opens one more app in a session.
fn open_app(session: &mut Session, apps: &Apps, rng: &mut Rng) -> Event {
    let visit = session.visit;
    let context = match visit.visitor.kind() {
        UserKind::ServiceAccount => apps.draw_service_context(rng),
        _ => apps.draw_connection_context(visit.prefix, rng),
    };
    session.open.push(context);
    session.still_to_open -= 1;
    Event {
        visit,
        action: OPEN,
        context,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    /// The sessions of anonymous users, who have only one each: all events of each session, in order.
    fn sessions() -> Vec<Vec<Event>> {
        let mut life = Life::new(200, 3, Rng::with_seed(1));
        let mut sessions: HashMap<u128, Vec<Event>> = HashMap::new();
        for _ in 0..200_000 {
            let event = life.next_event();
            if let Visitor::Anonymous { guid } = event.visit.visitor {
                sessions.entry(guid).or_default().push(event);
            }
        }
        sessions.into_values().collect()
    }

    fn actions(session: &[Event]) -> Vec<Action> {
        session.iter().map(|event| event.action).collect()
    }

    #[test]
    fn most_sessions_start_and_stop_but_not_all_are_seen_to() {
        let sessions = sessions();
        let of_hundred = |holds: fn(&[Action]) -> bool| {
            let count = sessions
                .iter()
                .filter(|session| holds(&actions(session)))
                .count();
            count * 100 / sessions.len()
        };
        assert!((80..97).contains(&of_hundred(|actions| {
            actions.first() == Some(&START) && actions.last() == Some(&STOP)
        })));
        assert!((1..5).contains(&of_hundred(|actions| !actions.contains(&START))));
        assert!((1..8).contains(&of_hundred(|actions| !actions.contains(&STOP))));
        assert!((1..15).contains(&of_hundred(|actions| actions.ends_with(&[STOP, CLOSE]))));
        assert!((5..20).contains(&of_hundred(|actions| actions == [START, STOP])));
    }

    #[test]
    fn connections_open_before_they_close() {
        for session in sessions() {
            let mut open: Vec<Context> = Vec::new();
            for event in session {
                if event.action == OPEN {
                    open.push(event.context);
                } else if event.action == CLOSE {
                    let tab = open.iter().position(|&context| context == event.context);
                    let tab = tab.expect("what closes was open");
                    open.swap_remove(tab);
                }
                assert!(open.len() <= 6);
            }
        }
    }

    #[test]
    fn some_tabs_are_refreshed() {
        let mut life = Life::new(200, 3, Rng::with_seed(1));
        let mut before = life.next_event();
        let mut refreshes = 0;
        for _ in 0..10_000 {
            let event = life.next_event();
            if before.action == CLOSE
                && event.action == OPEN
                && before.context == event.context
                && before.visit.visitor == event.visit.visitor
            {
                refreshes += 1;
            }
            before = event;
        }
        assert!(refreshes > 100, "{refreshes}");
    }
}
