//! The families of events that a site sends.

/// The families of events that a site sends. If none is chosen, it sends user events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Families {
    /// Session and connection events of the proxy.
    pub user: bool,
    /// Log events of the engine, proxy, repository and scheduler: warnings and errors.
    pub log: bool,
    /// QIX performance events of the engine: one for each request.
    pub performance: bool,
    /// Task events of the scheduler, and failed reloads of the engine.
    pub task: bool,
}

impl Families {
    /// Only user events; the default.
    pub const USER: Self = Self {
        user: true,
        log: false,
        performance: false,
        task: false,
    };

    /// Everything that Qlik Sense sends.
    pub const ALL: Self = Self {
        user: true,
        log: true,
        performance: true,
        task: true,
    };

    /// Whether it sends anything besides user events.
    pub(super) const fn beyond_user(self) -> bool {
        self.log || self.performance || self.task
    }

    /// Whether it sends user events.
    pub(super) const fn has_user(self) -> bool {
        self.user || !self.beyond_user()
    }
}

impl Default for Families {
    fn default() -> Self {
        Self::USER
    }
}
