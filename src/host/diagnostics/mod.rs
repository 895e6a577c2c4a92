//! Messages about the program itself, wherever a host sends them.

pub mod backlog;
pub mod health;
pub mod terminal;

use std::{fmt, net::SocketAddr};

use chrono::{DateTime, Utc};

use self::terminal::escaped;
use crate::{
    host::{
        metrics::{EngineCounts, Totals},
        runtime::listener::Listener,
    },
    pipeline::Counters,
    schema::{Detail, Details, PluginEvent, Timestamp},
};

/// The severity of a diagnostic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// Something that an administrator may want to know.
    Info,
    /// A problem that does not stop the flow of events.
    Warn,
    /// Something was refused or has ended.
    Error,
}

impl Level {
    /// The value of the field `level`: `info`, `warn` or `error`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }
}

/// A number of things: `1 event`, `2 events`.
#[must_use]
pub fn counted(number: u64, one: &str, several: &str) -> String {
    let name = if number == 1 { one } else { several };
    format!("{number} {name}")
}

/// Where diagnostics go.
pub trait Report {
    /// Writes a diagnostic. If that fails, there is nowhere to report it.
    fn write(&mut self, diagnostic: &Diagnostic<'_>);

    /// Reports a message.
    fn report(&mut self, level: Level, message: &str) {
        self.write(&Diagnostic::new(level, message));
    }

    /// Reports a message with the counts of a pipeline.
    fn report_counters(&mut self, message: &str, counters: &Counters) {
        self.write(&Diagnostic {
            counters: Some(counters),
            ..Diagnostic::new(Level::Info, message)
        });
    }

    /// Reports a message with the counts of an address.
    fn report_totals(&mut self, message: &str, address: SocketAddr, totals: &Totals) {
        self.write(&Diagnostic::of_totals(message, address, totals));
    }

    /// Reports that the program listens on an address, with the size of the receive buffer.
    fn listening(&mut self, listener: &Listener, wanted_bytes: usize) {
        let workers = listener.workers.iter();
        let granted = workers.filter_map(|w| w.receive_buffer_bytes()).min();
        self.write(&Diagnostic {
            address: Some(listener.address.to_string()),
            receive_buffer_bytes: granted,
            ..Diagnostic::new(Level::Info, "listening")
        });
        if granted.is_some_and(|granted| granted < wanted_bytes) {
            self.write(&Diagnostic {
                address: Some(listener.address.to_string()),
                receive_buffer_bytes: granted,
                ..Diagnostic::new(Level::Warn, SMALL_BUFFER)
            });
        }
        let dropped = listener.workers.iter().map(|w| w.dropped_before());
        let dropped = dropped.sum();
        if dropped > 0 {
            self.write(&Diagnostic {
                address: Some(listener.address.to_string()),
                kernel_dropped: Some(dropped),
                ..Diagnostic::new(Level::Warn, DROPPED_BEFORE)
            });
        }
    }
}

impl<R: Report> Report for &mut R {
    fn write(&mut self, diagnostic: &Diagnostic<'_>) {
        (**self).write(diagnostic);
    }
}

/// A message about the program.
#[derive(Debug)]
pub struct Diagnostic<'a> {
    level: Level,
    message: &'a str,
    address: Option<String>,
    receive_buffer_bytes: Option<usize>,
    kernel_dropped: Option<u64>,
    counters: Option<&'a Counters>,
    totals: Option<&'a Totals>,
    engine: Option<&'a EngineCounts>,
}

impl<'a> Diagnostic<'a> {
    /// A diagnostic that is only a message.
    #[must_use]
    pub const fn new(level: Level, message: &'a str) -> Self {
        Self {
            level,
            message,
            address: None,
            receive_buffer_bytes: None,
            kernel_dropped: None,
            counters: None,
            totals: None,
            engine: None,
        }
    }

    /// A message with the counts of an address.
    #[must_use]
    pub fn of_totals(message: &'a str, address: SocketAddr, totals: &'a Totals) -> Self {
        Self {
            address: Some(address.to_string()),
            totals: Some(totals),
            ..Self::new(Level::Info, message)
        }
    }

    /// A message with the health of an engine, if that answers.
    #[must_use]
    pub fn of_engine(engine: &'a EngineCounts) -> Self {
        let message = match engine.health {
            Some(_) => "engine health",
            None => "no engine health",
        };
        Self {
            engine: Some(engine),
            ..Self::new(Level::Info, message)
        }
    }

    /// Its severity.
    #[must_use]
    pub const fn level(&self) -> Level {
        self.level
    }

    /// The diagnostic as a line for people: the message, followed by its details as ` name=value`. It contains no
    /// terminal control characters.
    ///
    /// # Errors
    ///
    /// The error of `out`.
    pub fn line(&self, out: &mut impl fmt::Write) -> fmt::Result {
        out.write_str(&escaped(self.message))?;
        for (name, detail) in self.details().iter() {
            match detail {
                Detail::Text(text) => write!(out, " {name}={}", escaped(text))?,
                other => {
                    let json = serde_json::to_string(other).map_err(|_| fmt::Error)?;
                    write!(out, " {name}={json}")?;
                }
            }
        }
        Ok(())
    }

    /// The diagnostic as an event, for a layout.
    #[must_use]
    pub fn event(&self) -> PluginEvent {
        PluginEvent {
            timestamp: Timestamp(now()),
            level: self.level.as_str(),
            message: self.message.to_owned(),
            details: self.details(),
        }
    }

    /// The details other than level and message.
    fn details(&self) -> Details {
        let mut details = Details::default();
        details.add_any("address", self.address.clone());
        details.add_any("receive_buffer_bytes", self.receive_buffer_bytes);
        details.add_any("kernel_dropped", self.kernel_dropped);
        details.extend(self.counters.map(Details::from));
        details.extend(self.totals.map(Details::from));
        details.extend(self.engine.map(Details::from));
        details
    }
}

fn now() -> DateTime<Utc> {
    std::time::SystemTime::now().into()
}

const SMALL_BUFFER: &str = "the system granted a smaller receive buffer than requested, so bursts may be lost; on \
Linux raise net.core.rmem_max, or lower source.receive_buffer_bytes";

const DROPPED_BEFORE: &str = "the system dropped datagrams at this socket before this program took it over; they are \
not counted in this run";
