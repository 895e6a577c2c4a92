//! The families of payloads that Qlik Sense sends, and the one list that maps their type tokens to their parsers.

use memchr::memchr;
use serde::{Deserialize, Serialize};

use super::{
    DecodeError, Payload, UserAgentCache, log, performance,
    split::SEPARATOR,
    syslog::{LONGEST_HEADER, after_header},
    task, user,
};

/// The group of payloads that a type token identifies: the kind of rows that an appender of Qlik Sense sends. One
/// appender sends one family, so this distinguishes the appenders of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Family {
    /// Sessions of users: `/qseow-proxy-session/`, `/proxy-session/` of appenders from 2021, or
    /// `/qlik-sense-session/2/` of the extended appender.
    Session,
    /// Connections of users: `/qseow-proxy-connection/`, `/proxy-connection/` of appenders from 2021, or
    /// `/qlik-sense-connection/2/` of the extended appender.
    Connection,
    /// The log of the engine: `/qseow-engine/`.
    Engine,
    /// The log of the proxy: `/qseow-proxy/`.
    Proxy,
    /// The log of the repository: `/qseow-repository/`.
    Repository,
    /// The log of the scheduler: `/qseow-scheduler/`.
    Scheduler,
    /// The requests that the engine served, for whom and at what cost: `/qseow-qix-perf/`.
    Performance,
    /// The outcome of tasks: `/scheduler-task-failed/` and a token for each other outcome, of old and new appenders.
    Task,
}

impl Family {
    /// Every family.
    pub const ALL: &'static [Self] = &[
        Self::Session,
        Self::Connection,
        Self::Engine,
        Self::Proxy,
        Self::Repository,
        Self::Scheduler,
        Self::Performance,
        Self::Task,
    ];

    /// Butler SOS's name for the sender, which is the type token without slashes: `qseow-proxy-session`. Appenders of
    /// task events have one token per outcome; all of them are `scheduler-task`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Session => "qseow-proxy-session",
            Self::Connection => "qseow-proxy-connection",
            Self::Engine => "qseow-engine",
            Self::Proxy => "qseow-proxy",
            Self::Repository => "qseow-repository",
            Self::Scheduler => "qseow-scheduler",
            Self::Performance => "qseow-qix-perf",
            Self::Task => "scheduler-task",
        }
    }

    /// The name of its events in the output.
    #[must_use]
    #[inline]
    pub const fn event_name(self) -> EventName {
        match self {
            Self::Session => EventName::Session,
            Self::Connection => EventName::Connection,
            Self::Engine | Self::Proxy | Self::Repository | Self::Scheduler => EventName::Log,
            Self::Performance => EventName::Performance,
            Self::Task => EventName::Task,
        }
    }
}

/// The name of a family's events in the output's `event` field. Several families may share a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum EventName {
    /// Something happened to a user's session.
    Session,
    /// Something happened to a user's connection.
    Connection,
    /// A service has logged something.
    Log,
    /// The engine served a request.
    Performance,
    /// A task of the scheduler has ended, or is about to.
    Task,
}

impl EventName {
    /// Every name.
    pub const ALL: &'static [Self] = &[
        Self::Session,
        Self::Connection,
        Self::Log,
        Self::Performance,
        Self::Task,
    ];

    /// The name in options and in the output, for example `session`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::Connection => "connection",
            Self::Log => "log",
            Self::Performance => "performance",
            Self::Task => "task",
        }
    }
}

/// Reads the text after a type token, starting at its `;`. The first argument is the whole text of the event, which the
/// fields are slices of.
pub(super) type Read = fn(&str, &str, &UserAgentCache) -> Result<Payload, DecodeError>;

/// A type token and the parser for the rest.
pub(super) struct Token {
    pub(super) text: &'static str,
    pub(super) read: Read,
}

/// Every type token, grouped by the folder of its parser. Case is ignored.
const FAMILIES: [&[Token]; 4] = [user::TOKENS, log::TOKENS, performance::TOKENS, task::TOKENS];

impl Token {
    /// The entry of a token, given its text.
    pub(super) fn find(text: &[u8]) -> Option<&'static Self> {
        for tokens in FAMILIES {
            for token in tokens {
                let known = token.text.as_bytes();
                if known.len() == text.len() && (known == text || known.eq_ignore_ascii_case(text))
                {
                    return Some(token);
                }
            }
        }
        None
    }
}

/// Whether an event starts here: a known type token and its `;`, optionally after a syslog header.
pub(crate) fn starts_event(bytes: &[u8]) -> bool {
    starts_with_token(after_header(bytes).unwrap_or(bytes))
}

fn starts_with_token(bytes: &[u8]) -> bool {
    let head = &bytes[..bytes.len().min(LONGEST_TOKEN)];
    memchr(SEPARATOR, head).is_some_and(|end| Token::find(&head[..end]).is_some())
}

/// Skips a syslog header before a known token. An unknown payload keeps its header, so that all of it is shown.
pub(super) fn without_header(text: &str) -> &str {
    // This check is cheaper than the call.
    if !text.as_bytes().starts_with(b"<") {
        return text;
    }
    match after_header(text.as_bytes()) {
        Some(rest) if starts_with_token(rest) => &text[text.len() - rest.len()..],
        _ => text,
    }
}

/// The length of the longest start of an event that [`starts_event`] recognises, in bytes.
pub(crate) const LONGEST_START: usize = LONGEST_HEADER + LONGEST_TOKEN;

/// The length of the longest type token and its `;`, in bytes.
const LONGEST_TOKEN: usize = {
    let (mut longest, mut family) = (0, 0);
    while family < FAMILIES.len() {
        let mut token = 0;
        while token < FAMILIES[family].len() {
            if FAMILIES[family][token].text.len() > longest {
                longest = FAMILIES[family][token].text.len();
            }
            token += 1;
        }
        family += 1;
    }
    longest + 1
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_token_is_one_of_them() {
        assert_eq!(LONGEST_TOKEN, "/scheduler-externalprogram-success/;".len());
    }

    #[test]
    fn no_two_tokens_are_the_same() {
        let tokens: Vec<&str> = FAMILIES.into_iter().flatten().map(|it| it.text).collect();
        for (place, token) in tokens.iter().enumerate() {
            assert!(!tokens[..place].contains(token), "{token}");
            assert!(starts_event(
                format!("{};", token.to_uppercase()).as_bytes()
            ));
            assert!(!starts_event(format!("{token} ;").as_bytes()));
        }
    }
}
