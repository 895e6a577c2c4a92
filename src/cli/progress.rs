//! A progress line at the bottom of standard error, rewritten in place if that is a capable terminal.

use std::{
    env,
    fmt::Display,
    io::{self, IsTerminal, Write},
};

use super::print::say;

const CLEAR: &str = "\r\x1b[2K";

/// The progress, for people who wait. Shown only on a terminal.
pub struct Progress {
    is_shown: bool,
    line: String,
}

impl Progress {
    pub fn new() -> Self {
        let is_shown = io::stderr().is_terminal() && knows_escapes();
        if is_shown {
            // A console of Windows obeys them once it is told to.
            let _ = anstream::AutoStream::always_ansi(io::stderr());
        }
        Self {
            is_shown,
            line: String::new(),
        }
    }

    /// Shows another line.
    pub fn show(&mut self, line: String) {
        self.line = line;
        if self.is_shown {
            write(format_args!("{CLEAR}{}", self.line));
        }
    }

    /// Lets something else be written in place of the line.
    pub fn around<T>(&self, other: impl FnOnce() -> T) -> T {
        let is_there = self.is_shown && !self.line.is_empty();
        if is_there {
            write(CLEAR);
        }
        let result = other();
        if is_there {
            write(&self.line);
        }
        result
    }

    /// Writes a message in place of the line.
    pub fn message(&mut self, text: impl Display) {
        if self.is_shown && !self.line.is_empty() {
            write(CLEAR);
        }
        self.line.clear();
        say(text);
    }

    /// Finishes the line.
    pub fn end(self) {
        if self.is_shown && !self.line.is_empty() {
            write("\n");
        }
    }
}

/// Whether the terminal obeys escape sequences, by the convention of `TERM`.
pub fn knows_escapes() -> bool {
    env::var_os("TERM").is_none_or(|term| term != "dumb")
}

/// A failed write does not matter.
fn write(text: impl Display) {
    let mut stderr = io::stderr().lock();
    let _ = write!(stderr, "{text}");
    let _ = stderr.flush();
}
