//! The levels of log4net and the services of Qlik's loggers.

use std::fmt;

/// The level of a log row, with the names that Vector and Loki use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// `DEBUG` and all levels of log4net below it.
    Debug,
    /// `INFO`, `NOTICE`.
    Info,
    /// `WARN`.
    Warn,
    /// `ERROR`.
    Error,
    /// `FATAL` and all levels of log4net above `ERROR`.
    Fatal,
}

/// The display names of log4net's levels (`Level.cs`), and the long form of one that people write.
const LEVELS: [(&str, Level); 15] = [
    ("INFO", Level::Info),
    ("WARN", Level::Warn),
    ("ERROR", Level::Error),
    ("FATAL", Level::Fatal),
    ("DEBUG", Level::Debug),
    ("WARNING", Level::Warn),
    ("NOTICE", Level::Info),
    ("TRACE", Level::Debug),
    ("VERBOSE", Level::Debug),
    ("FINE", Level::Debug),
    ("FINEST", Level::Debug),
    ("SEVERE", Level::Fatal),
    ("CRITICAL", Level::Fatal),
    ("ALERT", Level::Fatal),
    ("EMERGENCY", Level::Fatal),
];

/// The log4net names, in the order of [`Level::ALL`].
const LEVELS_BY_NAME: [&str; 5] = ["DEBUG", "INFO", "WARN", "ERROR", "FATAL"];

impl Level {
    /// Every level, from the least to the most serious.
    pub const ALL: &'static [Self] = &[
        Self::Debug,
        Self::Info,
        Self::Warn,
        Self::Error,
        Self::Fatal,
    ];

    /// The level with this name, ignoring case and surrounding space.
    pub(super) fn read(text: &str) -> Option<Self> {
        let text = text.trim_ascii();
        let mut levels = LEVELS.iter();
        let found = levels.find(|(name, _)| name.eq_ignore_ascii_case(text))?;
        Some(found.1)
    }

    /// The log4net name, such as `WARN`.
    pub(crate) const fn log4net_name(self) -> &'static str {
        LEVELS_BY_NAME[self as usize]
    }

    /// The value of the output's `level` field: `debug`, `info`, `warn`, `error` or `fatal`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
            Self::Fatal => "fatal",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A service of Qlik Sense.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Service {
    /// The associative engine.
    Engine,
    /// The proxy.
    Proxy,
    /// The repository.
    Repository,
    /// The scheduler.
    Scheduler,
}

impl Service {
    /// Every service.
    pub const ALL: &'static [Self] =
        &[Self::Engine, Self::Proxy, Self::Repository, Self::Scheduler];

    /// The value of the output's `service` field: `engine`, `proxy`, `repository` or `scheduler`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Engine => "engine",
            Self::Proxy => "proxy",
            Self::Repository => "repository",
            Self::Scheduler => "scheduler",
        }
    }

    /// The service that a logger belongs to: the second part of its name, `Facility.Service.Type`.
    pub(super) fn of_logger(logger: &str) -> Option<Self> {
        let mut parts = logger.as_bytes().split(|byte| *byte == b'.');
        let name = parts.nth(1)?;
        let mut services = Self::ALL.iter().copied();
        services.find(|service| service.as_str().as_bytes().eq_ignore_ascii_case(name))
    }
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_read_in_any_case() {
        for level in Level::ALL {
            assert_eq!(Level::read(level.as_str()), Some(*level));
            assert_eq!(
                Level::read(&format!(" {} ", level.as_str().to_uppercase())),
                Some(*level)
            );
        }
        for text in ["", "(null)", "INFORMATION", "8"] {
            assert_eq!(Level::read(text), None, "{text}");
        }
    }

    #[test]
    fn a_logger_names_its_service_in_its_second_part() {
        let rows = [
            ("System.Engine.Engine", Some(Service::Engine)),
            ("QixPerformance.Engine.Engine", Some(Service::Engine)),
            (
                "System.Repository.Repository.Core.Db",
                Some(Service::Repository),
            ),
            (
                "AuditSecurity.Proxy.Proxy.SessionEstablishment",
                Some(Service::Proxy),
            ),
            (
                "Service.Scheduler.Scheduler.Slave.Tasks.ReloadTask",
                Some(Service::Scheduler),
            ),
            ("system.PROXY", Some(Service::Proxy)),
            ("Engine", None),
            ("System.Printing.Engine", None),
            ("", None),
        ];
        for (logger, service) in rows {
            assert_eq!(Service::of_logger(logger), service, "{logger}");
        }
    }
}
