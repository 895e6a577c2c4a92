//! Text in a payload or a file that would control the terminal that shows it.

use crate::support::{Running, payload};

/// Every control character, line and paragraph separators, direction marks, quotes, and an escape sequence, in the user
/// id and in the message.
#[test]
fn json_is_one_line_whatever_the_payload_contains() {
    let mut program = Running::start(&[]);
    for character in (0..=0x9F_u8)
        .map(char::from)
        .chain("\u{ad}\u{2028}\u{2029}\u{202e}\u{2066}\u{feff}\u{fffd}\u{10ffff}\"\\".chars())
    {
        // `;` ends the field; line ends and NULs at the end of a datagram are not part of it.
        let user = if character == ';' {
            "ab".into()
        } else {
            format!("a{character}b")
        };
        let message = format!("c{character}\u{1b}[2Jd");
        let datagram = format!("/qseow-proxy-session/;n1;Start session;LAB;{user};;/hub;{message}");
        let event = program.event_of(&datagram);
        assert_eq!(event["user_id"], user, "{datagram:?}");
        assert_eq!(event["message"], message, "{datagram:?}");
        let garbage = format!("x{character}y");
        assert_eq!(program.event_of(&garbage)["raw"], garbage);
    }
    assert_eq!(program.events_so_far(), Vec::<serde_json::Value>::new());
    assert_eq!(program.event_of(payload::OPEN)["user_id"], "goran");
}
