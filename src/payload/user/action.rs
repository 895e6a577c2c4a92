//! What happened. A session starts and stops, a connection opens and closes; no other combination exists.

use crate::payload::{EventKind, Family};

/// What happened to a session: it starts at login and stops at logout or after inactivity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SessionAction {
    /// `Start session`.
    Start,
    /// `Stop session`. Qlik does not distinguish between logout and timeout.
    Stop,
    /// Any other command, or none; its text is the event's `qlik_command`.
    Other,
}

/// What happened to a connection: an app open in a browser tab, or the socket of a mashup.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ConnectionAction {
    /// `Open connection`.
    Open,
    /// `Close connection`.
    Close,
    /// Any other command, or none; its text is the event's `qlik_command`.
    Other,
}

/// The only list of Qlik's commands. Case is ignored.
const COMMANDS: [(&str, EventKind); 4] = [
    ("Start session", EventKind::Session(SessionAction::Start)),
    ("Stop session", EventKind::Session(SessionAction::Stop)),
    (
        "Open connection",
        EventKind::Connection(ConnectionAction::Open),
    ),
    (
        "Close connection",
        EventKind::Connection(ConnectionAction::Close),
    ),
];

impl EventKind {
    /// The kind of a user event with this command. The command takes precedence over the family, which decides only if
    /// the command is unknown or absent.
    ///
    /// Case and surrounding white space are ignored.
    #[must_use]
    pub fn of_command(family: Family, command: Option<&str>) -> Self {
        let command = command.unwrap_or_default();
        // Nearly all commands are written this way, and this comparison is cheaper.
        let known = COMMANDS.iter().find(|(known, _)| *known == command);
        let known = known.or_else(|| {
            let command = command.trim();
            let mut commands = COMMANDS.iter();
            commands.find(|(known, _)| known.eq_ignore_ascii_case(command))
        });
        match (known, family) {
            (Some((_, kind)), _) => *kind,
            (None, Family::Connection) => EventKind::Connection(ConnectionAction::Other),
            (None, _) => EventKind::Session(SessionAction::Other),
        }
    }
}

impl SessionAction {
    /// The value of the output's `action` field: `start`, `stop` or `other`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Stop => "stop",
            Self::Other => "other",
        }
    }
}

impl ConnectionAction {
    /// The value of the output's `action` field: `open`, `close` or `other`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Close => "close",
            Self::Other => "other",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_decides_the_kind_of_event() {
        let rows = [
            (Family::Session, "Start session", "session", "start"),
            (Family::Session, "stop SESSION", "session", "stop"),
            (Family::Session, " Start session\t", "session", "start"),
            (Family::Session, "Startsession", "session", "other"),
            (Family::Session, "Open connection", "connection", "open"),
            (Family::Session, "close CONNECTION ", "connection", "close"),
            (Family::Connection, "Open connection", "connection", "open"),
            (
                Family::Connection,
                "CLOSE connection ",
                "connection",
                "close",
            ),
            (Family::Connection, "Start session", "session", "start"),
            (Family::Connection, "\tSTOP session", "session", "stop"),
            (Family::Connection, "Sync", "connection", "other"),
            (Family::Connection, "", "connection", "other"),
        ];
        for (family, command, event, action) in rows {
            let kind = EventKind::of_command(family, Some(command));
            let expected = (event, Some(action));
            assert_eq!((kind.event(), kind.action()), expected, "{command}");
        }
        assert_eq!(
            EventKind::of_command(Family::Session, None),
            EventKind::Session(SessionAction::Other)
        );
    }
}
