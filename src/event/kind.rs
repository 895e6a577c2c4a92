//! What happened. A session starts and stops, a connection opens and closes; there is no third way
//! to combine them.

use crate::wire::Family;

/// What happened to a session: it starts at login and stops at logout or by inactivity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SessionAction {
    /// `Start session`.
    Start,
    /// `Stop session`. Logout and timeout are not told apart by Qlik.
    Stop,
    /// Another command than these, or none; its text is the event's `qlik_command`.
    Other,
}

/// What happened to a connection: an app open in a browser tab, or the socket of a mashup.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ConnectionAction {
    /// `Open connection`.
    Open,
    /// `Close connection`.
    Close,
    /// Another command than these, or none; its text is the event's `qlik_command`.
    Other,
}

/// The kind of a user event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Something happened to a session.
    Session(SessionAction),
    /// Something happened to a connection.
    Connection(ConnectionAction),
}

/// Qlik's words for what happened: the only place that knows them. They match without regard to case.
const COMMANDS: [(&str, Kind); 4] = [
    ("Start session", Kind::Session(SessionAction::Start)),
    ("Stop session", Kind::Session(SessionAction::Stop)),
    ("Open connection", Kind::Connection(ConnectionAction::Open)),
    (
        "Close connection",
        Kind::Connection(ConnectionAction::Close),
    ),
];

impl Kind {
    /// Every kind, in the order of [`Kind::index`].
    pub const ALL: [Self; 6] = [
        Self::Session(SessionAction::Start),
        Self::Session(SessionAction::Stop),
        Self::Session(SessionAction::Other),
        Self::Connection(ConnectionAction::Open),
        Self::Connection(ConnectionAction::Close),
        Self::Connection(ConnectionAction::Other),
    ];

    /// The place of this kind in [`Kind::ALL`].
    #[must_use]
    pub const fn index(self) -> usize {
        match self {
            Self::Session(SessionAction::Start) => 0,
            Self::Session(SessionAction::Stop) => 1,
            Self::Session(SessionAction::Other) => 2,
            Self::Connection(ConnectionAction::Open) => 3,
            Self::Connection(ConnectionAction::Close) => 4,
            Self::Connection(ConnectionAction::Other) => 5,
        }
    }

    /// The kind that a command means. The command decides, whatever the payload's type announces; the type
    /// is what is known where the command is another one or absent.
    ///
    /// Commands match without regard to case or surrounding white space.
    #[must_use]
    pub fn of(family: Family, command: Option<&str>) -> Self {
        let command = command.unwrap_or_default();
        // Nearly all are written so, which is sooner known than that they are not.
        let known = COMMANDS.iter().find(|(known, _)| *known == command);
        let known = known.or_else(|| {
            let command = command.trim();
            let mut commands = COMMANDS.iter();
            commands.find(|(known, _)| known.eq_ignore_ascii_case(command))
        });
        match (known, family) {
            (Some((_, kind)), _) => *kind,
            (None, Family::Session) => Self::Session(SessionAction::Other),
            (None, Family::Connection) => Self::Connection(ConnectionAction::Other),
        }
    }

    /// The value of the output's `event` field: `session` or `connection`.
    #[must_use]
    pub const fn event(self) -> &'static str {
        match self {
            Self::Session(_) => "session",
            Self::Connection(_) => "connection",
        }
    }

    /// Both in one word, `session_start`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Session(SessionAction::Start) => "session_start",
            Self::Session(SessionAction::Stop) => "session_stop",
            Self::Session(SessionAction::Other) => "session_other",
            Self::Connection(ConnectionAction::Open) => "connection_open",
            Self::Connection(ConnectionAction::Close) => "connection_close",
            Self::Connection(ConnectionAction::Other) => "connection_other",
        }
    }

    /// The value of the output's `action` field: `start`, `stop`, `open`, `close` or `other`.
    #[must_use]
    pub const fn action(self) -> &'static str {
        match self {
            Self::Session(SessionAction::Start) => "start",
            Self::Session(SessionAction::Stop) => "stop",
            Self::Connection(ConnectionAction::Open) => "open",
            Self::Connection(ConnectionAction::Close) => "close",
            Self::Session(SessionAction::Other) | Self::Connection(ConnectionAction::Other) => {
                "other"
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands() {
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
            let kind = Kind::of(family, Some(command));
            assert_eq!((kind.event(), kind.action()), (event, action), "{command}");
        }
        assert_eq!(
            Kind::of(Family::Session, None),
            Kind::Session(SessionAction::Other)
        );
    }

    #[test]
    fn indexes_are_places() {
        for (place, kind) in Kind::ALL.into_iter().enumerate() {
            assert_eq!(kind.index(), place);
            assert_eq!(kind.name(), format!("{}_{}", kind.event(), kind.action()));
        }
    }
}
