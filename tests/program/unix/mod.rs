//! What needs signals, pipes and process ids as Unix has them.

mod frames;
#[cfg(target_os = "linux")]
mod hanging;
mod hangup;
#[cfg(target_os = "linux")]
mod memory;
#[cfg(target_os = "linux")]
mod output;
mod parent;
#[cfg(all(target_os = "linux", feature = "top"))]
mod pictures;
mod read_once;
mod reader;
#[cfg(feature = "qrs")]
mod secrets;
mod state_file;
mod stop;
#[cfg(target_os = "linux")]
mod terminal;
#[cfg(all(target_os = "linux", feature = "top"))]
mod top;

use std::io::{self, Write};

use nix::{
    fcntl::{FcntlArg, OFlag, fcntl},
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::Value;

use crate::support::Running;

pub fn process(program: &Running) -> Pid {
    Pid::from_raw(i32::try_from(program.id()).expect("a process id"))
}

pub fn signal(program: &Running, signal: Signal) {
    kill(process(program), signal).expect("signalled");
}

/// A pipe with room for nothing more: who writes into it waits.
fn full_pipe() -> (io::PipeReader, io::PipeWriter) {
    let (reader, mut writer) = io::pipe().expect("a pipe");
    // As large as the program would make it, so that it cannot make room.
    #[cfg(target_os = "linux")]
    let _ = fcntl(&writer, FcntlArg::F_SETPIPE_SZ(1 << 20));
    fcntl(&writer, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).expect("set");
    for size in [1 << 12, 1] {
        while writer.write(&vec![0; size]).is_ok() {}
    }
    fcntl(&writer, FcntlArg::F_SETFL(OFlag::empty())).expect("set");
    (reader, writer)
}

/// What a program leaves when it is asked to end.
pub struct Stopped {
    pub status: Option<i32>,
    pub events: Vec<Value>,
    pub metrics: Vec<Value>,
    pub diagnostics: Vec<Value>,
}

impl Stopped {
    /// A number of the last diagnostic.
    pub fn count(&self, name: &str) -> u64 {
        let last = self.diagnostics.last().expect("a diagnostic");
        assert_eq!(last["message"], "stopped");
        last[name].as_u64().expect("a number")
    }
}

/// Asks the program to end, then reads what is left.
pub fn stop(program: Running, with: Signal) -> Stopped {
    signal(&program, with);
    ended(program)
}

/// Reads what a program leaves that was asked to end.
pub fn ended(mut program: Running) -> Stopped {
    let events = program.events().by_ref().collect();
    let metrics = std::mem::take(&mut program.events().metrics);
    let (status, diagnostics) = program.wait();
    Stopped {
        status: status.code(),
        events,
        metrics,
        diagnostics,
    }
}
