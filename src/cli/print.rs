//! Output for people: results on standard output, errors on standard error.

use std::{
    fmt::Display,
    io::{self, Write},
};

use super::{FAILURE, SUCCESS};

/// Writes to standard output. The status of the program: a reader that has gone has seen enough.
pub fn print(text: impl AsRef<[u8]>) -> u8 {
    let mut stdout = io::stdout().lock();
    let written = stdout
        .write_all(text.as_ref())
        .and_then(|()| stdout.flush());
    written_or_said(written)
}

/// The status of the program after a write to standard output.
pub fn written_or_said(written: io::Result<()>) -> u8 {
    match written {
        Ok(()) => SUCCESS,
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => SUCCESS,
        Err(error) => {
            say(format_args!("cannot write to standard output: {error}"));
            FAILURE
        }
    }
}

/// Writes a line to standard error. A failed write cannot be reported anywhere else.
pub fn say(line: impl Display) {
    let _ = writeln!(anstream::stderr(), "{line}");
}
