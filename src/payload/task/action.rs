//! What a task event reports about a run.

/// What a task event reports about a run of a task, according to its type token.
///
/// No event reports attempts before the last one, the result of an abort, or tasks that were skipped, reset or waited
/// too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TaskAction {
    /// It has failed for good, after its last attempt; or it could not be started, which may be reported several times
    /// for one run, and another attempt may follow.
    Failed,
    /// It is being stopped. Another event may report how it ended, or none may.
    Aborting,
    /// It has succeeded.
    Succeeded,
    /// A worker has left its handler for distributing apps, whatever the result. This is not an outcome.
    Distributed,
}

impl TaskAction {
    /// Every action, in the order of declaration.
    pub const ALL: &'static [Self] = &[
        Self::Failed,
        Self::Aborting,
        Self::Succeeded,
        Self::Distributed,
    ];

    /// The value of the output's `action` field: `failed`, `aborting`, `succeeded` or `distributed`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Aborting => "aborting",
            Self::Succeeded => "succeeded",
            Self::Distributed => "distributed",
        }
    }
}
