//! Events that arrive together.

use nix::sys::{
    signal::Signal,
    wait::{WaitPidFlag, WaitStatus, waitpid},
};

use super::{process, signal};
use crate::support::{Running, payload};

/// Sharing a frame is what makes Vector's native codec fast.
#[test]
fn events_that_arrive_together_share_a_native_frame() {
    let mut program = Running::start(&["--codec", "native"]);
    signal(&program, Signal::SIGSTOP);
    let id = process(&program);
    let stopped = waitpid(id, Some(WaitPidFlag::WUNTRACED)).expect("stopped");
    assert_eq!(stopped, WaitStatus::Stopped(id, Signal::SIGSTOP));
    for number in 0..10 {
        program.send(payload::start(&number.to_string()));
    }
    signal(&program, Signal::SIGCONT);
    let frame = program.events().frame().expect("a frame");
    let users: Vec<_> = frame.iter().map(|event| event["user_id"].clone()).collect();
    let expected: Vec<String> = (0..10).map(|number: u8| number.to_string()).collect();
    assert_eq!(users, expected);
}
