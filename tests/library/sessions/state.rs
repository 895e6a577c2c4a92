//! The state as text: a damaged one is refused, whatever the damage is, and an old one is as good as a new one.

use proptest::prelude::*;
use qlik_sense_events::transform::{Sessions, sessions::StateError};

use super::{
    properties::{step, take},
    support::{CHROME, Followed, config, datagram, line, time},
};

/// A state with everything that a state can contain.
fn state() -> Vec<u8> {
    let mut followed = Followed::new(config());
    let script = [
        "start goran",
        "open goran app1 chrome",
        "open goran app2 chrome",
        "close goran app2",
        "start anna",
        "open anna app3 firefox",
        "stop anna",
        "start Jörgen",
    ];
    for step in script {
        followed.datagram(1.0, &datagram("n1", step));
    }
    let extended = format!(
        "/qlik-sense-connection/2/;n2;20260131T090000.000+0000;7;session-id;0;Open connection;LAB;\
         maria;AppAccess;/sales/hub;said; UserAgent: '{CHROME}'"
    );
    followed.datagram(2.0, extended.as_bytes());
    followed.sessions().state().flatten().collect()
}

fn read(text: &[u8]) -> Result<(u64, Sessions), StateError> {
    let sessions = Sessions::new(&config());
    let users = sessions.restore(&mut &*text, time(3.0));
    if users.is_err() {
        assert_eq!(sessions.open_sessions(time(3.0)), []);
    }
    users.map(|users| (users, sessions))
}

/// The content of a state, in no order, with times at reading, so that its lines can be compared.
fn said(sessions: &Sessions) -> Vec<String> {
    let mut said: Vec<String> = sessions
        .open_sessions(time(3.0))
        .iter()
        .map(|open| format!("{open:?}"))
        .collect();
    said.sort();
    said
}

#[test]
fn a_state_that_is_cut_anywhere_is_refused() {
    let whole = state();
    let (users, sessions) = read(&whole).expect("the state");
    assert_eq!((users, said(&sessions).len()), (4, 3));
    for length in 0..whole.len() - 1 {
        assert!(read(&whole[..length]).is_err(), "{length} bytes");
    }
    // Only the last line break is not part of the content.
    assert!(read(&whole[..whole.len() - 1]).is_ok());
}

#[test]
fn a_state_with_a_changed_byte_is_refused_or_says_the_same() {
    let whole = state();
    let expected = said(&read(&whole).expect("the state").1);
    let last_line = whole[..whole.len() - 1]
        .iter()
        .rposition(|byte| *byte == b'\n')
        .expect("lines");
    for place in 0..whole.len() {
        for change in [1, 0x20, 0x80] {
            let mut changed = whole.clone();
            changed[place] ^= change;
            match read(&changed) {
                Err(_) => {}
                // White space at the end of the last line.
                Ok((_, sessions)) => {
                    assert!(place > last_line, "byte {place}");
                    assert_eq!(said(&sessions), expected, "byte {place}");
                }
            }
        }
    }
}

#[test]
fn impossible_content_is_refused_despite_a_correct_checksum() {
    let whole = String::from_utf8(state()).expect("text");
    let rows = [
        ("\"number\":0", "\"number\":255"),
        ("\"session\":0", "\"session\":4"),
        ("\"origin\":0", "\"origin\":77"),
        ("\"users\":4", "\"users\":5"),
        ("00000000-0000-4000-8000-000000000001", "no guid"),
    ];
    for (from, to) in rows {
        assert!(whole.contains(from), "{from} is not in {whole}");
        let changed = sealed(&whole.replace(from, to));
        assert!(read(changed.as_bytes()).is_err(), "{to}");
    }
    // The checksum is computed as the program does.
    assert!(read(sealed(&whole).as_bytes()).is_ok());
}

/// The text with the checksum of its lines.
fn sealed(text: &str) -> String {
    let (lines, last) = text.trim_end().rsplit_once('\n').expect("lines");
    let lines = format!("{lines}\n");
    let sum = lines.bytes().fold(0xCBF2_9CE4_8422_2325_u64, |sum, byte| {
        (sum ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3)
    });
    let (beginning, _) = last.rsplit_once(':').expect("a checksum");
    format!("{lines}{beginning}:{sum}}}}}\n")
}

#[test]
fn another_version_is_reported() {
    let text = String::from_utf8(state()).expect("text");
    let text = text.replacen("\"version\":1", "\"more\":true,\"version\":2", 1);
    let error = read(text.as_bytes()).expect_err("refused");
    assert!(matches!(error, StateError::Version { found: 2 }), "{error}");
}

proptest! {
    /// After a crash the state is as old as its last writing. A user who did nothing since then is followed as if there
    /// had been no crash; nothing is negative, and everything ends.
    #[test]
    fn a_crash_costs_only_what_happened_since_the_state_was_written(
        steps in prop::collection::vec(step(), 2..80),
        (saved, crashed) in (0_usize..80, 0_usize..80),
    ) {
        let (saved, crashed) = (saved.min(crashed) % steps.len(), saved.max(crashed) % steps.len());
        let (saved, crashed) = (saved.min(crashed), saved.max(crashed));
        let (mut without, mut with) = (Followed::new(config()), Followed::new(config()));
        let (mut now, mut text) = (10.0, Vec::new());
        let mut busy = std::collections::HashSet::new();
        let mut compared = [Vec::new(), Vec::new()];
        for (number, step) in steps.iter().enumerate() {
            if number == saved {
                text = with.sessions().state().flatten().collect();
            }
            now += (step.passes.abs() + 101) as f64 / 1_000.0;
            if number == crashed {
                with = Followed::new(config());
                with.sessions().restore(&mut &*text, time(now)).expect("the state");
            }
            let [one, other] = [&mut without, &mut with].map(|followed| take(followed, step, now));
            for derived in &other {
                prop_assert!(!line(derived).contains("..-"), "{}", line(derived));
            }
            if (saved..crashed).contains(&number) {
                busy.extend(step.users());
                for derived in &one {
                    busy.insert((derived.subject.host.as_deref().unwrap_or_default().to_owned(), derived.subject.user_id.to_string()));
                }
            } else if number >= crashed {
                for (lines, derived) in compared.iter_mut().zip([one, other]) {
                    lines.extend(derived.iter().filter_map(|derived| {
                        let host = derived.subject.host.as_deref().unwrap_or_default().to_owned();
                        let user = (host, derived.subject.user_id.to_string());
                        (!busy.contains(&user)).then(|| format!("{number} {derived:?}"))
                    }));
                }
            }
        }
        for lines in &mut compared {
            lines.sort();
        }
        prop_assert_eq!(&compared[0], &compared[1]);
        for later in 1..4 {
            with.tick(now + 3.0 * 86_400.0 + f64::from(later));
        }
        prop_assert_eq!(with.sessions().open_sessions(time(now)), []);
    }
}
