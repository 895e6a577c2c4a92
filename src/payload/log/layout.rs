//! The fields after the header in the rows of a service's log, and their order.

use Property::{
    AppId, AppName, Command, Context, EngineSessionId, EngineTimestamp, EngineVersion, EntryType,
    Exception, ExecutionId, Message, Origin, ProcessId, Result, ServerStarted, SessionId, TaskId,
    TaskName, User, UserDirectory, UserId,
};

use crate::payload::{Family, Service};

/// A field after the header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Property {
    Message,
    Exception,
    SessionId,
    UserDirectory,
    UserId,
    /// Directory and id in one field.
    User,
    EngineTimestamp,
    ProcessId,
    EngineVersion,
    ServerStarted,
    EntryType,
    EngineSessionId,
    Command,
    Result,
    Origin,
    Context,
    TaskName,
    AppName,
    TaskId,
    AppId,
    ExecutionId,
}

/// The names of all fields, in the order of [`Property`].
const NAMES: [&str; Property::COUNT] = [
    "message",
    "exception",
    "session_id",
    "user_directory",
    "user_id",
    "user",
    "engine_timestamp",
    "process_id",
    "engine_version",
    "server_started",
    "entry_type",
    "engine_session_id",
    "command",
    "result",
    "origin",
    "context",
    "task_name",
    "app_name",
    "task_id",
    "app_id",
    "execution_id",
];

impl Property {
    pub(super) const COUNT: usize = Self::ALL.len();

    pub(super) const ALL: [Self; 21] = [
        Message,
        Exception,
        SessionId,
        UserDirectory,
        UserId,
        User,
        EngineTimestamp,
        ProcessId,
        EngineVersion,
        ServerStarted,
        EntryType,
        EngineSessionId,
        Command,
        Result,
        Origin,
        Context,
        TaskName,
        AppName,
        TaskId,
        AppId,
        ExecutionId,
    ];

    pub(super) const fn as_str(self) -> &'static str {
        NAMES[self as usize]
    }

    /// A list of only this field.
    pub(super) fn alone(self) -> &'static [&'static str] {
        &NAMES[self as usize..=self as usize]
    }
}

/// The rows that an appender sends.
#[derive(Debug)]
pub(super) struct Layout {
    /// The service that the appender belongs to.
    pub(super) service: Service,
    pub(super) family: Family,
    /// The fields after the header: message, exception if the row has one, and the tail.
    pub(super) fields: &'static [Property],
}

pub(super) const ENGINE: Layout = Layout {
    service: Service::Engine,
    family: Family::Engine,
    fields: &[
        Message,
        SessionId,
        UserDirectory,
        UserId,
        EngineTimestamp,
        ProcessId,
        EngineVersion,
        ServerStarted,
        EntryType,
        EngineSessionId,
        AppId,
    ],
};

pub(super) const PROXY: Layout = Layout {
    service: Service::Proxy,
    family: Family::Proxy,
    fields: WEB,
};

pub(super) const REPOSITORY: Layout = Layout {
    service: Service::Repository,
    family: Family::Repository,
    fields: WEB,
};

const WEB: &[Property] = &[
    Message,
    Exception,
    UserDirectory,
    UserId,
    Command,
    Result,
    Origin,
    Context,
];

pub(super) const SCHEDULER: Layout = Layout {
    service: Service::Scheduler,
    family: Family::Scheduler,
    fields: &[
        Message,
        Exception,
        UserDirectory,
        UserId,
        User,
        TaskName,
        AppName,
        TaskId,
        AppId,
        ExecutionId,
    ],
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_has_its_own_index() {
        for (place, name) in Property::ALL.into_iter().enumerate() {
            assert_eq!(name as usize, place, "{name:?}");
            let words = format!("{name:?}").to_lowercase();
            assert_eq!(name.as_str().replace('_', ""), words);
            assert_eq!(name.alone(), [name.as_str()]);
        }
    }
}
