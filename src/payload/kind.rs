//! All kinds of events.

use super::{
    level::Service,
    task::TaskAction,
    user::{ConnectionAction, SessionAction},
};

/// The kind of an event: which fields it can have, and how it is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EventKind {
    /// Something happened to a session.
    Session(SessionAction),
    /// Something happened to a connection.
    Connection(ConnectionAction),
    /// A service wrote to its log. The service is the one whose appender sent it.
    Log(Service),
    /// The engine served a request.
    Performance,
    /// Something happened to a task.
    Task(TaskAction),
    /// A payload that could not be decoded.
    Undecoded,
    /// A session has ended.
    SessionSummary,
    /// A connection has ended.
    ConnectionSummary,
    /// A session is open.
    SessionSnapshot,
    /// A summary of requests to the engine.
    PerformanceSummary,
}

impl EventKind {
    /// Every kind, in the order of [`EventKind::index`].
    pub const ALL: &'static [Self] = &[
        Self::Session(SessionAction::Start),
        Self::Session(SessionAction::Stop),
        Self::Session(SessionAction::Other),
        Self::Connection(ConnectionAction::Open),
        Self::Connection(ConnectionAction::Close),
        Self::Connection(ConnectionAction::Other),
        Self::Log(Service::Engine),
        Self::Log(Service::Proxy),
        Self::Log(Service::Repository),
        Self::Log(Service::Scheduler),
        Self::Performance,
        Self::Task(TaskAction::Failed),
        Self::Task(TaskAction::Aborting),
        Self::Task(TaskAction::Succeeded),
        Self::Task(TaskAction::Distributed),
        Self::Undecoded,
        Self::SessionSummary,
        Self::ConnectionSummary,
        Self::SessionSnapshot,
        Self::PerformanceSummary,
    ];

    /// The index of this kind in [`EventKind::ALL`].
    #[must_use]
    #[inline]
    pub const fn index(self) -> usize {
        match self {
            Self::Session(action) => action as usize,
            Self::Connection(action) => 3 + action as usize,
            Self::Log(service) => 6 + service as usize,
            Self::Performance => 10,
            Self::Task(action) => 11 + action as usize,
            Self::Undecoded => 15,
            Self::SessionSummary => 16,
            Self::ConnectionSummary => 17,
            Self::SessionSnapshot => 18,
            Self::PerformanceSummary => 19,
        }
    }

    /// Whether events of this kind are derived from others, not from a datagram.
    #[must_use]
    pub const fn is_derived(self) -> bool {
        matches!(
            self,
            Self::SessionSummary
                | Self::ConnectionSummary
                | Self::SessionSnapshot
                | Self::PerformanceSummary
        )
    }

    /// The value of the output's `event` field, for example `session`.
    #[must_use]
    pub const fn event(self) -> &'static str {
        match self {
            Self::Session(_) => "session",
            Self::Connection(_) => "connection",
            Self::Log(_) => "log",
            Self::Performance => "performance",
            Self::Task(_) => "task",
            Self::Undecoded => "undecoded",
            Self::SessionSummary => "session_summary",
            Self::ConnectionSummary => "connection_summary",
            Self::SessionSnapshot => "session_snapshot",
            Self::PerformanceSummary => "performance_summary",
        }
    }

    /// The value of the output's `action` field, if it has one.
    #[must_use]
    pub const fn action(self) -> Option<&'static str> {
        match self {
            Self::Session(action) => Some(action.as_str()),
            Self::Connection(action) => Some(action.as_str()),
            Self::Task(action) => Some(action.as_str()),
            _ => None,
        }
    }

    /// The service whose appender sent it, for log events.
    #[must_use]
    pub const fn service(self) -> Option<Service> {
        match self {
            Self::Log(service) => Some(service),
            _ => None,
        }
    }

    /// Event and action in one word, such as `session_start`, or only the event if there is no action. A log event
    /// starts with its service: `engine_log`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Session(SessionAction::Start) => "session_start",
            Self::Session(SessionAction::Stop) => "session_stop",
            Self::Session(SessionAction::Other) => "session_other",
            Self::Connection(ConnectionAction::Open) => "connection_open",
            Self::Connection(ConnectionAction::Close) => "connection_close",
            Self::Connection(ConnectionAction::Other) => "connection_other",
            Self::Log(Service::Engine) => "engine_log",
            Self::Log(Service::Proxy) => "proxy_log",
            Self::Log(Service::Repository) => "repository_log",
            Self::Log(Service::Scheduler) => "scheduler_log",
            Self::Task(TaskAction::Failed) => "task_failed",
            Self::Task(TaskAction::Aborting) => "task_aborting",
            Self::Task(TaskAction::Succeeded) => "task_succeeded",
            Self::Task(TaskAction::Distributed) => "task_distributed",
            other => other.event(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_own_index() {
        for (place, kind) in EventKind::ALL.iter().enumerate() {
            assert_eq!(kind.index(), place, "{kind:?}");
        }
    }

    #[test]
    fn a_name_combines_event_and_action() {
        for kind in EventKind::ALL {
            let expected = match (kind.action(), kind.service()) {
                (Some(action), _) => format!("{}_{action}", kind.event()),
                (None, Some(service)) => format!("{service}_{}", kind.event()),
                (None, None) => kind.event().to_owned(),
            };
            assert_eq!(kind.name(), expected);
        }
    }
}
