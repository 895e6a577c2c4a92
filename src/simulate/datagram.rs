//! The truth about a simulated datagram: what a receiver has to make of it.

use std::iter::Sum;
use std::ops::{Add, AddAssign};

use super::cost::Cost;
use super::payload::Action;
use super::truth::{LogRow, Request, TaskRow};
use crate::event::{ConnectionAction, Level, SessionAction, TaskAction};

/// The content of a simulated datagram: the truth against which a receiver is checked.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Datagram {
    /// One session event.
    Session {
        /// What happened to the session.
        action: SessionAction,
        /// The kind of user.
        user: UserKind,
    },
    /// One connection event.
    Connection {
        /// What happened to the connection.
        action: ConnectionAction,
        /// The kind of user.
        user: UserKind,
    },
    /// A row in the log of the engine, the proxy, the repository or the scheduler.
    Log(
        /// The content.
        Box<LogRow>,
    ),
    /// One request to the engine.
    Performance(
        /// The content.
        Box<Request>,
    ),
    /// An action of a task run that is reported.
    Task(
        /// The content.
        Box<TaskRow>,
    ),
    /// Up to five events, one per line, as a relay combines them in one datagram.
    Relay(
        /// The counts of all lines.
        Box<Tally>,
    ),
    /// A datagram that cannot be decoded.
    Undecoded {
        /// The reason, as a stable code: `empty`, `unknown_type` or `missing_field`.
        code: &'static str,
    },
}

/// The kind of user that an event names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UserKind {
    /// A user with a directory and an id.
    Person,
    /// One of Qlik's own accounts, `INTERNAL\sa_…`.
    ServiceAccount,
    /// `NONE\anonymous<guid>`, a new guid for each session.
    Anonymous,
    /// No user: the directory, the id or both are `(null)` or empty.
    Unnamed,
}

/// Counts of the contents of datagrams. Tallies can be added.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Events `Start session`.
    pub session_start: u64,
    /// Events `Stop session`.
    pub session_stop: u64,
    /// Session events with an unknown command.
    pub session_other: u64,
    /// Events `Open connection`.
    pub connection_open: u64,
    /// Events `Close connection`.
    pub connection_close: u64,
    /// Connection events with an unknown command.
    pub connection_other: u64,
    /// Those of the events above that name a service account, `INTERNAL\sa_…`.
    pub service_account: u64,
    /// Those of the events above that name an anonymous user, `NONE\anonymous<guid>`.
    pub anonymous: u64,
    /// Log events with the level `DEBUG`.
    pub log_debug: u64,
    /// Log events with the level `INFO`.
    pub log_info: u64,
    /// Log events with the level `WARN`.
    pub log_warn: u64,
    /// Log events with the level `ERROR`.
    pub log_error: u64,
    /// Log events with the level `FATAL`.
    pub log_fatal: u64,
    /// Performance events, and the cost of their requests.
    pub performance: Cost,
    /// Task events with the action `failed`: a run has failed for good.
    pub task_failed: u64,
    /// Task events with the action `aborting`: a run is being stopped.
    pub task_aborting: u64,
    /// Task events with the action `succeeded`.
    pub task_succeeded: u64,
    /// Task events with the action `distributed`: a worker has finished its part of a distribution. A run may be
    /// reported twice, by an old and a new appender.
    pub task_distributed: u64,
    /// Datagrams that cannot be decoded; they are not counted as events.
    pub undecoded: u64,
}

impl Datagram {
    /// The counts that this datagram adds to a receiver's.
    pub fn tally(&self) -> Tally {
        let mut tally = Tally::default();
        let user = match self {
            Self::Session { action, user } => {
                match action {
                    SessionAction::Start => tally.session_start = 1,
                    SessionAction::Stop => tally.session_stop = 1,
                    SessionAction::Other => tally.session_other = 1,
                }
                user
            }
            Self::Connection { action, user } => {
                match action {
                    ConnectionAction::Open => tally.connection_open = 1,
                    ConnectionAction::Close => tally.connection_close = 1,
                    ConnectionAction::Other => tally.connection_other = 1,
                }
                user
            }
            Self::Log(event) => {
                *tally.logs_of(event.level) = 1;
                return tally;
            }
            Self::Performance(request) => {
                tally.performance = Cost::from(&**request);
                return tally;
            }
            Self::Task(event) => {
                *tally.tasks_of(event.action) = 1;
                return tally;
            }
            Self::Relay(lines) => return **lines,
            Self::Undecoded { .. } => {
                tally.undecoded = 1;
                return tally;
            }
        };
        match user {
            UserKind::ServiceAccount => tally.service_account = 1,
            UserKind::Anonymous => tally.anonymous = 1,
            UserKind::Person | UserKind::Unnamed => {}
        }
        tally
    }

    /// The same datagram with another action. Datagrams that name no single user do not change.
    pub(super) fn with_action(self, action: Action) -> Self {
        match (self, action) {
            (
                Self::Session { user, .. } | Self::Connection { user, .. },
                Action::Session(action),
            ) => Self::Session { action, user },
            (
                Self::Session { user, .. } | Self::Connection { user, .. },
                Action::Connection(action),
            ) => Self::Connection { action, user },
            (other, _) => other,
        }
    }

    /// The same datagram with another kind of user. Datagrams that name no single user do not change.
    pub(super) fn with_user(self, user: UserKind) -> Self {
        match self {
            Self::Session { action, .. } => Self::Session { action, user },
            Self::Connection { action, .. } => Self::Connection { action, user },
            other => other,
        }
    }
}

impl Tally {
    /// Events of the session family.
    pub fn sessions(&self) -> u64 {
        self.session_start + self.session_stop + self.session_other
    }

    /// Events of the connection family.
    pub fn connections(&self) -> u64 {
        self.connection_open + self.connection_close + self.connection_other
    }

    /// The count of log events with a level.
    pub(super) const fn logs_of(&mut self, level: Level) -> &mut u64 {
        match level {
            Level::Debug => &mut self.log_debug,
            Level::Info => &mut self.log_info,
            Level::Warn => &mut self.log_warn,
            Level::Error => &mut self.log_error,
            Level::Fatal => &mut self.log_fatal,
        }
    }

    /// The count of task events with an action.
    pub(super) const fn tasks_of(&mut self, action: TaskAction) -> &mut u64 {
        match action {
            TaskAction::Failed => &mut self.task_failed,
            TaskAction::Aborting => &mut self.task_aborting,
            TaskAction::Succeeded => &mut self.task_succeeded,
            TaskAction::Distributed => &mut self.task_distributed,
        }
    }

    /// Log events of all levels.
    pub fn logs(&self) -> u64 {
        self.log_debug + self.log_info + self.log_warn + self.log_error + self.log_fatal
    }

    /// Task events of all actions.
    pub fn tasks(&self) -> u64 {
        self.task_failed + self.task_aborting + self.task_succeeded + self.task_distributed
    }

    /// All events, without datagrams that cannot be decoded.
    pub fn events(&self) -> u64 {
        self.sessions()
            + self.connections()
            + self.logs()
            + self.performance.requests
            + self.tasks()
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.session_start += other.session_start;
        self.session_stop += other.session_stop;
        self.session_other += other.session_other;
        self.connection_open += other.connection_open;
        self.connection_close += other.connection_close;
        self.connection_other += other.connection_other;
        self.service_account += other.service_account;
        self.anonymous += other.anonymous;
        self.log_debug += other.log_debug;
        self.log_info += other.log_info;
        self.log_warn += other.log_warn;
        self.log_error += other.log_error;
        self.log_fatal += other.log_fatal;
        self.performance += other.performance;
        self.task_failed += other.task_failed;
        self.task_aborting += other.task_aborting;
        self.task_succeeded += other.task_succeeded;
        self.task_distributed += other.task_distributed;
        self.undecoded += other.undecoded;
    }
}

impl Add for Tally {
    type Output = Self;

    fn add(mut self, other: Self) -> Self {
        self += other;
        self
    }
}

impl Sum for Tally {
    fn sum<I: Iterator<Item = Self>>(tallies: I) -> Self {
        tallies.fold(Self::default(), Add::add)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tallies_add_up() {
        let start = Datagram::Session {
            action: SessionAction::Start,
            user: UserKind::ServiceAccount,
        };
        let close = Datagram::Connection {
            action: ConnectionAction::Close,
            user: UserKind::Anonymous,
        };
        let other = Datagram::Connection {
            action: ConnectionAction::Other,
            user: UserKind::Unnamed,
        };
        let relay = Datagram::Relay(Box::new(start.tally() + close.tally()));
        let nothing = Datagram::Undecoded { code: "empty" };

        let total: Tally = [start, close, other, relay, nothing]
            .iter()
            .map(Datagram::tally)
            .sum();

        assert_eq!(total.session_start, 2);
        assert_eq!(total.connection_close, 2);
        assert_eq!(total.connection_other, 1);
        assert_eq!(total.service_account, 2);
        assert_eq!(total.anonymous, 2);
        assert_eq!(total.undecoded, 1);
        assert_eq!((total.sessions(), total.connections()), (2, 3));
        assert_eq!(total.events(), 5);
    }
}
