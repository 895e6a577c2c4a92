//! An address that disappears and comes back, in a network namespace.

use std::{
    io::Write,
    process::{Command, Stdio},
};

use crate::support::{Codec, Running};

const ADDRESS: &str = "192.0.2.77";

/// A shell in a new network namespace, if the system allows it.
fn shell() -> Option<Command> {
    [&["--net"][..], &["--user", "--map-root-user", "--net"]]
        .into_iter()
        .find_map(|flags| {
            let mut command = Command::new("unshare");
            command.args(flags);
            let probe = command
                .args([
                    "sh",
                    "-c",
                    "ip link set lo up && ip addr add 192.0.2.77/32 dev lo",
                ])
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status();
            probe.is_ok_and(|status| status.success()).then(|| {
                let mut command = Command::new("unshare");
                command.args(flags);
                command
            })
        })
}

#[test]
#[ignore = "needs a network namespace and iproute2"]
fn an_address_may_vanish_and_return() {
    let mut shell = shell().expect("a network namespace, and iproute2");
    let program = env!("CARGO_BIN_EXE_qlik-sense-events");
    let (commands, mut input) = std::io::pipe().expect("a pipe");
    shell.args(["sh", "-s"]).stdin(commands);
    let mut tell = |line: &str| writeln!(input, "{line}").expect("told");
    tell("ip link set lo up");
    tell(&format!("ip addr add {ADDRESS}/32 dev lo"));
    tell(&format!(
        "{program} run --address {ADDRESS}:9997 </dev/null & program=$!"
    ));
    let mut running = Running::of_elsewhere(shell, Codec::Json);
    let mut play = |seed: u32, tell: &mut dyn FnMut(&str)| {
        tell(&format!(
            "{program} simulate --to {ADDRESS}:9997 --count 100 --rate 0 --odd 0 --seed {seed} >/dev/null 2>&1"
        ));
        running.events().several(100)
    };
    let before = play(1, &mut tell);
    assert_eq!(before[0]["sender"], ADDRESS);
    tell(&format!("ip addr del {ADDRESS}/32 dev lo"));
    // The simulator gives up datagrams that it cannot send now.
    tell(&format!(
        "{program} simulate --to {ADDRESS}:9997 --count 3 --rate 0 >/dev/null 2>&1"
    ));
    tell("ip link set lo down; ip link set lo up");
    tell(&format!("ip addr add {ADDRESS}/32 dev lo"));
    let after = play(1, &mut tell);
    let users = |events: &[serde_json::Value]| {
        let users = events.iter().map(|event| event["user"].clone());
        users.collect::<Vec<_>>()
    };
    assert_eq!(users(&before), users(&after));
    tell("kill $program; wait $program");
    drop(input);
    let (status, diagnostics) = running.wait();
    assert_eq!(status.code(), Some(0));
    let last = diagnostics.last().expect("a diagnostic");
    assert_eq!(
        (&last["message"], &last["datagrams"]),
        (&"stopped".into(), &200.into())
    );
}
