//! What a task event says of a run.

/// What a task event says of a run of a task. Its type token says so.
///
/// Nothing tells of attempts before the last one, of how an abort ended, or of tasks that were skipped, were reset or
/// waited too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TaskAction {
    /// It has failed for good, after its last attempt; or it could not be begun, which may be told several times for one
    /// run, and be followed by another attempt.
    Failed,
    /// It is being stopped. How it ends is told by another event, or by none.
    Aborting,
    /// It has succeeded.
    Succeeded,
    /// A worker has left its handler of a distribution of apps, whatever came of it. That is no outcome.
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
