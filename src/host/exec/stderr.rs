//! Diagnostics to standard error.
//!
//! On a terminal these are plain lines. Otherwise they are events in the codec and schema of the
//! output, because Vector's `exec` source reads standard error with the same codec (`include_stderr`).

use std::{
    io::{self, IsTerminal, Write},
    time::SystemTime,
};

use anstream::AutoStream;
use anstyle::{AnsiColor, Style};
use chrono::{DateTime, SecondsFormat, Utc};

use crate::{
    config::OutputConfig,
    encoding::Encoder,
    host::diagnostics::{Diagnostic, Level, Report},
    schema::Layout,
};

/// Writes diagnostics to standard error.
#[derive(Debug)]
pub struct Diagnostics {
    layout: Layout,
    /// None on a terminal.
    encoder: Option<Encoder>,
}

impl Diagnostics {
    /// Plain lines where standard error is a terminal, otherwise events in the codec and schema, and
    /// with the tags, of the output.
    #[must_use]
    pub fn new(output: &OutputConfig) -> Self {
        let encoder = (!io::stderr().is_terminal()).then(|| Encoder::new(output.codec));
        let layout = Layout::new(output.schema, output.tags.clone());
        Self { layout, encoder }
    }
}

impl Report for Diagnostics {
    fn write(&mut self, diagnostic: &Diagnostic<'_>) {
        let mut stderr = io::stderr().lock();
        let _ = match &mut self.encoder {
            None => write_plain(&mut AutoStream::auto(stderr), diagnostic),
            Some(encoder) => {
                encoder.clear();
                match encoder.push(&self.layout.plugin(&diagnostic.event())) {
                    Ok(()) => stderr.write_all(encoder.frame()),
                    Err(_) => Ok(()),
                }
            }
        };
    }
}

fn write_plain(out: &mut impl Write, diagnostic: &Diagnostic<'_>) -> io::Result<()> {
    let now: DateTime<Utc> = SystemTime::now().into();
    let time = now.to_rfc3339_opts(SecondsFormat::Millis, true);
    let (level, style) = (diagnostic.level(), style(diagnostic.level()));
    let mut line = String::new();
    diagnostic.line(&mut line).map_err(io::Error::other)?;
    writeln!(out, "{time} {style}{}{style:#} {line}", level.as_str())
}

const fn style(level: Level) -> Style {
    let color = match level {
        Level::Info => AnsiColor::Green,
        Level::Warn => AnsiColor::Yellow,
        Level::Error => AnsiColor::Red,
    };
    color.on_default().bold()
}
