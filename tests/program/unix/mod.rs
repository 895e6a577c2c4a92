//! Tests that need the signals, pipes and process ids of Unix.

mod frames;
#[cfg(target_os = "linux")]
mod hanging;
mod hangup;
#[cfg(target_os = "linux")]
mod memory;
#[cfg(target_os = "linux")]
mod output;
#[cfg(all(target_os = "linux", feature = "top"))]
mod pictures;
mod read_once;
#[cfg(feature = "qrs")]
mod secrets;
pub mod stop;
#[cfg(target_os = "linux")]
pub mod terminal;
#[cfg(all(target_os = "linux", feature = "top"))]
mod top;
#[cfg(all(target_os = "linux", feature = "top"))]
mod top_in_background;

use std::io::{self, Write};

use nix::{
    fcntl::{FcntlArg, OFlag, fcntl},
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use crate::support::{Running, Stopped, ended};

pub fn process(program: &Running) -> Pid {
    Pid::from_raw(i32::try_from(program.id()).expect("a process id"))
}

pub fn signal(program: &Running, signal: Signal) {
    kill(process(program), signal).expect("signalled");
}

/// A pipe without any room: writing to it blocks.
pub fn full_pipe() -> (io::PipeReader, io::PipeWriter) {
    let (reader, mut writer) = io::pipe().expect("a pipe");
    // It is as large as the program would make it, so the program cannot make room.
    #[cfg(target_os = "linux")]
    let _ = fcntl(&writer, FcntlArg::F_SETPIPE_SZ(1 << 20));
    fcntl(&writer, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).expect("set");
    for size in [1 << 12, 1] {
        while writer.write(&vec![0; size]).is_ok() {}
    }
    fcntl(&writer, FcntlArg::F_SETFL(OFlag::empty())).expect("set");
    (reader, writer)
}

/// Ends the program with a signal, and then reads the rest.
pub fn stop(program: Running, with: Signal) -> Stopped {
    signal(&program, with);
    ended(program)
}
