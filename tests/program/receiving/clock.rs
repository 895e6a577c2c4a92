//! The order of arrival times, and a clock that jumps, with libfaketime.

use std::{fs, path::Path};

use nix::sys::signal::Signal;

use super::{
    configured,
    linux::{go_on, halt},
};
use crate::{
    support::{CODECS, Codec, Running, payload, time},
    unix::stop,
};

const LIBRARIES: [&str; 3] = [
    "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1",
    "/usr/lib/aarch64-linux-gnu/faketime/libfaketimeMT.so.1",
    "/usr/lib64/faketime/libfaketimeMT.so.1",
];

/// Events have the time of the clock, whatever it is. Metrics and reloads keep their intervals, because a monotonic
/// clock measures those.
#[test]
#[ignore = "needs libfaketime"]
fn a_clock_that_jumps_back_stops_nothing() {
    let library = LIBRARIES.iter().find(|library| Path::new(library).exists());
    let library = library.expect("libfaketime is installed");
    let config = "[telemetry]\ninterval_secs = 1\n[transform.blacklist]\nfiles = [\"users.txt\"]\n";
    let (folder, mut command) = configured(config, Codec::NativeJson);
    let (users, clock) = (folder.path().join("users.txt"), folder.path().join("clock"));
    fs::write(&users, "").expect("a file");
    let set = |to: &str| {
        fs::write(folder.path().join("new"), to).expect("a file");
        fs::rename(folder.path().join("new"), &clock).expect("replaced");
    };
    set("@2030-05-01 12:00:00");
    command
        .env("LD_PRELOAD", library)
        .env("FAKETIME_TIMESTAMP_FILE", &clock)
        .envs([
            ("FAKETIME_NO_CACHE", "1"),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
            ("TZ", "UTC"),
        ]);
    let mut program = Running::of(command, Codec::NativeJson, 1);
    let year = |program: &mut Running| {
        let event = program.event_of(payload::OPEN);
        time(&event, Codec::NativeJson).format("%Y").to_string()
    };
    assert_eq!(year(&mut program), "2030");
    set("@2001-06-15 12:00:00");
    assert_eq!(year(&mut program), "2001");
    let told = program.events().metrics.len();
    fs::write(&users, "LAB\\maria\n").expect("a file");
    let diagnostic = program.diagnostics.one();
    assert_eq!(diagnostic["message"], "reloaded the blacklist: 1 entry");
    while program.events().metrics.len() == told {
        program.events().frame().expect("a frame");
    }
    set("@2035-06-15 12:00:00");
    assert_eq!(year(&mut program), "2035");
    let stopped = stop(program, Signal::SIGTERM);
    assert_eq!((stopped.status, stopped.count("datagrams")), (Some(0), 3));
}

/// This includes datagrams that are read from the socket together: sorting by time keeps their order.
#[test]
fn datagrams_of_a_sender_have_distinct_times() {
    const SENT: usize = 300;
    for codec in CODECS {
        let mut program = Running::start(&["--codec", codec.name()]);
        halt(&program);
        for number in 0..SENT {
            program.send(payload::start(&number.to_string()));
        }
        go_on(&program);
        let events = program.events().several(SENT);
        for (number, event) in events.iter().enumerate() {
            assert_eq!(event["user_id"], number.to_string());
        }
        let in_order = events.is_sorted_by(|a, b| time(a, codec) < time(b, codec));
        assert!(in_order, "{codec:?}");
    }
}
