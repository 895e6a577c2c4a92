//! What the program says about itself, on standard error.
//!
//! On a terminal these are plain lines. Otherwise they are log events in the codec of the output,
//! because Vector's `exec` source reads standard error with the same codec (`include_stderr`).

use std::{
    io::{self, IsTerminal, Write},
    net::SocketAddr,
};

use anstream::AutoStream;
use anstyle::{AnsiColor, Style};
use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Serialize, Serializer};

use super::{Listener, Totals};
use crate::{
    encoding::{Codec, Encoder},
    host::terminal::escaped,
    pipeline::Counters,
    schema::{Fields, SOURCE_TYPE, Timestamp, Visitor, serialize},
    source::receive_buffer_bytes,
};

/// How much a diagnostic matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// Something that an administrator may want to know.
    Info,
    /// Something that should not be, while events still flow.
    Warning,
    /// Something that was refused or has ended.
    Error,
}

impl Level {
    /// The value of the field `level`: `info`, `warning` or `error`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }

    const fn style(self) -> Style {
        let color = match self {
            Self::Info => AnsiColor::Green,
            Self::Warning => AnsiColor::Yellow,
            Self::Error => AnsiColor::Red,
        };
        color.on_default().bold()
    }
}

/// Writes diagnostics to standard error.
#[derive(Debug)]
pub struct Diagnostics {
    /// None on a terminal.
    encoder: Option<Encoder>,
}

impl Diagnostics {
    /// Plain lines where standard error is a terminal, otherwise log events in `codec`.
    #[must_use]
    pub fn new(codec: Codec) -> Self {
        let encoder = (!io::stderr().is_terminal()).then(|| Encoder::new(codec));
        Self { encoder }
    }

    /// Reports a message.
    pub fn report(&mut self, level: Level, message: &str) {
        self.write(&Diagnostic::new(level, message));
    }

    /// Reports a message with what a pipeline has counted.
    pub fn report_counters(&mut self, message: &str, counters: &Counters) {
        self.write(&Diagnostic {
            counters: Some(counters),
            ..Diagnostic::new(Level::Info, message)
        });
    }

    /// Reports a message with what was counted at an address.
    pub fn report_totals(&mut self, message: &str, address: SocketAddr, totals: &Totals) {
        self.write(&Diagnostic {
            address: Some(address.to_string()),
            totals: Some(totals),
            ..Diagnostic::new(Level::Info, message)
        });
    }

    /// Reports that an address is listened on, and how large the system made the receive buffer.
    pub fn listening(&mut self, listener: &Listener, wanted_bytes: usize) {
        let granted = listener
            .workers
            .iter()
            .filter_map(|worker| receive_buffer_bytes(&worker.socket).ok())
            .min();
        self.write(&Diagnostic {
            address: Some(listener.address.to_string()),
            receive_buffer_bytes: granted,
            ..Diagnostic::new(Level::Info, "listening")
        });
        if granted.is_some_and(|granted| granted < wanted_bytes) {
            self.write(&Diagnostic {
                address: Some(listener.address.to_string()),
                receive_buffer_bytes: granted,
                ..Diagnostic::new(Level::Warning, SMALL_BUFFER)
            });
        }
    }

    /// A diagnostic that cannot be written has nowhere else to go.
    fn write(&mut self, diagnostic: &Diagnostic<'_>) {
        let mut stderr = io::stderr().lock();
        let _ = match &mut self.encoder {
            None => write_plain(&mut AutoStream::auto(stderr), diagnostic),
            Some(encoder) => {
                encoder.clear();
                match encoder.push(diagnostic) {
                    Ok(()) => stderr.write_all(encoder.frame()),
                    Err(_) => Ok(()),
                }
            }
        };
    }
}

fn now() -> DateTime<Utc> {
    std::time::SystemTime::now().into()
}

const SMALL_BUFFER: &str = "the system granted a smaller receive buffer than was asked for; bursts may be \
     lost. On Linux raise net.core.rmem_max, or ask for less with source.receive_buffer_bytes";

/// A log event about the program: `event: "plugin"`.
struct Diagnostic<'a> {
    level: Level,
    message: &'a str,
    address: Option<String>,
    receive_buffer_bytes: Option<usize>,
    counters: Option<&'a Counters>,
    totals: Option<&'a Totals>,
}

impl<'a> Diagnostic<'a> {
    const fn new(level: Level, message: &'a str) -> Self {
        Self {
            level,
            message,
            address: None,
            receive_buffer_bytes: None,
            counters: None,
            totals: None,
        }
    }

    /// What goes beyond level and message.
    fn visit_details<V: Visitor>(&self, visitor: &mut V) -> Result<(), V::Error> {
        visitor.field("address", self.address.as_deref())?;
        visitor.field("receive_buffer_bytes", self.receive_buffer_bytes.as_ref())?;
        if let Some(counters) = self.counters {
            counters.visit(visitor)?;
        }
        match self.totals {
            Some(totals) => totals.visit(visitor),
            None => Ok(()),
        }
    }
}

impl Fields for Diagnostic<'_> {
    fn visit<V: Visitor>(&self, visitor: &mut V) -> Result<(), V::Error> {
        visitor.field("timestamp", Some(&Timestamp(now())))?;
        visitor.field("source_type", Some(SOURCE_TYPE))?;
        visitor.field("event", Some("plugin"))?;
        visitor.field("level", Some(self.level.as_str()))?;
        visitor.field("message", Some(self.message))?;
        self.visit_details(visitor)
    }
}

impl Serialize for Diagnostic<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serialize(self, serializer)
    }
}

fn write_plain(out: &mut impl Write, diagnostic: &Diagnostic<'_>) -> io::Result<()> {
    let time = now().to_rfc3339_opts(SecondsFormat::Millis, true);
    let (level, style) = (diagnostic.level.as_str(), diagnostic.level.style());
    let message = escaped(diagnostic.message);
    write!(out, "{time} {style}{level}{style:#} {message}")?;
    diagnostic.visit_details(&mut Plain(out))?;
    writeln!(out)
}

/// Writes fields as ` name=value`.
struct Plain<'a, W>(&'a mut W);

impl<W: Write> Visitor for Plain<'_, W> {
    type Error = io::Error;

    fn field<T: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        value: Option<&T>,
    ) -> Result<(), Self::Error> {
        let Some(value) = value else {
            return Ok(());
        };
        match serde_json::to_value(value)? {
            serde_json::Value::String(text) => write!(self.0, " {name}={}", escaped(&text)),
            other => write!(self.0, " {name}={other}"),
        }
    }
}
