//! What goes wrong on the way: payloads that differ from Qlik's documentation.

use fastrand::Rng;

use super::chance::choose;
use super::damage::{blank, cut, fill_with_garbage, recode, windows_1252};
use super::datagram::{Datagram, UserKind};
use super::payload::{Action, Payload};

/// A way in which a datagram can be odd.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Odd {
    /// Fields without a value in log4net: `(null)`.
    NullFields,
    /// Empty fields.
    EmptyFields,
    /// `;` and `'` in the message.
    PunctuatedMessage,
    /// An exception directly after the message, with line breaks.
    MultilineMessage,
    /// Several events, one per line.
    Relay,
    /// A newline, a CRLF or a NUL at the end.
    TrailingLf,
    TrailingCrLf,
    TrailingNul,
    /// A byte order mark of UTF-8 at the beginning.
    ByteOrderMark,
    /// The ANSI code page of western Europe, with letters that are not valid UTF-8.
    Windows1252,
    /// The appender's encoding set to `unicode`.
    Utf16,
    /// The type tokens of appenders from before 2022.
    LegacyType,
    /// A command other than the four.
    UnknownCommand,
    /// Fewer fields than there should be.
    MissingFields,
    /// A type token of no known family.
    UnknownType,
    /// No bytes at all, or only a newline.
    Empty,
    /// Bytes from another program.
    Garbage,
}

impl Odd {
    pub(super) const ALL: [Self; 17] = [
        Self::NullFields,
        Self::EmptyFields,
        Self::PunctuatedMessage,
        Self::MultilineMessage,
        Self::Relay,
        Self::TrailingLf,
        Self::TrailingCrLf,
        Self::TrailingNul,
        Self::ByteOrderMark,
        Self::Windows1252,
        Self::Utf16,
        Self::LegacyType,
        Self::UnknownCommand,
        Self::MissingFields,
        Self::UnknownType,
        Self::Empty,
        Self::Garbage,
    ];

    pub(super) fn draw(rng: &mut Rng) -> Self {
        Self::ALL[rng.u32(0..Self::ALL.len() as u32) as usize]
    }

    /// Whether such a datagram is additional traffic, instead of an event of a session in an odd form.
    pub(super) fn is_extra(self) -> bool {
        matches!(
            self,
            Self::UnknownCommand
                | Self::MissingFields
                | Self::UnknownType
                | Self::Empty
                | Self::Garbage
        )
    }

    /// Whether such a datagram has a row number if the extended appender is simulated. The others come from an old
    /// appender or another program, or are cut before it.
    pub(super) fn has_row(self) -> bool {
        !matches!(
            self,
            Self::LegacyType
                | Self::MissingFields
                | Self::UnknownType
                | Self::Empty
                | Self::Garbage
        )
    }

    /// Appends an odd version of `payload` to `datagram` and returns its content; `truth` is the content of `payload`.
    pub(super) fn write(
        self,
        mut payload: Payload<'_>,
        truth: Datagram,
        action: Action,
        rng: &mut Rng,
        datagram: &mut Vec<u8>,
    ) -> Datagram {
        let mut user = None;
        match self {
            Self::NullFields => user = blank(&mut payload, "(null)", rng),
            Self::EmptyFields => user = blank(&mut payload, "", rng),
            Self::PunctuatedMessage => payload.note = choose(rng, &NOTES),
            Self::MultilineMessage => payload.exception = choose(rng, &EXCEPTIONS),
            Self::ByteOrderMark => datagram.extend_from_slice(b"\xEF\xBB\xBF"),
            Self::Windows1252 => {
                payload.directory = "LAB";
                payload.user_id = choose(rng, &["Jörgen", "José", "Zoë Müller", "D'Arcy Núñez"]);
                user = Some(UserKind::Person);
                // The event belongs to the session of another user.
                if let Some(extension) = &mut payload.extension {
                    extension.session_id = "(null)";
                }
            }
            Self::LegacyType => {
                payload.extension = None;
                payload.type_token = action.legacy_type_token();
            }
            Self::UnknownCommand => payload.command = action.unknown().command(),
            Self::UnknownType => payload.type_token = choose(rng, &UNKNOWN_TYPES),
            _ => {}
        }

        payload.write(datagram);

        match self {
            Self::TrailingLf => datagram.push(b'\n'),
            Self::TrailingCrLf => datagram.extend_from_slice(b"\r\n"),
            Self::TrailingNul => datagram.push(0),
            Self::Windows1252 => recode(datagram, |text, bytes| {
                bytes.extend(text.chars().map(windows_1252));
            }),
            Self::Utf16 => recode(datagram, |text, bytes| {
                bytes.extend(text.encode_utf16().flat_map(u16::to_le_bytes));
            }),
            Self::MissingFields => cut(datagram, 8, rng),
            Self::Empty => {
                datagram.clear();
                datagram.extend_from_slice(choose(rng, &["", "", "\n", "\r\n"]).as_bytes());
            }
            Self::Garbage => fill_with_garbage(datagram, rng),
            _ => {}
        }

        match self {
            Self::UnknownCommand => truth.with_action(action.unknown()),
            Self::MissingFields => Datagram::Undecoded {
                code: "missing_field",
            },
            Self::UnknownType | Self::Garbage => Datagram::Undecoded {
                code: "unknown_type",
            },
            Self::Empty => Datagram::Undecoded { code: "empty" },
            _ => match user {
                Some(user) => truth.with_user(user),
                None => truth,
            },
        }
    }
}

const NOTES: [&str; 4] = [
    "; note: 'first;second'",
    " in Goran's tab; reason: it's been reloaded",
    ";;'';",
    " (attempt 2; 'retry')",
];

/// As log4net writes them: without a line break before them, but with one after them.
const EXCEPTIONS: [&str; 3] = [
    "System.Net.WebSockets.WebSocketException (0x80004005): The remote party went away\r\n   at Example.Proxy.Relay()\r\n",
    "System.TimeoutException: No answer; gave up after 30 s\r\n   at Example.Proxy.Wait(TimeSpan limit)\r\n   at Example.Proxy.Run()\r\n",
    "System.IO.IOException: 'Broken pipe' ---> System.Net.Sockets.SocketException: Reset\r\n   --- End of inner exception stack trace ---\r\n",
];

const UNKNOWN_TYPES: [&str; 4] = [
    "/qseow-portal-session/",
    "/proxy-sessions/",
    "qseow-proxy-session",
    "//",
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::ConnectionAction;

    const ACTION: Action = Action::Connection(ConnectionAction::Close);
    const TRUTH: Datagram = Datagram::Connection {
        action: ConnectionAction::Close,
        user: UserKind::ServiceAccount,
    };

    /// Two hundred datagrams of one kind, with their contents.
    fn written(odd: Odd) -> Vec<(Vec<u8>, Datagram)> {
        let payload = Payload {
            type_token: ACTION.type_token(),
            host: "pro2-win1",
            extension: None,
            command: ACTION.command(),
            directory: "INTERNAL",
            user_id: "sa_api",
            origin: "AppAccess",
            context: "/app/engineData",
            message: ACTION.message(),
            note: "",
            user_agent: None,
            exception: "",
        };
        let mut rng = Rng::with_seed(1);
        (0..200)
            .map(|_| {
                let mut datagram = Vec::new();
                let truth = odd.write(payload, TRUTH, ACTION, &mut rng, &mut datagram);
                (datagram, truth)
            })
            .collect()
    }

    fn has(datagram: &[u8], part: &[u8]) -> bool {
        datagram.windows(part.len()).any(|window| window == part)
    }

    #[test]
    fn each_kind_is_odd_in_its_own_way() {
        for odd in Odd::ALL {
            for (datagram, _) in written(odd) {
                let is_odd = match odd {
                    Odd::NullFields => has(&datagram, b";(null);"),
                    Odd::EmptyFields => has(&datagram, b";;"),
                    Odd::PunctuatedMessage => {
                        has(&datagram, b"'")
                            && datagram.iter().filter(|&&byte| byte == b';').count() > 7
                    }
                    Odd::MultilineMessage => has(&datagram, b"sessionSystem."),
                    // The site combines the lines.
                    Odd::Relay => true,
                    Odd::TrailingLf => datagram.ends_with(b"session\n"),
                    Odd::TrailingCrLf => datagram.ends_with(b"session\r\n"),
                    Odd::TrailingNul => datagram.ends_with(b"session\0"),
                    Odd::ByteOrderMark => datagram.starts_with(b"\xEF\xBB\xBF/qseow"),
                    Odd::Windows1252 => {
                        std::str::from_utf8(&datagram).is_err() && has(&datagram, b";LAB;")
                    }
                    Odd::Utf16 => datagram.starts_with(b"/\0q\0s\0e\0") && datagram.len() % 2 == 0,
                    Odd::LegacyType => datagram.starts_with(b"/proxy-connection/;"),
                    Odd::UnknownCommand => has(&datagram, b";Sync connection;"),
                    Odd::MissingFields => datagram.iter().filter(|&&byte| byte == b';').count() < 7,
                    Odd::UnknownType => !datagram.starts_with(b"/qseow-proxy-connection/;"),
                    Odd::Empty => datagram.trim_ascii().is_empty(),
                    Odd::Garbage => std::str::from_utf8(&datagram).is_err(),
                };
                assert!(is_odd, "{odd:?}: {}", datagram.escape_ascii());
            }
        }
    }

    #[test]
    fn the_truth_describes_the_odd_datagram() {
        for (datagram, truth) in written(Odd::NullFields) {
            let unnamed = !has(&datagram, b";INTERNAL;sa_api;");
            let expected = if unnamed {
                TRUTH.with_user(UserKind::Unnamed)
            } else {
                TRUTH
            };
            assert_eq!(truth, expected, "{}", datagram.escape_ascii());
        }
        for (_, truth) in written(Odd::UnknownCommand) {
            let expected = Datagram::Connection {
                action: ConnectionAction::Other,
                user: UserKind::ServiceAccount,
            };
            assert_eq!(truth, expected);
        }
        for (odd, code) in [
            (Odd::MissingFields, "missing_field"),
            (Odd::UnknownType, "unknown_type"),
            (Odd::Empty, "empty"),
            (Odd::Garbage, "unknown_type"),
        ] {
            for (_, truth) in written(odd) {
                assert_eq!(truth, Datagram::Undecoded { code });
            }
        }
        for (_, truth) in written(Odd::Utf16) {
            assert_eq!(truth, TRUTH);
        }
    }

    #[test]
    fn any_field_but_the_type_can_be_missing() {
        let kept: std::collections::BTreeSet<usize> = written(Odd::MissingFields)
            .iter()
            .map(|(datagram, _)| datagram.split(|&byte| byte == b';').count())
            .collect();
        assert!(kept.into_iter().eq(1..=7));
    }
}
