//! Diagnostics to standard error.
//!
//! On a terminal these are plain lines. Otherwise they are events in the codec and schema of the output, because
//! Vector's `exec` source reads standard error with the same codec (`include_stderr`). If events go to a socket, Vector
//! does not read standard error, so they are JSON, which suits a journal.

use std::{
    io::{self, IsTerminal, Write},
    sync::{Arc, Condvar, Mutex},
    thread,
    time::{Duration, SystemTime},
};

use anstream::AutoStream;
use anstyle::{AnsiColor, Style};
use chrono::{DateTime, SecondsFormat, Utc};

use crate::{
    config::OutputConfig,
    encoding::{Codec, Encoder},
    host::{
        diagnostics::{Diagnostic, Level, Report, backlog::Backlog},
        runtime::threads::{lock, wait},
    },
    schema::Layout,
};

/// Writes diagnostics to standard error.
#[derive(Debug, Clone)]
pub struct Diagnostics {
    form: Form,
    /// The queue of the thread that writes them; `None` if they are written at once.
    waiting: Option<Arc<Waiting>>,
}

/// How diagnostics are written.
#[derive(Debug, Clone)]
struct Form {
    layout: Layout,
    /// `None` on a terminal.
    codec: Option<Codec>,
}

impl Diagnostics {
    /// Plain lines if standard error is a terminal. Otherwise events in the output's codec and schema, with its tags;
    /// JSON if the output is a socket.
    #[must_use]
    pub fn new(output: &OutputConfig) -> Self {
        let codec = output.unix_stream().map_or(output.codec, |_| Codec::Json);
        Self {
            form: Form {
                layout: Layout::new(output.schema, output.tags.clone()),
                codec: (!io::stderr().is_terminal()).then_some(codec),
            },
            waiting: None,
        }
    }

    /// The same, but written by a separate thread, so that nothing else blocks if nobody reads standard error.
    ///
    /// # Errors
    ///
    /// When the system cannot start a thread.
    pub fn aside(self) -> io::Result<Self> {
        let waiting = Arc::<Waiting>::default();
        let (form, shared) = (self.form.clone(), Arc::clone(&waiting));
        thread::Builder::new()
            .name("diagnostics".into())
            .spawn(move || shared.write(&form))?;
        Ok(Self {
            waiting: Some(waiting),
            ..self
        })
    }

    /// Waits until everything is written, but no longer than `patience`.
    pub fn flush(&self, patience: Duration) {
        if let Some(waiting) = &self.waiting {
            let has_more = |state: &mut State| state.is_writing || !state.backlog.is_empty();
            let state = lock(&waiting.state);
            let _ = waiting
                .written
                .wait_timeout_while(state, patience, has_more);
        }
    }
}

impl Report for Diagnostics {
    fn write(&mut self, diagnostic: &Diagnostic<'_>) {
        let Some(bytes) = self.form.bytes(diagnostic) else {
            return;
        };
        match &self.waiting {
            None => self.form.write(&bytes),
            Some(waiting) => {
                lock(&waiting.state).backlog.push(bytes);
                waiting.news.notify_one();
            }
        }
    }
}

/// Diagnostics for the thread that writes them.
#[derive(Debug, Default)]
struct Waiting {
    state: Mutex<State>,
    news: Condvar,
    written: Condvar,
}

#[derive(Debug, Default)]
struct State {
    backlog: Backlog<Vec<u8>>,
    is_writing: bool,
}

impl Waiting {
    /// Writes diagnostics as they arrive, until the process ends.
    fn write(&self, form: &Form) {
        let mut state = lock(&self.state);
        loop {
            while state.backlog.is_empty() {
                state.is_writing = false;
                self.written.notify_all();
                state = wait(&self.news, state);
            }
            state.is_writing = true;
            let (left_out, lines) = state.backlog.take();
            drop(state);
            let left_out =
                left_out.and_then(|message| form.bytes(&Diagnostic::new(Level::Warn, &message)));
            for bytes in left_out.into_iter().chain(lines) {
                form.write(&bytes);
            }
            state = lock(&self.state);
        }
    }
}

impl Form {
    /// The bytes of a diagnostic; `None` if it cannot be written.
    fn bytes(&self, diagnostic: &Diagnostic<'_>) -> Option<Vec<u8>> {
        let Some(codec) = self.codec else {
            return plain(diagnostic).ok();
        };
        let mut encoder = Encoder::new(codec, &self.layout);
        encoder.push(&diagnostic.event()).ok()?;
        Some(encoder.frame().to_vec())
    }

    /// A failed write cannot be reported anywhere else.
    fn write(&self, bytes: &[u8]) {
        let mut stderr = io::stderr().lock();
        let _ = match self.codec {
            None => AutoStream::auto(stderr).write_all(bytes),
            Some(_) => stderr.write_all(bytes),
        };
    }
}

fn plain(diagnostic: &Diagnostic<'_>) -> io::Result<Vec<u8>> {
    let now: DateTime<Utc> = SystemTime::now().into();
    let time = now.to_rfc3339_opts(SecondsFormat::Millis, true);
    let (level, style) = (diagnostic.level(), style(diagnostic.level()));
    let mut line = String::new();
    diagnostic.line(&mut line).map_err(io::Error::other)?;
    let mut out = Vec::new();
    writeln!(out, "{time} {style}{}{style:#} {line}", level.as_str())?;
    Ok(out)
}

const fn style(level: Level) -> Style {
    let color = match level {
        Level::Info => AnsiColor::Green,
        Level::Warn => AnsiColor::Yellow,
        Level::Error => AnsiColor::Red,
    };
    color.on_default().bold()
}
