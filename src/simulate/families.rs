//! What a site sends.

/// The kinds of events that a site sends. Without any, it sends user events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Families {
    /// Session and connection events of the proxy.
    pub user: bool,
    /// Log events of engine, proxy, repository and scheduler: warnings, errors and what is worse.
    pub log: bool,
    /// QIX performance events of the engine: one for each request.
    pub performance: bool,
    /// Task events of the scheduler, and failed reloads of the engine.
    pub task: bool,
}

impl Families {
    /// User events and nothing else; the default.
    pub const USER: Self = Self {
        user: true,
        log: false,
        performance: false,
        task: false,
    };

    /// All that Qlik Sense sends.
    pub const ALL: Self = Self {
        user: true,
        log: true,
        performance: true,
        task: true,
    };

    /// Whether anything but user events is sent.
    pub(super) const fn beyond_user(self) -> bool {
        self.log || self.performance || self.task
    }

    /// Whether user events are sent.
    pub(super) const fn has_user(self) -> bool {
        self.user || !self.beyond_user()
    }
}

impl Default for Families {
    fn default() -> Self {
        Self::USER
    }
}
