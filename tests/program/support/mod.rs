//! Starts the program, sends to it, reads what it writes.

mod end;
pub mod native;
pub mod payload;
mod process;
#[cfg(feature = "qrs")]
#[allow(dead_code)]
#[path = "../../support/qrs.rs"]
pub mod qrs;
mod records;

#[cfg(unix)]
pub use self::end::ended;
#[cfg(windows)]
pub use self::end::press;
pub use self::{
    end::{Stopped, ask_to_end, end},
    process::{
        Finished, Process, Running, assert_refused, assert_refused_nodes, check_online, command,
        finish, finish_with_input, sender,
    },
    records::{CODECS, Codec, Records, record, time, unstamped},
};

use std::time::Duration;

/// A test that waits this long has failed; even a busy machine is far from it.
pub const DEADLINE: Duration = Duration::from_secs(60);
