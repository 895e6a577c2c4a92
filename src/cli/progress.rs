//! A line at the bottom of standard error that is written anew, where that is a terminal that can.

use std::{
    env,
    fmt::Display,
    io::{self, IsTerminal, Write},
};

use super::print::say;

const CLEAR: &str = "\r\x1b[2K";

/// What goes on, for people who wait. Nothing is shown anywhere else.
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

    /// Lets something else be written where the line stands.
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

    /// Says something in the place of the line.
    pub fn message(&mut self, text: impl Display) {
        if self.is_shown && !self.line.is_empty() {
            write(CLEAR);
        }
        self.line.clear();
        say(text);
    }

    /// Leaves the line as it is.
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

/// What cannot be shown is not missed.
fn write(text: impl Display) {
    let mut stderr = io::stderr().lock();
    let _ = write!(stderr, "{text}");
    let _ = stderr.flush();
}
